"""White-box attacks on the input tensor within an L∞ ball, and their control: signs drawn without a gradient.

    fgsm:         x' = clip(x + ε·sign(∇ₓL))
    pgd:          x' ← clip(x + clip(x' + α·sign(∇L(x')) − x, −ε, ε)), n times, from x or anywhere in the ball
    random_signs: x' = clip(x + ε·σ), σ = ±1 with equal chance

L is the cross-entropy of the logits. Through spikes, ∇ is that of the surrogate; where it is zero, nothing moves.

Sources: Goodfellow et al. 2015 (arXiv 1412.6572); Madry et al. 2018 (arXiv 1706.06083).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int

Input = Float[torch.Tensor, "batch *axes"]
Labels = Int[torch.Tensor, "batch"]
Logits = Callable[[torch.Tensor], torch.Tensor]
"""From inputs (batch, …) to logits (batch, classes), differentiable."""


def gradient(logits: Logits, x: Input, labels: Labels) -> Input:
    """∂L/∂x, L the sum over the batch of the cross-entropy, so that each sample has its own gradient.

    Parameters keep the gradients that they have.
    """
    given = x.detach().clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits(given), labels, reduction="sum")
    (found,) = torch.autograd.grad(loss, given)
    return found


def fgsm(logits: Logits, x: Input, labels: Labels, eps: float, high: float = 1.0) -> Input:
    """One step of ε along the gradient's sign; the result is in 0 … `high`."""
    return (x + eps * gradient(logits, x, labels).sign()).clamp(0, high)


def pgd(
    logits: Logits,
    x: Input,
    labels: Labels,
    eps: float,
    iterations: int,
    step: float | None = None,
    high: float = 1.0,
    draw: torch.Generator | None = None,
) -> Input:
    """Steps along the gradient's sign, each projected back into the ball and into 0 … `high`.

    Args:
        step: α; left out, 2.5·ε/iterations, which reaches every point of the ball from any other.
        draw: for a random start within the ball, on any device; left out, it starts from x.
    """
    alpha = 2.5 * eps / iterations if step is None else step
    moved = x
    if draw is not None:
        start = (2 * torch.rand(x.shape, generator=draw, device=draw.device) - 1) * eps
        moved = (x + start.to(x.device, x.dtype)).clamp(0, high)
    for _ in range(iterations):
        moved = moved + alpha * gradient(logits, moved, labels).sign()
        moved = (x + (moved - x).clamp(-eps, eps)).clamp(0, high)
    return moved


def random_signs(x: Input, eps: float, draw: torch.Generator, high: float = 1.0) -> Input:
    """A step of ε of random sign in every input: as far as `fgsm` goes, without a gradient."""
    signs = 2 * torch.randint(0, 2, x.shape, generator=draw, device=draw.device) - 1
    return (x + eps * signs.to(x.device, x.dtype)).clamp(0, high)
