"""Events made dense where they lie, on a GPU: a batch is not assembled on the processor and not carried over.

The same numbers as `train.augment.assemble`, bit for bit: hashes in 64-bit integers that wrap, warps in doubles, each
operation rounded by itself.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8, UInt64

from basalt.train.augment import FIRST_EVENT, GOLDEN, MIX_1, MIX_2, NOISE_FEATURE, NOISE_STEP, ULP
from basalt.train.data.events import EventSet
from basalt.train.recipe import AugmentConfig

Changes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""What `basalt.train.augment.drawn` gives, by sample: on, moves, lost, warps."""
Whole = Int[torch.Tensor, "..."]
PLAIN = AugmentConfig()


class Held(NamedTuple):
    """The events of a set on a device; features of 16 or 32 bits, times of 16, all of which are read as unsigned."""

    features: Int[torch.Tensor, "k"]
    times: Int[torch.Tensor, "k"]


_HELD: "WeakKeyDictionary[EventSet, dict[torch.device, Held]]" = WeakKeyDictionary()


def held(events: EventSet, device: torch.device) -> Held:
    """The set's events on a device, carried there once."""
    places = _HELD.setdefault(events, {})
    if device not in places:
        signed = (part.view(f"i{part.itemsize}") for part in (events.features, events.times))
        carried = (torch.from_numpy(part).to(device) for part in signed)
        places[device] = Held(*carried)
    return places[device]


def assembled(
    events: EventSet,
    chosen: Int[np.ndarray, "batch"],
    augment: AugmentConfig,
    seeds: UInt64[np.ndarray, "batch"],
    changes: Changes,
    device: torch.device,
) -> UInt8[torch.Tensor, "batch features steps"]:
    """The chosen samples as input; steps vary slowest in memory."""
    batch, steps, size = len(chosen), events.steps, events.features_count
    out = torch.zeros(batch * steps * size, dtype=torch.uint8, device=device)
    there = held(events, device)
    lengths = events.offsets[chosen + 1] - events.offsets[chosen]
    sample, within = _listed(lengths, device)
    at = torch.from_numpy(events.offsets[chosen]).to(device)[sample] + within
    feature, step = (part[at].long() & ((1 << 8 * part.itemsize) - 1) for part in there)
    if augment != PLAIN:
        on = changes[0]
        seed, *moved = (torch.from_numpy(values).to(device) for values in (seeds.view(np.int64), *changes[1:]))
        noisy = (on * augment.noise * lengths).astype(np.int64)
        others, number = _listed(noisy, device)
        place = _mixed(seed ^ _signed(NOISE_FEATURE))[others] + number
        random = (_unit(place) * size).long(), (_unit(place ^ _signed(NOISE_STEP)) * steps).long()
        out[(others * steps + random[1]) * size + random[0]] = 1
        kept, feature, step = _changed(events, sample, within, feature, step, seed, *moved)
        sample, feature, step = sample[kept], feature[kept], step[kept]
    out[(sample * steps + step) * size + feature] = 1
    return out.view(batch, steps, size).transpose(1, 2)


def _listed(counts: Int[np.ndarray, "batch"], device: torch.device) -> tuple[Whole, Whole]:
    """Where each sample has `counts` events: the sample of each event, and its place among that sample's events."""
    each = torch.from_numpy(counts).to(device)
    sample = torch.arange(len(counts), device=device).repeat_interleave(each, output_size=int(counts.sum()))
    return sample, torch.arange(len(sample), device=device) - (each.cumsum(0) - each)[sample]


def _changed(
    events: EventSet,
    sample: Int[torch.Tensor, "k"],
    within: Int[torch.Tensor, "k"],
    feature: Int[torch.Tensor, "k"],
    step: Int[torch.Tensor, "k"],
    seed: Int[torch.Tensor, "batch"],
    moves: Int[torch.Tensor, "batch 3"],
    lost: Float[torch.Tensor, "batch"],
    warps: Float[torch.Tensor, "batch 4"],
) -> tuple[torch.Tensor, Whole, Whole]:
    """Which events are still there, and all features and steps after warps and shifts."""
    rows, columns = events.sensor[-2:]
    column, row = feature % columns, feature // columns % rows
    x, y = _warped(column, row, warps[sample], columns, rows)
    across, down, later = moves[sample].unbind(1)
    x, y, step = x + across, y + down, step + later
    kept = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (step >= 0) & (step < events.steps)
    losing = lost[sample]
    kept &= (losing <= 0) | (_unit(seed[sample] + within + FIRST_EVENT) >= losing)
    return kept, feature + (y - row) * columns + x - column, step


def _warped(
    column: Whole, row: Whole, warp: Float[torch.Tensor, "k 4"], columns: int, rows: int
) -> tuple[Whole, Whole]:
    middle_x, middle_y = 0.5 * (columns - 1), 0.5 * (rows - 1)
    right, down = column - middle_x, row - middle_y
    xx, xy, yx, yy = (part.contiguous() for part in warp.unbind(1))
    x = xx * right.double() + xy * down.double() + middle_x + 0.5
    y = yx * right.double() + yy * down.double() + middle_y + 0.5
    return x.floor().long(), y.floor().long()


def _signed(value: int) -> int:
    """A 64-bit pattern as PyTorch's integers have it."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _shifted(value: Whole, bits: int) -> Whole:
    """To the right, zeros coming in from the left."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _mixed(state: Whole) -> Whole:
    z = state + _signed(GOLDEN)
    z = (z ^ _shifted(z, 30)) * _signed(MIX_1)
    z = (z ^ _shifted(z, 27)) * _signed(MIX_2)
    return z ^ _shifted(z, 31)


def _unit(state: Whole) -> Float[torch.Tensor, "..."]:
    return _shifted(_mixed(state), 11).double() * ULP
