"""What the fields of a record may hold: limits, unit and meaning, beside the shape that the annotation has.

    weight: Annotated[Int[np.ndarray, "neurons inputs"], weights("synaptic weights")]

Readers and writers of files, design rules on ranges and shapes, random records in tests and docs/records.md follow from
these; what several fields have to satisfy together is a method under `relation`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import numpy as np

from basalt.records.arithmetic import DECAY_MAX

WEIGHT_MIN, WEIGHT_MAX = -256, 254
BIAS_MAX = (1 << 12) - 1
BYTE_MAX = 127
SHIFT_MAX = 30
STEPS_MAX = 1 << 20

T = TypeVar("T")
Found = Iterator[tuple[str, float | str, str]]
"""What breaks a rule: its name, its value, and the limit."""


@dataclass(frozen=True)
class Limits:
    """What a field may hold.

    Attributes:
        about: its meaning.
        low, high: of each number, both included.
        unit: of its numbers.
        rule: name of the design rule that it breaks beyond the limits; None for the rule of its record, "" for none.
        step: numbers are multiples of this where training and lava-dl make them.
        only: the variant that has the field, where not all have.
        choices: of a name.
    """

    about: str
    low: int = 0
    high: int = 0
    unit: str = ""
    rule: str | None = None
    step: int = 1
    only: str = ""
    choices: tuple[str, ...] = ()


def number(low: int, high: int, about: str, unit: str = "", rule: str | None = None, only: str = "") -> Limits:
    """Whole numbers low … high."""
    return Limits(about, low, high, unit, rule, only=only)


def weights(about: str, only: str = "") -> Limits:
    """Loihi's grid of synaptic weights, as lava-dl's quantisation leaves them."""
    return Limits(about, WEIGHT_MIN, WEIGHT_MAX, "weight", "weight_range", step=2, only=only)


def decay_rate(about: str) -> Limits:
    """0 (no leakage) … 4096 (complete leakage)."""
    return Limits(about, 0, DECAY_MAX, "1/4096", "decay_range")


def biases(about: str) -> Limits:
    """A 13-bit mantissa."""
    return Limits(about, -BIAS_MAX - 1, BIAS_MAX, "weight", "bias_range")


def byte(about: str, only: str = "") -> Limits:
    """8 bits."""
    return Limits(about, -BYTE_MAX - 1, BYTE_MAX, only=only)


def shift(about: str, high: int = SHIFT_MAX) -> Limits:
    """Bits that a product of 64 bits can be shifted by."""
    return Limits(about, 0, high, "bits")


def choice(names: tuple[str, ...], about: str, rule: str | None = None) -> Limits:
    """One of some names."""
    return Limits(about, rule=rule, choices=names)


@dataclass(frozen=True)
class Parameter:
    """A field of a record, with its limits.

    Attributes:
        rule: name of the design rule that it breaks beyond its limits; "" for none.
        shapes: of an array, the names of its axes: "#neurons" is one or all of them, a number is itself. Several where
            it may have one shape or another; none where it is no array.
        single: it may be one number instead.
        optional: it may be None.
        default: where there is one, else `dataclasses.MISSING`.
    """

    name: str
    limits: Limits
    rule: str
    shapes: tuple[tuple[str, ...], ...]
    single: bool
    optional: bool
    default: Any

    def outside(self, record: Any) -> Found:
        """What of a record's field is outside its limits."""
        value, limits = getattr(record, self.name), self.limits
        if limits.choices:
            if value not in limits.choices:
                yield f"the {self.name} of the {record.called}", repr(value), f"one of {', '.join(limits.choices)}"
        elif value is not None:
            yield from outside(self.name, np.asarray(value), limits.low, limits.high)

    def belongs(self, record: Any) -> bool:
        """Whether the record's variant has the field; where the variant is unknown, whether the field is there."""
        there = getattr(record, self.name) is not None
        if not self.limits.only:
            return there or not self.optional
        variants = {item.name: item.limits.choices for item in parameters(type(record))}["variant"]
        return record.variant == self.limits.only or (record.variant not in variants and there)


def kept(function: Callable[[type], T]) -> Callable[[type], T]:
    """The function, computed once for each class (mypy takes no class for hashable)."""
    return cast(Callable[[type], T], cache(function))


@kept
def parameters(record: type) -> tuple[Parameter, ...]:
    """The fields of a record that have limits, in order."""
    found = []
    for item in fields(record):
        if get_origin(item.type) is Annotated:
            kind, limits = get_args(item.type)
            kinds = get_args(kind) or (kind,)
            shapes = tuple(tuple(one.dim_str.split()) for one in kinds if hasattr(one, "dim_str"))
            rule = getattr(record, "rule", "") if limits.rule is None else limits.rule
            single = bool(shapes) and int in kinds
            found.append(Parameter(item.name, limits, rule, shapes, single, NoneType in kinds, item.default))
    return tuple(found)


def relation(rule: str) -> Callable[[Callable[[Any], Found]], Callable[[Any], Found]]:
    """Mark a method of a record that yields what breaks a rule by fields that do not go together."""

    def mark(method: Callable[[Any], Found]) -> Callable[[Any], Found]:
        vars(method)["rule"] = rule
        return method

    return mark


@kept
def relations(record: type) -> tuple[tuple[str, str], ...]:
    """(Name, rule) of each method of a record under `relation`."""
    names = dict.fromkeys(name for base in reversed(record.__mro__) for name in vars(base))
    found = ((name, getattr(getattr(record, name), "rule", None)) for name in names if callable(getattr(record, name)))
    return tuple((name, rule) for name, rule in found if isinstance(rule, str))


def rules_of(record: type) -> tuple[str, ...]:
    """The rules that fields of a record may break."""
    named = (*(item.rule for item in parameters(record)), *(rule for _, rule in relations(record)))
    return tuple(dict.fromkeys(name for name in named if name))


def breaches(record: Any, rule: str) -> Found:
    """What of a record breaks a rule."""
    for item in parameters(type(record)):
        if item.rule == rule:
            yield from item.outside(record)
    for name, mine in relations(type(record)):
        if mine == rule:
            yield from getattr(record, name)()


def outside(what: str, values: np.ndarray | int, low: float, high: float) -> Found:
    """The value furthest outside low … high, if any is."""
    array = np.asarray(values)
    if array.size and (array.min() < low or array.max() > high):
        worst = array.min() if low - array.min() > array.max() - high else array.max()
        yield what, worst.item() if isinstance(worst, np.generic) else worst, f"{shown(low)} … {shown(high)}"


def shown(value: float) -> str:
    """A number for people, whole ones to the last digit."""
    return f"{int(value)}" if float(value).is_integer() else f"{value:g}"


def misshapen(record: Any, prefix: str = "", **sizes: int) -> Found:
    """Arrays of a record that do not belong together; an axis without a size has that of the first array with it.

    Args:
        prefix: before the name of an array. sizes: of axes, by name.
    """
    for item in parameters(type(record)):
        value = getattr(record, item.name)
        if not item.shapes or (item.single and not isinstance(value, np.ndarray | None)):
            continue
        if not item.belongs(record):
            if value is not None:
                yield f"size of {prefix}{item.name}", float(value.size), "none"
            continue
        shape = () if value is None else value.shape
        axes = next((axes for axes in item.shapes if len(axes) == len(shape)), item.shapes[0])
        for axis, size in zip(axes, shape):
            sizes.setdefault(axis, int(axis) if axis.isdigit() else size)
        wanted = tuple(sizes.get(axis.lstrip("#"), 1) for axis in axes)
        single = axes[0].startswith("#")
        if shape != wanted and not (single and shape == (1,)):
            limit = f"1 or {wanted[0]}" if single else f"{wanted}"
            yield f"size of {prefix}{item.name}", 0.0 if value is None else float(value.size), limit
