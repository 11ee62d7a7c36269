"""SLAYER's dense synapse, event-driven on the CPU, and one of a single weight per neuron."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Num

from basalt.train.dynamics import events
from basalt.train.slayer import slayer


class Dense(slayer.synapse.Dense):
    """`slayer.synapse.Dense` for binary input: same weight shape, quantisation hook and sums.

    The sums are exact: quantised weights lie on the 1/64 grid, so float32 adds them without rounding.
    """

    @property
    def matrix(self) -> Float[torch.Tensor, "neurons inputs"]:
        """The weights after the quantisation hook."""
        weight = self.weight if self.pre_hook_fx is None else self.pre_hook_fx(self.weight)
        return weight.flatten(1)

    def forward(
        self, input: Num[torch.Tensor, "batch inputs steps"], delay: int = 0
    ) -> Float[torch.Tensor, "batch neurons steps"]:
        """a[t] = W s[t − delay]."""
        return events.product(input.transpose(1, 2), self.matrix, delay).transpose(1, 2)


class Diagonal(torch.nn.Module):
    """A synapse from each neuron to itself.

    Args:
        neurons: their number.
        hook: the quantisation of the weights.
    """

    def __init__(self, neurons: int, hook: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(neurons))
        self.pre_hook_fx = hook

    @property
    def matrix(self) -> Float[torch.Tensor, "neurons"]:
        """The weights after the quantisation hook."""
        return self.pre_hook_fx(self.weight)
