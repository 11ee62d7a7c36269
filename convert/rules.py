"""Design rules: one named function each, run at export and at load.

A rule looks at one layer and yields what breaks it; a violation names rule, layer, value and limit.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from basalt.convert import bounds, foreign
from basalt.errors import BasaltError
from basalt.records import tables
from basalt.records.arithmetic import STATE_MAX
from basalt.records.hgrn import GATES, GATINGS, Hgrn
from basalt.records.hopfield import RECALLS, Hopfield
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.neuron import DECAY_MAX
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Conv, Encoder, Spiking

WEIGHT_MIN, WEIGHT_MAX = -256, 254
THRESHOLD_MAX = (1 << 17) - 1
DELAY_MAX = 62
FRACTION_MAX = 6
START_MAX = 1 << 20
BIAS_MAX = (1 << 12) - 1
MEMORY_WEIGHT_MAX = 127
SHIFT_MAX = 30
SIMILARITY_SHIFT_MAX = 40
PATTERNS_MAX = 1 << 16
ITERATIONS_MAX = 64
STRANGE = re.compile(r"[^\w-]")
VARIANTS = {Hgrn.kind: GATINGS, Hopfield.kind: RECALLS}


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


def shown(number: float) -> str:
    """A number for people, whole ones to the last digit."""
    return f"{int(number)}" if float(number).is_integer() else f"{number:g}"


Found = Iterator[tuple[str, float | str, str]]
RULES: dict[str, Callable[[Any], Found]] = {}


def rule(check: Callable[[Any], Found]) -> Callable[[Any], Found]:
    """Register a rule under its function's name."""
    RULES[check.__name__] = check
    return check


def outside(what: str, values: np.ndarray | int, low: float, high: float) -> Found:
    """The value furthest outside low … high, if any is."""
    array = np.asarray(values)
    if array.size and (array.min() < low or array.max() > high):
        worst = array.min() if low - array.min() > array.max() - high else array.max()
        yield what, worst.item() if isinstance(worst, np.generic) else worst, f"{shown(low)} … {shown(high)}"


def parts(layer: Layer) -> Iterator[Any]:
    """The records that a layer is made of."""
    yield layer
    for name in ("neuron", "memory"):
        part = getattr(layer, name, None)
        if is_dataclass(part):
            yield part


@rule
def integers(layer: Layer) -> Found:
    """All numbers are whole: fractions would be rounded somewhere on the way."""
    for part in parts(layer):
        for item in fields(part):
            value = getattr(part, item.name)
            if isinstance(value, np.ndarray) and value.dtype != np.int64:
                yield item.name, f"of the type {value.dtype}", "whole numbers within 64 bits"
            elif isinstance(value, float | np.floating):
                yield item.name, float(value), "a whole number"


@rule
def weight_range(layer: Layer) -> Found:
    """Weights are even and within 8 bits of Loihi's grid, as lava-dl's quantisation leaves them."""
    weights: dict[str, np.ndarray | None] = {"weight": getattr(layer, "weight", None)}
    if isinstance(layer, Spiking):
        weights["recurrent_weight"] = layer.recurrent_weight
        weights |= layer.memory.weights if layer.memory else {}
    for name, value in weights.items():
        if value is not None:
            yield from outside(name, value, WEIGHT_MIN, WEIGHT_MAX)


@rule
def decay_range(layer: Layer) -> Found:
    """Decays are 0 (no leakage) … 4096 (complete leakage)."""
    if isinstance(layer, Spiking):
        yield from outside("current_decay", layer.neuron.current_decay, 0, DECAY_MAX)
        yield from outside("voltage_decay", layer.neuron.voltage_decay, 0, DECAY_MAX)
        if isinstance(layer.memory, Hopfield):
            yield from outside("trace_decay", layer.memory.trace_decay, 0, DECAY_MAX)
    if isinstance(layer, Readout):
        for name in ("current_decay", "voltage_decay"):
            if getattr(layer, name) is not None:
                yield from outside(name, getattr(layer, name), 0, DECAY_MAX)
        if layer.current_decay is not None and layer.voltage_decay is None:
            yield "current_decay of a read-out without voltage_decay", layer.current_decay, "none"


@rule
def threshold_range(layer: Layer) -> Found:
    """Thresholds have 17 bits."""
    if isinstance(layer, Spiking):
        yield from outside("threshold", layer.neuron.threshold, 0, THRESHOLD_MAX)


@rule
def bias_range(layer: Layer) -> Found:
    """Biases have a 13-bit mantissa."""
    if isinstance(layer, Spiking) and layer.bias is not None:
        yield from outside("bias", layer.bias, -BIAS_MAX - 1, BIAS_MAX)
    if isinstance(layer, Spiking) and isinstance(layer.memory, Hgrn):
        for gate in GATES:
            yield from outside(f"{gate}_bias", getattr(layer.memory, f"{gate}_bias"), -BIAS_MAX - 1, BIAS_MAX)


@rule
def delay_range(layer: Layer) -> Found:
    """Axonal delays are at most 62 steps."""
    if isinstance(layer, Spiking) and layer.delay is not None:
        yield from outside("delay", layer.delay, 0, DELAY_MAX)


@rule
def state_headroom(layer: Layer) -> Found:
    """The recurrent gain of one spike of every neuron fits the 24-bit current."""
    if isinstance(layer, Spiking) and layer.recurrent_weight is not None:
        gains = np.abs(layer.recurrent_weight)
        reach = (gains if layer.recurrence == "diagonal" else gains.sum(axis=1)).max(initial=0) << 6
        yield from outside("recurrent current of one step", int(reach), 0, STATE_MAX)


@rule
def memory_width(layer: Layer) -> Found:
    """P and ν have 8 bits, Ā and B̄ at most 16, the drive's bias has 24, shifts fit the 64-bit products."""
    if isinstance(layer, Spiking) and isinstance(layer.memory, SlowMemory):
        memory = layer.memory
        for name in ("memory_weight", "drive_memory_weight"):
            yield from outside(name, getattr(memory, name), -MEMORY_WEIGHT_MAX - 1, MEMORY_WEIGHT_MAX)
        for name in ("transition", "drive_input"):
            yield from outside(name, getattr(memory, name), -(1 << 15), (1 << 15) - 1)
        for name in ("drive_shift", "coefficient_shift", "memory_shift"):
            yield from outside(name, getattr(memory, name), 0, SHIFT_MAX)
        yield from outside("drive_bias", memory.drive_bias, -STATE_MAX, STATE_MAX)
        yield from outside("update_interval", memory.update_interval, 1, 1 << 20)
        for what, reach in bounds.slow_products(memory):
            yield from outside(what, reach, 0, bounds.PRODUCT_MAX)


@rule
def memory_contracts(layer: Layer) -> Found:
    """The slow state forgets: the spectral radius of Ā is below 1."""
    if isinstance(layer, Spiking) and isinstance(layer.memory, SlowMemory):
        memory = layer.memory
        if not 0 <= memory.coefficient_shift <= SHIFT_MAX:
            return  # breaks `memory_width`, and 2.0**shift perhaps all floats
        radius = np.abs(np.linalg.eigvals(memory.transition / 2.0**memory.coefficient_shift)).max(initial=0.0)
        if radius >= 1:
            yield "spectral radius of the transition", float(radius), "below 1"


@rule
def memory_variant(layer: Layer) -> Found:
    """The variant of a memory pathway is one that there is."""
    memory = layer.memory if isinstance(layer, Spiking) else None
    if isinstance(memory, Hgrn | Hopfield):
        known = VARIANTS[memory.kind]
        if memory.variant not in known:
            yield f"the variant of the {memory.kind} memory", repr(memory.variant), f"one of {', '.join(known)}"


@rule
def hgrn_width(layer: Layer) -> Found:
    """Lower bounds are 0 … 4096, gains have 8 bits, a table reaches over ±256 at most, and the current fits 24 bits."""
    if isinstance(layer, Spiking) and isinstance(layer.memory, Hgrn):
        memory = layer.memory
        yield from outside("low", memory.low, 0, tables.UNITY)
        yield from outside("gain", memory.gain, -MEMORY_WEIGHT_MAX - 1, MEMORY_WEIGHT_MAX)
        yield from outside("output_shift", memory.output_shift, 0, SHIFT_MAX)
        yield from outside("index_shift", memory.index_shift, 0, tables.SHIFT_MAX)
        reach = int(np.abs(memory.gain).max(initial=0)) << 20
        yield from outside("the current of a full gain", reach >> max(memory.output_shift, 0), 0, STATE_MAX)


@rule
def hopfield_width(layer: Layer) -> Found:
    """Patterns have 8 bits, or are ±1; shifts fit the 64-bit products; there is something to recall, and it fits."""
    if isinstance(layer, Spiking) and isinstance(layer.memory, Hopfield):
        memory = layer.memory
        classical = memory.values is None
        reach = 1 if classical else MEMORY_WEIGHT_MAX + 1
        yield from outside("keys", memory.keys, -reach, 1 if classical else MEMORY_WEIGHT_MAX)
        if classical and not memory.keys.all():
            yield "a key of a classical memory", 0, "−1 or 1"
        if memory.values is not None:
            yield from outside("values", memory.values, -reach, MEMORY_WEIGHT_MAX)
        yield from outside("number of patterns", len(memory.keys), 1, PATTERNS_MAX)
        yield from outside("similarity_shift", memory.similarity_shift, 0, SIMILARITY_SHIFT_MAX)
        for name in ("recall_shift", "output_shift"):
            yield from outside(name, getattr(memory, name), 0, SHIFT_MAX)
        yield from outside("iterations", memory.iterations, 1, ITERATIONS_MAX)
        yield from outside("update_interval", memory.update_interval, 1, 1 << 20)
        yield from outside("query_level", memory.query_level, -STATE_MAX, STATE_MAX)
        yield from outside("gain", memory.gain, -THRESHOLD_MAX, THRESHOLD_MAX)
        for what, reach in bounds.query_products(memory):
            yield from outside(what, reach, 0, bounds.PRODUCT_MAX)


@rule
def start_range(layer: Layer) -> Found:
    """A bias starts at a step that there is."""
    if isinstance(layer, Spiking):
        yield from outside("start", layer.start, 0, START_MAX)


@rule
def encoder_range(layer: Layer) -> Found:
    """The affine input has the grid of weights, and at most as many fraction bits as a state has beyond a weight."""
    if isinstance(layer, Encoder):
        yield from outside("offset", layer.offset, WEIGHT_MIN, WEIGHT_MAX)
        yield from outside("fraction", layer.fraction, 0, FRACTION_MAX)


@rule
def geometry(layer: Layer) -> Found:
    """A convolution's kernel fits into its input, its groups divide its channels, and it has no other synapses."""
    if not isinstance(layer, Conv):
        return
    outputs, channels, *kernel = layer.weight.shape
    yield from outside("input_shape", np.array(layer.input_shape), 1, 1 << 20)
    yield from outside("stride", np.array(layer.stride), 1, 1 << 20)
    yield from outside("dilation", np.array(layer.dilation), 1, 1 << 20)
    yield from outside("padding", np.array((*layer.padding, *layer.extra)), 0, 1 << 20)
    yield from outside("kernel size", np.array(kernel), 1, 1 << 20)
    yield from outside("groups", layer.groups, 1, outputs)
    if layer.groups < 1 or layer.input_shape[0] != channels * layer.groups or outputs % layer.groups:
        limit = f"{channels} × {layer.groups} groups, which divide {outputs} outputs"
        yield "the number of input channels", layer.input_shape[0], limit
    for part in ("recurrent_weight", "memory"):
        if getattr(layer, part) is not None:
            yield f"{part} of a convolution", 1, "none"


@rule
def shapes(layer: Layer) -> Found:
    """Arrays of one layer belong together."""
    if not isinstance(layer, Spiking):
        return
    neurons, inputs = layer.neurons, layer.inputs
    if neurons < 1:
        yield "number of neurons", neurons, "at least 1"
        return
    own = (neurons,) if layer.recurrence == "diagonal" else (neurons, neurons)
    expected = {"recurrent_weight": own, "bias": (neurons,), "delay": (neurons,)}
    for name, shape in expected.items():
        value = getattr(layer, name)
        if value is not None and value.shape != shape:
            yield f"size of {name}", float(value.size), f"{shape}"
    for name in ("current_decay", "voltage_decay"):
        size = getattr(layer.neuron, name).size
        if size not in (1, neurons):
            yield f"size of {name}", float(size), f"1 or {neurons}"
    if layer.memory is not None:
        for name, wanted in layer.memory.shapes(neurons, inputs).items():
            value = getattr(layer.memory, name)
            if (None if value is None else value.shape) != wanted:
                found = 0 if value is None else value.size
                yield f"size of memory {name}", float(found), "none" if wanted is None else f"{wanted}"
        if layer.memory.shape != (neurons, inputs):
            yield "neurons and inputs of the memory", f"{layer.memory.shape}", f"{(neurons, inputs)}"


def sum_width(network: Network) -> Iterator[Violation]:
    """What a step brings to a neuron or to a memory pathway fits 32 bits, for an input of 255 everywhere."""
    for layer, value in bounds.inputs_of(network):
        if isinstance(layer, Foreign):
            continue
        for what, reach in bounds.step_sums(layer, value):
            for found in outside(what, reach, 0, bounds.SUM_MAX):
                yield Violation("sum_width", layer.name, *found)


SOURCE = "input"
"""The name of where spikes come from, which no layer may have."""

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
