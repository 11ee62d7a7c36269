# mypy: ignore-errors
# fmt: off
"""Leaky integrate-and-fire dynamics on a GPU: the whole time loop of a layer as one Triton kernel, and one backwards.

The integers are those of `train.layers.dynamics`. Neurons lie side by side in memory and a thread walks one neuron
through time. What bounds it is memory, and with so few threads only loads far ahead keep the memory busy: sixteen
steps, spelled out, since Triton before 3.2 knows no lists. The backward kernel needs only the surrogate gradient of
every step, ρ/ρ(threshold) in 16 bits.
"""

import triton
import triton.language as tl


@triton.jit
def _decayed(state, keep):
    product = (tl.abs(state).to(tl.int64) * keep) >> 12
    return tl.where(state >= 0, product, -product).to(tl.int32)


@triton.jit
def _load8(pointer, stride, mask):
    return (
        tl.load(pointer, mask=mask, other=0),
        tl.load(pointer + stride, mask=mask, other=0),
        tl.load(pointer + 2 * stride, mask=mask, other=0),
        tl.load(pointer + 3 * stride, mask=mask, other=0),
        tl.load(pointer + 4 * stride, mask=mask, other=0),
        tl.load(pointer + 5 * stride, mask=mask, other=0),
        tl.load(pointer + 6 * stride, mask=mask, other=0),
        tl.load(pointer + 7 * stride, mask=mask, other=0),
    )


@triton.jit
def _fire(
    u, v, count, a, b, weight, bias, keep_u, keep_v, threshold, per_tau, spikes, codes, mask,
    LEAK, SINGLE, MEMORY, RESET, SEND,
):
    """One step of a block of neurons; a and b are the synaptic (SINGLE: the one input) and the memory current."""
    synaptic = a.to(tl.float32)
    if SINGLE:
        synaptic = synaptic * weight
    full = (synaptic * 4096.0).to(tl.int32)
    if MEMORY:
        scaled = b.to(tl.float32) * 4096.0
        full += tl.where(scaled >= 0, scaled + 0.5, scaled - 0.5).to(tl.int32)
    if LEAK:
        full += _decayed(u, keep_u)
    full = tl.where(full > 8388608, full - 16777216, full)
    u = tl.where(full <= -8388608, full + 16777216, full)
    free = _decayed(v, keep_v) + u + bias
    free = tl.where(free > 8388607, 8388607, tl.where(free < -8388607, -8388607, free))
    spike = free > threshold
    if SEND:
        tl.store(spikes, tl.where(spike, 1.0, 0.0).to(spikes.dtype.element_ty), mask=mask)
    distance = tl.abs((free - threshold).to(tl.float32) - 0.01) * per_tau
    code = (tl.exp(-distance) * 65535.0 + 0.5).to(tl.int32) - 32768
    tl.store(codes, code.to(tl.int16), mask=mask)
    after = free
    if RESET == 0:
        after = tl.where(spike, 0, free)
    if RESET == 1:
        after = tl.where(spike, free - threshold, free)
    return u, after, count + tl.where(spike, 1.0, 0.0)


@triton.jit
def _fire4(
    u, v, n, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, stride, mask,
    LEAK, SINGLE, MEMORY, RESET, SEND,
):
    u, v, n = _fire(
        u, v, n, a0, b0, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a1, b1, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a2, b2, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    s += stride
    c += stride
    u, v, n = _fire(
        u, v, n, a3, b3, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask, LEAK, SINGLE, MEMORY, RESET, SEND
    )
    return u, v, n


@triton.jit
def forward_kernel(
    synaptic, weight, memory, bias, keep_u, keep_v, threshold, per_tau, spikes, codes, counts, steps,
    neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SINGLE: tl.constexpr, MEMORY: tl.constexpr,
    RESET: tl.constexpr, SEND: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill spikes and codes (batch, steps, neurons) and counts (batch, neurons), those before the last step.

    current[t] = synaptic[t−1] + memory[t], both (batch, steps, width), width ≥ neurons. SINGLE: `synaptic` is the
    only input (batch, steps), to be multiplied with `weight` (neurons,). LEAK: the current has a state, u. MEMORY:
    there is a memory current. SEND: `spikes` is wanted, not counts alone.
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    keep_u = tl.load(keep_u + lane, mask=mask, other=0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0)
    bias = tl.load(bias + lane, mask=mask, other=0)
    now = memory + sample * steps * width + lane
    s = spikes + sample * steps * neurons + lane
    c = codes + sample * steps * neurons + lane
    u, v = bias * 0, bias * 0
    zero = (bias * 0).to(tl.float32)
    count = zero
    step: tl.constexpr = 1 if SINGLE else width
    late = synaptic + sample * steps * width + lane
    some = mask
    if SINGLE:
        weight = tl.load(weight + lane, mask=mask, other=0.0)
        late = synaptic + sample * steps
        some = steps > 0
    b0, b1, b2, b3, b4, b5, b6, b7 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    b8, b9, b10, b11, b12, b13, b14, b15 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    if MEMORY:
        b0 = tl.load(now, mask=mask, other=0.0)
    u, v, count = _fire(
        u, v, count, zero, b0, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask,
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )
    # What the last step sends reaches nobody: it comes after all loops.
    groups = (steps - 2) // 16
    now += width
    s += neurons
    c += neurons
    a0, a1, a2, a3, a4, a5, a6, a7 = _load8(late, step, some & (groups > 0))
    a8, a9, a10, a11, a12, a13, a14, a15 = _load8(late + 8 * step, step, some & (groups > 0))
    if MEMORY:
        b0, b1, b2, b3, b4, b5, b6, b7 = _load8(now, width, mask & (groups > 0))
        b8, b9, b10, b11, b12, b13, b14, b15 = _load8(now + 8 * width, width, mask & (groups > 0))
    for group in range(groups):
        late += 16 * step
        now += 16 * width
        more = group + 1 < groups
        x0, x1, x2, x3, x4, x5, x6, x7 = _load8(late, step, some & more)
        x8, x9, x10, x11, x12, x13, x14, x15 = _load8(late + 8 * step, step, some & more)
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15 = (
            b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15
        )
        if MEMORY:
            y0, y1, y2, y3, y4, y5, y6, y7 = _load8(now, width, mask & more)
            y8, y9, y10, y11, y12, y13, y14, y15 = _load8(now + 8 * width, width, mask & more)
        u, v, count = _fire4(
            u, v, count, a0, a1, a2, a3, b0, b1, b2, b3, weight, bias, keep_u, keep_v, threshold, per_tau,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        u, v, count = _fire4(
            u, v, count, a4, a5, a6, a7, b4, b5, b6, b7, weight, bias, keep_u, keep_v, threshold, per_tau,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        u, v, count = _fire4(
            u, v, count, a8, a9, a10, a11, b8, b9, b10, b11, weight, bias, keep_u, keep_v, threshold, per_tau,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        u, v, count = _fire4(
            u, v, count, a12, a13, a14, a15, b12, b13, b14, b15, weight, bias, keep_u, keep_v, threshold, per_tau,
            s, c, neurons, mask, LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        s += 4 * neurons
        c += 4 * neurons
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15 = (
            x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15
        )
        b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15 = (
            y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15
        )
    for _ in range(16 * groups + 1, steps - 1):
        a0 = tl.load(late, mask=some, other=0)
        if MEMORY:
            b0 = tl.load(now, mask=mask, other=0)
        u, v, count = _fire(
            u, v, count, a0, b0, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask,
            LEAK, SINGLE, MEMORY, RESET, SEND,
        )
        late += step
        now += width
        s += neurons
        c += neurons
    # Stored here, and not kept in a variable until the end: Triton 3.6 then stored what it was before the loop.
    tl.store(counts + sample * neurons + lane, count, mask=mask)
    a0 = tl.load(late, mask=some, other=0)
    if MEMORY:
        b0 = tl.load(now, mask=mask, other=0)
    u, v, count = _fire(
        u, v, count, a0, b0, weight, bias, keep_u, keep_v, threshold, per_tau, s, c, mask,
        LEAK, SINGLE, MEMORY, RESET, SEND,
    )


@triton.jit
def _back(gu, gv, bias, single, grad, each, code, before, keep_u, keep_v, peak, out, mask, LEAK, SPIKES, SINGLE):
    """One step backwards: gv = keep_v·gv + ρ·gs, gu = keep_u·gu + gv, ∂current = gu."""
    if SPIKES:
        each += grad.to(tl.float32)
    gv = keep_v * gv + (code.to(tl.float32) + 32768.0) * peak * each
    if LEAK:
        gu = keep_u * gu + gv
    else:
        gu = gv
    if SINGLE:
        single += gu * before.to(tl.float32)
    tl.store(out, gu.to(out.dtype.element_ty), mask=mask)
    return gu, gv, bias + gv, single


@triton.jit
def _back4(
    gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3, keep_u, keep_v, peak, out, stride, mask,
    LEAK, SPIKES, SINGLE,
):
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g0, each, c0, p0, keep_u, keep_v, peak, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g1, each, c1, p1, keep_u, keep_v, peak, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g2, each, c2, p2, keep_u, keep_v, peak, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g3, each, c3, p3, keep_u, keep_v, peak, out, mask, LEAK, SPIKES, SINGLE
    )
    return gu, gv, bias, single


@triton.jit
def backward_kernel(
    grad, grad_count, codes, inputs, keep_u, keep_v, peak, grad_current, grad_first, grad_bias, grad_single, steps,
    neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SPIKES: tl.constexpr, COUNTS: tl.constexpr,
    SINGLE: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill grad_current (batch, steps, width) but for its first step, which goes to grad_first (batch, width).

    The first step has no synaptic current, so with its row zero (here) the flat rows of grad_current pair with the
    rows of the layer's input one before. Columns from `neurons` on become zero. grad_bias is (batch, width); SINGLE: so
    is grad_single, of the weight of the only input, `inputs` (batch, steps). SPIKES: `grad` (batch, steps, neurons) is
    there; COUNTS: `grad_count` (batch, neurons) is. `peak` is ρ(threshold)/65535.
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    wide = lane < width
    keep_u = tl.load(keep_u + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    last = (sample * steps + steps - 1) * neurons + lane
    g = grad + last
    c = codes + last
    p = inputs + sample * steps + steps - 2
    out = grad_current + (sample * steps + steps - 1) * width + lane
    zero = keep_v * 0.0
    gu, gv, bias, single, each = zero, zero, zero, zero, zero
    g0, g1, g2, g3, g4, g5, g6, g7 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    g8, g9, g10, g11, g12, g13, g14, g15 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    p0, p1, p2, p3, p4, p5, p6, p7 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    p8, p9, p10, p11, p12, p13, p14, p15 = (
        zero, zero, zero, zero, zero, zero, zero, zero
    )
    some = steps > 0
    if SPIKES:
        g0 = tl.load(g, mask=mask, other=0)
    if SINGLE:
        p0 = tl.load(p, mask=some, other=0)
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g0, each, tl.load(c, mask=mask, other=0), p0, keep_u, keep_v, peak, out, wide,
        LEAK, SPIKES, SINGLE,
    )
    if COUNTS:
        each = tl.load(grad_count + sample * neurons + lane, mask=mask, other=0.0).to(tl.float32)
    g -= neurons
    c -= neurons
    p -= 1
    out -= width
    groups = (steps - 2) // 16
    c0, c1, c2, c3, c4, c5, c6, c7 = _load8(c, -neurons, mask & (groups > 0))
    c8, c9, c10, c11, c12, c13, c14, c15 = _load8(c + 8 * -neurons, -neurons, mask & (groups > 0))
    if SPIKES:
        g0, g1, g2, g3, g4, g5, g6, g7 = _load8(g, -neurons, mask & (groups > 0))
        g8, g9, g10, g11, g12, g13, g14, g15 = _load8(g + 8 * -neurons, -neurons, mask & (groups > 0))
    if SINGLE:
        p0, p1, p2, p3, p4, p5, p6, p7 = _load8(p, -1, some & (groups > 0))
        p8, p9, p10, p11, p12, p13, p14, p15 = _load8(p + 8 * -1, -1, some & (groups > 0))
    for group in range(groups):
        g -= 16 * neurons
        c -= 16 * neurons
        p -= 16
        more = group + 1 < groups
        d0, d1, d2, d3, d4, d5, d6, d7 = _load8(c, -neurons, mask & more)
        d8, d9, d10, d11, d12, d13, d14, d15 = _load8(c + 8 * -neurons, -neurons, mask & more)
        h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12, h13, h14, h15 = (
            g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11, g12, g13, g14, g15
        )
        if SPIKES:
            h0, h1, h2, h3, h4, h5, h6, h7 = _load8(g, -neurons, mask & more)
            h8, h9, h10, h11, h12, h13, h14, h15 = _load8(g + 8 * -neurons, -neurons, mask & more)
        q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15 = (
            p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15
        )
        if SINGLE:
            q0, q1, q2, q3, q4, q5, q6, q7 = _load8(p, -1, some & more)
            q8, q9, q10, q11, q12, q13, q14, q15 = _load8(p + 8 * -1, -1, some & more)
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3,
            keep_u, keep_v, peak, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g4, g5, g6, g7, each, c4, c5, c6, c7, p4, p5, p6, p7,
            keep_u, keep_v, peak, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g8, g9, g10, g11, each, c8, c9, c10, c11, p8, p9, p10, p11,
            keep_u, keep_v, peak, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g12, g13, g14, g15, each, c12, c13, c14, c15, p12, p13, p14, p15,
            keep_u, keep_v, peak, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15 = (
            d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14, d15
        )
        g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11, g12, g13, g14, g15 = (
            h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12, h13, h14, h15
        )
        p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 = (
            q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15
        )
    for _ in range(16 * groups + 1, steps - 1):
        if SPIKES:
            g0 = tl.load(g, mask=mask, other=0)
        if SINGLE:
            p0 = tl.load(p, mask=some, other=0)
        c0 = tl.load(c, mask=mask, other=0)
        gu, gv, bias, single = _back(
            gu, gv, bias, single, g0, each, c0, p0, keep_u, keep_v, peak, out, wide, LEAK, SPIKES, SINGLE
        )
        g -= neurons
        c -= neurons
        p -= 1
        out -= width
    if SPIKES:
        g0 = tl.load(g, mask=mask, other=0)
    c0 = tl.load(c, mask=mask, other=0)
    first = grad_first + sample * width + lane
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g0, each, c0, zero, keep_u, keep_v, peak, first, wide, LEAK, SPIKES, SINGLE
    )
    tl.store(out, zero.to(out.dtype.element_ty), mask=wide)
    tl.store(grad_bias + sample * width + lane, bias, mask=wide)
    if SINGLE:
        tl.store(grad_single + sample * width + lane, single, mask=wide)
