# mypy: ignore-errors
# fmt: off
"""Dynamics on a GPU of neurons that hear their own last spike: the whole time loop as one Triton kernel each way.

The integers are those of `gpu.triton_lif`, and the current gains own·s[t−1]; backwards, the gradient of a
spike own·gu[t+1]. A thread walks one neuron through time.
"""

import triton
import triton.language as tl

from basalt.train.dynamics.gpu.triton_lif import _decayed


@triton.jit
def forward_kernel(
    synaptic, memory, own, bias, keep_u, keep_v, threshold, coarse: tl.constexpr, spikes, codes, counts, steps,
    neurons: tl.constexpr, LEAK: tl.constexpr, MEMORY: tl.constexpr, RESET: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill spikes and codes (batch, steps, neurons) and counts (batch, neurons), those before the last step.

    current[t] = synaptic[t−1] + own·s[t−1] + memory[t], all (batch, steps, neurons). LEAK: the current has a state, u.
    MEMORY: there is a memory current. `own` and `bias` are in state units. Codes are those of `triton_lif`.
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    keep_u = tl.load(keep_u + lane, mask=mask, other=0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0)
    own = tl.load(own + lane, mask=mask, other=0)
    bias = tl.load(bias + lane, mask=mask, other=0)
    place = sample * steps * neurons + lane
    late = synaptic + place
    now = memory + place
    spikes += place
    codes += place
    u, v, sent, count = bias * 0, bias * 0, bias * 0, bias * 0
    arrived = (bias * 0).to(tl.float32)
    for t in range(steps):
        following = tl.load(late, mask=mask & (t + 1 < steps), other=0.0).to(tl.float32)
        full = (arrived * 4096.0).to(tl.int32) + own * sent
        if MEMORY:
            scaled = tl.load(now, mask=mask, other=0.0).to(tl.float32) * 4096.0
            full += (scaled + tl.where(scaled >= 0, 0.5, -0.5)).to(tl.int32)
        if LEAK:
            full += _decayed(u, keep_u)
        u = ((full + 8388607) & 16777215) - 8388607
        free = _decayed(v, keep_v) + u + bias
        free = tl.where(free > 8388607, 8388607, tl.where(free < -8388607, -8388607, free))
        spike = free > threshold
        distance = free - threshold
        if coarse > 0:
            distance = (distance + (1 << (coarse - 1))) >> coarse
        if coarse >= 0:
            distance = tl.where(distance > 32767, 32767, tl.where(distance < -32768, -32768, distance))
        tl.store(codes, distance.to(codes.dtype.element_ty), mask=mask)
        v = free
        if RESET == 0:
            v = tl.where(spike, 0, free)
        if RESET == 1:
            v = tl.where(spike, free - threshold, free)
        sent = tl.where(spike, 1, 0)
        tl.store(spikes, sent.to(spikes.dtype.element_ty), mask=mask)
        count += sent
        arrived = following
        late += neurons
        now += neurons
        spikes += neurons
        codes += neurons
    # What the last step sends reaches nobody.
    tl.store(counts + sample * neurons + lane, (count - sent).to(tl.float32), mask=mask)


@triton.jit
def backward_kernel(
    grad, grad_count, codes, own, keep_u, keep_v, peak, fine, most, grad_current, grad_bias, steps,
    neurons: tl.constexpr, LEAK: tl.constexpr, SPIKES: tl.constexpr, COUNTS: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill grad_current (batch, steps, neurons) and grad_bias (batch, neurons).

    SPIKES: `grad` (batch, steps, neurons) is there; COUNTS: `grad_count` (batch, neurons) is. `own` is in float units.
    `peak` is ρ(threshold), `fine` 2^coarse/(4096·tau); gv stays within ±`most`.
    """
    sample = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = lane < neurons
    keep_u = tl.load(keep_u + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    keep_v = tl.load(keep_v + lane, mask=mask, other=0).to(tl.float32) * (1.0 / 4096.0)
    own = tl.load(own + lane, mask=mask, other=0.0)
    last = (sample * steps + steps - 1) * neurons + lane
    grad += last
    codes += last
    grad_current += last
    zero = keep_v * 0.0
    gu, gv, bias, each = zero, zero, zero, zero
    if COUNTS:
        each = tl.load(grad_count + sample * neurons + lane, mask=mask, other=0.0).to(tl.float32)
    for back in range(steps):
        gs = own * gu
        if SPIKES:
            gs += tl.load(grad, mask=mask, other=0.0).to(tl.float32)
        if COUNTS:
            gs += tl.where(mask & (steps - back < steps), each, 0.0)
        code = tl.load(codes, mask=mask, other=0).to(tl.float32)
        gv = keep_v * gv + tl.exp(-tl.abs(code) * fine) * (peak * gs)
        gv = tl.where(gv > most, most, tl.where(gv < -most, -most, gv))
        if LEAK:
            gu = keep_u * gu + gv
        else:
            gu = gv
        bias += gv
        tl.store(grad_current, gu, mask=mask)
        grad -= neurons
        codes -= neurons
        grad_current -= neurons
    tl.store(grad_bias + sample * neurons + lane, bias, mask=mask)
