"""Layers on a near-memory core: their sizes, and what their memories are in the counts."""

from collections.abc import Iterable
from typing import Any

from basalt.near_memory.core import Core
from basalt.near_memory.geometry import OWNER, SPIKING, memories, misfits
from basalt.near_memory.sizes import sizes_of
from basalt.records.layer import Layer
from basalt.records.pathways import PATHWAYS


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
    """What of these layers does not fit into a core, one sentence per layer; it is counted as if the core were large
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
