"""Random records of memory pathways, drawn from the limits of their fields, and adjusted where fields have to agree.

A kind that has no row in `ADJUSTED` is drawn as well: over all of its limits, and again where it breaks a design rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from basalt.records.fields import Limits, breaches, parameters, rules_of
from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.memory import MemoryPathway
from basalt.records.pathways import PATHWAYS
from basalt.records.slow_memory import SlowMemory

Draw = Callable[[np.random.Generator, Any], Any]
"""From a shape, None for one number, to values."""

OWN = {"patterns": 13}
"""Axis that the layer does not have → its size is below this; else below `STATES`."""
STATES = 7
ATTEMPTS = 1000


@dataclass(frozen=True)
class Adjusted:
    """How a kind is drawn where networks have to do something.

    Attributes:
        ranges: field → the first and the last of its numbers, or what draws it; its limits where there is none.
        first: fields that are drawn before all others, since they have to agree.
        after: the record, with what its variant asks for.
    """

    ranges: Mapping[str, tuple[int, int] | Draw] = field(default_factory=dict)
    first: Callable[[np.random.Generator, dict[str, int], str | None], dict[str, Any]] = lambda *_: {}
    after: Callable[[Any], Any] = lambda record: record


def even(rng: np.random.Generator, shape: tuple[int, ...], reach: int) -> np.ndarray:
    """Weights on lava-dl's grid."""
    return 2 * rng.integers(-reach // 2, reach // 2, shape)


def contracting(rng: np.random.Generator, sizes: dict[str, int], variant: str | None) -> dict[str, Any]:
    """A transition whose spectral radius is below 1."""
    states = sizes["states"] = int(rng.integers(1, STATES))
    transition = rng.integers(-127, 128, (states, states))
    radius = np.abs(np.linalg.eigvals(transition / 128)).max()
    transition = np.trunc(transition * (0.9 / max(radius, 0.9))).astype(np.int64)
    if np.abs(np.linalg.eigvals(transition / 128)).max() >= 1:
        transition = np.diag(rng.integers(-127, 128, states))
    return {"transition": transition, "coefficient_shift": 7}


def recurrent(rng: np.random.Generator, sizes: dict[str, int], variant: str | None) -> dict[str, Any]:
    """What gates hear of the state, if they do."""
    square = (sizes["neurons"], sizes["neurons"])
    names = ("forget_recurrent", "update_recurrent") if variant == "gated" else ()
    return {name: even(rng, square, 120) for name in names}


def signs(memory: Hopfield) -> Hopfield:
    """Patterns of ±1 for the classical variant."""
    return memory if memory.variant == "modern" else replace(memory, keys=np.where(memory.keys < 0, -1, 1))


ADJUSTED: dict[str, Adjusted] = {
    SlowMemory.kind: Adjusted(
        {
            "drive_weight": (-60, 58),
            "drive_bias": (-20, 19),
            "drive_shift": (0, 9),
            "drive_input": (-127, 127),
            "memory_weight": (-127, 127),
            "drive_memory_weight": (-127, 127),
            "memory_shift": (0, 11),
            "update_interval": (1, 4),
        },
        contracting,
    ),
    Hgrn.kind: Adjusted(
        {
            **dict.fromkeys(
                ("forget_weight", "candidate_weight", "gate_weight"),
                lambda rng, shape: even(rng, shape, int(rng.choice([20, 120, 254]))),
            ),
            **dict.fromkeys(("forget_bias", "candidate_bias", "gate_bias"), (-200, 199)),
            "low": lambda rng, shape: rng.integers(0, 4097, shape) * int(rng.integers(2)),
            "gain": lambda rng, shape: np.maximum(rng.integers(-128, 128, shape), -127),  # −128·2¹⁶ leaves 24 bits
            "output_shift": (4, 15),
            "index_shift": (0, 4),
        },
        recurrent,
    ),
    Hopfield.kind: Adjusted(
        {
            "trace_decay": lambda rng, shape: rng.choice([0, int(rng.integers(4097)), 4096]),
            "similarity_shift": (10, 24),
            "recall_shift": (0, 7),
            "output_shift": (0, 7),
            "iterations": (1, 3),
            "update_interval": (1, 4),
            "query_level": (-1000, 19999),
            "gain": (-200, 599),
        },
        after=signs,
    ),
}
"""Kind of a memory pathway → how it is drawn."""

SQUARE = ("classical",)
"""Variants with as many neurons as inputs."""


def variants(record: type[MemoryPathway]) -> tuple[str | None, ...]:
    """Of a kind; None alone where it has none."""
    return next((item.limits.choices for item in parameters(record) if item.limits.choices), (None,))


KINDS: tuple[tuple[type[MemoryPathway], str | None], ...] = tuple(
    sorted(
        ((record, variant) for record in PATHWAYS.values() for variant in variants(record)),
        key=lambda kind: kind[1] in SQUARE,
    )
)
"""Every kind and variant; those that fit some layers only are last."""


def held(record: type[MemoryPathway], interval: int) -> dict[str, int]:
    """The field that says how often its current is refreshed, where it has one."""
    return {item.name: interval for item in parameters(record) if item.name == "update_interval"}


def within(rng: np.random.Generator, limits: Limits, span: tuple[int, int], shape: Any) -> Any:
    """Numbers of a span, on the grid of a field."""
    return limits.step * rng.integers(span[0] // limits.step, span[1] // limits.step + 1, shape)


def at_edges(rng: np.random.Generator, limits: Limits, span: tuple[int, int], shape: Any) -> Any:
    """The same, half of them an end of the span."""
    ends = rng.choice(np.array(span) // limits.step * limits.step, shape)
    return np.where(rng.random(shape) < 0.5, ends, within(rng, limits, span, shape))


def pathway(
    rng: np.random.Generator,
    record: type[MemoryPathway],
    inputs: int,
    neurons: int,
    variant: str | None = None,
    edges: bool = False,
    **given: Any,
) -> Any:
    """A memory pathway that keeps to all rules of its fields.

    Args:
        variant: where the kind has some; drawn if it is not given.
        edges: numbers from all over the limits, ends above all.
        given: fields that are not drawn.
    """
    ways = ADJUSTED.get(record.kind, Adjusted())
    ways = replace(ways, ranges={}) if edges else ways
    for _ in range(ATTEMPTS):
        made = ways.after(attempt(rng, record, {"inputs": inputs, "neurons": neurons}, variant, ways, edges, given))
        if not any(found for rule in rules_of(record) for found in breaches(made, rule)):
            return made
    raise AssertionError(f"No {record.kind} memory of {ATTEMPTS} keeps to the rules: adjust how it is drawn.")


def attempt(
    rng: np.random.Generator,
    record: type[MemoryPathway],
    sizes: dict[str, int],
    variant: str | None,
    ways: Adjusted,
    edges: bool,
    given: Mapping[str, Any],
) -> Any:
    """A record with every number drawn, in the order of its fields."""
    named = variants(record)
    chosen = str(rng.choice(named)) if variant is None and named != (None,) else variant
    values = ways.first(rng, sizes, chosen) | dict(given)
    for item in parameters(record):
        limits, shape = item.limits, None
        if limits.choices:
            values[item.name] = chosen
        if item.name in values:
            continue
        if limits.only not in ("", chosen):
            values[item.name] = None
            continue
        if item.shapes:
            for axis in item.shapes[0]:
                if axis not in sizes:
                    sizes[axis] = int(rng.integers(1, OWN.get(axis, STATES)))
            shape = tuple(sizes[axis] for axis in item.shapes[0])
        how = ways.ranges.get(item.name, (limits.low, limits.high))
        number = how(rng, shape) if callable(how) else (at_edges if edges else within)(rng, limits, how, shape)
        values[item.name] = number.astype(np.int64) if shape else int(number)
    return record(**values)


def any_pathway(rng: np.random.Generator, inputs: int, neurons: int) -> MemoryPathway:
    """A memory pathway of any kind and variant that a layer of these sizes can have."""
    fitting = [kind for kind in KINDS if inputs == neurons or kind[1] not in SQUARE]
    record, variant = fitting[int(rng.integers(len(fitting)))]
    return pathway(rng, record, inputs, neurons, variant)


def pathways(inputs: int, neurons: int) -> st.SearchStrategy[MemoryPathway]:
    """Memory pathways of every kind, from all over their limits."""
    fitting = [kind for kind in KINDS if inputs == neurons or kind[1] not in SQUARE]
    return st.builds(
        lambda seed, kind: pathway(np.random.default_rng(seed), kind[0], inputs, neurons, kind[1], edges=True),
        st.integers(0, 2**32 - 1),
        st.sampled_from(fitting),
    )
