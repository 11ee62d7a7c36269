"""A recurrent layer run by its kernels, where numpy arrays are all that travels: see `interpreted`."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Case:
    """A recurrent layer, its input (batch, steps, inputs), and the gradients of what leaves it.

    Attributes:
        constants: of `basalt.train.dynamics.constants.Constants`.
        bias: (neurons,), or None.
        grad: of the spikes, or None to ask for counts alone; grad_counts: of the counts, or None.
    """

    x: np.ndarray
    weight: np.ndarray
    recurrent: np.ndarray
    constants: dict[str, Any]
    bias: np.ndarray | None = None
    grad: np.ndarray | None = None
    grad_counts: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What `basalt.train.dynamics.gpu.recurrent.layer` gave."""

    spikes: np.ndarray | None
    counts: np.ndarray
    grads: dict[str, np.ndarray]


def run_case(case: Case, device: str = "cpu", dtype: str = "float32") -> Result:
    """Run it forwards and backwards; x is the only leaf in `dtype`."""
    import torch

    from basalt.train.dynamics.constants import Constants
    from basalt.train.dynamics.gpu import feed_forward, recurrent

    constants = Constants(**case.constants)

    def tensor(value: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(value).to(device)

    arrays = {"weight": case.weight, "recurrent": case.recurrent, "bias": case.bias}
    leaves = {"x": tensor(case.x).to(getattr(torch, dtype)).requires_grad_()}
    leaves |= {name: tensor(value).requires_grad_() for name, value in arrays.items() if value is not None}
    spikes, counts = recurrent.layer(
        leaves["x"],
        leaves["weight"],
        leaves["recurrent"],
        constants,
        feed_forward.Decays.of(constants, torch.device(device)),
        leaves.get("bias"),
        send=case.grad is not None,
    )
    loss = torch.zeros((), device=device)
    if case.grad is not None:
        loss = loss + (spikes.float() * tensor(case.grad)).sum()
    if case.grad_counts is not None:
        loss = loss + (counts * tensor(case.grad_counts)).sum()
    grads = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))
    return Result(
        None if spikes is None else spikes.detach().float().cpu().numpy(),
        counts.detach().cpu().numpy(),
        {name: grad.float().cpu().numpy() for name, grad in grads.items()},
    )
