"""The read-out: non-spiking integrators, one per class."""

import torch
from jaxtyping import Float, Int, Num, UInt8

from basalt.records.readout import Readout as ReadoutRecord
from basalt.train.dynamics import exact, grid
from basalt.train.dynamics.response import response
from basalt.train.dynamics.scalars import DECAY_UNIT
from basalt.train.dynamics.synapse import Dense
from basalt.train.layers.config import ReadoutConfig


class Readout(torch.nn.Module):
    """Sums y[t] = y[t−1] + W s[t−1], so y[T−1] = W Σ_{t<T−1} s[t]; logits are y·logit_scale.

    With a `voltage_decay`, the mean over time of leaky membranes: v[t] = decay(v[t−1]) + W s[t−1], and logits are
    (v[0] + … + v[t])/(t + 1)·logit_scale. As v is linear in the spikes, that is a weighted count of them (`response`).

    Args:
        config: of the layer.
        name: of the layer.
        inputs: number of input features.
        classes: number of outputs.
    """

    def __init__(self, config: ReadoutConfig, name: str, inputs: int, classes: int) -> None:
        super().__init__()
        self.config, self.name, self.inputs, self.units = config, name, inputs, classes
        self.synapse = Dense(inputs, classes, pre_hook_fx=grid.weights)
        with torch.no_grad():
            self.synapse.weight.normal_(0, config.weight_scale / inputs**0.5)

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        return {self.synapse.weight: self.config.weight_scale}

    @property
    def voltage_decay(self) -> int | None:
        """The decay of the membranes, 0 … 4096, or None where the read-out sums."""
        return None if self.config.voltage_decay is None else round(DECAY_UNIT * self.config.voltage_decay)

    def forward(
        self, x: Num[torch.Tensor, "batch inputs steps"], over_time: bool = False
    ) -> Float[torch.Tensor, "batch classes ..."]:
        """Logits after the last step, or after every step (batch, classes, steps), in the training form."""
        x = x.to(self.synapse.weight.dtype)
        added = response(x.shape[2], self.voltage_decay, x.device)
        if over_time:
            return self.synapse(x) @ added.t() * self.config.logit_scale
        return self.of_counts(added[-1] @ x.transpose(1, 2))

    def of_counts(self, counts: Float[torch.Tensor, "batch inputs"]) -> Float[torch.Tensor, "batch classes"]:
        """Logits from how much each input has added (sums: its spikes before the last step)."""
        return counts @ grid.weights(self.synapse.weight.flatten(1)).t() * self.config.logit_scale

    def record(self) -> ReadoutRecord:
        """The layer as it is deployed: integers only."""
        return ReadoutRecord(self.name, grid.integers(self.synapse.matrix), self.voltage_decay)

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Int[torch.Tensor, "batch classes"]:
        """The sums after the last step, in exact integers."""
        return exact.sums(self.record(), x)
