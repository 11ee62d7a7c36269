"""Every key of a recipe, with meaning, unit, range and default, from the models that check recipes.

A meaning stands at its field: in the field's description, or in the docstring of its model under `Attributes:`.
"""

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from basalt.errors import BasaltError
from basalt.train.data.sets import SETS
from basalt.train.layers import LAYERS
from basalt.train.layers.config import Allowed
from basalt.train.recipe import Recipe

LAYER = "network.layers"
"""The table of a layer, which is said once for each."""
SUFFIXES = {"_ms": "ms", "_hz": "Hz", "_px": "pixels"}
UNITS = re.compile(
    r"\bin (ms|pixels|steps|epochs|degrees|thresholds|bits|samples|weight units|spikes per neuron and step)\b"
)
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
LIST_MOST = 4
"""Values of a default that are written out."""


@dataclass(frozen=True)
class Key:
    """A key of a recipe.

    Attributes:
        path: dotted, as `--set` takes it, a layer's with the kind of layer in place of its number.
        meaning, unit, values, default: for people; a unit is "" where there is none.
    """

    path: str
    meaning: str
    unit: str
    values: str
    default: str


@dataclass(frozen=True)
class Section:
    """A table of a recipe.

    Attributes:
        path: dotted.
        about: what it says.
        keys: its own, in order.
    """

    path: str
    about: str
    keys: tuple[Key, ...]


@cache
def sections() -> tuple[Section, ...]:
    """All tables; keys that several kinds of layers share stand with the first class that has them."""
    found = list(tables("", Recipe))
    seen: set[type] = set()
    for kind, entry in LAYERS.items():
        for model in reversed(entry.config.__mro__):
            if issubclass(model, BaseModel) and model.model_fields and model not in seen:
                seen.add(model)
                found += tables(f"{LAYER}.{kind if model is entry.config else kinds(model)}", model, own=True)
    return tuple(found)


def kinds(model: type[BaseModel]) -> str:
    """The kinds of layers that a model is shared by."""
    return "|".join(kind for kind, entry in LAYERS.items() if issubclass(entry.config, model))


def tables(path: str, model: type[BaseModel], own: bool = False) -> Iterator[Section]:
    """A model's table and those inside it.

    Args:
        own: without what it has from other models.
    """
    names = [name for name in model.model_fields if not own or name in model.__annotations__]
    inner = {name: table for name in names if (table := table_of(model.model_fields[name].annotation)) is not None}
    hidden = ("layers", "kind") if own and path.partition(f"{LAYER}.")[2] in LAYERS else ("layers",)
    plain = [name for name in names if name not in inner and name not in hidden]
    before = f"{path}." if path else ""
    about = cleandoc(model.__doc__ or "").partition("\n\nAttributes:")[0].partition("\n")[0]
    keys = tuple(key(f"{before}{name}", name, model) for name in plain)
    if keys:
        yield Section(path, about, keys)
    for name, table in inner.items():
        yield from tables(f"{before}{name}", table)


def table_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a key that is a table of its own."""
    for one in alternatives(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """What a value may be, None left out."""
    if get_origin(annotation) in (types.UnionType, Union):
        return tuple(one for one in get_args(annotation) if one is not type(None))
    return (annotation,)


def key(path: str, name: str, model: type[BaseModel]) -> Key:
    """One key of a model."""
    field = model.model_fields[name]
    text = meaning(name, model)
    return Key(path, text, unit(name, text), values(field), default(name, field, model))


def meaning(name: str, model: type[BaseModel]) -> str:
    """What a key says: its description, or its entry under `Attributes:` of the model that has it."""
    said = model.model_fields[name].description
    if said is None:
        for base in model.__mro__:
            said = attributes(base).get(name) if issubclass(base, BaseModel) else None
            if said is not None:
                break
    if said is None:
        raise KeyError(f"{model.__name__}.{name} has no description")
    return said.strip().rstrip(".")


def attributes(model: type[BaseModel]) -> dict[str, str]:
    """The entries under `Attributes:` of a model's docstring, by name."""
    text = " ".join(cleandoc(model.__doc__ or "").partition("Attributes:\n")[2].split())
    name = "|".join(sorted(model.model_fields, key=len, reverse=True))
    starts = list(re.finditer(rf"(?:^|(?<=\. )|(?<=; ))((?:{name})(?:, (?:{name}))*): ", text)) if name else []
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {one: text[start.end() : end].strip() for start, end in zip(starts, ends) for one in start[1].split(", ")}


def unit(name: str, text: str) -> str:
    """The unit of a key, by the end of its name or by its meaning."""
    named = next((unit for suffix, unit in SUFFIXES.items() if name.endswith(suffix)), None)
    found = UNITS.search(text)
    return named or (found[1] if found else "")


def values(field: FieldInfo) -> str:
    """What a key may be."""
    said = [one.text for one in field.metadata if isinstance(one, Allowed)]
    return said[0] if said else " or ".join(of_kind(one, field.metadata) for one in alternatives(field.annotation))


def of_kind(annotation: Any, metadata: list[Any]) -> str:
    """What a value of some type may be, within bounds."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        more = [bound for one in more for bound in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return of_kind(inner, more)
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple:
        first, *others = get_args(annotation)
        each = of_kind(first, []) if others == [...] else ", ".join(of_kind(one, []) for one in (first, *others))
        return f"[{each}{', …' if others == [...] else ''}]"
    if annotation is bool:
        return "true, false"
    if annotation is str:
        pattern = next((one.pattern for one in metadata if getattr(one, "pattern", None)), None)
        return "text" if pattern is None else f"text like `{pattern}`"
    return f"{'whole number' if annotation is int else 'number'}{bounds(metadata)}"


def bounds(metadata: list[Any]) -> str:
    """Bounds of a number."""
    found = [
        f"{sign} {shown(getattr(one, end))}" for end, sign in BOUNDS.items() for one in metadata if hasattr(one, end)
    ]
    return " " + ", ".join(found) if found else ""


def default(name: str, field: FieldInfo, model: type[BaseModel]) -> str:
    """What a key is where it is left out, and for which data sets that is something else."""
    if field.default is PydanticUndefined:
        return "needed"
    said = "left out" if field.default is None else shown(field.default)
    sets: dict[str, list[str]] = {}
    if model is Recipe.model_fields["data"].annotation:
        for data, entry in SETS.items():
            if name in entry.defaults:
                sets.setdefault(shown(entry.defaults[name]), []).append(data)
    return "; ".join([said, *(f"{value} for {', '.join(names)}" for value, names in sets.items())])


def shown(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"{len(value)} values" if len(value) > LIST_MOST else f"[{', '.join(map(shown, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return f"2^{value.bit_length() - 1}" if isinstance(value, int) and value >= 1 << 31 else str(value)


def explained(wanted: str | None) -> list[Section]:
    """The tables and keys that are meant by a dotted key, the end of one, or a table; all of them by nothing.

    Raises:
        BasaltError: there is no such key.
    """
    whole = list(sections())
    if wanted is None:
        return whole
    name = re.sub(rf"^({re.escape(LAYER)}|layers)\.\d+\.", f"{LAYER}.", wanted.strip())
    found = [section for section in whole if section.keys and matches(section.path, name)]
    if not found:
        kept = ((section, tuple(key for key in section.keys if matches(key.path, name))) for section in whole)
        found = [Section(section.path, section.about, keys) for section, keys in kept if keys]
    if found:
        return found
    known = {end for section in whole for key in section.keys for end in (key.path, key.path.rpartition(".")[2])}
    near = get_close_matches(wanted, known, 1)
    raise BasaltError(
        f"A recipe has no key {wanted!r}" + (f"; did you mean {near[0]}?" if near else ".") + " `basalt recipe "
        "--explain` shows all keys."
    )


def matches(path: str, name: str) -> bool:
    """Whether a name means a dotted path: it is its end, of a layer of any kind or of the one that is named."""
    parts, wanted = path.split("."), name.split(".")
    if len(wanted) > len(parts) + 1:
        return False
    return any(
        all(one in part.split("|") for part, one in zip(way[-len(wanted) :], wanted)) and len(way) >= len(wanted)
        for way in (parts, [part for part in parts if "|" not in part and part not in LAYERS])
    )
