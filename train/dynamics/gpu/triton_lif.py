# mypy: ignore-errors
# fmt: off
"""Leaky integrate-and-fire dynamics on a GPU: the whole time loop of a layer as one Triton kernel.

The integers are those of `basalt.train.dynamics.cpu`, for currents below 6144. Neurons lie side by side in memory and a
thread walks one neuron through time. With so few threads only loads far ahead keep the memory busy: sixteen steps,
spelled out, since Triton before 3.2 does not support lists; a value's register is filled again once the value is used.
For `gpu.triton_lif_backward`, which needs the surrogate gradient of every step, the distance from the threshold is kept
in 16 bits and units of 2^coarse (in 32 bits where gradients are float32).
"""

import triton
import triton.language as tl

from basalt.train.dynamics.gpu.triton_neuron import distance_code, memory_drive, step


@triton.jit
def _load4(pointer, stride, mask):
    return (
        tl.load(pointer, mask=mask, other=0),
        tl.load(pointer + stride, mask=mask, other=0),
        tl.load(pointer + 2 * stride, mask=mask, other=0),
        tl.load(pointer + 3 * stride, mask=mask, other=0),
    )


@triton.jit
def _load4_some(pointer, stride, mask, there):
    """The first `there` of four."""
    return (
        tl.load(pointer, mask=mask & (there > 0), other=0),
        tl.load(pointer + stride, mask=mask & (there > 1), other=0),
        tl.load(pointer + 2 * stride, mask=mask & (there > 2), other=0),
        tl.load(pointer + 3 * stride, mask=mask & (there > 3), other=0),
    )


@triton.jit
def _fire(
    u, v, count, a, b, weight, bias, keep_u, keep_v, threshold, coarse, spikes, codes, mask,
    LEAK, SINGLE, MEMORY, RESET, SEND,
):
    """One step of a block of neurons; a and b are the synaptic (SINGLE: the one input) and the memory current.

    SINGLE: `weight` is in state units. `coarse` is a constexpr.
    """
    if SINGLE:
        full = (a.to(tl.float32) * weight).to(tl.int32)
    else:
        full = (a.to(tl.float32) * 4096.0).to(tl.int32)
    if MEMORY:
        full += memory_drive(b)
    u, free, spike, after = step(full, u, v, bias, keep_u, keep_v, threshold, LEAK, RESET)
    if SEND:
        one = tl.full(mask.shape, 1.0, spikes.dtype.element_ty)
        tl.store(spikes, tl.where(spike, one, tl.full(mask.shape, 0.0, spikes.dtype.element_ty)), mask=mask)
    tl.store(codes, distance_code(free, threshold, coarse).to(codes.dtype.element_ty), mask=mask)
    return u, after, tl.where(spike, count + 1.0, count)


@triton.jit
def _fire4(
    u, v, n, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, coarse, s, c, stride, mask,
    LEAK, SINGLE, MEMORY, RESET, SEND,
):
    u, v, n = _fire(
        u, v, n, a0, b0, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a1, b1, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a2, b2, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a3, b3, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    return u, v, n


@triton.jit
def _fire4_some(
    u, v, n, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, coarse, s, c, stride, mask, there,
    LEAK, SINGLE, MEMORY, RESET, SEND,
):
    """The first `there` of four steps; the very last is not counted."""
    u, v, more = _fire(
        u, v, n, a0, b0, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask & (there > 0),
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    n = tl.where(there > 1, more, n)
    s += stride
    c += stride
    u, v, more = _fire(
        u, v, n, a1, b1, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask & (there > 1),
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    n = tl.where(there > 2, more, n)
    s += stride
    c += stride
    u, v, more = _fire(
        u, v, n, a2, b2, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask & (there > 2),
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    n = tl.where(there > 3, more, n)
    s += stride
    c += stride
    u, v, more = _fire(
        u, v, n, a3, b3, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask & (there > 3),
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    n = tl.where(there > 4, more, n)
    return u, v, n


@triton.jit
def forward_kernel(
    synaptic, weight, memory, bias, keep_u, keep_v, threshold, coarse: tl.constexpr, spikes, codes, counts, steps,
    neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SINGLE: tl.constexpr, MEMORY: tl.constexpr,
    RESET: tl.constexpr, SEND: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill spikes and codes (batch, steps, neurons) and counts (batch, neurons), those before the last step.

    current[t] = synaptic[t−1] + memory[t], both (batch, steps, width), width ≥ neurons. SINGLE: `synaptic` is the
    only input (batch, steps), to be multiplied with `weight` (neurons,). LEAK: the current has a state, u. MEMORY:
    there is a memory current. SEND: `spikes` is wanted, not counts alone. `bias` is in multiples of 1/4096. A code is
    (v' − threshold)/2^coarse, rounded and clipped to 16 bits; with `coarse` below 0 it is not, and has 32 bits.
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    keep_u = tl.load(keep_u + lane, mask=mask, other=0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0)
    bias = (tl.load(bias + lane, mask=mask, other=0).to(tl.float32) * 4096.0).to(tl.int32)
    now = memory + sample * steps * width + lane
    s = spikes + sample * steps * neurons + lane
    c = codes + sample * steps * neurons + lane
    u, v = bias * 0, bias * 0
    zero = (bias * 0).to(tl.float32)
    count = zero
    ahead: tl.constexpr = 1 if SINGLE else width
    late = synaptic + sample * steps * width + lane
    some = mask
    if SINGLE:
        weight = tl.load(weight + lane, mask=mask, other=0.0) * 4096.0
        late = synaptic + sample * steps
        some = steps > 0
    b0, b1, b2, b3 = zero, zero, zero, zero
    b4, b5, b6, b7 = zero, zero, zero, zero
    b8, b9, b10, b11 = zero, zero, zero, zero
    b12, b13, b14, b15 = zero, zero, zero, zero
    first = zero
    if MEMORY:
        first = tl.load(now, mask=mask, other=0.0)
    # Whole groups of sixteen steps, and the one to sixteen steps that follow; the last of those is not counted.
    groups = (steps - 2) // 16
    now += width
    a0, a1, a2, a3 = _load4(late + 0 * ahead, ahead, some & (groups > 0))
    a4, a5, a6, a7 = _load4(late + 4 * ahead, ahead, some & (groups > 0))
    a8, a9, a10, a11 = _load4(late + 8 * ahead, ahead, some & (groups > 0))
    a12, a13, a14, a15 = _load4(late + 12 * ahead, ahead, some & (groups > 0))
    if MEMORY:
        b0, b1, b2, b3 = _load4(now + 0 * width, width, mask & (groups > 0))
        b4, b5, b6, b7 = _load4(now + 4 * width, width, mask & (groups > 0))
        b8, b9, b10, b11 = _load4(now + 8 * width, width, mask & (groups > 0))
        b12, b13, b14, b15 = _load4(now + 12 * width, width, mask & (groups > 0))
    u, v, count = _fire(
        u, v, count, zero, first, weight, bias, keep_u, keep_v, threshold, coarse, s, c, mask,
        LEAK, False, MEMORY, RESET, SEND,
    )
    s += neurons
    c += neurons
    for group in range(groups):
        late += 16 * ahead
        now += 16 * width
        more = group + 1 < groups
        u, v, count = _fire4(
            u, v, count, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, coarse,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        a0, a1, a2, a3 = _load4(late + 0 * ahead, ahead, some & more)
        if MEMORY:
            b0, b1, b2, b3 = _load4(now + 0 * width, width, mask & more)
        u, v, count = _fire4(
            u, v, count, a4, a5, a6, a7, b4, b5, b6, b7, weight, bias, keep_u, keep_v, threshold, coarse,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        a4, a5, a6, a7 = _load4(late + 4 * ahead, ahead, some & more)
        if MEMORY:
            b4, b5, b6, b7 = _load4(now + 4 * width, width, mask & more)
        u, v, count = _fire4(
            u, v, count, a8, a9, a10, a11, b8, b9, b10, b11, weight, bias, keep_u, keep_v, threshold, coarse,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        a8, a9, a10, a11 = _load4(late + 8 * ahead, ahead, some & more)
        if MEMORY:
            b8, b9, b10, b11 = _load4(now + 8 * width, width, mask & more)
        u, v, count = _fire4(
            u, v, count, a12, a13, a14, a15, b12, b13, b14, b15, weight, bias, keep_u, keep_v, threshold, coarse,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        a12, a13, a14, a15 = _load4(late + 12 * ahead, ahead, some & more)
        if MEMORY:
            b12, b13, b14, b15 = _load4(now + 12 * width, width, mask & more)
    there = steps - 1 - 16 * groups
    a0, a1, a2, a3 = _load4_some(late + 0 * ahead, ahead, some, there - 0)
    a4, a5, a6, a7 = _load4_some(late + 4 * ahead, ahead, some, there - 4)
    a8, a9, a10, a11 = _load4_some(late + 8 * ahead, ahead, some, there - 8)
    a12, a13, a14, a15 = _load4_some(late + 12 * ahead, ahead, some, there - 12)
    if MEMORY:
        b0, b1, b2, b3 = _load4_some(now + 0 * width, width, mask, there - 0)
        b4, b5, b6, b7 = _load4_some(now + 4 * width, width, mask, there - 4)
        b8, b9, b10, b11 = _load4_some(now + 8 * width, width, mask, there - 8)
        b12, b13, b14, b15 = _load4_some(now + 12 * width, width, mask, there - 12)
    u, v, count = _fire4_some(
        u, v, count, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, coarse,
        s, c, neurons, mask, there - 0, LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    s += 4 * neurons
    c += 4 * neurons
    u, v, count = _fire4_some(
        u, v, count, a4, a5, a6, a7, b4, b5, b6, b7, weight, bias, keep_u, keep_v, threshold, coarse,
        s, c, neurons, mask, there - 4, LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    s += 4 * neurons
    c += 4 * neurons
    u, v, count = _fire4_some(
        u, v, count, a8, a9, a10, a11, b8, b9, b10, b11, weight, bias, keep_u, keep_v, threshold, coarse,
        s, c, neurons, mask, there - 8, LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    s += 4 * neurons
    c += 4 * neurons
    u, v, count = _fire4_some(
        u, v, count, a12, a13, a14, a15, b12, b13, b14, b15, weight, bias, keep_u, keep_v, threshold, coarse,
        s, c, neurons, mask, there - 12, LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    tl.store(counts + sample * neurons + lane, count, mask=mask)
