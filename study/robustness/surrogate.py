"""Attacks through another surrogate gradient than training's.

A gradient that is nearly zero leaves an attack helpless and a network no safer. A wider surrogate tells: what it finds,
and training's does not, was hidden.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

KEYS = ("tau_rho", "scale_rho")


@contextmanager
def widened(network: torch.nn.Module, factor: float) -> Iterator[None]:
    """Within the block, surrogates of spiking neurons are `factor` times as wide, with the same height.

        ρ(v) = scale/(2·tau)·exp(−|v − θ|/tau),  tau and scale both times the factor

    The spikes stay as they are, and networks without such neurons altogether.
    """
    neurons: list[Any] = [module for module in network.modules() if all(hasattr(module, key) for key in KEYS)]
    before = [(neuron.tau_rho, neuron.scale_rho) for neuron in neurons]
    try:
        for neuron, (tau, scale) in zip(neurons, before):
            _set(neuron, factor * tau, factor * scale)
        yield
    finally:
        for neuron, (tau, scale) in zip(neurons, before):
            _set(neuron, tau, scale)


def _set(neuron: Any, tau: float, scale: float) -> None:
    neuron.tau_rho, neuron.scale_rho = tau, scale
    neuron._cached = None  # the constants that kernels take hold both
