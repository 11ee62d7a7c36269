"""Events made dense where they lie, on a GPU: a batch is not assembled on the processor and not carried over.

The same numbers as `train.augment.assemble`, bit for bit: hashes in 64-bit integers that wrap, warps in doubles, each
operation rounded by itself.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8, UInt64

from train.augment import FIRST_EVENT, GOLDEN, MIX_1, MIX_2, NOISE_FEATURE, NOISE_STEP, ULP
from train.data.events import EventSet
from train.recipe import AugmentConfig

Changes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""What `train.augment.drawn` gives, by sample: on, moves, lost, warps."""
Whole = Int[torch.Tensor, "..."]
PLAIN = AugmentConfig()


class Held(NamedTuple):
    """The events of a set on a device; 16 bits each, which are read as unsigned."""

    features: Int[torch.Tensor, "k"]
    times: Int[torch.Tensor, "k"]


_HELD: "WeakKeyDictionary[EventSet, dict[torch.device, Held]]" = WeakKeyDictionary()


def held(events: EventSet, device: torch.device) -> Held:
    """The set's events on a device, carried there once."""
    places = _HELD.setdefault(events, {})
    if device not in places:
        carried = (torch.from_numpy(part.view(np.int16)).to(device) for part in (events.features, events.times))
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
    rows, columns = events.sensor[-2:]
    there = held(events, device)
    lengths = events.offsets[chosen + 1] - events.offsets[chosen]
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if batch else 0

    def spread(values: np.ndarray, counts: np.ndarray, total: int) -> torch.Tensor:
        """A sample's value for each of its events."""
        return torch.from_numpy(values).to(device).repeat_interleave(torch.from_numpy(counts).to(device), 0,
                                                                     output_size=total)  # fmt: skip

    number = torch.arange(count, device=device)
    sample = spread(np.arange(batch), lengths, count)
    at = number + spread(events.offsets[chosen] - (ends - lengths), lengths, count)
    feature, step = (part[at].long() & 0xFFFF for part in there)
    on, moves, lost, warps = changes
    if on.any() and augment != PLAIN:
        seed = spread(seeds.view(np.int64), lengths, count)
        move, losing, warp = (spread(values, lengths, count) for values in (moves, lost, warps))
        column, row = feature % columns, feature // columns % rows
        x, y = _warped(column, row, warp, columns, rows)
        x, y, step = x + move[:, 0], y + move[:, 1], step + move[:, 2]
        within = number - spread(ends - lengths, lengths, count)
        kept = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (step >= 0) & (step < steps)
        kept &= (losing <= 0) | (_unit(seed + within + FIRST_EVENT) >= losing)
        feature = feature + (y - row) * columns + x - column
        sample, feature, step = sample[kept], feature[kept], step[kept]
    out = torch.zeros(batch * steps * size, dtype=torch.uint8, device=device)
    out[(sample * steps + step) * size + feature] = 1
    more = (on * augment.noise * lengths).astype(np.int64)
    if more.any():
        total = int(more.sum())
        base = _mixed(spread((seeds ^ np.uint64(NOISE_FEATURE)).view(np.int64), more, total))
        first = spread(np.cumsum(more) - more, more, total)
        place = base + torch.arange(total, device=device) - first
        feature, step = (_unit(place) * size).long(), (_unit(place ^ _signed(NOISE_STEP)) * steps).long()
        out[(spread(np.arange(batch), more, total) * steps + step) * size + feature] = 1
    return out.view(batch, steps, size).transpose(1, 2)


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
