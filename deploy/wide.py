"""Stock process models of sigma-delta and resonate-and-fire layers, whose sums leave no bits behind.

Stock convolutions drop what does not fit 24 bits, and stock products, sums and activations what does not fit 32,
without a word. Here convolutions keep 32 bits, and what does not fit those ends the run with the layer's name.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Num

from basalt.records.delta import Delta
from basalt.records.network import Foreign, Network
from basalt.records.sigma_delta import SigmaOutput

LAYER = "layer"
"""The parameter of a process that names the layer it belongs to."""

PARTS = ("synapse", "real_synapse", "imag_synapse", "neuron")
"""Processes of a stock block."""

MAX = (1 << 31) - 1


def set_names(network: Network, blocks: Mapping[str, Any]) -> None:
    """Tell the processes of such layers which layer they are of."""
    for layer in network.layers:
        for part in PARTS if isinstance(layer, Foreign | Delta | SigmaOutput) else ():
            process = getattr(blocks[layer.name], part, None)
            if process is not None:
                process.proc_params[LAYER] = layer.name


def fitting(values: Num[np.ndarray, "*shape"], model: Any) -> Num[np.ndarray, "*shape"]:
    """The values, which fit 32 bits.

    Raises:
        OverflowError: they do not.
    """
    worst = int(np.abs(values).max(initial=0))
    if worst > MAX:
        raise OverflowError(f"a sum of layer {model.proc_params[LAYER]!r} is {worst}, more than 32 bits hold")
    return values


def wide_dense(model: type) -> dict[str, Any]:
    """Products in 64 bits, of weights as they are: of one sign alone, stock synapses clip and round some of them."""

    def run_spk(self: Any) -> None:
        self.weights, self.weights_set = self.weights.astype(np.int64, copy=False), True
        model.run_spk(self)  # type: ignore[attr-defined]
        fitting(self.a_buff, self)

    return {"run_spk": run_spk}


def wide_conv(model: type) -> dict[str, Any]:
    """Products in 64 bits, which keep more than 24, and geometry beyond a signed byte (600 channels are some)."""
    from lava.magma.core.model.py.type import LavaPyType

    def run_spk(self: Any) -> None:
        self.weight = self.weight.astype(np.int64, copy=False)
        model.run_spk(self)  # type: ignore[attr-defined]

    geometry = ("kernel_size", "stride", "padding", "dilation", "groups")
    return {
        "run_spk": run_spk,
        "clamp_precision": lambda self, x: fitting(x, self).astype(np.int32),
        **{name: LavaPyType(np.ndarray, np.int32) for name in geometry},
    }


def wide_sigma(model: type) -> dict[str, Any]:
    """What has been summed up."""

    def sigma_dynamics(self: Any, a_in_data: np.ndarray) -> np.ndarray:
        return fitting(a_in_data.astype(np.int64) + self.sigma, self).astype(np.int32)

    return {"sigma_dynamics": sigma_dynamics}


def wide_sigma_delta(model: type) -> dict[str, Any]:
    """What has been summed up, with its bias, and how much it has changed."""

    def activation_dynamics(self: Any, sigma_data: np.ndarray) -> np.ndarray:
        fitting(sigma_data.astype(np.int64) + self.bias, self)
        return model.activation_dynamics(self, sigma_data)  # type: ignore[attr-defined]

    def delta_dynamics(self: Any, act_data: np.ndarray) -> np.ndarray:
        fitting(act_data.astype(np.int64) - self.act + self.residue, self)
        return model.delta_dynamics(self, act_data)  # type: ignore[attr-defined]

    return {**wide_sigma(model), "activation_dynamics": activation_dynamics, "delta_dynamics": delta_dynamics}


WIDE: dict[str, Callable[[type], dict[str, Any]]] = {
    "Dense": wide_dense,
    "Conv": wide_conv,
    "Sigma": wide_sigma,
    "SigmaDelta": wide_sigma_delta,
}
"""Class of a process → what a wide model of it does otherwise."""


def wide_model(process: Any, model: type) -> type:
    """The process model, with nothing lost, where the process is of such a layer."""
    kind = type(process).__name__
    if process.proc_params.get(LAYER) is None or kind not in WIDE:
        return model
    return type(f"Wide{model.__name__}", (model,), WIDE[kind](model))
