# mypy: ignore-errors
# fmt: off
"""Recurrent leaky integrate-and-fire dynamics on a GPU: the whole time loop of a layer as one Triton kernel each way.

The integers are those of `gpu.triton_lif`; the synaptic current gains V s[t−1], and backwards the gradient of
a spike Vᵀ gu[t+1]. A program walks all neurons of some samples through time with V beside it in shared memory, and the
product of a step is one on tensor cores. Forwards that is exact: V is a matrix of 8-bit integers and spikes are 0 or 1.
"""

import triton
import triton.language as tl

from basalt.train.dynamics.gpu.triton_neuron import step


@triton.jit
def forward_kernel(
    synaptic, weight, recurrent, bias, keep_u, keep_v, threshold, per_tau, spikes, codes, counts, membranes, batch,
    steps, neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SINGLE: tl.constexpr, RESET: tl.constexpr,
    SHOW: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill spikes and codes (batch, steps, neurons) and counts (batch, neurons), those before the last step.

    current[t] = synaptic[t−1] + V s[t−1], with synaptic (batch, steps, width), or SINGLE: the only input (batch,
    steps), to be multiplied with `weight` (neurons,). `recurrent` is 32·V in int8, (BLOCK, BLOCK) with zeros beyond the
    neurons. LEAK: the current has a state, u. SHOW: fill `membranes` (batch, steps, neurons), those after each step. A
    program does ROWS samples.
    """
    row = tl.expand_dims(tl.arange(0, ROWS), 1)
    lane = tl.expand_dims(tl.arange(0, BLOCK), 0)
    sender = tl.expand_dims(tl.arange(0, BLOCK), 1)
    first = tl.program_id(0).to(tl.int64) * ROWS
    there = lane < neurons
    sample = first + row < batch
    mask = sample & there
    keep_u = tl.load(keep_u + lane, mask=there, other=0)
    keep_v = tl.load(keep_v + lane, mask=there, other=0)
    bias = tl.load(bias + lane, mask=there, other=0)
    matrix = tl.load(recurrent + lane * BLOCK + sender)
    narrow = row * (steps * neurons) + lane
    spikes += first * steps * neurons
    codes += first * steps * neurons
    membranes += first * steps * neurons
    if SINGLE:
        weight = tl.load(weight + lane, mask=there, other=0.0)
        late = synaptic + first * steps
    else:
        late = synaptic + first * steps * width
    count = tl.zeros((ROWS, BLOCK), tl.int32)
    current = tl.zeros((ROWS, BLOCK), tl.float32)
    sent = tl.zeros((ROWS, BLOCK), tl.int8)
    u = tl.zeros((ROWS, BLOCK), tl.int32)
    v = tl.zeros((ROWS, BLOCK), tl.int32)
    for t in range(steps):
        more = t + 1 < steps
        if SINGLE:
            following = tl.load(late + row * steps, mask=sample & more, other=0.0).to(tl.float32) * weight
            late += 1
        else:
            following = tl.load(late + row * (steps * width) + lane, mask=mask & more, other=0.0)
            late += width
        full = (current * 4096.0).to(tl.int32) + tl.dot(sent, matrix) * 128
        u, free, spike, v = step(full, u, v, bias, keep_u, keep_v, threshold, LEAK, RESET)
        tl.store(spikes + narrow, tl.where(spike, 1.0, 0.0).to(spikes.dtype.element_ty), mask=mask)
        distance = tl.abs((free - threshold).to(tl.float32) - 0.01) * per_tau
        code = (tl.exp(-distance) * 65535.0 + 0.5).to(tl.int32) - 32768
        tl.store(codes + narrow, code.to(tl.int16), mask=mask)
        if SHOW:
            tl.store(membranes + narrow, v, mask=mask)
        sent = tl.where(spike, 1, 0).to(tl.int8)
        count += tl.where(spike, 1, 0)
        current = following
        spikes += neurons
        codes += neurons
        membranes += neurons
    # What the last step sends reaches nobody.
    tl.store(counts + first * neurons + row * neurons + lane, (count - sent).to(tl.float32), mask=mask)


@triton.jit
def _fed_back(gu, matrix, PIECES):
    """Vᵀ gu, with gu rounded to the matrix' type, or in three pieces of it, which are all bits of a float32."""
    high = gu.to(matrix.dtype)
    if PIECES == 1:
        return tl.dot(high, matrix)
    rest = gu - high.to(tl.float32)
    middle = rest.to(matrix.dtype)
    low = (rest - middle.to(tl.float32)).to(matrix.dtype)
    return tl.dot(high, matrix, acc=tl.dot(middle, matrix, acc=tl.dot(low, matrix)))


@triton.jit
def backward_kernel(
    grad, grad_count, codes, inputs, recurrent, keep_u, keep_v, peak, most, grad_current, grad_bias, grad_single, batch,
    steps, neurons: tl.constexpr, width: tl.constexpr, LEAK: tl.constexpr, SPIKES: tl.constexpr, COUNTS: tl.constexpr,
    SINGLE: tl.constexpr, PIECES: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):
    """Fill grad_current (batch, steps, width), whose first step becomes zero, and grad_bias (batch, neurons).

    The first step has no current, so the flat rows of grad_current pair with the rows of the layer's input and spikes
    one before. Columns from `neurons` on become zero. SINGLE: grad_single (batch, neurons) is that of the weight of the
    only input, `inputs` (batch, steps). `recurrent` is V (BLOCK, BLOCK), a row for each receiving neuron, with zeros
    beyond the neurons. SPIKES: `grad` (batch, steps, neurons) is there; COUNTS: `grad_count` (batch, neurons) is.
    `peak` is ρ(threshold)/65535; gv stays within ±`most`.
    """
    row = tl.expand_dims(tl.arange(0, ROWS), 1)
    lane = tl.expand_dims(tl.arange(0, BLOCK), 0)
    receiver = tl.expand_dims(tl.arange(0, BLOCK), 1)
    first = tl.program_id(0).to(tl.int64) * ROWS
    there = lane < neurons
    sample = first + row < batch
    mask = sample & there
    padded = sample & (lane < width)
    keep_u = tl.load(keep_u + lane, mask=there, other=0).to(tl.float32) * (1.0 / 4096.0)
    keep_v = tl.load(keep_v + lane, mask=there, other=0).to(tl.float32) * (1.0 / 4096.0)
    matrix = tl.load(recurrent + receiver * BLOCK + lane)
    last = first * steps + steps - 1
    narrow = row * (steps * neurons) + lane
    wide = row * (steps * width) + lane
    once = first * neurons + row * neurons + lane
    grad += last * neurons
    codes += last * neurons
    inputs += last
    grad_current += last * width
    gu = tl.zeros((ROWS, BLOCK), tl.float32)
    gv = tl.zeros((ROWS, BLOCK), tl.float32)
    bias = tl.zeros((ROWS, BLOCK), tl.float32)
    single = tl.zeros((ROWS, BLOCK), tl.float32)
    if COUNTS:
        each = tl.load(grad_count + once, mask=mask, other=0.0).to(tl.float32)
    if SPIKES:
        arriving = tl.load(grad + narrow, mask=mask, other=0.0)
    code = tl.load(codes + narrow, mask=mask, other=0)
    for back in range(steps):
        grad -= neurons
        codes -= neurons
        inputs -= 1
        t = steps - 1 - back
        more = t > 0
        if SPIKES:
            following = tl.load(grad + narrow, mask=mask & more, other=0.0)
        following_code = tl.load(codes + narrow, mask=mask & more, other=0)
        if LEAK:
            gs = _fed_back(gu, matrix, PIECES)
        else:
            gs = _fed_back(gv, matrix, PIECES)
        if SPIKES:
            gs += arriving.to(tl.float32)
            arriving = following
        if COUNTS:
            gs += tl.where(mask & (t + 1 < steps), each, 0.0)
        gv = keep_v * gv + (code.to(tl.float32) + 32768.0) * peak * gs
        gv = tl.where(gv > most, most, tl.where(gv < -most, -most, gv))
        bias += gv
        out = gv
        if LEAK:
            gu = keep_u * gu + gv
            out = gu
        if SINGLE:
            single += out * tl.load(inputs + row * steps, mask=sample & more, other=0.0).to(tl.float32)
        tl.store(grad_current + wide, out.to(grad_current.dtype.element_ty), mask=padded)
        grad_current -= width
        code = following_code
    zero = tl.zeros((ROWS, BLOCK), tl.float32)
    tl.store(grad_current + width + wide, zero.to(grad_current.dtype.element_ty), mask=padded)
    tl.store(grad_bias + once, bias, mask=mask)
    if SINGLE:
        tl.store(grad_single + once, single, mask=mask)
