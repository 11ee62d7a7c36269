"""States compared between the reference and a backend: u and v of neurons, and the state of their memory pathway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Integer

from basalt.deploy.job import Job, run
from basalt.records.network import Network
from basalt.records.simulate import States, simulate

CHUNK = 64
"""Samples whose states the reference keeps at a time, at every step."""

Held = Mapping[str, Mapping[str, np.ndarray]]
"""By layer and variable, (samples, size): states after the last step."""


@dataclass(frozen=True)
class StateComparison:
    """How a state of a layer fared after the last step.

    Attributes:
        state: "u", "v", or that of the memory pathway: "m", "h" or "q".
        size: values of a sample.
        first: sample, index, left and right of the first that differs; None where none does.
    """

    layer: str
    state: str
    samples: int
    size: int
    compared: int
    mismatches: int
    first: dict[str, int] | None


def simulated(
    network: Network, spikes: Integer[np.ndarray, "samples features steps"]
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """What every layer sends by the references, and its states after the last step."""
    sent: dict[str, list[np.ndarray]] = {}
    held: dict[str, dict[str, list[np.ndarray]]] = {}
    for first in range(0, len(spikes), CHUNK):
        states: dict[str, States] = {}
        for name, values in simulate(network, spikes[first : first + CHUNK], states).items():
            sent.setdefault(name, []).append(values)
        for name, kept in states.items():
            for variable, values in vars(kept).items():
                held.setdefault(name, {}).setdefault(variable, []).append(values[..., -1].copy())
    whole = {name: {key: np.concatenate(parts) for key, parts in kept.items()} for name, kept in held.items()}
    return {name: np.concatenate(parts) for name, parts in sent.items()}, whole


def compare_states(network: Network, left: Held, right: Held) -> tuple[StateComparison, ...]:
    """Compare what two implementations hold after the last step, for the layers that both have."""
    found = []
    for layer in network.emitting:
        if layer.name not in left or layer.name not in right:
            continue
        for variable, symbol in layer.state_names.items():
            a, b = left[layer.name][variable], right[layer.name][variable]
            differ = np.argwhere(a != b)
            first = None
            if len(differ):
                sample, index = (int(value) for value in differ[0])
                first = {
                    "sample": sample,
                    "index": index,
                    "left": int(a[sample, index]),
                    "right": int(b[sample, index]),
                }
            samples, size = a.shape
            found.append(
                StateComparison(
                    layer.name, symbol, samples=samples, size=size, compared=a.size, mismatches=len(differ), first=first
                )
            )
    return tuple(found)


def reference_states(network: Network, spikes: np.ndarray, layer: str, sample: int, step: int) -> dict[str, Any] | None:
    """The states of a layer after a step of a sample, as the reference has them; None where it has none."""
    kept: dict[str, States] = {}
    simulate(network, spikes[sample : sample + 1, :, : step + 1], kept)
    if layer not in kept:
        return None
    return {name: values[0, :, -1] for name, values in vars(kept[layer]).items()}


def backend_states(
    network: Network, spikes: np.ndarray, layer: str, sample: int, step: int, backend: str
) -> dict[str, Any] | None:
    """The same as a backend has them: the sample again, up to that step."""
    job = Job(network, spikes[sample : sample + 1, :, : step + 1], backend, 1, record=(), states=True)
    found = run(job).states
    return {name: values[0] for name, values in found[layer].items()} if layer in found else None


def told(network: Network, layer: str, neuron: int, states: dict[str, Any] | None) -> dict[str, Any] | None:
    """What of the states belongs to a divergence: u and v of the neuron, and the whole state of the memory pathway."""
    if states is None:
        return None
    record = next(record for record in network.emitting if record.name == layer)
    found: dict[str, Any] = {name: int(states[name][neuron]) for name in ("u", "v")}
    return found | {
        record.state_names[name]: states[name].astype(int).tolist() for name in record.state_names if name == "m"
    }
