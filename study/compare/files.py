"""The files of a comparison: named by what is compared, and never another comparison's."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from basalt.errors import BasaltError
from basalt.files import read_json

NAME = "comparison"
LONGEST = 80


def names_of(files: Sequence[Path]) -> list[str]:
    """What networks are called: by run folder, a .net file of another name by its own; with folders where that is not
    enough to tell them apart."""
    short = [file.parent.resolve().name if file.name == "model.net" else file.stem for file in files]
    if len(set(short)) == len(short):
        return short
    paths = [str(file.resolve().parent if file.name == "model.net" else file.resolve()) for file in files]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise BasaltError(f"{twice} is named twice: a network is compared with others, not with itself.")
    shared = os.path.commonpath([str(Path(path).parent) for path in paths])
    return [os.path.relpath(path, shared) for path in paths]


def stem_of(names: Sequence[str]) -> str:
    """A file name, without its ending, for a comparison of these networks."""
    plain = [re.sub(r"[^\w.+-]+", "_", name) for name in names]
    stem = "-".join([NAME, *plain])
    if len(stem) <= LONGEST:
        return stem
    more = f"-and-{len(plain) - 1}-more" if len(plain) > 1 else ""
    return f"{NAME}-{plain[0][: LONGEST - len(NAME) - len(more) - 1]}{more}"


def place_for(folder: Path, names: Sequence[str], compared: Mapping[str, Any]) -> Path:
    """Where the files go, without their endings: the first name of the kind that is free, or that holds the outcome of
    the same comparison, which is renewed."""
    return next(place for place in places(folder / stem_of(names)) if free(place) or of(place, compared))


def places(stem: Path) -> Iterator[Path]:
    """The name, and the same with numbers."""
    yield stem
    for number in count(2):
        yield stem.with_name(f"{stem.name}-{number}")


def free(place: Path) -> bool:
    """Whether no file of the name is there."""
    return not any(ending(place, suffix).exists() for suffix in (".json", ".png"))


def of(place: Path, compared: Mapping[str, Any]) -> bool:
    """Whether the files there are of this comparison."""
    try:
        found = read_json(ending(place, ".json"))
    except BasaltError:
        return False
    return isinstance(found, dict) and found.get("compared") == compared


def ending(place: Path, suffix: str) -> Path:
    """The file of a place; names of networks may hold dots."""
    return place.with_name(place.name + suffix)
