"""What an inference costs at the paper's prices, by its own convention and by an honest one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from basalt.train.operations import Operations

ADDITION = 0.9e-12
"""Joules of a synaptic operation, a 32-bit addition at 45 nm (Horowitz, ISSCC 2014), as the paper has it."""
PRODUCT = 4.6e-12
"""Joules of a 32-bit multiplication and addition there."""
PAPER_SAMPLES = 640
"""Over how many samples the paper's sum runs; it calls that an inference."""


@dataclass(frozen=True)
class Energy:
    """Joules.

    Attributes:
        paper: 0.9 pJ for each spike of a hidden layer, whatever it reaches, summed over PAPER_SAMPLES samples.
        synapses: an inference's synaptic operations at 0.9 pJ, those into memory pathways included.
        products: an inference's products of memory pathways at 4.6 pJ.
    """

    paper: float
    synapses: float
    products: float

    @property
    def total(self) -> float:
        """Of an inference, additions and products."""
        return self.synapses + self.products

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "total": self.total}


def energy(spikes: Mapping[str, float], operations: Mapping[str, Operations]) -> Energy:
    """Of hidden layers' spikes and all layers' operations, both the mean per inference."""
    each = operations.values()
    return Energy(
        paper=PAPER_SAMPLES * ADDITION * sum(spikes.values()),
        synapses=ADDITION * sum(layer.synapses + layer.pathway for layer in each),
        products=PRODUCT * sum(layer.products for layer in each),
    )


def pooled_sparsity(rates: Mapping[str, float], neurons: Mapping[str, int]) -> float:
    """The share of all hidden neurons' steps without a spike."""
    return 1 - sum(rates[name] * neurons[name] for name in rates) / sum(neurons[name] for name in rates)


def paper_sparsity(rates: Mapping[str, float]) -> float:
    """The mean of the layers' sparsities, a layer counting as much as another."""
    return 1 - sum(rates.values()) / len(rates)


def times_a_dense_network(sparsity: float) -> float:
    """The paper's advantage over a network of products: 4.6/0.9 over the share of steps with a spike."""
    return PRODUCT / ADDITION / max(1 - sparsity, 1e-9)
