"""The wheel holds the whole house, and works away from the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from basalt.convert import netx
from tests.conformance.grid import case
from tests.test_house import ROOMS, ROOT

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
NOT_SHIPPED = {".pyc", ".svg", ".md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is made of, and unpacked."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / room, copy / room, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=copy, capture_output=True, timeout=120, check=True)
    (found,) = out.glob("basalt-*.whl")
    with zipfile.ZipFile(found) as archive:
        archive.extractall(out / "unpacked")
    return out / "unpacked"


def test_every_file_of_the_house_is_in_it(wheel):
    house = {
        Path(*([] if room == "basalt" else ["basalt"]), path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED and "__pycache__" not in path.parts
    }
    there = {path.relative_to(wheel) for path in (wheel / "basalt").rglob("*") if path.is_file()}
    assert there == house
    assert {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"} == {"basalt"}


def test_commands_beside_a_users_own_files(wheel, tmp_path):
    """`-S` hides the checkout, which is installed here."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    for name in ("train.py", "convert.py", "deploy/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('a user wrote this')\n")
    found = case(4)
    netx.write(tmp_path / "model.net", found.network)
    np.savez(tmp_path / "test.npz", spikes=found.spikes)

    def basalt(*arguments):
        ended = subprocess.run(
            [sys.executable, "-S", "-W", "ignore", "-m", "basalt.cli", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": ":".join([str(wheel), *packages]), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    listed = basalt("list")
    assert all(name in listed for name in ("dmp_digits", "compiled", "speech", "textbook-45nm"))
    assert "Report: out/report.html" in basalt("run", "model.net", "-o", "out")
    assert "textbook-45nm: " in basalt("price", "out")
