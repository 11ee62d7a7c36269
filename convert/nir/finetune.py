"""`--finetune`: a few epochs of training on the deployed integers, judged on samples held out from those it learns.

It begins at the floats that the integers were rounded from. The loss is the cross-entropy of the last layer's counts
or sums, divided by how far those of a sample lie apart. After each epoch the integers are run on the held-out samples.
An epoch helps if it decides as many of them right as the imported integers do, with a lower loss. Of those that help
the one with the lowest loss stays, which few samples tell apart better than accuracies; the imported integers if none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int, UInt8

from basalt.convert.nir.data import Samples
from basalt.convert.nir.fit import outputs
from basalt.convert.nir.mapped import frames_of
from basalt.convert.nir.quantise import Quantised, each, rowwise
from basalt.errors import BasaltError
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking

if TYPE_CHECKING:
    from basalt.convert.nir.options import ImportOptions
    from basalt.train.deployed import Deployed

HELD_OUT = 0.25
"""Of the samples: what the epoch is chosen by."""
LEAST = 8
"""Samples that there have to be."""
BATCH = 32
RATE = 0.003
"""Of Adam, in units of a layer's typical weight; it falls to 0 along a cosine."""
APART = 3.0
"""Logits of a sample are this far apart at first (their standard deviation)."""


@dataclass(frozen=True)
class Epoch:
    """What the integers do on the held-out samples after an epoch; 0 is the network as it was imported."""

    epoch: int
    accuracy: float
    loss: float

    def helps(self, imported: "Epoch") -> bool:
        """Whether it is better than the network as it was imported, not by a chance of few samples alone."""
        return self.accuracy >= imported.accuracy and self.loss < imported.loss


@dataclass(frozen=True, eq=False)
class Tuned:
    """What fine-tuning left.

    Attributes:
        layers: the integers that are deployed. history: from epoch 0 on. chosen: the epoch that they are of.
        trained, held_out: samples that were learned from, and that chose.
        shared: samples that were left out, as --data has them too.
    """

    layers: tuple[Quantised, ...]
    history: tuple[Epoch, ...]
    chosen: int
    trained: int
    held_out: int
    shared: int = 0

    @property
    def verdict(self) -> str:
        """For people."""
        first, best = self.history[0], self.history[self.chosen]
        left_out = f" ({self.shared:,} more are in --data too, and were left out)" if self.shared else ""
        of = f"of {self.held_out:,} held-out samples, which it did not learn from"
        if not self.chosen:
            return (
                f"Fine-tuning did not help: no epoch has {first.accuracy:.2%} or more {of}, and a lower loss than "
                f"before; the network stays as it was imported."
            )
        return (
            f"Fine-tuned on {self.trained:,} samples{left_out}: epoch {self.chosen} of {len(self.history) - 1} has "
            f"{best.accuracy:.2%} {of}; {first.accuracy:.2%} before."
        )

    def content(self) -> dict[str, Any]:
        """For a file."""
        counts = {"trained": self.trained, "held_out": self.held_out, "shared": self.shared, "chosen": self.chosen}
        return {**counts, "verdict": self.verdict, "history": [asdict(one) for one in self.history]}


def check(options: "ImportOptions") -> None:
    """What fine-tuning asks for.

    Raises:
        BasaltError: samples are missing, or they are those that the account judges. ModuleNotFoundError: no torch.
    """
    import torch  # noqa: F401  that it is missing is said before anything is computed

    if options.calibrate is None:
        raise BasaltError(
            "--finetune learns from samples with labels that the account does not judge: give some with --calibrate "
            "FILE.npz, another file than --data."
        )
    if options.data is not None and same(options.calibrate, options.data):
        raise BasaltError(
            f"--finetune may not learn from the samples that the account judges: {options.calibrate} is --data; give "
            f"other samples with --calibrate FILE.npz."
        )


def same(one: Path, other: Path) -> bool:
    """Whether two names are of one file."""
    return one.exists() and other.exists() and one.samefile(other)


def apart(samples: Samples, judged: Samples | None, path: Path) -> tuple[Samples, int]:
    """The samples that are not among those judged, and how many were.

    Raises:
        BasaltError: they have no labels, or too few are left.
    """
    if samples.labels is None:
        raise BasaltError(f"--finetune learns from labels, and {path} has none; add an array `labels` (samples).")
    seen = set() if judged is None else {content_of(one) for one in judged.spikes}
    contents = [content_of(one) for one in samples.spikes]
    kept = np.array([one not in seen for one in contents])
    different = len(set(contents) - seen)
    if different < LEAST:
        raise BasaltError(
            f"--finetune has {different} different samples to learn from: {path} holds {len(kept)}, of which "
            f"{len(kept) - kept.sum()} are in --data too and may not be learned from; give {LEAST} others at least."
        )
    return Samples(samples.spikes[kept], samples.labels[kept]), int(len(kept) - kept.sum())


def content_of(sample: UInt8[np.ndarray, "inputs steps"]) -> bytes:
    """A sample's events, without silent steps before or after them."""
    import hashlib

    steps = np.flatnonzero(sample.any(axis=0))
    inside = sample[:, steps[0] : steps[-1] + 1] if len(steps) else sample[:, :0]
    return hashlib.sha256(np.ascontiguousarray(inside).tobytes()).digest()


def deployed(layers: Sequence[Quantised], largest: int) -> "Deployed":
    """The layers as training's kernels compute them, at the floats that they were rounded from.

    Raises:
        BasaltError: they are no chain, or training's kernels do not compute one exactly.
    """
    from basalt.train.deployed import Deployed

    skipping = [
        layer.mapped.name for order, layer in enumerate(layers) if layer.mapped.hears != (order,) or layer.mapped.passes
    ]
    if skipping:
        raise BasaltError(
            f"--finetune trains layers of which each hears the one before it alone, without a delay, and "
            f"{', '.join(skipping)} do not; leave it out."
        )
    records = [layer.record() for layer in layers]

    def floats(layer: Quantised, record: Any) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        mapped = layer.mapped
        recurrent = None if mapped.recurrent is None else mapped.recurrent * rowwise(layer.scale, mapped.recurrent)
        bias = np.broadcast_to(mapped.drive * each(mapped, layer.scale), mapped.neurons)
        return (mapped.weight * rowwise(layer.scale, mapped.weight)).reshape(record.weight.shape), recurrent, bias

    return Deployed(records, [floats(*both) for both in zip(layers, records, strict=True)], largest)


def fine_tuned(
    layers: tuple[Quantised, ...], samples: Samples, judged: Samples | None, options: "ImportOptions"
) -> Tuned:
    """What `--finetune` asks for.

    Args:
        samples: those of --calibrate. judged: those of --data.

    Raises:
        BasaltError: the samples do not do, or training's kernels do not compute a layer exactly.
    """
    from basalt.progress import progress_bar

    assert options.calibrate is not None and options.finetune is not None
    own, shared = apart(samples, judged, options.calibrate)
    with progress_bar("Fine-tuning") as update:
        tuned = fine_tune(layers, own, options.finetune, options.seed, update)
    return replace(tuned, shared=shared)


def fine_tune(
    layers: tuple[Quantised, ...], samples: Samples, epochs: int, seed: int, update: Callable[[int, int], None]
) -> Tuned:
    """Train for some epochs, and keep what the held-out samples prefer.

    Raises:
        BasaltError: training's kernels do not compute a layer exactly.
    """
    import torch

    assert samples.labels is not None
    network = deployed(layers, int(samples.spikes.max(initial=0)))
    rng = np.random.default_rng(seed)
    held, learned = parted(samples, rng)
    chosen, chosen_labels = frames_of(samples.spikes[held]), samples.labels[held]
    sharp = sharpness(outputs(ready(layers), frames_of(samples.spikes[learned])))

    def judged(epoch: int, found: tuple[Quantised, ...]) -> Epoch:
        scores = outputs(ready(found), chosen)
        right = float(np.mean(scores.argmax(axis=1) == chosen_labels))
        return Epoch(epoch, right, cross_entropy(sharp * scores, chosen_labels))

    history, best, at = [judged(0, layers)], layers, 0
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    per_epoch = -(-len(learned) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * per_epoch)
    update(0, epochs * per_epoch)
    for epoch in range(1, epochs + 1):
        for done, part in enumerate(batches(rng.permutation(learned)), 1):
            logits = sharp * network(torch.from_numpy(samples.spikes[part]))
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(samples.labels[part]))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0, error_if_nonfinite=False)
            optimizer.step()
            schedule.step()
            update((epoch - 1) * per_epoch + done, epochs * per_epoch)
        found = requantised(layers, network)
        history.append(judged(epoch, found))
        if history[-1].helps(history[0]) and (not at or history[-1].loss < history[at].loss):
            best, at = found, epoch
    return Tuned(best, tuple(history), at, len(learned), len(held))


def parted(samples: Samples, rng: np.random.Generator) -> tuple[Int[np.ndarray, "held"], Int[np.ndarray, "learned"]]:
    """Samples that are held out, and those to learn from; the same events are on one side, however often."""
    first: dict[bytes, int] = {}
    group = np.array([first.setdefault(content_of(one), len(first)) for one in samples.spikes])
    order = rng.permutation(len(first))
    out = np.isin(group, order[: max(1, round(HELD_OUT * len(order)))])
    return np.flatnonzero(out), np.flatnonzero(~out)


def batches(order: Int[np.ndarray, "samples"]) -> Iterator[Int[np.ndarray, "batch"]]:
    """Parts of `BATCH` samples."""
    for first in range(0, len(order), BATCH):
        yield order[first : first + BATCH]


def ready(layers: Sequence[Quantised]) -> tuple[Any, ...]:
    """The integers, ready to run."""
    return tuple(layer.integers.ready() for layer in layers)


def requantised(layers: Sequence[Quantised], network: "Deployed") -> tuple[Quantised, ...]:
    """The layers with the integers that a network has learned."""
    found = []
    for layer, record in zip(layers, network.records(), strict=True):
        if isinstance(record, Spiking):
            drive = layer.drive if record.bias is None else record.bias
            weight = record.weight.reshape(layer.weight.shape)
            layer = replace(layer, weight=weight, recurrent=record.recurrent_weight, drive=drive)
        else:
            assert isinstance(record, Readout)
            layer = replace(layer, weight=record.weight)
        found.append(layer)
    return tuple(found)


def sharpness(scores: np.ndarray) -> float:
    """The factor from scores to logits."""
    spread = float(scores.std(axis=1).mean())
    return APART / spread if spread > 0 else 1.0


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Its mean over samples."""
    most = logits.max(axis=1, keepdims=True)
    total = most[:, 0] + np.log(np.exp(logits - most).sum(axis=1))
    return float(np.mean(total - logits[np.arange(len(labels)), labels]))
