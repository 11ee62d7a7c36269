"""Output that nobody takes ends no work; where it is all that a command gives, its loss is reported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
import sys, typer
from pathlib import Path
from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.files import write_json
app = typer.Typer()
@app.command()
def work(file: str, times: int):
    if file == "fail":
        raise BasaltError("It failed.")
    if file != "none":
        write_json(Path(file), [1])
    print("result" * times)
    print("diagnosis", file=sys.stderr)
run_app(app)
"""


def shell(line: str, file: str, times: int = 1) -> subprocess.CompletedProcess[str]:
    """Run the command above as "$@" in a line of bash."""
    command = ["bash", "-c", line, "bash", sys.executable, "-c", COMMAND, file, str(times)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ('"$@" > /dev/full', True),
        ('"$@" > /dev/full 2>&1', True),
        ('"$@" 2> /dev/full', False),
        ('"$@" >&-', False),
        ('"$@" 2>&-', False),
        ('"$@" <&- >&- 2>&-', False),
        ('set -o pipefail; "$@" | true', False),
    ],
)
def test_work_is_done_though_nobody_listens(line: str, lost: bool, tmp_path: Path) -> None:
    """Results in files are whole, and nothing else comes to lie in them; without any, what is lost is a failure."""
    result = tmp_path / "result.json"
    ended = shell(line, str(result), 100_000)
    assert (ended.returncode, result.read_text()) == (0, "[\n  1\n]\n")
    assert "Traceback" not in ended.stderr
    assert ("the files are whole" in ended.stderr) == (lost and "2>" not in line)
    assert shell(line, "none").returncode == int(lost)
    assert shell(line, "fail").returncode == 1


def test_what_can_be_written_is() -> None:
    ended = shell('"$@"', "none")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "result\n", "diagnosis\n")
    full = shell('"$@" > /dev/full', "none").stderr
    assert full.endswith("(No space left on device): what was printed is incomplete; send it elsewhere.\n")


def test_a_pipe_that_does_not_block() -> None:
    """Waited for: everything arrives."""
    code = f"import os, sys; os.set_blocking(1, False)\nsys.argv = ['x', 'none', '200000']\n{COMMAND}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    shown, _ = process.communicate(timeout=60)
    assert (process.returncode, len(shown)) == (0, 1_200_001)
