"""Read JSON and TOML that others made: of a limited size and depth, with numbers that are numbers."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from basalt.errors import BasaltError
from basalt.opening import MIB, read_bytes

JSON_MOST = 32 * MIB
TOML_MOST = MIB // 4
DEPTH_MOST = 32
"""Levels of lists and tables."""
INTEGER_BITS = 63

KEY = r"""(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)"""
DEEP_KEY = re.compile(rf"(?<![\w-]){KEY}(?:[ \t]*\.[ \t]*{KEY}){{{DEPTH_MOST}}}")
"""A dotted key of too many levels: readers of TOML take the square of their number in time."""


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        BasaltError: the file is missing, too large, no JSON, too deep, or holds numbers that are none (NaN, Infinity,
            1e999) or beyond 64 bits.
    """
    path = Path(path)
    found = read_bytes(path, JSON_MOST)
    try:
        content = json.loads(found.decode("utf-8"), parse_constant=number, parse_float=number, parse_int=whole)
        check_depth(content)
    except (ValueError, RecursionError) as error:
        raise BasaltError(
            f"{path} is not valid JSON ({reason(error)}); write it again with the command that made it."
        ) from error
    return content


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        BasaltError: as of `read_json`; or it holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise BasaltError(f"{path} holds no JSON object; write it again with the command that made it.")
    return content


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        BasaltError: as of `parse_toml`; or the file cannot be read.
    """
    return parse_toml(read_bytes(path, TOML_MOST), path)


def parse_toml(given: str | bytes, path: Path | str) -> dict[str, Any]:
    """The content of a TOML file; `path` is named in errors.

    Raises:
        BasaltError: it is no TOML, too deep, or holds numbers that are not finite or beyond 64 bits.
    """
    try:
        text = given if isinstance(given, str) else given.decode("utf-8").replace("\r\n", "\n")
        if DEEP_KEY.search(text):
            raise RecursionError
        content: dict[str, Any] = tomllib.loads(text)
        check_depth(content)
    except (ValueError, RecursionError) as error:
        raise BasaltError(f"{path} is not valid TOML: {reason(error)}.") from error
    for key, value in numbers_of(content):
        if not math.isfinite(value) or (isinstance(value, int) and value.bit_length() > INTEGER_BITS):
            raise BasaltError(f"{path}: {key}: a finite number within 64 bits belongs here, not {value:.5g}.")
    return content


def reason(error: Exception) -> str:
    """Why a document cannot be read."""
    return f"it is nested deeper than {DEPTH_MOST} levels" if isinstance(error, RecursionError) else str(error)


def number(text: str) -> float:
    """A number of a JSON file that is finite."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a number")
    return value


def whole(text: str) -> int:
    """An integer of a JSON file, within 64 bits."""
    if len(text) > 20 or (value := int(text)).bit_length() > INTEGER_BITS:
        raise ValueError(f"{text[:20]}… is beyond 64 bits")
    return value


def inside(content: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a list or table with their keys; none of other values."""
    if isinstance(content, dict):
        yield from content.items()
    elif isinstance(content, list):
        yield from enumerate(content)


def check_depth(content: Any) -> None:
    """Raise a RecursionError where lists and tables are nested too deep."""
    level = [content]
    for _ in range(DEPTH_MOST):
        level = [part for parent in level for _, part in inside(parent) if isinstance(part, dict | list)]
        if not level:
            return
    raise RecursionError


def numbers_of(content: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a document that is not too deep, with their dotted keys."""
    for key, value in inside(content):
        here = f"{place}.{key}" if place else str(key)
        if isinstance(value, int | float):
            yield here, value
        else:
            yield from numbers_of(value, here)


@contextmanager
def understood(what: str, way_out: str = "write it again with the command that made it") -> Iterator[None]:
    """Within the block, whatever a document of another shape makes fail is a sentence about the document.

    For documents that only Basalt writes and that no schema describes: their content is taken as it is.

    Raises:
        BasaltError: a key is missing, or a value is of another type.
    """
    from jinja2 import TemplateError

    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, TemplateError) as error:
        name = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise BasaltError(f"{what} does not hold what such a file should ({name}); {way_out}.") from error


def dumps(value: Any) -> str:
    """Indented JSON, valid in every reader.

    Raises:
        BasaltError: a number is infinite or none, which JSON cannot say.
    """
    try:
        return json.dumps(value, indent=2, allow_nan=False)
    except ValueError as error:
        where = next((key for key, found in numbers_in(value) if not math.isfinite(found)), "a number")
        raise BasaltError(
            f"{where} is not a finite number, so it cannot be written: a price, a size or a duration that it follows "
            f"from is impossibly large."
        ) from error


def numbers_in(value: Any) -> Iterator[tuple[str, float]]:
    """The same as `numbers_of`, of what is about to be written, where tuples stand for lists."""

    def plain(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {str(key): plain(inner) for key, inner in part.items()}
        return [plain(inner) for inner in part] if isinstance(part, list | tuple) else part

    return numbers_of(plain(value))
