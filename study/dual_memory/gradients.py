"""How far back in time a network carries the gradient of what it does in its last step."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from basalt.train.networks import Network

SAMPLES = 32
LEAST = 1e-12
"""Below this part of its largest value a norm counts as this: surrogates reach exact zeros."""


def norms(
    network: Network, x: UInt8[torch.Tensor, "samples features steps"], labels: Int[torch.Tensor, "samples"]
) -> Float[np.ndarray, "samples steps"]:
    """‖∂L/∂x[t]‖₂ over the input x of every sample and step.

    L is the cross-entropy of logits made from the last step alone, W s[T−1]·scale with s the last layer's spikes: a
    read-out that sums over time would hand every step its gradient directly. So what reaches step t has come through
    the membranes, delays, recurrence and slow memories of the layers.
    """
    given = x.float().requires_grad_()
    s = given
    for layer in network.hidden:
        s = layer(s)
    loss = torch.nn.functional.cross_entropy(network.readout.of_counts(s[..., -1]), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, given)
    return gradient.norm(dim=1).numpy()


def reach(norms: Float[np.ndarray, "samples steps"]) -> Float[np.ndarray, "known"]:
    """log₁₀ of each sample's mean norm in the first tenth over that in the last tenth, where this is not 0."""
    tenth = max(norms.shape[1] // 10, 1)
    early, late = norms[:, :tenth].mean(1), norms[:, -tenth:].mean(1)
    known = late > 0
    return np.log10(np.maximum(early[known] / late[known], LEAST))


def profile(norms: Float[np.ndarray, "samples steps"]) -> Float[np.ndarray, "steps"]:
    """The mean norm over samples, relative to its largest value."""
    mean = norms.mean(0)
    return mean / max(float(mean.max()), np.finfo(np.float64).tiny)


def observe(run: Path, samples: tuple[torch.Tensor, torch.Tensor]) -> dict[str, dict[str, list[float]]]:
    """Profile and reach of a run's network before training ("fresh") and with its best weights ("trained")."""
    from basalt.train.checkpoint import read

    saved = read(run)
    x, labels = samples
    torch.manual_seed(saved.recipe.seed)
    network = Network.of(saved.recipe, saved.shape, saved.classes).eval()
    network.calibrate(x)
    found = {"fresh": norms(network, x, labels)}
    network.load_state_dict(saved.model)
    found["trained"] = norms(network, x, labels)
    return {
        when: {"profile": profile(values).tolist(), "reach": reach(values).tolist()} for when, values in found.items()
    }
