# mypy: ignore-errors
# fmt: off
"""AdamW for all parameters at once, with clipping and a rate of each parameter, as one Triton kernel."""

import triton
import triton.language as tl


@triton.jit
def adamw_kernel(
    value, grad, mean, square, unit, rate, powers, norm, clip, beta1, beta2, epsilon, decay, size, BLOCK: tl.constexpr
):
    """One step; `powers` are beta1^t − 1 and beta2^t − 1, `unit` the scale of each value's rate."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < size
    correction1 = -tl.load(powers)
    correction2 = -tl.load(powers + 1)
    scale = clip / (tl.load(norm) + 1e-6)
    scale = tl.where(scale > 1.0, 1.0, scale)
    step = tl.load(rate) * tl.load(unit + place, mask=mask, other=0.0)
    g = tl.load(grad + place, mask=mask, other=0.0) * scale
    g = tl.where(tl.load(norm) < float("inf"), g, 0.0)  # and so where it is no number
    m = tl.load(mean + place, mask=mask, other=0.0)
    m += (1.0 - beta1) * (g - m)
    s = beta2 * tl.load(square + place, mask=mask, other=0.0) + (1.0 - beta2) * g * g
    p = tl.load(value + place, mask=mask, other=0.0) * (1.0 - step * decay)
    p -= step / correction1 * m / (tl.sqrt(s) / tl.sqrt(correction2) + epsilon)
    tl.store(mean + place, m, mask=mask)
    tl.store(square + place, s, mask=mask)
    tl.store(value + place, p, mask=mask)
