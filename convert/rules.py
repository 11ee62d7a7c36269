"""Design rules, run at export and at load.

A rule looks at one layer and yields what breaks it; a violation names rule, layer, value and limit. Most follow from
the records: the limits of their fields, and their methods under `relation` (`basalt/records/fields.py`).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from basalt.convert import bounds, foreign
from basalt.errors import BasaltError
from basalt.records.convolution import Convolution
from basalt.records.delta import Delta, DeltaInput
from basalt.records.fields import Found, breaches, misshapen, outside, rules_of, shown
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.neurons import NEURONS
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking
from basalt.records.whole import is_narrow

RECORDS: tuple[type, ...] = (
    Spiking, *NEURONS.values(), Convolution, Conv, Encoder, Readout, Delta, DeltaInput, SigmaDelta, SigmaOutput,
    *PATHWAYS.values(),
)  # fmt: skip
"""What layers are made of."""

STRANGE = re.compile(r"[^\w-]")


@dataclass(frozen=True)
class Violation:
    """A broken rule."""

    rule: str
    layer: str
    what: str
    value: float | str
    limit: str

    def __str__(self) -> str:
        broken = f"layer {self.layer!r} breaks the rule {self.rule}"
        value = self.value if isinstance(self.value, str) else shown(self.value)
        return f"{broken}: {self.what} is {value}, the limit is {self.limit}"


def parts(layer: Layer) -> Iterator[Any]:
    """The records that a layer is made of."""
    yield layer
    for name in ("neuron", "memory"):
        part = getattr(layer, name, None)
        if is_dataclass(part):
            yield part


def of_records(rule: str, layer: Layer) -> Found:
    """What of a layer's records breaks a rule of theirs."""
    for part in parts(layer):
        yield from breaches(part, rule)


def integers(layer: Layer) -> Found:
    """All numbers are whole: fractions would be rounded somewhere on the way."""
    for part in parts(layer):
        for item in fields(part):
            value = getattr(part, item.name)
            narrow = item.name in getattr(part, "narrow", ()) and is_narrow(value)
            if isinstance(value, np.ndarray) and value.dtype != np.int64 and not narrow:
                yield item.name, f"of the type {value.dtype}", "whole numbers within 64 bits"
            elif isinstance(value, float | np.floating):
                yield item.name, float(value), "a whole number"


def shapes(layer: Layer) -> Found:
    """Arrays of one layer belong together."""
    if not isinstance(layer, Spiking | Delta):
        return
    neurons, inputs = layer.neurons, layer.inputs
    if neurons < 1:
        yield "number of neurons", neurons, "at least 1"
        return
    yield from misshapen(layer, neurons=neurons, inputs=inputs)
    if isinstance(layer, Delta):
        return
    yield from misshapen(layer.neuron, neurons=neurons)
    if layer.memory is not None:
        yield from layer.memory.misshapen(neurons, inputs)
        if layer.memory.shape != (neurons, inputs):
            yield "neurons and inputs of the memory", f"{layer.memory.shape}", f"{(neurons, inputs)}"


RULES: dict[str, Callable[[Layer], Found]] = {
    "integers": integers,
    **{rule: partial(of_records, rule) for record in RECORDS for rule in rules_of(record)},
    "shapes": shapes,
}
"""Name → what of a layer breaks the rule."""


def sum_width(network: Network) -> Iterator[Violation]:
    """What a step brings to a neuron or to a memory pathway fits 32 bits, for an input of 255 everywhere."""
    for layer, value in bounds.inputs_of(network):
        if isinstance(layer, Spiking | Readout):
            for what, reach in bounds.step_sums(layer, value):
                for found in outside(what, reach, 0, bounds.SUM_MAX):
                    yield Violation("sum_width", layer.name, *found)


SOURCE = "input"
"""The name of the network's input, which no layer may have."""

FIRST = ("integers", "geometry", "shapes")
"""Rules that the others rely on, in this order."""


def check(network: Network) -> list[Violation]:
    """Every violation of every rule, in the order of the layers."""
    found = []
    for layer in network.layers:
        for name in (*FIRST, *(name for name in RULES if name not in FIRST)):
            broken = [Violation(name, layer.name, *entry) for entry in RULES[name](layer)]
            found += broken
            if broken and name in FIRST:
                break
    if any(violation.rule in FIRST for violation in found):
        return found
    found += list(sum_width(network))
    for layer, value in bounds.inputs_of(network):
        if isinstance(layer, Foreign):
            found += [Violation(name, layer.name, *entry) for name, entry in foreign.check(layer, value)]
    before = None
    for layer in network.layers:
        if before is not None and layer.inputs != before.neurons:
            limit = f"{before.neurons}, what layer {before.name!r} sends"
            found.append(Violation("chain", layer.name, "the input size", layer.inputs, limit))
        if before is not None and before.graded and not isinstance(layer, SigmaDelta | SigmaOutput):
            found.append(Violation("messages", layer.name, f"what layer {before.name!r} sends", "values", "spikes"))
        if isinstance(before, Readout):
            found.append(Violation("readout_last", before.name, "layers after the read-out", 1, "0"))
        before = layer
    names = [SOURCE, *(layer.name for layer in network.layers)]
    found += [
        Violation("unique_names", name, "the number of layers of that name", names.count(name), "1")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    strange = {name: len(STRANGE.findall(name)) for name in names}  # names are those of files and of tables' columns
    found += [
        Violation("plain_names", name, "the number of characters but letters, digits, _ and - in its name", count, "0")
        for name, count in strange.items()
        if count
    ]
    return found


def enforce(network: Network, place: str) -> None:
    """Raise for the first violations.

    Raises:
        BasaltError: with up to three violations, and how many more there are.
    """
    found = check(network)
    if found:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise BasaltError(f"{place}: " + "; ".join(map(str, found[:3])) + more + ".")
