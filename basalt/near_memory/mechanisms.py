"""Memory pathways on a near-memory core, a row each, and the names of all of their memories and data paths."""

from collections.abc import Callable
from typing import Any

from basalt.near_memory.hgrn import GatedSizes, gated_sizes
from basalt.near_memory.hopfield import AssociativeSizes, associative_sizes
from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.neuron import REST_BITS, THRESHOLD_BITS
from basalt.records.slow_memory import SlowMemory

SIZES: dict[str, Callable[[Any], dict[str, Any]]] = {
    SlowMemory.kind: lambda memory: {"states": memory.states},
    Hgrn.kind: lambda memory: {"pathway": gated_sizes(memory)},
    Hopfield.kind: lambda memory: {"pathway": associative_sizes(memory)},
}
"""Kind of a memory pathway → what it is in the `sizes.Sizes` of its layer; a slow memory is fused with the neurons."""

STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "u": ("current", ("leak", "spikes", "memory")),
    "b": ("raised_threshold", ("leak", "threshold", "reset")),
    "r": ("refractory", ("leak", "threshold", "reset")),
    "rest": ("rest", ("leak", "spikes", "memory", "threshold", "reset")),
}
"""State of a neuron beside the membrane → its memory, and the passes that read and write it."""

NARROW = {"rest": REST_BITS}
"""Memory of a state that is narrower than the core's `state_bits` → its bits."""

CONSTANTS = {"thresholds": THRESHOLD_BITS, "reset_amounts": THRESHOLD_BITS}
"""Memory of what is kept for each neuron and never changes → its bits."""

KINDS = (GatedSizes, AssociativeSizes)
OWNER = {name: kind.part for kind in KINDS for name in kind.owned}
"""Every memory, and its part of the layer."""
WRITTEN = tuple(name for kind in KINDS for name in kind.written)
"""Memories that are written to."""
PATHS = {name: kind.part for kind in KINDS for name in kind.paths}
"""Every data path, and its part of the layer."""
