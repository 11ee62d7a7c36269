"""The training loop: epochs, validation, checkpoints, resuming.

A run stops only at the end of an epoch as far as its files are concerned: whatever interrupts an epoch, resuming
draws the same epoch again from (seed, epoch) and the last checkpoint, so its weights equal those of a run that was
never stopped (on the same machine with the same number of threads and devices).
"""

import logging
import math
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from basalt.errors import BasaltError
from basalt.train import checkpoint, moments
from basalt.train.averages import Averages
from basalt.train.batches import batch_count, dense, epoch_batches
from basalt.train.checkpoint import Checkpoint
from basalt.train.data.events import Splits
from basalt.train.display import Display, display
from basalt.train.folder import RECIPE, held, write_log
from basalt.train.networks import Network
from basalt.train.objectives import OBJECTIVES
from basalt.train.recipe import Recipe, TrainingConfig
from basalt.train.resumption import Progress
from basalt.train.scores import float_score, integer_score
from basalt.train.stepper import Stepper
from basalt.train.stepper import optimizer as make_optimizer
from basalt.train.tensors import Spec

try:
    from lightning_fabric import Fabric
except ImportError:
    from lightning.fabric import Fabric  # type: ignore[no-redef]

CALIBRATION_SAMPLES = 256
LOOK_EVERY = 50
"""Steps on a GPU between looks at what they measured: every look waits for it."""
MOST_OVERFLOWED = 0.5
"""Share of an epoch's samples in batches without a finite gradient with which training stops."""


@dataclass
class State:
    """What changes while training; `history` has one row per epoch, `averages` are there if the recipe wants them."""

    network: Network
    optimizer: torch.optim.AdamW
    averages: Averages | None = None
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best: Mapping[str, Any] = field(default_factory=dict)
    best_model: Mapping[str, torch.Tensor] = field(default_factory=dict)
    history: list[Mapping[str, Any]] = field(default_factory=list)


def make_fabric(accelerator: str, devices: str) -> Fabric:
    """Lightning Fabric for the machine, without its greetings; convolutions on a GPU repeat exactly from then on.

    Raises:
        BasaltError: no such accelerator or number of devices here.
    """
    for name in ("lightning_fabric", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.backends.cudnn.deterministic = True  # or a run that was stopped would not end as one that was not
    try:
        return Fabric(accelerator=accelerator, devices=int(devices) if devices.isdigit() else devices)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise BasaltError(f"Cannot train on accelerator {accelerator!r} with devices {devices!r}: {reason}") from error


def learning_rate(step: int, steps: int, epoch_steps: int, config: TrainingConfig) -> float:
    """Linear warm-up, then a cosine from the recipe's rate to zero."""
    warmup = config.warmup * epoch_steps
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    done = (step - warmup) / max(steps - warmup, 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def fit(recipe: Recipe, splits: Splits, run: Path, fabric: Fabric, resume: bool, console: Console) -> State:
    """Train `recipe` on `splits` into the folder `run`; returns the state with the best weights in the network.

    Raises:
        BasaltError: a checkpoint cannot be read or written, or another process trains into the folder.
        KeyboardInterrupt: the user stopped it; the last checkpoint is whole.
    """
    torch.manual_seed(recipe.seed)
    config = recipe.training
    smallest = min(config.batch, len(splits.train))
    if smallest < fabric.world_size:
        raise BasaltError(
            f"{fabric.world_size} devices cannot share a batch of {smallest} samples: take fewer --devices, or a "
            "larger training.batch."
        )
    network = Network.of(recipe, splits.train.sensor, splits.classes).to(fabric.device)
    network.travel_in(getattr(torch, config.precision))
    optimizer = make_optimizer(network, config, fabric.device)
    steps = batch_count(len(splits.train), config.batch)
    state = State(network, optimizer, Averages(network, config.average * steps) if config.average else None)
    if resume:
        _restore(state, checkpoint.read(run))
        if state.epoch > config.epochs:
            raise BasaltError(
                f"{run} has {state.epoch} finished epochs already, more than {config.epochs}: ask for no fewer with "
                "--epochs, or train under another --name."
            )
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    step = Stepper(network, wrapped, wrapped_optimizer, fabric, config)
    chosen = _spread(len(splits.train))
    sample = dense(splits.train, chosen, device=fabric.device), torch.from_numpy(splits.train.labels[chosen])
    first = fabric.global_rank == 0
    with held(run, not resume) if first else nullcontext() as moved:
        if first:
            _begin(recipe, run, moved, console)
        if not resume:
            network.calibrate(*sample)
            state.best_model = _copy(network.state_dict())
            _save(recipe, splits, run, state, fabric)
        quiet = Console(quiet=True) if fabric.global_rank else console
        with display(quiet, recipe.training.epochs, steps, state.epoch) as shown, _board(run, fabric, state) as board:
            while state.epoch < recipe.training.epochs:
                start = time.monotonic()
                row = _epoch(recipe, splits, state, step, fabric, shown)
                network.calibrate(*sample)
                last = state.epoch + 1 == config.epochs
                if last or (state.epoch + 1) % config.validate_every == 0:
                    judged = network if state.averages is None else state.averages.calibrated(*sample)
                    row.update(_validate(recipe, splits, state, judged.eval(), fabric))
                state.epoch += 1
                state.seconds += time.monotonic() - start
                state.history.append({"epoch": state.epoch, **row, "seconds": round(state.seconds, 3)})
                _save(recipe, splits, run, state, fabric)
                _log(board, state.history[-1])
                shown.epoch(state.epoch, row)
    network.load_state_dict(state.best_model)
    network.eval()
    return state


def _epoch(
    recipe: Recipe, splits: Splits, state: State, step: Stepper, fabric: Fabric, shown: Display
) -> dict[str, Any]:
    config = recipe.training
    state.network.train()
    step.clear()
    exact = state.epoch >= config.epochs - config.exact_epochs
    step.compute_exactly(exact)
    if state.averages is not None:
        state.averages.network.compute_exactly(exact)
    per_epoch = batch_count(len(splits.train), config.batch)
    look = 1 if fabric.device.type == "cpu" else LOOK_EVERY
    batches = epoch_batches(
        splits.train,
        config.batch,
        config.augment,
        recipe.seed,
        state.epoch,
        fabric.global_rank,
        fabric.world_size,
        fabric.device,
    )
    for done, (x, labels) in enumerate(batches, 1):
        rate = learning_rate(state.step, config.epochs * per_epoch, per_epoch, config)
        step(x, labels, rate)
        state.step += 1
        if state.averages is not None:
            state.averages.update(state.step)
        if done % look == 0 or done == per_epoch:
            figures = step.read()
            if not math.isfinite(figures.loss):
                raise BasaltError(
                    f"The loss became {figures.loss} in epoch {state.epoch + 1}: lower training.learning_rate and "
                    "train anew."
                )
            shown.step(state.epoch + 1, done, figures)
    if figures.overflowed > MOST_OVERFLOWED:
        raise BasaltError(
            f"The gradient of {100 * figures.overflowed:.0f} % of epoch {state.epoch + 1}'s samples was not finite: "
            "lower training.learning_rate, or network.layers' scale_grad, and train anew."
        )
    if not all(bool(parameter.isfinite().all()) for parameter in state.network.parameters()):
        raise BasaltError(
            f"Weights became infinite in epoch {state.epoch + 1}: lower training.learning_rate or "
            "training.weight_decay, and train anew."
        )
    rates = {f"spike_rate_{name}": value for name, value in figures.rates.items()}
    return {
        "learning_rate": rate,
        "loss": figures.loss,
        "accuracy": figures.accuracy,
        "overflowed": figures.overflowed,
        **rates,
    }


def _validate(recipe: Recipe, splits: Splits, state: State, network: Network, fabric: Fabric) -> dict[str, Any]:
    """Score a network on the validation split; keep its weights if its accuracy (then its loss) is the best so far.

    The accuracy is that of the deployed integers, or in floats where the network has none.
    """
    scored = float_score(network, splits.validation, OBJECTIVES[recipe.training.objective], fabric.device)
    assert scored.loss is not None
    figures = {"validation_loss": scored.loss, "validation_accuracy_float": scored.accuracy}
    decisive = "validation_accuracy_float"
    if network.deployable:
        decisive = "validation_accuracy_integer"
        figures[decisive] = integer_score(network, splits.validation, fabric.device).accuracy
    before = state.best
    if not before or (figures[decisive], -scored.loss) > (before[decisive], -before["validation_loss"]):
        state.best = {"epoch": state.epoch + 1, **figures}
        state.best_model = _copy(network.state_dict())
    return figures


def _begin(recipe: Recipe, run: Path, moved: Path | None, console: Console) -> None:
    """Write the recipe, of a resumed run too: it may have more epochs than before."""
    if moved is not None:
        console.print(f"An earlier run was in {run}: it is now in {moved}.")
    recipe.write(run / RECIPE)


def _save(recipe: Recipe, splits: Splits, run: Path, state: State, fabric: Fabric) -> None:
    if fabric.global_rank == 0:
        last = Progress(
            state.network.state_dict(),
            moments.moments(state.network, state.optimizer),
            torch.get_rng_state(),
            state.epoch,
            state.step,
            state.seconds,
            tuple(state.history),
            {} if state.averages is None else state.averages.network.state_dict(),
        )
        train = splits.train
        saved = Checkpoint(
            recipe, train.features_count, splits.classes, state.best_model, state.best, last, train.sensor
        )
        saved.write(run / checkpoint.NAME)
        write_log(run, state.history)
    fabric.barrier()


def _restore(state: State, saved: Checkpoint) -> None:
    last = saved.last
    if last is None:
        raise BasaltError(
            "A published checkpoint holds the weights alone and cannot be resumed: train its recipe anew."
        )
    if {name: Spec.of(value) for name, value in state.network.state_dict().items()} != {
        name: Spec.of(value) for name, value in last.model.items()
    }:
        raise BasaltError(
            "The checkpoint is of another network than its run's recipe and data: put back what it was trained by, or "
            "train under another --name."
        )
    state.network.load_state_dict(last.model)
    moments.restore(state.network, state.optimizer, last.moments)
    if state.averages is not None:
        state.averages.network.load_state_dict(last.average)
    state.epoch, state.step, state.seconds = last.epoch, last.step, last.seconds
    state.history, state.best, state.best_model = list(last.history), saved.best, saved.model
    try:
        torch.set_rng_state(last.random)
    except RuntimeError as error:
        raise BasaltError("The checkpoint's random state is damaged: train its recipe anew.") from error


def _copy(model: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.items()}


def _spread(samples: int) -> Any:
    import numpy as np

    return np.linspace(0, samples - 1, min(samples, CALIBRATION_SAMPLES)).astype(np.int64)


def _board(run: Path, fabric: Fabric, state: State) -> Any:
    """TensorBoard's writer, on the first process; later epochs of an interrupted run are purged."""
    if fabric.global_rank:
        return nullcontext()
    from torch.utils.tensorboard import SummaryWriter

    try:
        return closing(SummaryWriter(str(run), purge_step=state.epoch + 1))
    except OSError as error:
        raise BasaltError(f"Cannot write TensorBoard's events into {run}: {error.strerror or error}.") from error


def _log(board: Any, row: Mapping[str, Any]) -> None:
    if board is not None:
        for name, value in row.items():
            if name != "epoch":
                board.add_scalar(name, value, row["epoch"])
