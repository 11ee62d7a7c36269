"""Nothing that a file says acts on a terminal."""

import io
import re
from pathlib import Path

import pytest
from rich.table import Table

from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.shown import MESSAGE_LONGEST, console, say, shown

ACTS = "\x1b[31m\x07\r\n\t\x00\x9b\u202e\u200b\u2028\ufeff\U000e0041\udcff"


def test_what_acts_is_escaped_and_the_rest_is_not():
    assert shown("a µ × ∑ é 漢 1–2 … €") == "a µ × ∑ é 漢 1–2 … €"
    assert shown(ACTS).isascii() and shown(ACTS).isprintable()
    assert shown("\x1b[1m") == "\\x1b[1m"
    assert shown("a\nb", keep="\n") == "a\nb"


def test_long_values_are_cut_in_their_middle():
    cut = shown("a" * 5000 + "z" * 5000, 100)
    assert len(cut) == 100 and cut[0] == "a" and cut[-1] == "z" and "…" in cut


def test_errors_are_one_line_of_a_limited_length(capsys):
    """Whatever they quote; what to do about them stays."""

    def fail() -> None:
        raise BasaltError("The name " + ACTS + "x" * 9000 + " is none; name another.")

    with pytest.raises(SystemExit):
        run_app(fail)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.rstrip().endswith("name another.") and said[:-1].isprintable()
    assert len(said) < MESSAGE_LONGEST + 100


def test_the_terminal_shows_markup_and_escapes_as_they_are():
    """In lines, in tables, in their titles and headers."""
    out = io.StringIO()
    room = console(file=out, width=300, force_terminal=False)
    text = "[bold]x[/bold] [/nothing] :smile: " + ACTS
    room.print(text, style="yellow")
    table = Table("head", text, title=text)
    table.add_row(text, "b")
    room.print(table)
    said = out.getvalue()
    assert said.count("[bold]x[/bold] [/nothing] :smile: \\x1b[31m") == 4
    assert all(letter == "\n" or letter.isprintable() for letter in said)


def test_a_line_that_is_said_shows_what_it_repeats(capsys):
    say("Wrote " + ACTS)
    say("There is no " + ACTS, err=True)
    found = capsys.readouterr()
    for line in (found.out, found.err):
        assert line.endswith("\n") and line[:-1].isascii() and line[:-1].isprintable()


PACKAGES = ("basalt", "convert", "deploy", "lava_procs", "study", "train")
PLAIN = ("shown.py",)
"""Modules that print what `say` and `console` have made harmless."""


def test_no_module_prints_past_them():
    """`typer.echo` is for JSON, which escapes, and Basalt's own version; rich's own terminals show markup."""
    root = Path(__file__).resolve().parents[2]
    echo = r'typer\.echo\((?!dumps\(|f"basalt \{__version__\}"\))'
    raw = re.compile(echo + r"|\bConsole\((?!quiet=True\)|file=io\.)")
    found = {
        f"{path.relative_to(root)}: {match[0]}"
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
        if path.name not in PLAIN
        for match in raw.finditer(path.read_text(encoding="utf-8"))
    }
    assert not found
