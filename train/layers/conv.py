"""Convolutional spiking layers, and sum pooling, over images of spikes (channels, height, width)."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float, Num

from basalt.errors import BasaltError
from basalt.records.synapses import Conv as ConvRecord
from basalt.train.dynamics import grid
from basalt.train.dynamics.scalars import WEIGHT_SCALE
from basalt.train.dynamics.straight import instead
from basalt.train.layers.blocks import neurons, stock
from basalt.train.layers.config import ConvConfig, PoolConfig
from basalt.train.layers.spiking import Spiking
from basalt.train.slayer import slayer


class Conv(Spiking):
    """A spiking layer with a convolution for synapses: a SLAYER block (`slayer.block.cuba.Conv`) with our neurons.

        a[t, o, y, x] = Σ over c, i, j of W[o, c, i, j]·s_in[t−1, c, y·stride₀ − padding₀ + i, x·stride₁ − padding₁ + j]

    Features of input and output are flat, in the order (channels, height, width). The sums are exact: whatever
    algorithm torch convolves with, they are rounded to the weights' grid.
    """

    plain: ClassVar[bool] = False
    config: ConvConfig | PoolConfig

    @property
    def geometry(self) -> dict[str, Any]:
        """Channels, kernel, stride, padding and groups of the convolution."""
        assert isinstance(self.config, ConvConfig)
        return self.config.model_dump(include={"channels", "kernel", "stride", "padding", "groups"})

    def output_shape(self) -> tuple[int, ...]:
        """(channels, height, width) of the output.

        Raises:
            BasaltError: the input has no such shape, or the kernel does not fit in.
        """
        if len(self.input_shape) != 3:
            raise BasaltError(
                f"Layer {self.name} ({self.config.kind}) needs an input with channels, height and width, not "
                f"{self.input_shape}: put it before the dense layers."
            )
        shape = self.geometry
        if self.input_shape[0] % shape["groups"]:
            raise BasaltError(
                f"Layer {self.name}: {shape['groups']} groups do not divide its {self.input_shape[0]} input channels."
            )
        extent = [
            (size + 2 * padding - kernel) // stride + 1
            for size, kernel, stride, padding in zip(
                self.input_shape[1:], shape["kernel"], shape["stride"], shape["padding"]
            )
        ]
        if min(extent) < 1:
            raise BasaltError(
                f"Layer {self.name}: a kernel of {shape['kernel']} is larger than its input of {self.input_shape[1:]}: "
                "take a smaller one, or more padding."
            )
        return (shape["channels"], *extent)

    def make_block(self) -> torch.nn.Module:
        """The SLAYER block that holds neurons and synapses."""
        shape = self.geometry
        block = slayer.block.cuba.Conv(
            stock(self.config),
            self.input_shape[0],
            shape["channels"],
            shape["kernel"],
            stride=shape["stride"],
            padding=shape["padding"],
            groups=shape["groups"],
        )
        block.neuron = neurons(self.config, self.units, self.shape[0])
        block.synapse.pre_hook_fx = grid.weights
        return block

    def initialise(self) -> None:
        """Draw the weights."""
        fan_in = self.synapse.weight[0].numel()
        self.synapse.weight.normal_(0, self.config.weight_scale * self.config.threshold / fan_in**0.5)

    @property
    def matrix(self) -> Float[torch.Tensor, "channels group height width"]:
        """The weights after the quantisation hook."""
        return grid.weights(self.synapse.weight)[..., 0]

    def convolve(
        self, x: Num[torch.Tensor, "batch inputs steps"], kernel: Float[torch.Tensor, "channels group height width"]
    ) -> Float[torch.Tensor, "batch steps units"]:
        """The convolution of every step, steps taken for samples."""
        shape = self.geometry
        images = x.transpose(1, 2).reshape(-1, *self.input_shape).to(kernel.dtype)
        sums = torch.nn.functional.conv2d(
            images, kernel, stride=shape["stride"], padding=shape["padding"], groups=shape["groups"]
        )
        return sums.reshape(len(x), -1, self.units)

    def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """W s_in[t], not yet delayed; there is no memory."""
        sums = self.convolve(x, self.matrix)
        return instead(sums, (sums * WEIGHT_SCALE).round() / WEIGHT_SCALE), None

    def record(self) -> ConvRecord:
        """The layer as it is deployed: integers only."""
        shape = {key: self.geometry[key] for key in ("stride", "padding", "groups")}
        return ConvRecord(**self.parts(), **shape, input_shape=self.input_shape)  # type: ignore[arg-type]


class Pool(Conv):
    """Sum pooling: a convolution of each channel by itself, with one fixed weight."""

    config: PoolConfig

    @property
    def geometry(self) -> dict[str, Any]:
        """Channels, kernel, stride, padding and groups of the convolution."""
        size, channels = self.config.size, self.input_shape[0]
        return {"channels": channels, "kernel": size, "stride": size, "padding": (0, 0), "groups": channels}

    def initialise(self) -> None:
        """Fix the weights."""
        self.synapse.weight.fill_(self.config.weight).requires_grad_(False)

    def convolve(
        self, x: Num[torch.Tensor, "batch inputs steps"], kernel: Float[torch.Tensor, "channels group height width"]
    ) -> Float[torch.Tensor, "batch steps units"]:
        """The weighted sums of every step."""
        images = x.transpose(1, 2).reshape(-1, *self.input_shape).to(kernel.dtype)
        sums = torch.nn.functional.avg_pool2d(images, self.config.size, divisor_override=1)
        return sums.reshape(len(x), -1, self.units) * kernel[0, 0, 0, 0]
