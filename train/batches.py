"""Batches of events or images: drawn, augmented and made dense, on the device where they are wanted.

Everything random comes from (seed, epoch), so an epoch can be drawn again after an interruption.
"""

from collections.abc import Iterator
from functools import singledispatch

import numpy as np
import torch
from jaxtyping import Int, UInt8, UInt64

from basalt.errors import BasaltError
from basalt.train.augment import assemble, bends, drawn
from basalt.train.data.events import EventSet, Samples
from basalt.train.data.pixels import PixelSet
from basalt.train.device_events import PLAIN, Changes, assembled
from basalt.train.recipe import AugmentConfig

CPU = torch.device("cpu")
NODES = 5
"""In a row of the grid by which images are bent: one at each edge, and one about every seven pixels."""


@singledispatch
def dense(
    events: Samples,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch features steps"]:
    """The chosen samples as input, augmented from one seed per sample; steps vary slowest in memory."""
    raise TypeError(f"no way to make a batch of {type(events).__name__}")


def _changes(augment: AugmentConfig, seeds: UInt64[np.ndarray, "batch"], across: int, down: int) -> Changes:
    """What is drawn for each sample; shifts are at most so far."""
    turn = np.deg2rad(augment.rotate)
    return drawn(seeds, augment.share, across, down, augment.steps, augment.drop, turn, augment.scale, augment.shear)


@dense.register
def _events(
    events: EventSet,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch features steps"]:
    if augment.bend:
        raise BasaltError("training.augment: bend changes images; for events leave it out.")
    seeds = np.zeros(len(chosen), np.uint64) if seeds is None else seeds
    rows, columns = events.sensor[-2:]
    changes = _changes(augment, seeds, min(augment.pixels, columns - 1), min(augment.pixels, rows - 1))
    if device.type != "cpu":
        return assembled(events, chosen, augment, seeds, changes, device)
    out = torch.zeros(len(chosen), events.steps, events.features_count, dtype=torch.uint8)
    assemble(
        events.offsets,
        events.features,
        events.times,
        chosen,
        seeds,
        rows,
        columns,
        changes,
        augment.noise,
        out.numpy(),
    )
    return out.transpose(1, 2)


@dense.register
def _pixels(
    events: PixelSet,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch 1 784"]:
    """Images: turned, stretched, slanted, bent (bilinearly) and shifted by whole pixels; then one pixel per step.

    Raises:
        BasaltError: the recipe asks for changes that only events know.
    """
    if augment.steps or augment.drop or augment.noise:
        raise BasaltError("training.augment: steps, drop and noise change events; for pixels leave them out.")
    images = torch.from_numpy(events.images[chosen]).to(device)
    if seeds is not None and augment != PLAIN:
        on, moves, _, warps = _changes(augment, seeds, augment.pixels, augment.pixels)
        warp, move = np.zeros((len(chosen), 2, 3), np.float32), moves[:, :2].astype(np.float32)
        warp[:, :, :2] = warps.reshape(-1, 2, 2)
        size = images.shape[-1]
        warp[:, :, 2] = (warp[:, :, :2] @ move[..., None])[..., 0] * 2 / size
        where = torch.nn.functional.affine_grid(
            torch.from_numpy(warp).to(device), [len(images), 1, size, size], align_corners=False
        )
        if augment.bend:
            nodes = torch.from_numpy(bends(seeds, on, augment.bend * 2 / size, NODES)).to(device)
            bent = torch.nn.functional.interpolate(nodes, (size, size), mode="bicubic", align_corners=True)
            where = where + bent.permute(0, 2, 3, 1)
        moved = torch.nn.functional.grid_sample(images[:, None].float(), where, align_corners=False)
        images = moved[:, 0].round().to(torch.uint8)
    order = torch.from_numpy(events.order).to(device)
    return (images.flatten(1)[:, order] >> (8 - events.bits))[:, None]


LARGEST = 1 << 28
"""Values made dense at once where batches are drawn on another device than the processor."""


def epoch_batches(
    events: Samples,
    batch: int,
    augment: AugmentConfig,
    seed: int,
    epoch: int,
    rank: int = 0,
    ranks: int = 1,
    device: torch.device = CPU,
) -> Iterator[tuple[UInt8[torch.Tensor, "batch features steps"], Int[torch.Tensor, "batch"]]]:
    """The batches of an epoch in a random order that (seed, epoch) decide; each of `ranks` processes gets its part.

    The last, smaller batch is left out unless it is the only one; a batch is cut evenly over the processes.
    """
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(len(events))
    seeds = draw.integers(0, 2**63, len(events), dtype=np.uint64)
    count = batch_count(len(events), batch)
    parts = [order[start * batch : (start + 1) * batch][rank::ranks] for start in range(count)]
    together = 1
    if device.type != "cpu":
        together = max(LARGEST // (len(parts[0]) * events.features_count * events.steps), 1)
    for start in range(0, count, together):
        group = parts[start : start + together]
        mine = np.concatenate(group)
        x = dense(events, mine, augment, seeds[mine], device)
        labels = torch.from_numpy(events.labels[mine]).to(device)
        sizes = [len(part) for part in group]
        yield from zip(x.split(sizes), labels.split(sizes))


def batch_count(samples: int, batch: int) -> int:
    """Steps of an epoch."""
    return max(samples // batch, 1)


def in_order(
    events: Samples, batch: int = 128, device: torch.device = CPU
) -> Iterator[tuple[UInt8[torch.Tensor, "batch features steps"], Int[torch.Tensor, "batch"]]]:
    """All samples, in order, as they are."""
    for start in range(0, len(events), batch):
        chosen = np.arange(start, min(start + batch, len(events)))
        yield dense(events, chosen, device=device), torch.from_numpy(events.labels[chosen])
