"""Every text of every file beside a report, in turn markup and escapes: none reaches page or terminal as it is."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from basalt.deploy.commands.price import price_command
from basalt.deploy.options import PriceOptions
from basalt.deploy.report.build import MEASURED, render
from basalt.deploy.report.renew import renew
from basalt.errors import BasaltError
from tests import shapes
from tests.deploy.report.synthetic import deployment


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """What is wrong is to be seen by the code that refuses it, not by the checks of shapes before that."""
    with shapes.unchecked():
        yield


EVIL = "<script>alert(1)</script>\"'[bold]x[/bold]\x1b]0;x\x07\u202e"
FILES = ("result", "counts", "energy", "metrics", "verify")


def texts(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts, one of each list."""
    items = (
        content.items() if isinstance(content, dict) else enumerate(content[:1]) if isinstance(content, list) else ()
    )
    for key, value in items:
        if isinstance(value, str):
            yield (*place, key)
        yield from texts(value, (*place, key))


def at(content: Any, place: tuple[Any, ...]) -> Any:
    """What is in a place."""
    for key in place:
        content = content[key]
    return content


def replaced(content: Any, name: str, place: tuple[Any, ...], evil: Any) -> Any:
    """The files with another value in one place."""
    found = {**content, name: copy.deepcopy(content[name])}
    at(found[name], place[:-1])[place[-1]] = evil
    return found


def keyed(content: Any) -> Any:
    """The files with other names wherever a key is a name: of layers, of tables."""
    found = copy.deepcopy({key: value for key, value in content.items() if key != "arrays"})
    result, energy = found["result"], found["energy"]
    result["versions"] = {EVIL: EVIL}
    energy["tables"] = {EVIL + name: table for name, table in energy["tables"].items()}
    for table in energy["tables"].values():
        for process in table["processes"]:
            process["actions"] = {EVIL + name: action for name, action in process["actions"].items()}
    return {**found, "arrays": content["arrays"]}


def harmless(page: str) -> bool:
    """Whether nothing of it acts."""
    return "<script" not in page and "alert(1)</" not in page and not {"\x1b", "\x07", "\u202e"} & set(page)


def test_every_text_is_shown_or_refused():
    """As it is on the page, escaped; or, where it names something, a mistake that the caller reports."""
    content = deployment(samples=3)
    shown = 0
    for name in FILES:
        for place in texts(content[name]):
            try:
                page = render(**replaced(content, name, place, EVIL))
            except (LookupError, ValueError, TypeError):
                continue
            assert harmless(page), (name, place)
            shown += "&lt;script&gt;" in page
    assert shown > 15
    assert harmless(render(**keyed(content)))


SHAPES = [None, 5, "x", [], {}, [[1]], {"a": None}, True]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A result folder."""
    content = deployment(samples=3)
    for name in FILES:
        (tmp_path / f"{name}.json").write_text(json.dumps(content[name]))
    (tmp_path / "report.html").write_text("x".join(MEASURED))
    assert "renewed" in str(renew(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("shape", SHAPES, ids=map(str, SHAPES))
def test_a_file_of_another_shape_is_a_sentence(name, shape, folder):
    """The whole of it, and each of its entries."""
    path = folder / f"{name}.json"
    content = json.loads(path.read_text())
    for changed in (shape, *({**content, key: shape} for key in content)):
        path.write_text(json.dumps(changed))
        try:
            page = renew(folder)
        except BasaltError as error:
            assert "\n" not in str(error)
        else:
            assert page is not None


@pytest.mark.parametrize("name", ["counts", "energy", "result"])
@pytest.mark.parametrize("shape", SHAPES, ids=map(str, SHAPES))
def test_pricing_beside_a_file_of_another_shape(name, shape, folder):
    (folder / f"{name}.json").write_text(json.dumps(shape))
    try:
        price_command(PriceOptions(folder / "counts.json", ["textbook-45nm"]))
    except BasaltError as error:
        assert f"{name}.json" in str(error) or "counts" in str(error)


@pytest.mark.parametrize("value", ["1", True, -1, 2**70, 1e308, [1], None, 1.5])
def test_counts_that_are_no_numbers_are_not_priced(value, folder):
    """Texts and truth values are none."""
    content = json.loads((folder / "counts.json").read_text())
    for key in ("samples", "steps"):
        (folder / "counts.json").write_text(json.dumps({**content, key: value}))
        with pytest.raises(BasaltError):
            price_command(PriceOptions(folder / "counts.json", ["textbook-45nm"]))


def test_a_table_called_like_markup(folder, capsys):
    """And one with a line break in its name."""
    from basalt.deploy.energy.tables import FOLDER

    for name in ("[bold].toml", "a\nBREAK\x1b[1m.toml"):
        path = folder / name
        path.write_bytes((FOLDER / "textbook-45nm.toml").read_bytes())
        price_command(PriceOptions(folder / "counts.json", [str(path)], sensitivity=True))
        said = capsys.readouterr().out
        assert all(letter == "\n" or letter.isprintable() for letter in said) and "\nBREAK" not in said
        assert name != "[bold].toml" or "[bold]" in said


@pytest.mark.parametrize("value", ['"1e-12"', "true", "inf", "nan", "1e308", "-1.0", "[1.0]", "1979-05-27"])
def test_prices_that_are_no_numbers_are_refused(value, folder):
    from basalt.deploy.energy.tables import FOLDER, parse_table

    text = (FOLDER / "textbook-45nm.toml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("node_nm"))
    with pytest.raises(BasaltError, match="node_nm"):
        parse_table(text.replace(line, f"node_nm = {value}", 1), folder / "t.toml")
