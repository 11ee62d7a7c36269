"""`basalt import --activity`: spikes that the framework itself recorded, beside what the import computes.

Where the float network of the account differs from them, the file is not read as its trainer means it: another writer,
reset or step. Where the integers alone differ, it is rounding, whose cost the account has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from basalt.arrays import archive, read_arrays
from basalt.convert.nir.account import run_integers
from basalt.convert.nir.live import is_live, object_of, script_and_name
from basalt.convert.nir.map import Meaning, plain
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.nir_data import is_data, spikes_of_nodes
from basalt.convert.nir.quantise import Quantised
from basalt.convert.nir.stage import Stage
from basalt.errors import BasaltError
from basalt.opening import memory_limit, there
from basalt.shown import shown

AT_ONCE = 8
"""Samples that are compared at once."""
LARGEST = 255
"""Spikes in a step."""

Recorded = Mapping[str, UInt8[np.ndarray, "samples neurons steps"]]
"""Stage → what its neurons sent in the framework."""


class Place(NamedTuple):
    """Where two networks differ, compared by step, then sample, then neuron; spikes recorded and computed there."""

    step: int
    sample: int
    neuron: int
    recorded: int
    computed: int


@dataclass(frozen=True)
class Beside:
    """A layer's spikes beside those recorded.

    Attributes:
        fired: spikes recorded. differing: spikes that differ.
        first: the first place where they do; None if nowhere.
    """

    layer: str
    fired: int
    differing: int
    first: Place | None


@dataclass(frozen=True)
class Compared:
    """All recorded layers, of the float network and of the integers, in order."""

    samples: int
    float: tuple[Beside, ...]
    integers: tuple[Beside, ...]

    def content(self) -> dict[str, Any]:
        """For a file."""
        rows = {name: [plain_beside(one) for one in getattr(self, name)] for name in ("float", "integers")}
        return {"samples": self.samples, "verdict": self.verdict, **rows}

    @property
    def verdict(self) -> str:
        """What it means, for people."""
        wrong = next((one for one in self.float if one.first is not None), None)
        if wrong is not None and wrong.first is not None:
            return (
                f"The float network is not the recorded one: {where(wrong)}. Its file is meant otherwise; try another "
                f"--writer, --reset or --dt."
            )
        rounded = next((one for one in self.integers if one.first is not None), None)
        if rounded is not None and rounded.first is not None:
            return f"The float network sends what was recorded; rounding shows first in {where(rounded)}."
        return "Float network and integers send what was recorded, spike for spike."


def where(one: Beside) -> str:
    """The first difference of a layer."""
    assert one.first is not None
    step, sample, neuron, recorded, computed = one.first
    return (
        f"layer {one.layer!r}, sample {sample}, neuron {neuron}, step {step}: {recorded} recorded, {computed} "
        f"computed; {one.differing:,} spikes differ from {one.fired:,}"
    )


def plain_beside(one: Beside) -> dict[str, Any]:
    """For a file."""
    return {**asdict(one), "first": None if one.first is None else one.first._asdict()}


def read_activity(path: Path, stages: Sequence[Stage], samples: int, steps: int) -> Recorded:
    """The recorded spikes of some samples, by stage.

    Raises:
        BasaltError: the file is missing or damaged, or its arrays are none of these layers'.
    """
    spiking = {stage.name: stage for stage in stages if stage.neuron is not None and stage.neuron.type[-2:] != "LI"}
    names = {key: name for name in spiking for key in (name, plain(name))}

    def check(found: Mapping[str, tuple[int, ...]]) -> None:
        """Name an array that is of no layer, or not of its shape."""
        known = ", ".join(spiking)
        if not found:
            raise BasaltError(f"{path} holds no arrays; name them as these nodes: {known}.")
        for key, shape in found.items():
            if key not in names:
                raise BasaltError(f"{path}: {shown(key)!r} is no neuron node of the network; name one of {known}.")
            size = prod(spiking[names[key]].sends)
            if len(shape) < 3 or prod(shape[1:-1]) != size or shape[-1] != steps or not shape[0]:
                raise BasaltError(
                    f"{path}: {shown(key)!r} has the shape {shape}, and the layer sends samples × {size} × {steps}."
                )

    arrays = recorded_live(path, steps) if is_live(path) else None
    if arrays is None:
        if not there(path):
            raise BasaltError(f"{path} does not exist; name an .npz file with an array of spikes per neuron node.")
        with archive(path) as found:
            check({key: found.header(key).shape for key in found.names})
            keys = tuple(found.names)
        widest = max((prod(spiking[names[key]].sends) for key in keys), default=1)
        most = max(1, min(samples, memory_limit() // (8 * widest * steps)))
        arrays = read_arrays(path, keys, dict.fromkeys(keys, most))
    check({key: array.shape for key, array in arrays.items()})
    shared = min(samples, *map(len, arrays.values()))
    recorded = {}
    for key, array in arrays.items():
        if not np.all((array >= 0) & (array <= LARGEST)) or np.any(array != np.rint(array)):
            raise BasaltError(
                f"{path}: {shown(key)!r} holds values that are not whole numbers 0 … {LARGEST} of spikes."
            )
        recorded[names[key]] = array[:shared].reshape(shared, -1, steps).astype(np.uint8)
    return recorded


def recorded_live(path: Path, steps: int) -> Mapping[str, np.ndarray]:
    """The spikes of a NIRGraphData that a script makes."""
    script, name = script_and_name(path)
    found = object_of(script, name)
    if not is_data(found):
        raise BasaltError(f"{path} is {shown(type(found).__name__)!r}; name a NIRGraphData, or an .npz file.")
    return spikes_of_nodes(found, steps, str(path))


def compare(
    recorded: Recorded,
    stages: tuple[Stage, ...],
    meaning: Meaning,
    layers: tuple[Quantised, ...],
    spikes: UInt8[np.ndarray, "_samples inputs steps"],
) -> Compared:
    """What the import computes, beside what was recorded."""
    order = [stage.name for stage in stages if stage.name in recorded]
    samples = len(recorded[order[0]])
    found: dict[str, list[list[Beside]]] = {"float": [], "integers": []}
    for begin in range(0, samples, AT_ONCE):
        part = spikes[begin : min(begin + AT_ONCE, samples)]
        meant = run_meant(stages, meaning, part)
        whole, _ = run_integers(layers, part)
        here = {name: recorded[name][begin : begin + len(part)] for name in order}
        found["float"].append([beside(name, here[name], meant[name], begin) for name in order])
        found["integers"].append([beside(name, here[name], whole[plain(name)], begin) for name in order])
    return Compared(samples, joined(found["float"]), joined(found["integers"]))


def beside(layer: str, recorded: np.ndarray, sent: np.ndarray, begin: int) -> Beside:
    """A layer of some samples, counted from `begin`."""
    off = np.abs(recorded.astype(np.int16) - sent)
    places = np.argwhere(off.transpose(2, 0, 1))
    first = None
    if len(places):
        step, sample, neuron = (int(one) for one in places[0])
        at = (sample, neuron, step)
        first = Place(step, begin + sample, neuron, int(recorded[at]), int(sent[at]))
    return Beside(layer, int(recorded.sum(dtype=np.int64)), int(off.sum(dtype=np.int64)), first)


def joined(parts: Sequence[Sequence[Beside]]) -> tuple[Beside, ...]:
    """Layers of all samples."""
    found = []
    for of_layer in zip(*parts, strict=True):
        firsts = [one.first for one in of_layer if one.first is not None]
        fired, differing = sum(one.fired for one in of_layer), sum(one.differing for one in of_layer)
        found.append(Beside(of_layer[0].layer, fired, differing, min(firsts, default=None)))
    return tuple(found)
