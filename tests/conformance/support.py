"""What a network may have, which backend runs it with the reference's integers, and why another does not."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from basalt.deploy.backends import BACKENDS
from basalt.records.adaptive import Adaptive
from basalt.records.arithmetic import DECAY_MAX
from basalt.records.memory import MemoryPathway
from basalt.records.network import Network
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder, Spiking
from tests.conformance.grid import GridCase
from tests.conformance.records import held, variants


def some(test: Callable[[Spiking], object]) -> Callable[[GridCase], bool]:
    """A network with a spiking layer that passes the test."""
    return lambda case: any(bool(test(layer)) for layer in case.network.spiking)


def remembers(kind: type[MemoryPathway], test: Callable[[Any], bool]) -> Callable[[GridCase], bool]:
    """A network with a memory pathway of a kind that passes the test."""
    return some(lambda layer: isinstance(layer.memory, kind) and test(layer.memory))


def memories() -> Iterator[tuple[str, Callable[[GridCase], bool]]]:
    """Every kind and variant of memory pathway, and every kind that is refreshed now and then."""
    for record in PATHWAYS.values():
        for variant in variants(record):
            title = record.title if variant is None else record.titles[variant]
            yield title, remembers(record, lambda memory, v=variant: getattr(memory, "variant", None) == v)
        if held(record, 1):
            yield f"{record.title}, refreshed now and then", remembers(record, lambda memory: memory.interval > 1)


def graded(case: GridCase) -> bool:
    """Some input is more than a spike."""
    return bool(case.spikes.max(initial=0) > 1)


def membranes(case: GridCase, read: bool) -> bool:
    """The read-out has membranes, of which it gives the sums, or themselves."""
    readout = case.network.readout
    return readout is not None and readout.voltage_decay is not None and readout.membranes == read


def kinds(network: Network) -> set[str]:
    """Kinds of layers."""
    return {layer.kind for layer in network.layers}


FEATURES: dict[str, Callable[[GridCase], bool]] = {
    "dense layers": lambda case: Spiking.kind in kinds(case.network),
    "convolutions and sum pools": lambda case: Conv.kind in kinds(case.network),
    "affine inputs (lava-dl's `input` with neurons)": lambda case: Encoder.kind in kinds(case.network),
    "recurrence": some(lambda layer: layer.recurrence == "full"),
    "diagonal recurrence": some(lambda layer: layer.recurrence == "diagonal"),
    "axonal delays": some(lambda layer: layer.delay is not None and np.any(layer.delay > 0)),
    "recurrence with delays": some(lambda layer: layer.delay is not None and layer.recurrence == "full"),
    "bias": some(lambda layer: layer.bias is not None),
    "bias with delays": some(lambda layer: layer.delay is not None and layer.bias is not None),
    "bias that starts late": some(lambda layer: layer.bias is not None and layer.start > 0),
    "decays of single neurons": some(lambda layer: layer.neuron.current_decay.size > 1),
    "membranes without leakage": some(lambda layer: not layer.neuron.voltage_decay.any()),
    "membranes that forget all in a step": some(lambda layer: np.all(layer.neuron.voltage_decay == DECAY_MAX)),
    "thresholds of single neurons": some(lambda layer: layer.neuron.own_thresholds),
    "soft reset": some(lambda layer: layer.neuron.reset == "soft"),
    "soft reset by another amount than the threshold": some(lambda layer: layer.neuron.own_amount),
    "no reset": some(lambda layer: layer.neuron.reset == "none"),
    "refractory steps": some(lambda layer: layer.neuron.refractory),
    "adaptive thresholds (SLAYER's ALIF)": some(lambda layer: isinstance(layer.neuron, Adaptive)),
    **dict(memories()),
    "read-out": lambda case: Readout.kind in kinds(case.network),
    "read-out by mean membranes": lambda case: membranes(case, read=False),
    "read-out of leaky membranes (lava-dl's `Affine`)": lambda case: membranes(case, read=True),
    "graded inputs to synapses": lambda case: graded(case) and not isinstance(case.network.layers[0], Encoder),
    "graded inputs to affine inputs": lambda case: graded(case) and isinstance(case.network.layers[0], Encoder),
    "signed inputs to affine inputs": lambda case: getattr(case.network.layers[0], "signed", False) and graded(case),
    "several samples, one after another": lambda case: len(case.spikes) > case.batch,
    "several samples, side by side": lambda case: case.batch > 1,
    "blocks of several time steps": lambda case: case.cell.block > 1,
}
"""Name → does this case have it."""

GRADED = "stock synapses take any value for a spike, unless an affine input comes first"
ALONE = "it runs one sample at a time, one step at a time; what is asked for side by side is run in turn"

EXCLUSIONS: dict[tuple[str, str], str] = {
    ("netx", "diagonal recurrence"): "stock lava-dl has none",
    ("netx", "recurrence with delays"): "stock netx cannot load recurrence with delays",
    ("netx", "bias with delays"): "stock netx delays the synapses, not the axons, which differs with a bias",
    ("netx", "bias that starts late"): "stock layers all start at step 0",
    ("netx", "soft reset"): "stock neurons reset hard only",
    ("netx", "soft reset by another amount than the threshold"): "stock neurons reset hard only",
    ("netx", "no reset"): "stock neurons reset hard only",
    ("netx", "thresholds of single neurons"): "Lava's LIF process has one threshold",
    ("netx", "refractory steps"): "stock netx makes neurons that have none",
    ("netx", "adaptive thresholds (SLAYER's ALIF)"): "stock lava-dl has none",
    **{("netx", feature): "stock lava-dl has none" for feature, _ in memories()},
    ("netx", "read-out"): "stock lava-dl has none",
    ("netx", "read-out by mean membranes"): "stock lava-dl has none",
    ("netx", "read-out of leaky membranes (lava-dl's `Affine`)"): "stock lava-dl has none",
    ("netx", "graded inputs to synapses"): GRADED,
    ("netx", "blocks of several time steps"): ALONE,
    ("near-memory", "affine inputs (lava-dl's `input` with neurons)"): BACKENDS["near-memory"].lacks["encoder"],
    ("near-memory", "graded inputs to affine inputs"): BACKENDS["near-memory"].lacks["encoder"],
    ("near-memory", "signed inputs to affine inputs"): BACKENDS["near-memory"].lacks["encoder"],
}
"""(Backend, feature) → why it is not in that backend's grid; netx refuses what its grid has not by name."""

WHOLE: dict[str, str] = {
    "float": "it computes in real numbers, without rounding, wrapping and saturation: what fixed point costs is the "
    "difference, so it is not meant to compute the same spikes",
    **{name: backend.why_not for name, backend in BACKENDS.items() if backend.why_not},
}
"""Backend → why none of the grid runs on it."""


def features(case: GridCase) -> set[str]:
    """What a case has."""
    return {name for name, has in FEATURES.items() if has(case)}


def supported(backend: str, case: GridCase) -> bool:
    """Nothing that the case has is excluded on a backend of ours."""
    return not any((backend, feature) in EXCLUSIONS for feature in features(case))


def exact() -> list[str]:
    """The backends that are held to the grid."""
    return [name for name in BACKENDS if name not in WHOLE]
