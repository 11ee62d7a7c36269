"""Convolutions, plain and transposed: which inputs meet which neurons, whatever the neurons are."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Annotated, Any

import numpy as np
from jaxtyping import Int, Num

from basalt.records.fields import STEPS_MAX, Found, Limits, number, outside, relation, weights

GEOMETRY = ("input_shape", "stride", "padding", "dilation", "groups", "extra", "transposed")
PLACES_MAX = 1 << 20


def places(low: int, about: str) -> Limits:
    """Sizes and distances in an image."""
    return number(low, PLACES_MAX, about, rule="geometry")


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution:
    """Synapses that are the same at every place of an image.

        a[o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s[g + c, y·stride₀ − padding₀ + i·dilation₀, …]

    with g the first channel of the group of o. A `transposed` one, as lava-dl's `ConvT` and `Unpool`, reads the same
    places the other way round, so that an image grows:

        a[o, y, x] = Σ over c, i, j, and places p, q of weight[o, c, i, j]·s[g + c, p, q]
                     with p·stride₀ − padding₀ + i·dilation₀ = y, and x likewise
    """

    weight: Annotated[Int[np.ndarray, "outputs channels height width"], weights("of the kernel")]
    input_shape: Annotated[tuple[int, int, int], places(1, "channels, height and width of the input")]
    stride: Annotated[tuple[int, int], places(1, "vertical and horizontal")] = (1, 1)
    padding: Annotated[tuple[int, int], places(0, "zeros at each side: vertical and horizontal")] = (0, 0)
    dilation: Annotated[tuple[int, int], places(1, "of the kernel: vertical and horizontal")] = (1, 1)
    groups: Annotated[int, number(1, STEPS_MAX, "of channels; an output sees the inputs of its own group", rule="")] = 1
    extra: Annotated[
        tuple[int, int], places(0, "rows below and columns right of zeros, beyond the padding (SLAYER's `Pool`)")
    ] = (0, 0)
    transposed: Annotated[
        bool, number(0, 1, "the image grows by the stride (lava-dl's `ConvT` and `Unpool`)", rule="")
    ] = False

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return prod(self.input_shape)

    @property
    def neurons(self) -> int:
        """Number of neurons, the size of the output."""
        return prod(self.image)

    @property
    def image(self) -> tuple[int, int, int]:
        """(output channels, height, width)."""
        return (self.weight.shape[0], self.extent(0), self.extent(1))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, channels first."""
        return self.image

    def extent(self, axis: int) -> int:
        """Output rows (axis 0) or columns (axis 1): places where the dilated kernel fits into the padded input."""
        reach = self.dilation[axis] * (self.weight.shape[2 + axis] - 1)
        if self.transposed:
            return (self.input_shape[1 + axis] - 1) * self.stride[axis] + reach + 1 - 2 * self.padding[axis]
        size = self.input_shape[1 + axis] + 2 * self.padding[axis] + self.extra[axis]
        return (size - reach - 1) // self.stride[axis] + 1

    @property
    def geometry(self) -> dict[str, Any]:
        """All that says which inputs the kernel meets, but its size."""
        return {name: getattr(self, name) for name in GEOMETRY}

    def brings(self, values: Num[np.ndarray, "batch inputs"]) -> Int[np.ndarray, "batch neurons"]:
        """weight ∗ values."""
        return conv_sum(values, self.weight, **self.geometry)

    @relation("geometry")
    def fits(self) -> Found:
        """The kernel fits its input, and its groups divide its channels."""
        outputs, channels, *kernel = self.weight.shape
        yield from outside("kernel size", np.array(kernel), 1, PLACES_MAX)
        yield from outside("groups", self.groups, 1, outputs)
        if self.groups < 1 or self.input_shape[0] != channels * self.groups or outputs % self.groups:
            limit = f"{channels} × {self.groups} groups, which divide {outputs} outputs"
            yield "the number of input channels", self.input_shape[0], limit
        if min(self.stride) >= 1 and max(self.image[1:]) < 1:  # whose product is above 0
            yield from outside("height and width of the output", np.array(self.image[1:]), 1, PLACES_MAX)
        if self.transposed and self.extra != (0, 0):
            yield "extra of a transposed convolution", max(self.extra), "0"

    @cached_property
    def reach(self) -> Int[np.ndarray, "inputs"]:
        """Synapses that an event of each input reaches, fewer near the border."""
        geometry = {name: value for name, value in self.geometry.items() if name != "extra"}
        return fan_out(self.weight.shape[2:], output_shape=self.image, **geometry)


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
    transposed: bool = False,
) -> Int[np.ndarray, "batch neurons"]:
    """What arrives at each neuron, by output channel, row and column.

        a[o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s[first(o) + c, y·stride₀ − padding₀ + i·dilation₀,
                                                            x·stride₁ − padding₁ + j·dilation₁]

    s is 0 outside the input, and first(o) is the first channel of the group of o. The output has the rows and columns
    for which the whole kernel lies inside the input with its padding and its `extra` rows and columns below and right.
    Transposed as `Convolution` has it.

    Source: PyTorch's `conv2d` and Lava's `lava.proc.conv`, both without the kernel flipped.
    """
    if transposed:
        return transposed_sum(values, weight, input_shape, stride, padding, dilation, groups)
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


def transposed_sum(
    values: Num[np.ndarray, "batch inputs"],
    weight: Int[np.ndarray, "outputs channels height width"],
    input_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Int[np.ndarray, "batch neurons"]:
    """`conv_sum` of a transposed convolution: each input adds the kernel around the place that it has in the output.

    Source: PyTorch's `conv_transpose2d` without output padding, but the weights with the outputs first.
    """
    outputs, channels, *kernel = weight.shape
    images = values.reshape(len(values), groups, channels, *input_shape[1:]).astype(np.float64)
    by_group = weight.reshape(groups, outputs // groups, channels, *kernel).astype(np.float64)
    size = [(input_shape[1 + axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
    out = np.zeros((len(values), groups, outputs // groups, *size))
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            rows = slice(top, top + stride[0] * (input_shape[1] - 1) + 1, stride[0])
            columns = slice(left, left + stride[1] * (input_shape[2] - 1) + 1, stride[1])
            out[..., rows, columns] += np.einsum("bgcyx,goc->bgoyx", images, by_group[..., i, j], optimize=True)
    inside = tuple(slice(padding[axis], size[axis] - padding[axis]) for axis in (0, 1))
    return np.rint(out[..., inside[0], inside[1]]).astype(np.int64).reshape(len(values), -1)


def fan_out(
    kernel: tuple[int, ...],
    *,
    input_shape: tuple[int, int, int],
    output_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    transposed: bool = False,
) -> Int[np.ndarray, "inputs"]:
    """How many neurons each input feature reaches."""

    def reached(axis: int) -> list[int]:
        if transposed:
            first = stride[axis] * np.arange(input_shape[1 + axis])[:, None] - padding[axis]
            met = first + dilation[axis] * np.arange(kernel[axis])
            found: list[int] = np.sum((met >= 0) & (met < output_shape[1 + axis]), axis=1).tolist()
            return found
        offsets = padding[axis] - dilation[axis] * np.arange(kernel[axis])
        return [
            int(np.sum((place + offsets) % stride[axis] == 0, where=inside(place + offsets, axis)))
            for place in range(input_shape[1 + axis])
        ]

    def inside(places: np.ndarray, axis: int) -> np.ndarray:
        return (places >= 0) & (places < stride[axis] * output_shape[1 + axis])

    one = np.outer(reached(0), reached(1)).reshape(-1) * (output_shape[0] // groups)
    return np.tile(one, input_shape[0])
