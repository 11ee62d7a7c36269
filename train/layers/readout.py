"""The read-out: non-spiking integrators, one a class."""

import torch
from jaxtyping import Float, Int, UInt8

from train.layers.config import ReadoutConfig
from train.layers.integers import ReadoutIntegers
from train.layers.spiking import to_integers
from train.layers.synapse import Dense
from train.slayer import slayer


class Readout(torch.nn.Module):
    """y[t] = y[t−1] + W s[t−1], so y[T−1] = W Σ_{t<T−1} s[t]; logits are y[T−1]·logit_scale.

    Args:
        config: of the layer.
        name: of the layer.
        inputs: number of input features.
        classes: number of outputs.
    """

    def __init__(self, config: ReadoutConfig, name: str, inputs: int, classes: int) -> None:
        super().__init__()
        self.config, self.name, self.inputs, self.units = config, name, inputs, classes
        self.synapse = Dense(inputs, classes, pre_hook_fx=slayer.neuron.cuba.Neuron(1.0, 1.0, 1.0).quantize_8bit)
        with torch.no_grad():
            self.synapse.weight.normal_(0, config.weight_scale / inputs**0.5)

    def forward(self, x: Float[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch classes"]:
        """Logits, in the training form."""
        counts = x[..., :-1].sum(-1)
        return counts @ self.synapse.matrix.t() * self.config.logit_scale

    def integers(self) -> ReadoutIntegers:
        """The layer as it is deployed."""
        return ReadoutIntegers(name=self.name, weight=to_integers(self.synapse.matrix))

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Int[torch.Tensor, "batch classes"]:
        """The sums after the last step, in exact integers."""
        counts = x[..., :-1].sum(-1, dtype=torch.int64)
        return counts @ torch.from_numpy(self.integers().weight).t()
