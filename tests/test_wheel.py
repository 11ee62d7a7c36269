"""The wheel holds the whole house, and works away from the checkout."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from basalt.convert import netx
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.synapses import Spiking
from tests.conformance.grid import case
from tests.test_house import ROOMS, ROOT

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
NOT_SHIPPED = {".pyc", ".svg", ".md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is made of, and unpacked."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for room in (*ROOMS, "models"):
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
    models = {path for path in there if path.parts[1] == "models"}
    assert there - models == {path for path in house if path.parts[1] != "models"}
    names = {path.parts[2] for path in models if path.name == "model.net"}
    assert names == {path.parts[2] for path in models if path.name == "test.npz"}
    assert len(names) == 4 and "spoken_dmp_s1" in names
    assert {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"} == {"basalt"}


def needed(names: list[str]) -> set[str]:
    """Distributions, and all that they need here."""
    found: set[str] = set()
    while names:
        line = Requirement(names.pop())
        name = canonicalize_name(line.name)
        if name not in found and (line.marker is None or line.marker.evaluate({"extra": ""})):
            found.add(name)
            names += distribution(name).requires or []
    return found


@pytest.fixture(scope="module")
def slim(wheel, tmp_path_factory):
    """An installation of the wheel with what it declares, and nothing else: links to what is installed here."""
    (about,) = wheel.glob("basalt-*.dist-info")
    place = tmp_path_factory.mktemp("slim")
    for entry in (wheel / "basalt", about):
        (place / entry.name).symlink_to(entry)
    for name in needed(PathDistribution(about).requires or []) - {"basalt"}:
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (place / top).exists():
                (place / top).symlink_to(distribution(name).locate_file(top))
    return place


NINE_LINES = """
import sys
import basalt, numpy as np
net = basalt.read("model.net"); print(net)
data = np.load("test.npz"); result = net.run(data["spikes"], backend="compiled")
bill = result.price(); print(bill["near-memory-22nm"].joule)
assert net.verify(data["spikes"]); result.report("report.html")
with net.start(batch=1) as live: print(live.step(data["spikes"][0, :, 0]))
for wanted in (lambda: bill.frame(), lambda: result.figure(), lambda: net.run(data["spikes"], backend="netx")):
    try: wanted()
    except basalt.BasaltError as error: print(error)
assert not {"torch", "lava", "pandas", "matplotlib", "scipy"} & set(sys.modules)
"""


def test_it_is_enough_without_torch_and_lava(slim, tmp_path):
    """Read, run, verify, price, report and step where only the wheel and what it declares are installed, offline."""
    network = Network((Spiking("out", 2 * np.ones((3, 5), np.int64), Neuron(5, np.zeros(1, int), np.full(1, 9))),))
    netx.write(tmp_path / "model.net", network)
    np.savez(tmp_path / "test.npz", spikes=np.ones((2, 5, 9), np.uint8))
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    alone = {"PYTHONPATH": str(slim), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cache}

    def python(*arguments):
        command = [sys.executable, "-S", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=300)

    ended = python("-c", NINE_LINES)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("pip install 'basalt[figures]'") == 2
    assert ended.stdout.count("pip install 'basalt[lava]'") == 1
    for command, extra in (("train", "train"), ("export", "train"), ("run model.net --runtime lava", "lava")):
        ended = python("-m", "basalt.cli", *command.split())
        assert ended.returncode == 1 and "defect" not in ended.stderr
        assert f"pip install 'basalt[{extra}]'" in ended.stderr or "basalt train" in ended.stderr
    ended = python("-m", "basalt.cli", "run", "model.net", "--backend", "near-memory", "-o", "out")
    assert ended.returncode == 0, ended.stderr
    assert "Report: out/report.html" in ended.stdout


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
