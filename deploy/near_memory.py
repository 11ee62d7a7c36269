"""Layers on a near-memory core: their sizes, and what their memories are in the counts."""

from collections.abc import Iterable
from typing import Any

from basalt.near_memory.convolution import ConvSizes, conv_sizes
from basalt.near_memory.core import Core, Sizes, readout_sizes, spiking_sizes
from basalt.near_memory.geometry import OWNER, SPIKING, memories, misfits
from basalt.near_memory.memory import SIZES
from basalt.records.network import Conv, Layer, Readout, Spiking
from basalt.records.pathways import PATHWAYS, SlowMemory


def sizes_of(layer: Layer, value_bits: int = 1) -> Sizes:
    """What the schedule of a layer depends on; its input events carry values of so many bits, spikes none."""
    if isinstance(layer, Readout):
        return readout_sizes(layer.inputs, layer.neurons, layer.voltage_decay, value_bits, layer.current_decay)
    assert isinstance(layer, Spiking)
    memory = layer.memory
    return spiking_sizes(
        layer.inputs,
        layer.neurons,
        layer.neuron.current_decay,
        layer.delay,
        layer.recurrent_weight is not None,
        memory.states if isinstance(memory, SlowMemory) else 0,
        1 if memory is None else memory.update_interval,
        None if memory is None or memory.kind not in SIZES else SIZES[memory.kind](vars(memory)),
        kernel_of(layer) if isinstance(layer, Conv) else None,
        diagonal=layer.recurrence == "diagonal",
        value_bits=value_bits,
    )


def kernel_of(layer: Conv) -> ConvSizes:
    """What the schedule of a convolution depends on."""
    return conv_sizes(vars(layer), layer.shape, layer.weight)


def footprint(layer: Layer, part: str, core: Core, value_bits: int = 1) -> dict[str, Any]:
    """The memories of a part of a layer, as counts.json has them: bits in all, bits of a row, macros that they are of,
    and ports of an SRAM macro where it has more than one."""
    owner = part if part in PATHWAYS else SPIKING
    mine = [memory for memory in memories(core, sizes_of(layer, value_bits)).values() if OWNER[memory.name] == owner]
    shared = [memory for memory in mine if not memory.registers and memory.macro_ports > 1]
    return {
        "memory_bits": {memory.name: memory.size for memory in mine},
        "row_bits": {memory.name: memory.bits for memory in mine},
        "banks": {memory.name: memory.banks for memory in mine if memory.banks > 1},
        "ports": {memory.name: memory.macro_ports for memory in shared},
    }


def fit_notices(layers: Iterable[Layer], core: Core) -> list[str]:
    """What of these layers does not fit into a core, a sentence a layer; it is counted as if the core were large
    enough."""
    found = {layer.name: misfits(core, sizes_of(layer)) for layer in layers}
    return [
        f"Layer {name!r} does not fit into the core {core.name!r}, and is counted as if it did: "
        f"{'; '.join(map(str, broken))}."
        for name, broken in found.items()
        if broken
    ]


def summary(core: Core) -> str:
    """A core in one line."""
    return (
        f"near-memory, {core.neurons} neurons, {core.fused} at a time, {core.inputs} inputs, {core.states} states, "
        f"of {core.state_bits} bits"
    )


def description(core: Core) -> dict[str, Any]:
    """What the counts say of a core."""
    return {**vars(core), "sram_kib": dict(core.sram_kib)}
