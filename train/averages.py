"""Weights averaged over training: where a recipe asks for them, they are what is validated, kept and deployed."""

import copy

import torch
from jaxtyping import Int, UInt8

from basalt.train.networks import Network


class Averages:
    """The mean w̄ of all weights, over about the last `steps` steps:

        w̄ += (w − w̄) / min(t, steps)                                       after step t = 1, 2, …

    so the plain mean of all steps at first, and an exponential one from then on.

    Args:
        trained: the network whose weights w are trained.
        steps: of which the mean is, at least 1.

    Attributes:
        network: one of its own, with w̄.
    """

    def __init__(self, trained: Network, steps: float) -> None:
        self.steps = max(steps, 1.0)
        self.network = copy.deepcopy(trained).requires_grad_(False)
        self._pairs = list(zip(self.network.parameters(), trained.parameters()))
        self._buffers = list(zip(self.network.buffers(), trained.buffers()))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after this step, counted from 1."""
        averages, weights = (list(values) for values in zip(*self._pairs))
        torch._foreach_lerp_(averages, weights, 1 / min(step, self.steps))

    @torch.no_grad()
    def calibrated(self, x: UInt8[torch.Tensor, "batch features steps"], labels: Int[torch.Tensor, "batch"]) -> Network:
        """The network, its memories scaled for its own weights by `Network.calibrate`."""
        for own, trained in self._buffers:
            own.copy_(trained)
        self.network.calibrate(x, labels)
        return self.network
