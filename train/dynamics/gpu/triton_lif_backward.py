# mypy: ignore-errors
# fmt: off
"""Leaky integrate-and-fire dynamics on a GPU, backwards: the gradients of `gpu.triton_lif`'s whole time loop.

A thread walks one neuron back through time, sixteen steps at once, with the surrogate gradient that the forward kernel
left of each step.
"""

import triton
import triton.language as tl

from basalt.train.dynamics.gpu.triton_lif import _load4


@triton.jit
def _back(
    gu, gv, bias, single, grad, each, code, before, keep_u, keep_v, peak, fine, out, mask, LEAK, SPIKES, SINGLE
):
    """One step backwards: gv = keep_v·gv + ρ·gs, gu = keep_u·gu + gv, ∂current = gu; ρ = peak·exp(−|code|·fine)."""
    if SPIKES:
        each += grad.to(tl.float32)
    gv = keep_v * gv + tl.exp(-tl.abs(code.to(tl.float32)) * fine) * (peak * each)
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
    gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3, keep_u, keep_v, peak, fine, out, stride,
    mask, LEAK, SPIKES, SINGLE,
):
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g0, each, c0, p0, keep_u, keep_v, peak, fine, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g1, each, c1, p1, keep_u, keep_v, peak, fine, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g2, each, c2, p2, keep_u, keep_v, peak, fine, out, mask, LEAK, SPIKES, SINGLE
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g3, each, c3, p3, keep_u, keep_v, peak, fine, out, mask, LEAK, SPIKES, SINGLE
    )
    return gu, gv, bias, single


@triton.jit
def _back4_some(
    gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3, keep_u, keep_v, peak, fine, out, stride,
    mask, absent, LEAK, SPIKES, SINGLE,
):
    """But for the first `absent` of four steps: there all gradients are zero. No count has the step after those."""
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g0, tl.where(absent < 0, each, 0.0), c0, p0, keep_u, keep_v, peak, fine, out,
        mask & (absent <= 0), LEAK, SPIKES, SINGLE,
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g1, tl.where(absent < 1, each, 0.0), c1, p1, keep_u, keep_v, peak, fine, out,
        mask & (absent <= 1), LEAK, SPIKES, SINGLE,
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g2, tl.where(absent < 2, each, 0.0), c2, p2, keep_u, keep_v, peak, fine, out,
        mask & (absent <= 2), LEAK, SPIKES, SINGLE,
    )
    out -= stride
    gu, gv, bias, single = _back(
        gu, gv, bias, single, g3, tl.where(absent < 3, each, 0.0), c3, p3, keep_u, keep_v, peak, fine, out,
        mask & (absent <= 3), LEAK, SPIKES, SINGLE,
    )
    return gu, gv, bias, single


@triton.jit
def _load4_late(pointer, stride, mask, absent):
    """But for the first `absent` of four."""
    return (
        tl.load(pointer, mask=mask & (absent <= 0), other=0),
        tl.load(pointer + stride, mask=mask & (absent <= 1), other=0),
        tl.load(pointer + 2 * stride, mask=mask & (absent <= 2), other=0),
        tl.load(pointer + 3 * stride, mask=mask & (absent <= 3), other=0),
    )


@triton.jit
def backward_kernel(
    grad, grad_count, codes, inputs, keep_u, keep_v, peak, fine, grad_current, grad_first, grad_bias, grad_single,
    steps, neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SPIKES: tl.constexpr, COUNTS: tl.constexpr,
    SINGLE: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill grad_current (batch, steps, width) but for its first step, which goes to grad_first (batch, width).

    The first step has no synaptic current, so with its row zero (here) the flat rows of grad_current pair with the
    rows of the layer's input one before. Columns from `neurons` on become zero. grad_bias is (batch, width); SINGLE: so
    is grad_single, of the weight of the only input, `inputs` (batch, steps). SPIKES: `grad` (batch, steps, neurons) is
    there; COUNTS: `grad_count` (batch, neurons) is. `peak` is ρ(threshold), `fine` 2^coarse/(4096·tau).
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    wide = lane < width
    keep_u = tl.load(keep_u + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    first = sample * steps * neurons + lane
    zero = keep_v * 0.0
    gu, gv, bias, single, each, last = zero, zero, zero, zero, zero, zero
    some = steps > 0
    if COUNTS:
        each = tl.load(grad_count + sample * neurons + lane, mask=mask, other=0.0).to(tl.float32)
    if SPIKES:
        last = tl.load(grad + first, mask=mask, other=0)
    code = tl.load(codes + first, mask=mask, other=0)
    # Sixteen steps, the latest of them absent, then whole groups, then the first step.
    groups = (steps - 2) // 16
    absent = 16 - (steps - 1 - 16 * groups)
    g = grad + first + 16 * (groups + 1) * neurons
    c = codes + first + 16 * (groups + 1) * neurons
    p = inputs + sample * steps + 16 * (groups + 1) - 1
    out = grad_current + (sample * steps + 16 * (groups + 1)) * width + lane
    g0, g1, g2, g3 = zero, zero, zero, zero
    g4, g5, g6, g7 = zero, zero, zero, zero
    g8, g9, g10, g11 = zero, zero, zero, zero
    g12, g13, g14, g15 = zero, zero, zero, zero
    p0, p1, p2, p3 = zero, zero, zero, zero
    p4, p5, p6, p7 = zero, zero, zero, zero
    p8, p9, p10, p11 = zero, zero, zero, zero
    p12, p13, p14, p15 = zero, zero, zero, zero
    c0, c1, c2, c3 = _load4_late(c - 0 * neurons, -neurons, mask, absent - 0)
    c4, c5, c6, c7 = _load4_late(c - 4 * neurons, -neurons, mask, absent - 4)
    c8, c9, c10, c11 = _load4_late(c - 8 * neurons, -neurons, mask, absent - 8)
    c12, c13, c14, c15 = _load4_late(c - 12 * neurons, -neurons, mask, absent - 12)
    if SPIKES:
        g0, g1, g2, g3 = _load4_late(g - 0 * neurons, -neurons, mask, absent - 0)
        g4, g5, g6, g7 = _load4_late(g - 4 * neurons, -neurons, mask, absent - 4)
        g8, g9, g10, g11 = _load4_late(g - 8 * neurons, -neurons, mask, absent - 8)
        g12, g13, g14, g15 = _load4_late(g - 12 * neurons, -neurons, mask, absent - 12)
    if SINGLE:
        p0, p1, p2, p3 = _load4_late(p - 0, -1, some, absent - 0)
        p4, p5, p6, p7 = _load4_late(p - 4, -1, some, absent - 4)
        p8, p9, p10, p11 = _load4_late(p - 8, -1, some, absent - 8)
        p12, p13, p14, p15 = _load4_late(p - 12, -1, some, absent - 12)
    g -= 16 * neurons
    c -= 16 * neurons
    p -= 16
    more = groups > 0
    gu, gv, bias, single = _back4_some(
        gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3,
        keep_u, keep_v, peak, fine, out, width, wide, absent - 0, LEAK, SPIKES, SINGLE,
    )
    out -= 4 * width
    c0, c1, c2, c3 = _load4(c - 0 * neurons, -neurons, mask & more)
    if SPIKES:
        g0, g1, g2, g3 = _load4(g - 0 * neurons, -neurons, mask & more)
    if SINGLE:
        p0, p1, p2, p3 = _load4(p - 0, -1, some & more)
    gu, gv, bias, single = _back4_some(
        gu, gv, bias, single, g4, g5, g6, g7, each, c4, c5, c6, c7, p4, p5, p6, p7,
        keep_u, keep_v, peak, fine, out, width, wide, absent - 4, LEAK, SPIKES, SINGLE,
    )
    out -= 4 * width
    c4, c5, c6, c7 = _load4(c - 4 * neurons, -neurons, mask & more)
    if SPIKES:
        g4, g5, g6, g7 = _load4(g - 4 * neurons, -neurons, mask & more)
    if SINGLE:
        p4, p5, p6, p7 = _load4(p - 4, -1, some & more)
    gu, gv, bias, single = _back4_some(
        gu, gv, bias, single, g8, g9, g10, g11, each, c8, c9, c10, c11, p8, p9, p10, p11,
        keep_u, keep_v, peak, fine, out, width, wide, absent - 8, LEAK, SPIKES, SINGLE,
    )
    out -= 4 * width
    c8, c9, c10, c11 = _load4(c - 8 * neurons, -neurons, mask & more)
    if SPIKES:
        g8, g9, g10, g11 = _load4(g - 8 * neurons, -neurons, mask & more)
    if SINGLE:
        p8, p9, p10, p11 = _load4(p - 8, -1, some & more)
    gu, gv, bias, single = _back4_some(
        gu, gv, bias, single, g12, g13, g14, g15, each, c12, c13, c14, c15, p12, p13, p14, p15,
        keep_u, keep_v, peak, fine, out, width, wide, absent - 12, LEAK, SPIKES, SINGLE,
    )
    out -= 4 * width
    c12, c13, c14, c15 = _load4(c - 12 * neurons, -neurons, mask & more)
    if SPIKES:
        g12, g13, g14, g15 = _load4(g - 12 * neurons, -neurons, mask & more)
    if SINGLE:
        p12, p13, p14, p15 = _load4(p - 12, -1, some & more)
    for group in range(groups):
        g -= 16 * neurons
        c -= 16 * neurons
        p -= 16
        more = group + 1 < groups
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g0, g1, g2, g3, each, c0, c1, c2, c3, p0, p1, p2, p3,
            keep_u, keep_v, peak, fine, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        c0, c1, c2, c3 = _load4(c - 0 * neurons, -neurons, mask & more)
        if SPIKES:
            g0, g1, g2, g3 = _load4(g - 0 * neurons, -neurons, mask & more)
        if SINGLE:
            p0, p1, p2, p3 = _load4(p - 0, -1, some & more)
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g4, g5, g6, g7, each, c4, c5, c6, c7, p4, p5, p6, p7,
            keep_u, keep_v, peak, fine, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        c4, c5, c6, c7 = _load4(c - 4 * neurons, -neurons, mask & more)
        if SPIKES:
            g4, g5, g6, g7 = _load4(g - 4 * neurons, -neurons, mask & more)
        if SINGLE:
            p4, p5, p6, p7 = _load4(p - 4, -1, some & more)
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g8, g9, g10, g11, each, c8, c9, c10, c11, p8, p9, p10, p11,
            keep_u, keep_v, peak, fine, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        c8, c9, c10, c11 = _load4(c - 8 * neurons, -neurons, mask & more)
        if SPIKES:
            g8, g9, g10, g11 = _load4(g - 8 * neurons, -neurons, mask & more)
        if SINGLE:
            p8, p9, p10, p11 = _load4(p - 8, -1, some & more)
        gu, gv, bias, single = _back4(
            gu, gv, bias, single, g12, g13, g14, g15, each, c12, c13, c14, c15, p12, p13, p14, p15,
            keep_u, keep_v, peak, fine, out, width, wide, LEAK, SPIKES, SINGLE,
        )
        out -= 4 * width
        c12, c13, c14, c15 = _load4(c - 12 * neurons, -neurons, mask & more)
        if SPIKES:
            g12, g13, g14, g15 = _load4(g - 12 * neurons, -neurons, mask & more)
        if SINGLE:
            p12, p13, p14, p15 = _load4(p - 12, -1, some & more)
    gu, gv, bias, single = _back(
        gu, gv, bias, single, last, each, code, zero, keep_u, keep_v, peak, fine, grad_first + sample * width + lane,
        wide, LEAK, SPIKES, SINGLE,
    )
    tl.store(out, zero.to(out.dtype.element_ty), mask=wide)
    tl.store(grad_bias + sample * width + lane, bias, mask=wide)
    if SINGLE:
        tl.store(grad_single + sample * width + lane, single, mask=wide)
