"""JSON and TOML of strangers: limited in size and depth, and numbers that are numbers."""

import time
from collections.abc import Iterator

import pytest

from basalt.documents import dumps, read_json, read_object, read_toml, understood
from basalt.errors import BasaltError
from basalt.files import write_json
from tests import shapes


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """What is wrong is to be seen by the code that refuses it, not by the checks of shapes before that."""
    with shapes.unchecked():
        yield


BAD_JSON = [
    "[" * 100_000, "[" * 40 + "]" * 40, '{"a":' * 5000, "NaN", "[Infinity]", "-Infinity", "1e999", "9" * 30, "9" * 6000,
    "", "{", '{"a": 1} x', "\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_json_that_is_none(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BasaltError, match="not valid JSON"):
        read_json(tmp_path / "a.json")


def test_json_of_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(BasaltError, match="not valid JSON"):
        read_json(tmp_path / "a.json")


def test_json_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("basalt.documents.JSON_MOST", 1000)
    (tmp_path / "a.json").write_text("[" + "1," * 600 + "1]")
    with pytest.raises(BasaltError, match="larger than"):
        read_json(tmp_path / "a.json")


def test_an_object_is_asked_for(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    assert read_json(tmp_path / "a.json") == [1]
    with pytest.raises(BasaltError, match="no JSON object"):
        read_object(tmp_path / "a.json")


BAD_TOML = [
    "a = inf", "a = [1, nan]", "[a]\nb = -inf", "a = " + "9" * 25, "a = " + "9" * 6000, "a = " + "[" * 9000,
    "a = " + "[" * 40 + "]" * 40, ".".join(["a"] * 20_000) + " = 1", " . ".join(['"a b"'] * 3000) + " = 1",
    "[" + ".".join(["a"] * 3000) + "]", "a = " + "{a=" * 3000 + "1" + "}" * 3000, "a = 1e999", "a",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_TOML, ids=range(len(BAD_TOML)))
def test_toml_that_is_none(text, tmp_path):
    """Also where a reader would take the square of its length in time."""
    (tmp_path / "a.toml").write_text(text)
    began = time.monotonic()
    with pytest.raises(BasaltError, match=r"a\.toml"):
        read_toml(tmp_path / "a.toml")
    assert time.monotonic() - began < 5


def test_keys_and_texts_with_dots_are_read(tmp_path):
    """Only keys are held to a depth."""
    (tmp_path / "a.toml").write_text('a.b."c.d" = "' + "1.2 " * 100 + '"\nx = "' + "." * 500 + '"\r\ny = 2.5\n')
    assert read_toml(tmp_path / "a.toml") == {"a": {"b": {"c.d": "1.2 " * 100}}, "x": "." * 500, "y": 2.5}


def test_a_long_word_takes_no_time(tmp_path):
    (tmp_path / "a.toml").write_text("a" * 200_000 + " = 1\n" + "'" * 3 + "\n")
    began = time.monotonic()
    with pytest.raises(BasaltError):
        read_toml(tmp_path / "a.toml")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_only_valid_json_is_written(value, tmp_path):
    (tmp_path / "a.json").write_text("before")
    with pytest.raises(BasaltError, match=r"energy\.1"):
        write_json(tmp_path / "a.json", {"energy": (1.0, value)})
    assert (tmp_path / "a.json").read_text() == "before"
    assert dumps({"a": [1.5]}).split() == ["{", '"a":', "[", "1.5", "]", "}"]


@pytest.mark.parametrize(
    "use", [lambda x: x["a"]["b"], lambda x: x["c"], lambda x: x.get("a") + 1, lambda x: 1 / x["d"], lambda x: x.e]
)
def test_a_document_of_another_shape_is_named(use):
    with pytest.raises(BasaltError, match=r"a\.json does not hold"), understood("a.json"):
        use({"a": None, "d": 0})
