"""Batches of events: drawn, augmented and made dense by one compiled kernel.

Everything random comes from (seed, epoch), so an epoch can be drawn again after an interruption.
"""

from collections.abc import Iterator
from functools import singledispatch

import numpy as np
import torch
from jaxtyping import Int, UInt8, UInt64
from numba import njit, prange

from basalt.errors import BasaltError
from train.data.events import EventSet, Samples
from train.data.pixels import PixelSet
from train.recipe import AugmentConfig

PLAIN = AugmentConfig()
CPU = torch.device("cpu")


@njit(inline="always")
def _mixed(state):  # type: ignore[no-untyped-def]
    """One round of splitmix64: a well mixed 64-bit number for every `state`."""
    z = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(inline="always")
def _unit(state):  # type: ignore[no-untyped-def]
    """A number in [0, 1) for every `state`."""
    return np.float64(_mixed(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(inline="always")
def _shift(state, most):  # type: ignore[no-untyped-def]
    return np.int64(_unit(state) * (2 * most + 1)) - most


@njit(inline="always")
def _between(state, reach):  # type: ignore[no-untyped-def]
    return (2.0 * _unit(state) - 1.0) * reach


@njit(inline="always")
def _warp(seed, turn, scale, shear):  # type: ignore[no-untyped-def]
    """A turn of a slant of a stretch, drawn from `seed`: x = xx·right + xy·down, y = yx·right + yy·down."""
    angle = _between(seed + np.uint64(4), turn)
    wide, tall = 1.0 + _between(seed + np.uint64(5), scale), 1.0 + _between(seed + np.uint64(6), scale)
    slant = _between(seed + np.uint64(7), shear)
    xx, xy = wide * np.cos(angle), wide * (slant * np.cos(angle) - np.sin(angle))
    return xx, xy, tall * np.sin(angle), tall * (slant * np.sin(angle) + np.cos(angle))


@njit(inline="always")
def _changed(seed, share):  # type: ignore[no-untyped-def]
    """1 for the share of the seeds whose samples are changed, else 0."""
    return np.int64(_unit(seed + np.uint64(8)) < share)


@njit(parallel=True, nogil=True, cache=True)
def _assemble(  # type: ignore[no-untyped-def]
    offsets, features, times, chosen, seeds, rows, columns, share, pixels, delay, drop, noise, turn, scale, shear, out
):
    batch, steps, size = out.shape
    for b in prange(batch):
        seed = seeds[b]
        on = _changed(seed, share)
        dx, dy = _shift(seed, on * min(pixels, columns - 1)), _shift(seed + np.uint64(1), on * min(pixels, rows - 1))
        dt = _shift(seed + np.uint64(2), on * delay)
        dropped = on * drop * _unit(seed + np.uint64(3))
        xx, xy, yx, yy = _warp(seed, on * turn, on * scale, on * shear)
        middle_x, middle_y = 0.5 * (columns - 1), 0.5 * (rows - 1)
        low, high = offsets[chosen[b]], offsets[chosen[b] + 1]
        for e in range(low, high):
            f, t = np.int64(features[e]), np.int64(times[e]) + dt
            column, row = f % columns, f // columns % rows
            right, down = column - middle_x, row - middle_y
            x = np.int64(np.floor(xx * right + xy * down + middle_x + 0.5)) + dx
            y = np.int64(np.floor(yx * right + yy * down + middle_y + 0.5)) + dy
            if x < 0 or x >= columns or y < 0 or y >= rows or t < 0 or t >= steps:
                continue
            if dropped > 0 and _unit(seed + np.uint64(16 + e - low)) < dropped:
                continue
            out[b, t, f + (y - row) * columns + x - column] = 1
        extra = np.int64(on * noise * (high - low))
        for e in range(extra):
            place = _mixed(seed ^ np.uint64(0x5851F42D4C957F2D)) + np.uint64(e)
            f = np.int64(_unit(place) * size)
            t = np.int64(_unit(place ^ np.uint64(0x14057B7EF767814F)) * steps)
            out[b, t, f] = 1


@singledispatch
def dense(
    events: Samples,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch features steps"]:
    """The chosen samples as input, augmented from one seed a sample; steps vary slowest in memory."""
    raise TypeError(f"no way to make a batch of {type(events).__name__}")


@dense.register
def _events(
    events: EventSet,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch features steps"]:
    out = torch.zeros(len(chosen), events.steps, events.features_count, dtype=torch.uint8)
    rows, columns = events.sensor[-2:]
    _assemble(
        events.offsets,
        events.features,
        events.times,
        chosen,
        np.zeros(len(chosen), np.uint64) if seeds is None else seeds,
        rows,
        columns,
        augment.share,
        augment.pixels,
        augment.steps,
        augment.drop,
        augment.noise,
        np.deg2rad(augment.rotate),
        augment.scale,
        augment.shear,
        out.numpy(),
    )
    return out.transpose(1, 2).to(device)


@njit(cache=True)
def _warps(seeds, share, turn, scale, shear, pixels, warps, moves):  # type: ignore[no-untyped-def]
    for b in range(len(seeds)):
        seed = seeds[b]
        on = _changed(seed, share)
        xx, xy, yx, yy = _warp(seed, on * turn, on * scale, on * shear)
        warps[b, 0, 0], warps[b, 0, 1], warps[b, 1, 0], warps[b, 1, 1] = xx, xy, yx, yy
        moves[b, 0], moves[b, 1] = _shift(seed, on * pixels), _shift(seed + np.uint64(1), on * pixels)


@dense.register
def _pixels(
    events: PixelSet,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig = PLAIN,
    seeds: UInt64[np.ndarray, "batch"] | None = None,
    device: torch.device = CPU,
) -> UInt8[torch.Tensor, "batch 1 784"]:
    """Images: turned, stretched, slanted (bilinearly) and shifted by whole pixels; then a pixel a step.

    Raises:
        BasaltError: the recipe asks for changes that only events know.
    """
    if augment.steps or augment.drop or augment.noise:
        raise BasaltError("training.augment: steps, drop and noise change events; for pixels leave them out.")
    images = torch.from_numpy(events.images[chosen]).to(device)
    if seeds is not None and augment != PLAIN:
        warp, move = np.zeros((len(chosen), 2, 3), np.float32), np.zeros((len(chosen), 2), np.float32)
        turn = np.deg2rad(augment.rotate)
        _warps(seeds, augment.share, turn, augment.scale, augment.shear, augment.pixels, warp, move)
        size = images.shape[-1]
        warp[:, :, 2] = (warp[:, :, :2] @ move[..., None])[..., 0] * 2 / size
        where = torch.nn.functional.affine_grid(
            torch.from_numpy(warp).to(device), [len(images), 1, size, size], align_corners=False
        )
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
