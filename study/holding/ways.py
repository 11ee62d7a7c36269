"""Ways in which a memory current may reach the neurons, to train networks that differ in nothing else.

With c[t] = memory[t], refreshed in every step, and an interval of n steps:

    every        c[t]
    held         c[⌊t/n⌋ n], as `update_interval` deploys it
    mean         the mean of c[t − n + 1] … c[t]: smooth, but another current in every step
    shifted      c[⌊(t + r)/n⌋ n − r], r drawn from 0 … n − 1 for each sample and pass: held, but from no fixed times
    uneven       held from T/n fixed steps that are drawn once, so for more or fewer than n steps
    pulsed       c[t] where n divides t, 0 elsewhere: few currents, for one step each
    forward      the values of `held`, with the gradient of `every`
    backward     the values of `every`, with the gradient of `held`
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int, Num

from basalt.train.dynamics.events import late, product
from basalt.train.layers import LAYERS
from basalt.train.layers.dmp import Dmp
from basalt.train.layers.spiking import Spiking

Current = Float[torch.Tensor, "batch steps neurons"]
Way = Callable[[Current, int], Current]


def every(c: Current, n: int) -> Current:
    """c[t]."""
    return c


def held(c: Current, n: int) -> Current:
    """c[⌊t/n⌋ n]."""
    return c[:, torch.arange(c.shape[1], device=c.device) // n * n]


def mean(c: Current, n: int) -> Current:
    """The mean of the last n currents; of those before the first step, which are 0, as well."""
    sums = torch.nn.functional.pad(c.cumsum(1), (0, 0, n, 0))
    return (sums[:, n:] - sums[:, :-n]) / n


def shifted(c: Current, n: int) -> Current:
    """c[⌊(t + r)/n⌋ n − r] with its own r in every sample, or c[0] before the first refresh."""
    steps = torch.arange(c.shape[1], device=c.device)
    r = torch.randint(n, (c.shape[0], 1), device=c.device)
    return torch.take_along_dim(c, (((steps + r) // n * n - r).clamp(min=0))[..., None], 1)


@lru_cache
def refreshes(steps: int, n: int, device: torch.device, seed: int = 0) -> Int[torch.Tensor, "steps"]:
    """Of every step, the last of about steps/n fixed steps, drawn once, in which `uneven` refreshes; 0 is one."""
    drawn = np.random.default_rng(seed).choice(np.arange(1, steps), max(-(-steps // n) - 1, 0), replace=False)
    at = np.zeros(steps, np.int64)
    at[drawn] = drawn
    return torch.from_numpy(np.maximum.accumulate(at)).to(device)


def uneven(c: Current, n: int) -> Current:
    """Held, refreshed at fixed steps that are unevenly spaced."""
    return c[:, refreshes(c.shape[1], n, c.device)]


def pulsed(c: Current, n: int) -> Current:
    """c[t] where n divides t, 0 elsewhere."""
    return c * (torch.arange(c.shape[1], device=c.device) % n == 0)[:, None]


def forward(c: Current, n: int) -> Current:
    """Values of `held`, gradient of `every`."""
    return c + (held(c, n) - c).detach()


def backward(c: Current, n: int) -> Current:
    """Values of `every`, gradient of `held`."""
    known = held(c, n)
    return known + (c - known).detach()


WAYS: dict[str, Way] = {way.__name__: way for way in (every, held, mean, shifted, uneven, pulsed, forward, backward)}


@contextmanager
def reaching(way: Way, n: int) -> Iterator[None]:
    """Networks made here have dual-memory layers whose current reaches their neurons in this way.

    Their recipe still says `update_interval = 1`, and what they deploy is that: only their training form is meant.
    """

    class Pathway(Dmp):
        plain = False
        current = Spiking.current

        def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
            sums = product(x.transpose(1, 2), torch.cat([self.synapse.matrix, self.drive_matrix()]))
            memory = self.memory(late(sums)[..., -1])
            return sums[..., :-1].contiguous(), way(memory, n).contiguous()

    before = LAYERS["dmp"]
    LAYERS["dmp"] = replace(before, module=Pathway)
    try:
        yield
    finally:
        LAYERS["dmp"] = before
