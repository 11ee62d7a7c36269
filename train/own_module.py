"""A torch module of one's own, trained on Basalt's data with Basalt's schedule; its best weights are kept.

The module takes spikes (batch, features, steps), or with `shape` (batch, *shape, steps), as SLAYER's blocks do, and
gives (batch, classes, steps): spikes, or what a read-out adds to its sums. Its logits are the sums over time.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8

from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.progress import progress_bar
from basalt.train.batches import batch_count, epoch_batches, in_order
from basalt.train.data.events import Samples, Splits
from basalt.train.loop import learning_rate
from basalt.train.objectives import OBJECTIVES
from basalt.train.recipe import TrainingConfig

Logits = Callable[[Float[torch.Tensor, "batch classes steps"]], Float[torch.Tensor, "batch classes"]]


def summed(output: Float[torch.Tensor, "batch classes steps"]) -> Float[torch.Tensor, "batch classes"]:
    """Σ_t output[t]."""
    return output.sum(-1)


@dataclass(frozen=True)
class Epoch:
    """What came of an epoch: of training its mean loss and accuracy, and the accuracy of the validation split."""

    epoch: int
    loss: float
    accuracy: float
    validation: float


def train_module(
    module: torch.nn.Module,
    splits: Splits,
    config: TrainingConfig,
    seed: int = 1,
    *,
    shape: Sequence[int] | None = None,
    logits: Logits = summed,
    device: str = "cpu",
    keep: Path | None = None,
) -> list[Epoch]:
    """Train a module; it ends with the weights that were best on the validation split.

    AdamW with the rate of `basalt.train.loop.learning_rate`, clipped gradients and augmented batches that (seed, epoch)
    decide. Rate penalties, averages and exact epochs need Basalt's own layers, and are refused.

    Args:
        config: of a recipe's [training].
        shape: of a sample without its steps, where the module takes it so, as (2, 34, 34).
        logits: from what the module gives.
        keep: a .safetensors file for the best weights, written after every epoch that is the best.

    Raises:
        BasaltError: the recipe asks for what a module of one's own does not have, or the loss is no number.
    """
    refuse(config)
    torch.manual_seed(seed)
    place = torch.device(device)
    module.to(place)
    objective = OBJECTIVES[config.objective]
    optimizer = torch.optim.AdamW(module.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    per_epoch, history = batch_count(len(splits.train), config.batch), list[Epoch]()
    best: dict[str, torch.Tensor] = {}
    with progress_bar("Training the module") as update:
        for epoch in range(config.epochs):
            module.train()
            loss_sum = right = seen = 0.0
            batches = epoch_batches(splits.train, config.batch, config.augment, seed, epoch, device=place)
            for done, (x, labels) in enumerate(batches, epoch * per_epoch):
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(done, config.epochs * per_epoch, per_epoch, config)
                found = logits(module(shaped(x, shape)))
                loss = objective(found, labels, config.label_smoothing)
                if not math.isfinite(loss.item()):
                    raise BasaltError(f"The loss became {loss.item()} in epoch {epoch + 1}: lower the learning rate.")
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), config.clip)
                optimizer.step()
                loss_sum += loss.item() * len(labels)
                right += (found.argmax(1) == labels).sum().item()
                seen += len(labels)
                update(done + 1, config.epochs * per_epoch)
            found_ = accuracy(module, splits.validation, shape, logits, place)
            history.append(Epoch(epoch + 1, loss_sum / seen, right / seen, found_))
            if found_ >= max(one.validation for one in history):
                best = {name: value.detach().clone() for name, value in module.state_dict().items()}
                save(best, keep)
    module.load_state_dict(best)
    module.eval()
    return history


def refuse(config: TrainingConfig) -> None:
    """Raise for what needs Basalt's own layers."""
    asked = {
        "training.rate_penalty": config.rate_penalty > 0,
        "training.average": config.average > 0,
        "training.exact_epochs": config.exact_epochs > 0,
        "training.scaled_rates": config.scaled_rates,
        "training.contrastive": config.contrastive.weight > 0,
        f"training.objective = {config.objective!r}": OBJECTIVES[config.objective].over_time,
    }
    wanted = [name for name, wanted in asked.items() if wanted]
    if wanted:
        raise BasaltError(f"A module of your own cannot be trained with {', '.join(wanted)}: leave it out.")


def accuracy(
    module: torch.nn.Module,
    samples: Samples,
    shape: Sequence[int] | None = None,
    logits: Logits = summed,
    device: torch.device | None = None,
) -> float:
    """The fraction of samples whose largest logit is that of their class."""
    module.eval()
    right = 0
    with torch.no_grad():
        for x, labels in in_order(samples, device=device or torch.device("cpu")):
            right += int((logits(module(shaped(x, shape))).argmax(1) == labels).sum())
    return right / len(samples)


def shaped(
    x: UInt8[torch.Tensor, "batch features steps"], shape: Sequence[int] | None
) -> Float[torch.Tensor, "batch ..."]:
    """A batch as the module takes it."""
    return x.float() if shape is None else x.float().reshape(len(x), *shape, x.shape[-1])


def save(weights: dict[str, torch.Tensor], keep: Path | None) -> None:
    """Write weights, where they are wanted."""
    if keep is not None:
        from safetensors.torch import save_file

        with atomic(keep) as temporary:
            save_file({name: value.contiguous() for name, value in weights.items()}, temporary)
