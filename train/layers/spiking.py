"""The layer of spiking neurons: a SLAYER block with our synapse and neuron, and the record that is deployed."""

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int, Num, UInt8

from basalt.errors import BasaltError
from basalt.records.memory import MemoryPathway
from basalt.records.synapses import Spiking as SpikingRecord
from basalt.train.dynamics import choose, exact, grid
from basalt.train.dynamics.events import late
from basalt.train.dynamics.gpu import exact as gpu_exact
from basalt.train.dynamics.neuron import Neuron
from basalt.train.layers.blocks import dense
from basalt.train.layers.config import SpikingConfig


class Spiking(torch.nn.Module):
    """A layer of spiking neurons with dense synapses.

        a[t] = W s_in[t−1] + V s[t−1], then the neuron's dynamics (train.dynamics.cpu) and delay (train.dynamics.delay)

    The input is delayed by one step, as deployed, so a bias acts from t = 0. This is the kind "lif" as it is; other
    kinds override `drive` (and clear `plain`), or `current`, and what their record adds. `block` is a SLAYER block
    (`slayer.block.cuba.Dense` or `.Recurrent`) holding the parameters, so lava-dl's own exporter works on it.

    Args:
        config: of the layer.
        name: of the layer.
        inputs: number of input features, or their shape.

    Attributes:
        deployable: whether it has a record, which a .net file may hold.
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
        return dense(self.config, self.inputs)

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
        """The weights of the spikes fed back after the quantisation hook: a matrix, or one weight per neuron."""
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
        if choose.applies(self, x):
            return self._delayed(choose.run(self, x)[0])
        return self.fire(self.current(x))

    def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The synaptic W s_in[t], not yet delayed, and the memory's current memory[t] or None, in float units.

        Both are (batch, steps, units).
        """
        return self.synapse(x).transpose(1, 2), None

    def current(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What drives the neurons, without bias and recurrence."""
        if self.plain:
            return self.synapse(x, delay=1)
        synaptic, memory = self.drive(x)
        arrived = late(synaptic)
        return (arrived if memory is None else arrived + memory).transpose(1, 2)

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
        if self.block.delay is not None or not choose.applies(self, x):
            return None
        return choose.run(self, x, send=False)[1]

    def fire(self, current: Float[torch.Tensor, "batch units steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What the neurons driven by `current` send, after their delays; remembers their mean rate."""
        spikes = self.neuron(current, self.quantised_bias(), self.recurrent_matrix)
        self.rate = spikes.mean()
        return self._delayed(spikes)

    def _delayed(self, spikes: Float[torch.Tensor, "batch units steps"]) -> Float[torch.Tensor, "batch units steps"]:
        return spikes if self.block.delay is None else self.block.delay(spikes)

    def record(self) -> SpikingRecord:
        """The layer as it is deployed: integers only."""
        return SpikingRecord(**self.parts())

    def parts(self) -> dict[str, Any]:
        """The fields that the records of all spiking layers share."""
        bias, recurrent = self.quantised_bias(), self.recurrent_matrix
        return {
            "name": self.name,
            "weight": grid.integers(self.matrix),
            "neuron": self.neuron.record(),
            "recurrent_weight": None if recurrent is None else grid.integers(recurrent),
            "bias": None if bias is None else grid.integers(bias),
            "delay": None if self.block.delay is None else self.block.delay.steps(),
            "memory": self.memory_record(),
        }

    def memory_record(self) -> MemoryPathway | None:
        """The memory as it is deployed, if there is one."""
        return None

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch units steps"]:
        """Spikes as deployed, in exact integers."""
        spikes = gpu_exact.spikes if choose.applies(self, x) else exact.spikes
        return spikes(self.record(), x)

    def export_hdf5(self, handle: Any) -> None:
        """lava-dl's own export of the layer, for stock netx.

        Raises:
            BasaltError: the layer has a part that stock netx does not know.
        """
        if not self.plain:
            raise BasaltError(
                f"Layer {self.name} ({self.config.kind}) cannot be exported by lava-dl: use convert/export.py, "
                "which can."
            )
        if self.bias is not None or self.config.membrane_reset != "hard":
            raise BasaltError(
                f"Layer {self.name} has a bias or a {self.config.membrane_reset} reset, which lava-dl cannot export: "
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
