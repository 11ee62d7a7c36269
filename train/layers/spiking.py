"""What all spiking layers share: a SLAYER block with our synapse and neuron, and exact integers."""

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int, Num, UInt8

from basalt.errors import BasaltError
from basalt.train.dynamics import choose as whole
from basalt.train.dynamics import exact
from basalt.train.dynamics.delay import Delay
from basalt.train.dynamics.gpu import exact as exact_device
from basalt.train.dynamics.neuron import Neuron
from basalt.train.dynamics.scalars import WEIGHT_SCALE
from basalt.train.dynamics.synapse import Dense, Diagonal
from basalt.train.layers import grid
from basalt.train.layers.config import DenseConfig, SpikingConfig
from basalt.train.layers.integers import SpikingIntegers
from basalt.train.slayer import slayer


class Spiking(torch.nn.Module):
    """A layer of spiking neurons with dense synapses.

        a[t] = W s_in[t−1] + V s[t−1], then the neuron's dynamics (train.layers.dynamics) and delay (train.layers.delay)

    The input is delayed by one step, as deployed, so a bias acts from t = 0. `block` is a SLAYER block
    (`slayer.block.cuba.Dense` or `.Recurrent`) holding the parameters, so lava-dl's own exporter works on it.

    Args:
        config: of the layer.
        name: of the layer.
        inputs: number of input features, or their shape.

    Attributes:
        deployable: whether it has integers, which a .net file may hold.
        plain: whether a dense product and a slow memory are all that drives the neurons (`train.dynamics.choose`).
        shape: of the output, (channels, height, width) or (neurons,).
        memory: the memory beside the synapses, if any.
    """

    deployable: ClassVar[bool] = True
    plain: ClassVar[bool] = True
    config: Any
    block: Any

    def __init__(self, config: SpikingConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__()
        self.config, self.name = config, name
        self.input_shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        self.inputs = prod(self.input_shape)
        self.shape = self.output_shape()
        self.units = prod(self.shape)
        self.block = self.make_block()
        with torch.no_grad():
            self.initialise()
        self.bias = torch.nn.Parameter(torch.zeros(self.shape[0])) if config.bias else None
        self.rate = torch.zeros(())
        self.memory: Any = None
        self.travels = torch.float32

    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        return (self.config.units,)

    def make_block(self) -> torch.nn.Module:
        """The SLAYER block that holds neurons and synapses."""
        return _block(self.config, self.inputs)

    def initialise(self) -> None:
        """Draw the weights."""
        config = self.config
        self.synapse.weight.normal_(0, config.weight_scale * config.threshold / self.inputs**0.5)
        if self.recurrent:
            # A single weight hears as little of what fired as a row of them.
            self.block.recurrent_synapse.weight.normal_(0, 0.1 * config.threshold / self.senders**0.5)

    def meet(self, layers: Sequence[torch.nn.Module]) -> None:
        """Called once with all layers of the network but the read-out, for those that share something."""

    def hear(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> None:
        """Called with some of the network's input where the layer is the first, for those that scale it."""

    def imprint(self, labels: Int[torch.Tensor, "batch"], classes: int) -> None:
        """Store what the classes of the input just seen have in common, for those that do."""

    @property
    def recurrence(self) -> str:
        """What neurons hear of the layer's own spikes: "none", "full" or "diagonal"."""
        return getattr(self.config, "recurrent", "none")

    @property
    def recurrent(self) -> bool:
        """Whether the layer's spikes are fed back."""
        return self.recurrence != "none"

    @property
    def senders(self) -> int:
        """How many of the layer's own neurons each hears, where they are fed back."""
        return 1 if self.recurrence == "diagonal" else self.units

    @property
    def synapse(self) -> Any:
        """The synapse from the layer's input."""
        return self.block.input_synapse if self.recurrence == "full" else self.block.synapse

    @property
    def recurrent_matrix(self) -> Float[torch.Tensor, "neurons ..."] | None:
        """The weights of the spikes fed back after the quantisation hook: a matrix, or a weight a neuron."""
        return self.block.recurrent_synapse.matrix if self.recurrent else None

    @property
    def matrix(self) -> Float[torch.Tensor, "neurons ..."]:
        """The weights after the quantisation hook."""
        return self.synapse.matrix

    @property
    def neuron(self) -> Neuron:
        """The neurons."""
        return self.block.neuron

    def forward(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """Spikes, in the training form."""
        if whole.applies(self, x):
            return self._delayed(whole.run(self, x)[0])
        return self.fire(self.current(x))

    def current(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What drives the neurons, without bias and recurrence."""
        return self.synapse(x, delay=1)

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        units = {self.synapse.weight: self.config.weight_scale * self.config.threshold}
        if self.recurrent:
            units[self.block.recurrent_synapse.weight] = self.config.threshold
        if self.bias is not None:
            units[self.bias] = self.config.threshold
        return units

    def quantised_bias(self) -> Float[torch.Tensor, "units"] | None:
        """The bias of every neuron on the 1/64 grid."""
        return None if self.bias is None else grid.bias(self.bias).repeat_interleave(self.units // self.shape[0])

    def counts(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units"] | None:
        """How often each neuron spikes before the last step, where that is cheaper than `forward`; None elsewhere."""
        if self.block.delay is not None or not whole.applies(self, x):
            return None
        return whole.run(self, x, send=False)[1]

    def fire(self, current: Float[torch.Tensor, "batch units steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What the neurons driven by `current` send, after their delays; remembers their mean rate."""
        spikes = self.neuron(current, self.quantised_bias(), self.recurrent_matrix)
        self.rate = spikes.mean()
        return self._delayed(spikes)

    def _delayed(self, spikes: Float[torch.Tensor, "batch units steps"]) -> Float[torch.Tensor, "batch units steps"]:
        return spikes if self.block.delay is None else self.block.delay(spikes)

    def integers(self) -> SpikingIntegers:
        """The layer as it is deployed."""
        return SpikingIntegers(**self.parts())

    def parts(self) -> dict[str, Any]:
        """What the integers of every spiking layer hold."""
        neuron, bias, recurrent = self.neuron, self.quantised_bias(), self.recurrent_matrix
        return {
            "name": self.name,
            "weight": to_integers(self.matrix),
            "threshold": neuron.v_th_mant,
            "current_decay": neuron.constants.current_decay,
            "voltage_decay": np.broadcast_to(neuron.cx_voltage_decay, neuron.shape).astype(np.int64),
            "reset": self.config.reset,
            "recurrent_weight": None if recurrent is None else to_integers(recurrent),
            "bias": None if bias is None else to_integers(bias),
            "delay": None if self.block.delay is None else self.block.delay.steps(),
        }

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch units steps"]:
        """Spikes as deployed, in exact integers."""
        layer = self.integers()
        if whole.applies(self, x):
            return exact_device.spiking(layer, x)
        x = x.cpu()
        active = exact.active(x)
        spikes, _ = exact.spiking(layer, exact.activation(active, layer.weight))
        return torch.from_numpy(spikes).transpose(1, 2)

    def export_hdf5(self, handle: Any) -> None:
        """lava-dl's own export of the layer, for stock netx.

        Raises:
            BasaltError: the layer has a part that stock netx does not know.
        """
        if self.bias is not None or self.config.reset != "hard":
            raise BasaltError(
                f"Layer {self.name} has a bias or a {self.config.reset} reset, which lava-dl cannot export: "
                "use convert/export.py, which can."
            )
        if self.recurrence == "diagonal":
            raise BasaltError(
                f"Layer {self.name} has diagonal recurrence, which lava-dl cannot export: use convert/export.py, "
                "which can."
            )
        if self.recurrent and self.block.delay is not None:
            raise BasaltError(
                f"Layer {self.name} has recurrence and delays, which stock netx cannot load together: "
                "use convert/export.py, and another backend than netx."
            )
        self.block.export_hdf5(handle)


def stock(config: SpikingConfig) -> dict[str, float]:
    """What SLAYER's blocks want to know of neurons, which are then replaced by ours."""
    return {"threshold": config.threshold, "current_decay": 1.0, "voltage_decay": 1.0}


def neurons(config: SpikingConfig, units: int, channels: int | None = None) -> Neuron:
    """So many of our neurons, in channels that share their decays, or each by itself."""
    return Neuron(
        units,
        config.current_decay,
        config.membrane_decay,
        config.reset,
        channels,
        config.leakage == "learnable",
        threshold=config.threshold,
        tau_grad=config.tau_grad,
        scale_grad=config.scale_grad,
    )


def _block(config: DenseConfig, inputs: int) -> torch.nn.Module:
    """A SLAYER block whose neuron and synapses are ours."""
    full = config.recurrent == "full"
    kind = slayer.block.cuba.Recurrent if full else slayer.block.cuba.Dense
    block = kind(stock(config), inputs, config.units)
    block.neuron = neurons(config, config.units)
    synapses = {"input_synapse": inputs, "recurrent_synapse": config.units} if full else {"synapse": inputs}
    for name, size in synapses.items():
        setattr(block, name, Dense(size, config.units, pre_hook_fx=grid.weights))
    if config.recurrent == "diagonal":
        block.recurrent_synapse = Diagonal(config.units, grid.weights)
    if config.delay:
        block.delay = Delay(config.units, config.delay, min(config.delay_spread, config.delay), config.delay_rate)
    return block


def to_integers(weight: Float[torch.Tensor, "..."]) -> Int[np.ndarray, "..."]:
    """Values on the 1/64 grid as integers."""
    return (weight.detach().cpu().double() * WEIGHT_SCALE).round().to(torch.int64).numpy()
