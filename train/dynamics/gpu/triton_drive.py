# mypy: ignore-errors
# fmt: off
"""What lies between the products of a layer with a slow memory, a kernel each: its drive, and its projections."""

import triton
import triton.language as tl


@triton.jit
def drive_kernel(
    sums, weight, bias, shift, x, z, steps, states, length, width, stride, column, SINGLE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """x[t] = min(relu(sums[t−1] + bias), 32767/(64·2^shift)) in x (batch, steps) and in z (batch·chunks, width).

    `sums` (batch, steps, stride) has the drive before its bias in a column; SINGLE: it is the only input (batch,
    steps), to be multiplied with `weight`.
    """
    sample = tl.program_id(0).to(tl.int64)
    t = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    late = (t > 0) & (t < steps)
    drive = tl.load(sums + (sample * steps + t - 1) * stride + column, mask=late, other=0.0).to(tl.float32)
    if SINGLE:
        drive = drive * tl.load(weight)
    drive = drive + tl.load(bias)
    limit = (1 << (9 - tl.load(shift).to(tl.int32))).to(tl.float32) * (32767.0 / 32768.0)
    drive = tl.where(drive > limit, limit, tl.where(drive < 0, 0.0, drive))
    tl.store(x + sample * steps + t, drive, mask=t < steps)
    place = (sample * (steps // length) + t // length) * width + states + t % length
    tl.store(z + place, drive.to(z.dtype.element_ty), mask=t < steps)


@triton.jit
def drive_gradient_kernel(
    grad_z, grad_x, first, rows, x, inputs, shift, out, sums, steps, states, length, width, stride, neurons, every,
    SINGLE: tl.constexpr, BLOCK: tl.constexpr, LANES: tl.constexpr,
):
    """The gradient of the drive before its bias, into column `neurons` of out (batch, steps, stride) but for t = 0.

    It is that of x in z (grad_z, as z) and of the states before each chunk (grad_x, as x), and for t = 0 what `first`
    (batch, stride), the current's there, sends through the last column of rows (neurons, every). `sums` (batch, stride)
    gets the gradient of the bias and, SINGLE, that of the weight of the only input, `inputs` (batch, steps).
    """
    sample = tl.program_id(0).to(tl.int64)
    one = tl.arange(0, 1)
    lane = tl.expand_dims(tl.arange(0, LANES), 0)
    there = lane < neurons
    current = tl.load(first + sample * stride + lane, mask=there, other=0.0)
    start = tl.sum(current * tl.load(rows + lane * every + every - 1, mask=there, other=0.0), 1)
    limit = (1 << (9 - tl.load(shift).to(tl.int32))).to(tl.float32) * (32767.0 / 32768.0)
    t = tl.expand_dims(tl.arange(0, BLOCK), 0)
    mask = t < steps
    place = (sample * (steps // length) + t // length) * width + states + t % length
    grad = tl.load(grad_z + place, mask=mask, other=0.0).to(tl.float32)
    grad += tl.load(grad_x + sample * steps + t, mask=mask, other=0.0).to(tl.float32)
    grad += tl.where(t == 0, tl.expand_dims(start, 1), 0.0)
    drive = tl.load(x + sample * steps + t, mask=mask, other=0.0)
    grad = tl.where((drive > 0) & (drive < limit), grad, 0.0)
    tl.store(out + (sample * steps + t) * stride + neurons, grad.to(out.dtype.element_ty), mask=mask & (t > 0))
    tl.store(sums + sample * stride + one, tl.sum(grad, 1))
    if SINGLE:
        before = tl.load(inputs + sample * steps + t - 1, mask=mask & (t > 0), other=0.0).to(tl.float32)
        tl.store(sums + sample * stride + 1 + one, tl.sum(grad * before, 1))


@triton.jit
def _exponent(peak, shift):
    """e of `basalt.train.dynamics.grid.exponent`."""
    e = shift * 0
    for _ in range(14):
        peak = peak * 2.0
        e += tl.where(peak <= 127.0, 1, 0)
    least = 6 - shift
    return tl.where(e < least, least, e)


@triton.jit
def projections_kernel(exact, peak, shift, out, size, BLOCK: tl.constexpr):
    """`exact` clipped and rounded to the grid of `basalt.train.layers.dmp.SlowMemory.projections`."""
    e = _exponent(tl.load(peak), tl.load(shift).to(tl.int32))
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(exact + place, mask=place < size, other=0.0) * (1 << e).to(tl.float32)
    value = tl.where(value > 127.0, 127.0, tl.where(value < -127.0, -127.0, value)) + 0.5
    whole = value.to(tl.int32).to(tl.float32)
    whole = tl.where(whole > value, whole - 1.0, whole)
    step = (1 << (14 - e)).to(tl.float32) * (1.0 / 16384.0)
    tl.store(out + place, whole * step, mask=place < size)


@triton.jit
def projections_gradient_kernel(exact, peak, shift, grad, out, size, BLOCK: tl.constexpr):
    """The gradient passes where `exact` is not clipped; half of it where it is the limit itself."""
    e = _exponent(tl.load(peak), tl.load(shift).to(tl.int32))
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.abs(tl.load(exact + place, mask=place < size, other=0.0)) * (1 << e).to(tl.float32)
    passing = tl.where(value < 127.0, 1.0, tl.where(value > 127.0, 0.0, 0.5))
    tl.store(out + place, tl.load(grad + place, mask=place < size, other=0.0) * passing, mask=place < size)
