"""Who imports whom: one direction, no circles, one name per file, and nothing of a user's in the way."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("basalt", "train", "convert", "lava_procs", "deploy", "study")
MAY = {
    "basalt": (),
    "train": ("basalt",),
    "convert": ("basalt", "train"),
    "lava_procs": ("basalt",),
    "deploy": ("basalt", "convert", "lava_procs"),
    "study": ("basalt", "train", "convert", "deploy"),
}
"""What a room may import of the others; nothing imports study."""

DELIBERATE = {
    ("convert.export", "deploy.commands.verify"),
    ("convert.export", "deploy.options"),
    ("basalt", "deploy.library.model"),
    ("basalt", "deploy.library.sources"),
}
"""Exporting ends with the proof; the package offers what users call."""

FRAMEWORKS = {
    "basalt": (),
    "train": ("torch", "lava.lib.dl.slayer"),
    "convert": ("torch",),
    "lava_procs": ("lava",),
    "deploy": ("lava",),
    "study": ("torch",),
}
"""Of torch and Lava, what a room may import."""


def name_of(path: Path) -> str:
    """A file as a module: without `basalt.` before the rooms at the top."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return module.removesuffix(".__init__")


@cache
def files() -> dict[str, Path]:
    """Every file of the house by its module; links are not followed."""
    return {name_of(path): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"), key=str)}


@cache
def imported(module: str) -> frozenset[str]:
    """What a module names in its imports: at the top, in functions and for types alike."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(files()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def ours(name: str) -> str | None:
    """The module that an imported name is of, if it is one of the house's."""
    short = name.removeprefix("basalt.") if name.split(".")[1:2] and name.split(".")[1] in ROOMS[1:] else name
    if not name.startswith("basalt"):
        return None
    while short and short not in files():
        short = short.rpartition(".")[0]
    return short or None


def edges() -> list[tuple[str, str]]:
    """Importing module, imported module; a package's own name is no module that stands in a circle."""
    return [
        (module, found)
        for module in files()
        for name in imported(module)
        if (found := ours(name)) is not None and found != module and found not in ROOMS
    ]


def room(module: str) -> str:
    return module.split(".")[0]


def test_the_house_is_seen_whole():
    assert len(edges()) > 500 and {room(module) for module in files()} == set(ROOMS)
    assert ("deploy.job", "convert.rules") in edges()


def test_imports_go_one_way():
    wrong = [
        (one, other)
        for one, other in edges()
        if room(one) != room(other) and room(other) not in MAY[room(one)] and (one, other) not in DELIBERATE
    ]
    assert not wrong
    assert set(edges()) >= DELIBERATE


def test_frameworks_stay_in_their_rooms():
    wrong = [
        (module, name)
        for module in files()
        for name in imported(module)
        if name.split(".")[0] in ("torch", "lava")
        and not any(name == allowed or name.startswith(allowed + ".") for allowed in FRAMEWORKS[room(module)])
    ]
    assert not wrong


def test_there_are_no_circles():
    assert not [sorted(ring) for ring in nx.strongly_connected_components(nx.DiGraph(edges())) if len(ring) > 1]


EVERYTHING = """
import json, pkgutil, sys
from pathlib import Path
before = list(sys.path)
import basalt
from importlib import import_module
for found in pkgutil.walk_packages(basalt.__path__, "basalt."):
    try:
        import_module(found.name)
    except ModuleNotFoundError as error:
        if error.name != "triton":
            raise
names = {}
for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file and name != "__main__" and Path(ROOT) in Path(file).resolve().parents and ".venv" not in file:
        names.setdefault(str(Path(file).resolve()), []).append(name)
import train, convert, deploy, tests
print(json.dumps({
    "same path": sys.path[0] == before[0] and not [
        path for path in sys.path if path not in before and path.startswith(ROOT) and "-packages" not in path
    ],
    "twice": [found for found in names.values() if len(found) > 1],
    "others": [found for found in names.values() if not found[0].startswith("basalt")],
    "modules": len(names),
    "own": [module.__file__ for module in (train, convert, deploy, tests)],
}))
"""


def test_a_file_has_one_name_and_a_users_own_modules_are_theirs(tmp_path):
    """With everything of Basalt's imported, beside files that are called as its folders are."""
    for name in ("train.py", "convert.py", "deploy/__init__.py", "tests/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "own.py").write_text(f"ROOT = {str(ROOT)!r}\n{EVERYTHING}")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "own.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["same path"] and not found["twice"] and not found["others"]
    assert found["modules"] > 200
    assert all(Path(file).is_relative_to(tmp_path) for file in found["own"])


SCRIPTS = ("train/main.py", "convert/export.py", "deploy/main.py", "train/evaluate.py")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_run_without_an_installation(script, tmp_path):
    """`-S` hides what is installed, so that only the script itself can find Basalt; its own packages stay."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    ended = subprocess.run(
        [sys.executable, "-S", str(ROOT / script), "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(packages), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0 and "Usage" in ended.stdout, ended.stderr


def declared() -> dict[str, set[str]]:
    """The distributions that pyproject.toml declares, by extra; "" for those that every installation has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    words = {extra: [word for one in group for word in re.split(r"[\[\]<>=]+", one)] for extra, group in groups.items()}
    return {extra: {word for word in found if word[:1].isalpha()} for extra, found in words.items()}


OTHERWISE = {"basalt", "lava-nc", "lava-dl", "lightning", "pydantic-core", "triton"}
"""Not declared: ours, archived, an alternative to lightning-fabric, and what comes with pydantic and torch."""

BRINGS = {
    "basalt": ("cluster", "figures", "recordings"),
    "convert": ("train", "nir", "snntorch"),
    "lava_procs": ("lava",),
    "deploy": ("cluster", "figures"),
}
"""Extras whose packages a room may import besides what every installation has; the other rooms may all."""


@pytest.mark.parametrize("which", ROOMS)
def test_what_is_imported_is_declared(which):
    known, distributions = declared(), packages_distributions()
    groups = ("", *BRINGS.get(which, ("lava", "train", "cluster", "figures")))
    allowed = set().union(*(known[group] for group in groups)) | OTHERWISE
    for module in files():
        if room(module) == which:
            for name in {name.split(".")[0] for name in imported(module)} - sys.stdlib_module_names:
                of = {one.lower().replace("_", "-") for one in distributions.get(name, [name])}
                assert of & allowed, f"{module} imports {name}, which pyproject.toml declares in none of {groups}"
