"""What augmentation draws, and events made dense: compiled loops.

Everything random is a splitmix64 hash of a sample's seed and of what is drawn: shifts, losses, warps; then every event.
`basalt.train.device_events` computes the same, bit for bit, where the events lie on a GPU.
"""

import numpy as np
from numba import njit, prange

GOLDEN, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Of splitmix64."""
NOISE_FEATURE, NOISE_STEP = 0x5851F42D4C957F2D, 0x14057B7EF767814F
"""Tell apart what is drawn for an event of noise."""
FIRST_EVENT = 16
"""What is added to a sample's seed for its first event; smaller numbers are for the sample as a whole."""
BEND = 0x2545F4914F6CDD1D
"""Tells apart what is drawn for the nodes of an image's grid."""
ULP = 1.0 / 9007199254740992.0


@njit(inline="always")
def _mixed(state):  # type: ignore[no-untyped-def]
    """One round of splitmix64: a well mixed 64-bit number for every `state`."""
    z = state + np.uint64(GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))


@njit(inline="always")
def _unit(state):  # type: ignore[no-untyped-def]
    """A number in [0, 1) for every `state`."""
    return np.float64(_mixed(state) >> np.uint64(11)) * ULP


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


@njit(cache=True)
def drawn(seeds, share, across, down, delay, drop, turn, scale, shear):  # type: ignore[no-untyped-def]
    """What becomes of the events of each sample: whether anything, by how much they move, are lost and warped."""
    count = len(seeds)
    on, moves = np.zeros(count, np.int64), np.zeros((count, 3), np.int64)
    lost, warps = np.zeros(count, np.float64), np.zeros((count, 4), np.float64)
    for b in range(count):
        seed = seeds[b]
        on[b] = _changed(seed, share)
        moves[b, 0], moves[b, 1] = _shift(seed, on[b] * across), _shift(seed + np.uint64(1), on[b] * down)
        moves[b, 2] = _shift(seed + np.uint64(2), on[b] * delay)
        lost[b] = on[b] * drop * _unit(seed + np.uint64(3))
        warps[b] = _warp(seed, on[b] * turn, on[b] * scale, on[b] * shear)
    return on, moves, lost, warps


@njit(parallel=True, nogil=True, cache=True)
def bends(seeds, on, reach, nodes):  # type: ignore[no-untyped-def]
    """How far each of nodes × nodes of a grid moves in x and y, `reach` at most; none where a sample is not `on`."""
    count = len(seeds)
    out = np.zeros((count, 2, nodes, nodes), np.float32)
    for b in prange(count):
        place = _mixed(seeds[b] ^ np.uint64(BEND))
        flat = out[b].reshape(-1)
        for i in range(on[b] * flat.size):
            flat[i] = _between(place + np.uint64(i), reach)
    return out


@njit(parallel=True, nogil=True, cache=True)
def assemble(offsets, features, times, chosen, seeds, rows, columns, changes, noise, out):  # type: ignore[no-untyped-def]
    """The chosen samples' events into zeros (batch, steps, features); `changes` as `drawn` gives them."""
    batch, steps, size = out.shape
    on, moves, lost, warps = changes
    for b in prange(batch):
        seed = seeds[b]
        dx, dy, dt = moves[b]
        xx, xy, yx, yy = warps[b]
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
            if lost[b] > 0 and _unit(seed + np.uint64(FIRST_EVENT + e - low)) < lost[b]:
                continue
            out[b, t, f + (y - row) * columns + x - column] = 1
        extra = np.int64(on[b] * noise * (high - low))
        for e in range(extra):
            place = _mixed(seed ^ np.uint64(NOISE_FEATURE)) + np.uint64(e)
            f = np.int64(_unit(place) * size)
            t = np.int64(_unit(place ^ np.uint64(NOISE_STEP)) * steps)
            out[b, t, f] = 1
