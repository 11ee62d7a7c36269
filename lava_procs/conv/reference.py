"""The specification of a convolution's synapses; its neurons are those of `lava_procs/spiking/reference.py`."""

import numpy as np
from jaxtyping import Int, Num


def conv_sum(
    values: Num[np.ndarray, "batch inputs"],
    weight: Int[np.ndarray, "outputs channels height width"],
    *,
    input_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    extra: tuple[int, int],
) -> Int[np.ndarray, "batch neurons"]:
    """What arrives at each neuron, by output channel, row and column.

        a[o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s[first(o) + c, y·stride₀ − padding₀ + i·dilation₀,
                                                            x·stride₁ − padding₁ + j·dilation₁]

    s is 0 outside the input, and first(o) is the first channel of the group of o. The output has the rows and columns
    for which the whole kernel lies inside the input with its padding and its `extra` rows and columns below and right.

    Source: PyTorch's `conv2d` and Lava's `lava.proc.conv`, both without the kernel flipped.
    """
    outputs, channels, *kernel = weight.shape
    (above, left), batch = padding, len(values)
    images = values.reshape(batch, *input_shape).astype(np.float64)
    room = ((0, 0), (0, 0), (above, above + extra[0]), (left, left + extra[1]))
    padded = np.pad(images, room)
    padded = padded.reshape(batch, groups, channels, *padded.shape[2:])
    rows, columns = (
        (padded.shape[3 + axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1 for axis in (0, 1)
    )
    out = np.zeros((batch, groups, outputs // groups, rows, columns))
    by_group = weight.reshape(groups, outputs // groups, channels, *kernel).astype(np.float64)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, start = i * dilation[0], j * dilation[1]
            seen = padded[
                ...,
                top : top + stride[0] * (rows - 1) + 1 : stride[0],
                start : start + stride[1] * (columns - 1) + 1 : stride[1],
            ]
            out += np.einsum("bgcyx,goc->bgoyx", seen, by_group[..., i, j], optimize=True)
    return np.rint(out).astype(np.int64).reshape(batch, -1)


def fan_out(
    kernel: tuple[int, ...],
    *,
    input_shape: tuple[int, int, int],
    output_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Int[np.ndarray, "inputs"]:
    """How many neurons each input feature reaches."""

    def reached(axis: int) -> list[int]:
        offsets = padding[axis] - dilation[axis] * np.arange(kernel[axis])
        return [
            int(np.sum((place + offsets) % stride[axis] == 0, where=inside(place + offsets, axis)))
            for place in range(input_shape[1 + axis])
        ]

    def inside(places: np.ndarray, axis: int) -> np.ndarray:
        return (places >= 0) & (places < stride[axis] * output_shape[1 + axis])

    one = np.outer(reached(0), reached(1)).reshape(-1) * (output_shape[0] // groups)
    return np.tile(one, input_shape[0])
