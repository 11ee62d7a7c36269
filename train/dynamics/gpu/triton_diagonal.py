# mypy: ignore-errors
# fmt: off
"""Dynamics on a GPU of neurons that hear their own last spike: the whole time loop as one Triton kernel each way.

The integers are those of `gpu.triton_lif`, and the current gains own·s[t−1]; backwards, the gradient of a
spike own·gu[t+1]. A thread walks one neuron through time.
"""

import triton
import triton.language as tl

from basalt.train.dynamics.gpu.triton_neuron import distance_code, memory_drive, step


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
            full += memory_drive(tl.load(now, mask=mask, other=0.0))
        u, free, spike, v = step(full, u, v, bias, keep_u, keep_v, threshold, LEAK, RESET)
        tl.store(codes, distance_code(free, threshold, coarse).to(codes.dtype.element_ty), mask=mask)
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
