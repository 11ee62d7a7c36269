"""What training minimises, by name."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int

Objective = Callable[[Float[torch.Tensor, "batch classes"], Int[torch.Tensor, "batch"], float], Float[torch.Tensor, ""]]


def cross_entropy(
    logits: Float[torch.Tensor, "batch classes"], labels: Int[torch.Tensor, "batch"], smoothing: float
) -> Float[torch.Tensor, ""]:
    """−Σ_c q_c log softmax(logits)_c, q the label with `smoothing` spread over all classes."""
    return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def mean_square(
    logits: Float[torch.Tensor, "batch classes"], labels: Int[torch.Tensor, "batch"], smoothing: float
) -> Float[torch.Tensor, ""]:
    """Mean square distance of the logits from the one-hot label with `smoothing` spread over all classes."""
    classes = logits.shape[1]
    target = torch.nn.functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return torch.nn.functional.mse_loss(logits, target.to(logits.dtype))


OBJECTIVES: dict[str, Objective] = {"cross_entropy": cross_entropy, "mean_square": mean_square}


def rate_excess(rates: dict[str, Float[torch.Tensor, ""]], target: float) -> Float[torch.Tensor, ""]:
    """Σ over layers of relu(rate − target)²."""
    return sum((torch.relu(rate - target) ** 2 for rate in rates.values()), start=torch.zeros(()))
