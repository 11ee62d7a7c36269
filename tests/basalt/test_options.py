"""Options that are the fields of dataclasses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from basalt.options import opened


@dataclass(frozen=True)
class Own:
    """Options of a command alone."""

    file: Annotated[Path, typer.Argument(help="A file.")]
    table: Annotated[list[str] | None, typer.Option(help="Tables.")] = None


@dataclass(frozen=True)
class Shared:
    """Options of several commands."""

    quick: Annotated[bool, typer.Option("--quick", help="Quick.")] = False
    set_: Annotated[str, typer.Option("--set", help="A key.")] = "none"


SEEN: list[tuple[Own, Shared]] = []


@opened
def command(own: Own, shared: Shared) -> None:
    """Do it."""
    SEEN.append((own, shared))


app = typer.Typer()
app.command()(command)


@pytest.mark.parametrize(
    ("arguments", "own", "shared"),
    [
        (["a"], Own(Path("a")), Shared()),
        (["a", "--table", "x", "--table", "y", "--quick"], Own(Path("a"), ["x", "y"]), Shared(True)),
        (["--set", "k=1", "b"], Own(Path("b")), Shared(set_="k=1")),
    ],
)
def test_a_command_gets_its_options_as_objects(arguments, own, shared):
    SEEN.clear()
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert [(own, shared)] == SEEN


def test_help_has_every_field_and_the_text_of_the_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(word in shown for word in ("Do it.", "--table", "--quick", "--set"))


def test_a_command_is_also_called_by_name():
    SEEN.clear()
    command(Path("a"), quick=True)
    assert [(Own(Path("a")), Shared(True))] == SEEN
    with pytest.raises(TypeError, match="file"):
        command()
