"""How long the gates of HGRN layers remember."""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from basalt.train.layers.hgrn import Hgrn
from basalt.train.networks import Network


def time_constants(
    network: Network, x: UInt8[torch.Tensor, "batch features steps"]
) -> dict[str, Float[np.ndarray, "_units"]]:
    """The effective time constants of every HGRN layer for the network's input x, by name, input side first."""
    found = {}
    for layer in network.hidden:
        if isinstance(layer, Hgrn):
            found[layer.name] = layer.time_constants(x)
        x = layer.exact(x)
    return found
