"""What training minimises, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Objective:
    """A loss and the logits that it looks at.

    Attributes:
        loss: of logits, labels and smoothing. The logits are those after the last step, (batch, classes), or with
            `over_time` those after every step, (batch, classes, steps).
        over_time: which of the two.
    """

    loss: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]
    over_time: bool = False

    def __call__(
        self, logits: Float[torch.Tensor, "batch classes ..."], labels: Int[torch.Tensor, "batch"], smoothing: float
    ) -> Float[torch.Tensor, ""]:
        """The loss."""
        return self.loss(logits, labels, smoothing)

    def decision(self, logits: Float[torch.Tensor, "batch classes ..."]) -> Int[torch.Tensor, "batch"]:
        """The class of each sample: the largest logit after the last step."""
        return (logits[..., -1] if self.over_time else logits).argmax(1)


def cross_entropy(
    logits: Float[torch.Tensor, "batch classes"], labels: Int[torch.Tensor, "batch"], smoothing: float
) -> Float[torch.Tensor, ""]:
    """−Σ_c q_c log softmax(logits)_c, q the label with `smoothing` spread over all classes."""
    return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def cross_entropy_over_time(
    logits: Float[torch.Tensor, "batch classes steps"], labels: Int[torch.Tensor, "batch"], smoothing: float
) -> Float[torch.Tensor, ""]:
    """The mean over all steps of `cross_entropy` of the logits after each."""
    every = labels[:, None].expand(-1, logits.shape[2])
    return torch.nn.functional.cross_entropy(logits, every, label_smoothing=smoothing)


def mean_square(
    logits: Float[torch.Tensor, "batch classes"], labels: Int[torch.Tensor, "batch"], smoothing: float
) -> Float[torch.Tensor, ""]:
    """Mean square distance of the logits from the one-hot label with `smoothing` spread over all classes."""
    classes = logits.shape[1]
    target = torch.nn.functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return torch.nn.functional.mse_loss(logits, target.to(logits.dtype))


def supervised_contrastive(
    features: Float[torch.Tensor, "batch size"], labels: Int[torch.Tensor, "batch"], temperature: float
) -> Float[torch.Tensor, ""]:
    """Mean over samples i, z the features divided by their norms and P(i) the others of i's class, of

        −1/|P(i)| Σ_{p ∈ P(i)} log( exp(z_i·z_p/τ) / Σ_{a ≠ i} exp(z_i·z_a/τ) )

    A sample without another of its class counts as zero, and is left out of the mean.

    Source: Khosla et al., NeurIPS 2020, L_out (arXiv 2004.11362).
    """
    z = torch.nn.functional.normalize(features, dim=1, eps=1e-6)
    likeness = z @ z.t() / temperature
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_share = likeness - torch.logsumexp(likeness.masked_fill(itself, float("-inf")), 1, keepdim=True)
    alike = (labels[:, None] == labels) & ~itself
    count = alike.sum(1)
    each = -torch.where(alike, log_share, 0).sum(1) / count.clamp(min=1)  # infinite in a batch of one sample
    return each.sum() / (count > 0).sum().clamp(min=1)


OBJECTIVES: dict[str, Objective] = {
    "cross_entropy": Objective(cross_entropy),
    "cross_entropy_over_time": Objective(cross_entropy_over_time, over_time=True),
    "mean_square": Objective(mean_square),
}


def rate_excess(rates: dict[str, Float[torch.Tensor, ""]], target: float) -> Float[torch.Tensor, ""]:
    """Σ over layers of relu(rate − target)²."""
    return sum((torch.relu(rate - target) ** 2 for rate in rates.values()), start=torch.zeros(()))
