"""CONTRIBUTING's lists of files are the whole truth: what names a mechanism, neuron or data set is on its list."""

import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("basalt", "train", "convert", "lava_procs", "deploy", "study")
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for file in chain.from_iterable((ROOT / room).rglob("*.py") for room in ROOMS)
    if file.relative_to(ROOT).parts[:2] not in {("basalt", room) for room in ROOMS}
}


def listed(section: str, name: str) -> set[str]:
    """The Python files that a section names, of something of that name."""
    found = re.search(rf"^## {section}\n(.*?)(?=^## )", TEXT, re.M | re.S)
    assert found is not None
    rows = [line for line in found[1].splitlines() if line.startswith("|")] or [found[1]]
    return {path.replace("<name>", name) for path in re.findall(r"`([\w/<>]+\.py)`", "\n".join(rows))}


def naming(words: str) -> set[str]:
    """The files whose code, not prose, names it: in identifiers and strings."""
    prose = re.compile(r'""".*?"""|#[^\n]*', re.S)
    return {path for path, text in FILES.items() if re.search(words, prose.sub("", text), re.I)}


def test_the_files_are_there():
    for section, name in (("To add a memory pathway", "hgrn"), ("To add a neuron", "adaptive")):
        assert listed(section, name) <= FILES.keys()


@pytest.mark.parametrize("name", ["hgrn", "hopfield"])
def test_a_memory_pathway(name):
    studies = {path for path in FILES if path.startswith("study/")}  # ask for mechanisms, as recipes do
    assert naming(rf"{name}(?!_digits)") - studies - {"basalt/cli.py"} == listed("To add a memory pathway", name)


def test_a_neuron():
    assert naming(r"adaptive|adaptation|\bALIF\b") | {"basalt/near_memory/mechanisms.py"} == listed(
        "To add a neuron", "adaptive"
    )


def test_a_data_set():
    assert naming(r"\bgesture") == listed("To add a data set", "gesture")


def test_a_study():
    elsewhere = naming(r"lif_roles|lif-roles") - {path for path in FILES if path.startswith("study/lif_roles/")}
    assert elsewhere - {"study/price/study.py"} == {"basalt/cli.py"}  # prices name the studies whose runs they price
