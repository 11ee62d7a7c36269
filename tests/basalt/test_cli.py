"""The command line: it starts light, teaches, and ends as a user expects."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from basalt import __version__
from basalt.cli import COMMANDS, Command, build, run_app
from basalt.errors import BasaltError

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "lava", "numba", "numpy", "scipy", "h5py", "plotly", "matplotlib", "pydantic")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the command line in this process; returns what it printed."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(build(), arguments)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, json; sys.argv = ['basalt', '--help']\n"
        "from basalt.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "training to a running, priced deployment" in ended.stdout
    assert json.loads(ended.stdout.splitlines()[-1]) == []


def test_help_lists_every_command(run: Callable[..., str]) -> None:
    shown = run("--help")
    for command in COMMANDS:
        first = command.name.split()[0]
        assert re.search(rf"^\W*{first}\b", shown, re.MULTILINE), command.name


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_examples_in_the_help_use_options_that_exist(command: Command, run: Callable[..., str]) -> None:
    name = command.name.split()
    shown = run(*name, "--help")
    options, examples = shown.split("Examples:")
    for example in command.examples:
        assert example in examples
        assert example.split()[: 1 + len(name)] == ["basalt", *name]
        for option in re.findall(r"--[a-z-]+", example):
            assert re.search(rf"{option}\b", options), option


def test_version(run: Callable[..., str]) -> None:
    assert run("--version") == f"basalt {__version__}\n"
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def raising(error: BaseException) -> typer.Typer:
    """An application whose only command raises `error`."""
    app = typer.Typer()

    @app.command()
    def command() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "last_line", "traceback"),
    [
        (BasaltError("No run found: train one."), 1, "error: No run found: train one.", False),
        (ZeroDivisionError("oh"), 1, "This is a defect in Basalt: please report it", True),
        (MemoryError("Unable to allocate 74.5 GiB"), 1, "error: There is not enough memory (Unable to", False),
        (RuntimeError("CUDA out of memory. Tried to\nmuch"), 1, "error: There is not enough memory (CUDA out", False),
        (RuntimeError("oh"), 1, "This is a defect in Basalt: please report it", True),
        (KeyboardInterrupt(), 130, "Stopped.", False),
        (typer.Exit(3), 3, "", False),
    ],
)
def test_how_a_command_ends(
    error: BaseException,
    code: int,
    last_line: str,
    traceback: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.delenv("BASALT_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended:
        run_app(raising(error))
    printed = capsys.readouterr()
    assert ended.value.code == code
    assert printed.out == ""
    assert (printed.err.splitlines() or [""])[-1].startswith(last_line)
    assert ("Traceback" in printed.err) is traceback


def test_debug_shows_where_an_error_came_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setenv("BASALT_DEBUG", "1")
    with pytest.raises(SystemExit):
        run_app(raising(BasaltError("No run found.")))
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("error: No run found.\n")


@pytest.mark.parametrize("script", ["train/main.py", "convert/export.py", "deploy/main.py"])
def test_scripts_work_from_any_folder_without_being_installed(script: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / script), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert "Usage:" in ended.stdout


def test_a_missing_file_is_one_sentence_from_the_console_script(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "basalt.cli", "run", str(tmp_path / "absent.net")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert "absent.net" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
