"""A network of a framework: drawn by it, run by it, exported by it to NIR."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

SIZES = (8, 7, 5)
STEPS, SAMPLES = 60, 12
DT = "1ms"


@dataclass(frozen=True)
class Case:
    """One network.

    Attributes:
        framework: for people. neuron: its class. reset: as its user asks for it.
        needs: modules without which it cannot be drawn.
        draw: writes the file and returns the output's spikes, (samples, outputs, steps).
        options: of `basalt import` that the file does not answer.
        refused: the neuron here lacks its reset.
    """

    framework: str
    neuron: str
    reset: str
    needs: tuple[str, ...]
    draw: Callable[[Path, np.ndarray], np.ndarray]
    options: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False

    @property
    def name(self) -> str:
        """For a test."""
        return f"{self.framework} {self.neuron} {self.reset}"


def loaded(name: str) -> ModuleType:
    """A framework's module."""
    return import_module(name)


def inputs(seed: int = 0, rate: float = 0.35) -> np.ndarray:
    """Random spikes."""
    rng = np.random.default_rng(seed)
    return (rng.random((SAMPLES, SIZES[0], STEPS)) < rate).astype(np.uint8)


def stepped(layers: Iterable[Callable[["torch.Tensor"], Any]], spikes: np.ndarray) -> np.ndarray:
    """What layers that take a step at a time send, in double precision, whatever they pass on themselves."""
    import torch

    out = []
    with torch.no_grad():
        for at in torch.as_tensor(spikes, dtype=torch.float64).unbind(-1):
            for layer in layers:
                at = layer(at.double())
            out.append(at)
    return torch.stack(out, dim=-1).numpy()


def at_once(layers: Iterable[Callable[["torch.Tensor"], Any]], spikes: np.ndarray) -> np.ndarray:
    """The same of layers that take all steps, (samples, steps, features)."""
    import torch

    with torch.no_grad():
        at = torch.as_tensor(spikes, dtype=torch.float64).transpose(1, 2)
        for layer in layers:
            at = layer(at.double())
            at = at[0] if isinstance(at, tuple) else at
        return at.transpose(1, 2).numpy()


def doubled(net: Any) -> Any:
    """A copy in double precision; what is exported stays as its user would have it."""
    return deepcopy(net).double()


def weighted(layer: Any, gain: float, rng: np.random.Generator) -> Any:
    """A torch layer with weights that make its neurons spike now and then."""
    import torch

    with torch.no_grad():
        for values in torch.nn.Module.parameters(layer):
            values.copy_(torch.as_tensor(gain * rng.normal(0.15, 0.5, values.shape)))
    return layer


def each(low: float, high: float, size: int, rng: np.random.Generator) -> Any:
    """A number for each neuron; vectors, as nir 1.0.8 writes no others."""
    import torch

    return torch.as_tensor(rng.uniform(low, high, size), dtype=torch.float32)
