"""Proof that two implementations compute the same integers: every spike of every layer at every step, compared.

Training left what it computed (trace.npz); the references compute it again from the .net file; a backend runs it. Equal
means equal at the same time index, and the first difference is named. Between the reference and a backend the states
after the last step are compared too (`verify_states.py`): a state that was once wrong rarely recovers.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from basalt.deploy.comparison_states import StateComparison
from basalt.records.network import Network


@dataclass(frozen=True)
class LayerComparison:
    """How one layer fared; `late` is by how many steps the right side sends later, as it may."""

    layer: str
    samples: int
    steps: int
    neurons: int
    compared: int
    mismatches: int
    late: int = 0


@dataclass(frozen=True)
class Divergence:
    """The first difference: earliest step, then layer order, then sample and neuron.

    `states` are those after that step, where the side keeps them: u and v of the neuron, and the whole state of the
    layer's memory pathway, called "m", "h" or "q" as in its record.
    """

    pair: tuple[str, str]
    layer: str
    sample: int
    neuron: int
    step: int
    left: int
    right: int
    states: dict[str, dict[str, Any] | None]


@dataclass(frozen=True)
class Pair:
    """Two implementations, layer by layer."""

    left: str
    right: str
    layers: tuple[LayerComparison, ...]
    first_divergence: Divergence | None
    states: tuple[StateComparison, ...] = ()

    @property
    def compared(self) -> int:
        """Values compared, over all layers, spikes and states."""
        return sum(layer.compared for layer in self.layers) + sum(state.compared for state in self.states)

    @property
    def mismatches(self) -> int:
        """Values that differ, likewise."""
        return sum(layer.mismatches for layer in self.layers) + sum(state.mismatches for state in self.states)


def compare(
    network: Network,
    left: tuple[str, Mapping[str, np.ndarray]],
    right: tuple[str, Mapping[str, np.ndarray]],
) -> Pair:
    """Compare what two implementations sent, for the layers that both have.

    Args:
        left, right: a name, and by layer name (samples, neurons, steps) arrays; a read-out may give its last sums only,
            (samples, classes), which are then compared with the other side's last step.
    """
    layers = []
    earliest: tuple[int, int, int, int] | None = None
    for order, layer in enumerate(network.layers):
        if layer.name not in left[1] or layer.name not in right[1]:
            continue
        a, b, first_step = aligned(left[1][layer.name], right[1][layer.name])
        differ = a != b
        samples, neurons, steps = a.shape
        wrong = int(np.count_nonzero(differ))
        layers.append(LayerComparison(layer.name, samples, steps, neurons, a.size, wrong))
        if wrong:
            step = int(np.flatnonzero(differ.any(axis=(0, 1)))[0])
            sample, neuron = (int(value) for value in np.argwhere(differ[:, :, step])[0])
            earliest = min(filter(None, (earliest, (step + first_step, order, sample, neuron))))
    divergence = None if earliest is None else named(network, left, right, *earliest)
    return Pair(left[0], right[0], tuple(layers), divergence)


def aligned(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Both sides with the axes (samples, neurons, steps) and as many samples, and the step that they begin with."""
    samples = min(len(a), len(b))
    a, b = a[:samples], b[:samples]
    steps = max(value.shape[2] if value.ndim == 3 else 1 for value in (a, b))
    if a.ndim == b.ndim == 3:
        return a, b, 0
    last = [value[:, :, -1:] if value.ndim == 3 else value[:, :, None] for value in (a, b)]
    return last[0], last[1], steps - 1


def named(
    network: Network,
    left: tuple[str, Mapping[str, np.ndarray]],
    right: tuple[str, Mapping[str, np.ndarray]],
    step: int,
    order: int,
    sample: int,
    neuron: int,
) -> Divergence:
    """The divergence at a place."""
    layer = network.layers[order].name

    def value(side: Mapping[str, np.ndarray]) -> int:
        sent = side[layer]
        return int(sent[sample, neuron, step] if sent.ndim == 3 else sent[sample, neuron])

    pair = (left[0], right[0])
    return Divergence(
        pair,
        layer,
        sample=sample,
        neuron=neuron,
        step=step,
        left=value(left[1]),
        right=value(right[1]),
        states=dict.fromkeys(pair),
    )


def verification(pairs: list[Pair], training: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Content of verify.json.

    Args:
        training: whether and how training was compared, or why not, as `deploy.commands.verify.training_told` has it.
    """
    first = next((pair.first_divergence for pair in pairs if pair.first_divergence), None)
    return {
        "compared": sum(pair.compared for pair in pairs),
        "mismatches": sum(pair.mismatches for pair in pairs),
        **({} if training is None else {"training": dict(training)}),
        "first_divergence": None if first is None else asdict(first),
        "pairs": [
            {
                "left": pair.left,
                "right": pair.right,
                "layers": [asdict(layer) for layer in pair.layers],
                "states": [asdict(state) for state in pair.states],
            }
            for pair in pairs
        ],
    }
