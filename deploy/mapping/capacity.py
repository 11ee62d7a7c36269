"""What pieces need of a core and what a core has: one piece, or as many as share it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from basalt.deploy.mapping.partition import Piece
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories

LONGEST = "cycles of the longest step"
"""The resource beside those of a mean step: cores begin a step together, when the slowest has ended the one before."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """What pieces need of a core, and what a core has, by resource; sums over the pieces of a core count.

    Attributes:
        names: of the resources.
        needs: of each piece.
        limits: of every core.
    """

    names: tuple[str, ...]
    needs: Float[np.ndarray, "pieces resources"]
    limits: Float[np.ndarray, "resources"]

    def fits(self, needs: Float[np.ndarray, "*any resources"]) -> Bool[np.ndarray, "*any"]:
        """Whether a core has so much."""
        return np.asarray(np.all(needs <= self.limits, axis=-1))


def capacity(core: Core, pieces: list[Piece], share: bool, most_cycles: int | None = None) -> Capacity:
    """Neurons, inputs, states, bits of every memory that the core's file sizes, and cycles per step.

    Args:
        share: several pieces may be on a core, which then steps one after the other; never two of one layer.
        most_cycles: that a shared core may take for a mean step; if None, neither its mean step nor its longest one may
            take longer than those of the piece that takes longest by itself.
    """
    if not share:
        return Capacity(("pieces",), np.ones((len(pieces), 1)), np.ones(1))
    longest = {"cycles": max(piece.cycles for piece in pieces), LONGEST: max(piece.longest for piece in pieces)}
    cycles = longest if most_cycles is None else {"cycles": most_cycles}
    bits = {name: 8192 * kib for name, kib in core.sram_kib.items()}
    layers = [piece.layer for piece in pieces]
    limits: dict[str, float] = {
        "neurons": core.neurons,
        "inputs": core.inputs,
        "states": core.states,
        **cycles,
        **bits,
        **dict.fromkeys((f"layer {name}" for name in layers), 1),
    }
    needs = np.zeros((len(pieces), len(limits)))
    for number, piece in enumerate(pieces):
        memory = memories(core, piece.sizes)
        sizes = piece.sizes
        need = {"neurons": sizes.neurons, "inputs": sizes.inputs, "states": sizes.states}
        need |= {"cycles": piece.cycles, LONGEST: piece.longest}
        need |= {name: memory[name].size for name in bits if name in memory}
        need[f"layer {piece.layer}"] = 1
        needs[number] = [need.get(name, 0) for name in limits]
    return Capacity(tuple(limits), needs, np.array(list(limits.values()), dtype=np.float64))
