"""Set-up on machines that lack things: everything it calls is a stand-in, so nothing is downloaded."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ["bash", "cat", "cut", "dirname", "mkdir", "mv", "rm", "sha256sum", "tail", "flock", "env", "touch", "cp"]

PYTHON = """#!/bin/sh
case "$1" in
  --version) echo Python 3.12.1 ;;
  -) echo "$0" ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >>"$CALLS"
case "$1 $2" in
  "--version "*) echo uv 1.0 ;;
  "venv "*) mkdir -p .venv/bin && cp "$4" .venv/bin/python ;;
  "pip install") [ ! -e broken ] ;;
  *) exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """A clone, and a PATH that holds a few commands and nothing else."""

    clone: Path
    path: Path

    def add(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.clone / "tools" / "bootstrap", *arguments],
            env={"PATH": str(self.path), "CALLS": str(self.path / "calls")},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """The calls of uv since this was asked last."""
        file = self.path / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if "--version" not in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    clone, path = tmp_path / "a clone", tmp_path / "bin"
    (clone / "tools").mkdir(parents=True)
    path.mkdir()
    shutil.copy(ROOT / "tools" / "bootstrap", clone / "tools")
    for name in ("requirements.txt", "pyproject.toml"):
        (clone / name).write_text("")
    for name in COMMANDS:
        found = shutil.which(name)
        if found:
            (path / name).symlink_to(found)
    return Machine(clone, path)


def fails_with_one_sentence(machine: Machine) -> str:
    ended = machine.set_up()
    assert ended.returncode == 1
    assert not (machine.clone / ".venv").exists()
    *_, last = ended.stderr.splitlines()
    assert last.startswith("error: Basalt needs Python 3.11 to 3.13: this machine has none")
    assert ended.stderr.count("error:") == 1
    return last


def no_python(machine: Machine) -> None:
    pass


def shims_without_a_python(machine: Machine) -> None:
    for name in ("python3.12", "python3", "python"):
        machine.add(name, "#!/bin/sh\necho 'pyenv: version 3.12 is not installed' >&2\nexit 127\n")


def python_without_pip(machine: Machine) -> None:
    machine.add("python3", '#!/bin/sh\ncase "$1" in -c) echo "$0" ;; *) exit 1 ;; esac\n')


@pytest.mark.parametrize("lacking", [no_python, shims_without_a_python, python_without_pip])
def test_without_python_and_pip_it_says_what_is_missing_and_how_to_get_it(
    machine: Machine, lacking: Callable[[Machine], None]
) -> None:
    lacking(machine)
    said = fails_with_one_sentence(machine)
    assert "apt-get install python3 python3-pip" in said
    assert "pyenv install 3.12" in said


def test_where_uv_cannot_download_a_python_it_says_so(machine: Machine) -> None:
    machine.add("uv", UV)
    assert "uv could not download one" in fails_with_one_sentence(machine)
    assert "uv python install --no-bin 3.12" in machine.calls()


def test_sets_up_once_and_again_only_when_something_changed(machine: Machine) -> None:
    machine.add("uv", UV)
    machine.add("python3.12", PYTHON)
    first = machine.set_up()
    assert first.returncode == 0, first.stderr
    venv, install, basalt = machine.calls()
    assert venv.startswith("uv venv")
    assert "--require-hashes --compile-bytecode -r requirements.txt" in install
    assert basalt.endswith("--no-deps --no-build-isolation -e .")
    assert not (machine.clone / ".venv" / "basalt-unfinished").exists()

    again = machine.set_up()
    assert (again.returncode, again.stdout, again.stderr, machine.calls()) == (0, "", "", [])

    (machine.clone / "requirements.txt").write_text("a==1")
    assert machine.set_up().returncode == 0
    assert len(machine.calls()) == 2  # both installs, into the same .venv


def test_an_interrupted_set_up_starts_from_an_empty_environment(machine: Machine) -> None:
    machine.add("uv", UV)
    machine.add("python3.12", PYTHON)
    assert machine.set_up().returncode == 0
    for name in ("basalt-unfinished", "half-installed"):
        (machine.clone / ".venv" / name).write_text("")
    (machine.clone / ".venv" / "basalt-stamp").unlink()
    machine.calls()
    assert machine.set_up().returncode == 0
    assert len(machine.calls()) == 3
    assert not (machine.clone / ".venv" / "half-installed").exists()


def test_the_systems_own_python_is_taken_where_the_best_one_is_not_there(machine: Machine) -> None:
    machine.add("uv", UV)
    machine.add("python3", PYTHON.replace("3.12.1", "3.11.2"))
    ended = machine.set_up()
    assert ended.returncode == 0, ended.stderr
    assert "with Python 3.11.2" in ended.stderr
    assert not any("python install" in call for call in machine.calls())
    assert (machine.set_up().stderr, machine.calls()) == ("", [])


def test_another_python_has_a_folder_of_its_own(machine: Machine) -> None:
    machine.add("uv", UV.replace(".venv/", ".venv-3.13/"))
    machine.add("python3.13", PYTHON.replace("3.12.1", "3.13.0"))
    ended = machine.set_up("3.13")
    assert ended.returncode == 0, ended.stderr
    assert (machine.clone / ".venv-3.13" / "basalt-stamp").exists()
    assert not (machine.clone / ".venv").exists()


def test_a_moved_clone_is_set_up_again(machine: Machine, tmp_path: Path) -> None:
    machine.add("uv", UV)
    machine.add("python3.12", PYTHON)
    assert machine.set_up().returncode == 0
    machine.calls()
    moved = Machine(machine.clone.rename(tmp_path / "moved"), machine.path)
    assert moved.set_up().returncode == 0
    assert len(machine.calls()) == 3


def test_a_failed_installation_is_not_taken_for_a_finished_one(machine: Machine) -> None:
    machine.add("uv", UV)
    machine.add("python3.12", PYTHON)
    (machine.clone / "broken").write_text("")
    ended = machine.set_up()
    assert ended.returncode == 1
    assert "uv could not install everything" in ended.stderr  # pip is tried, and this machine has none
    assert ended.stderr.splitlines()[-1].startswith("error: The packages of requirements.txt could not be installed")
    assert not (machine.clone / ".venv" / "basalt-stamp").exists()
    (machine.clone / "broken").unlink()
    assert machine.set_up().returncode == 0


@pytest.mark.parametrize("lock", ["requirements.txt", "tools/uv.txt"])
def test_the_locks_name_no_index_and_pin_every_package_by_hash(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index" not in text.splitlines()[1]
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert packages
    for line in packages:
        assert "==" in line
        assert line.endswith("\\"), f"{line} has no hash"
        for always in ("'3.14'", "'3.11'", "and sys_platform == 'linux' \\"):
            assert always not in line or lock != "requirements.txt", f"another Python would skip {line}"
