# mypy: ignore-errors
# fmt: off
"""One step of the neurons of a block on a GPU, which all forward kernels share: the integers of `dynamics.cpu`."""

import triton
import triton.language as tl


@triton.jit
def _decayed(state, keep):
    """sign(state)·((|state|·keep) >> 12) for |state| ≤ 2^23, in 32 bits: its upper and lower twelve bits apart."""
    high = state >> 12
    # 4095 more, for a negative state, rounds towards zero.
    return high * keep + (((state & 4095) * keep + ((high >> 11) & 4095)) >> 12)


@triton.jit
def step(drive, u, v, bias, keep_u, keep_v, threshold, LEAK, RESET):
    """u, the membrane before its reset, the spikes and the membrane after it; all in state units.

    LEAK: the current has a state, u. RESET: 0 to zero, 1 subtracts the threshold, 2 leaves the membrane as it is.
    """
    if LEAK:
        drive += _decayed(u, keep_u)
    u = ((drive + 8388607) & 16777215) - 8388607
    free = _decayed(v, keep_v) + u + bias
    free = tl.where(free > 8388607, 8388607, tl.where(free < -8388607, -8388607, free))
    spike = free > threshold
    after = free
    if RESET == 0:
        after = tl.where(spike, 0, free)
    if RESET == 1:
        after = tl.where(spike, free - threshold, free)
    return u, free, spike, after


@triton.jit
def memory_drive(current):
    """A memory's current in state units, rounded."""
    scaled = current.to(tl.float32) * 4096.0
    return (scaled + tl.where(scaled >= 0, 0.5, -0.5)).to(tl.int32)


@triton.jit
def distance_code(free, threshold, coarse):
    """(free − threshold)/2^coarse, rounded and clipped to 16 bits; neither where `coarse`, a constexpr, is below 0."""
    distance = free - threshold
    if coarse > 0:
        distance = (distance + (1 << (coarse - 1))) >> coarse
    if coarse >= 0:
        distance = tl.where(distance > 32767, 32767, tl.where(distance < -32768, -32768, distance))
    return distance
