"""Dual-memory-pathway layers: leaky integrate-and-fire neurons beside a slow memory."""

import torch
from jaxtyping import Float, Num, UInt8

from basalt.errors import BasaltError
from basalt.train.dynamics import choose as whole
from basalt.train.dynamics import events, exact
from basalt.train.dynamics.gpu import exact as exact_device
from basalt.train.layers import grid
from basalt.train.layers.config import DmpConfig
from basalt.train.layers.integers import MemoryIntegers, SpikingIntegers
from basalt.train.layers.slow_memory import SlowMemory, integer_memory
from basalt.train.layers.spiking import Spiking, to_integers


class Dmp(Spiking):
    """A spiking layer whose current gains that of a slow memory of its input (`basalt.train.layers.slow_memory`)."""

    config: DmpConfig
    memory: SlowMemory

    def __init__(self, config: DmpConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__(config, name, inputs)
        try:
            self.memory = SlowMemory(
                config.units,
                self.inputs,
                config.states,
                config.window,
                config.coefficient_bits,
                config.update_interval,
                config.threshold,
                config.memory_scale,
            )
        except BasaltError as error:
            raise BasaltError(f"Layer {name}: {error}") from error
        if not config.fast:
            torch.nn.init.zeros_(self.synapse.weight).requires_grad_(False)

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        return {**super().units_of(), self.memory.weight: self.memory.unit}

    def drive_matrix(self) -> Float[torch.Tensor, "1 inputs"]:
        """W_x after the quantisation hook."""
        return grid.weights(self.memory.drive_weight)

    def current(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What drives the neurons: synaptic and memory current."""
        both = torch.cat([self.synapse.matrix, self.drive_matrix()])
        sums = events.product(x.transpose(1, 2), both, delay=1)
        memory = self.memory(sums[..., -1])
        return (sums[..., :-1] + memory).transpose(1, 2)

    def integers(self) -> SpikingIntegers:
        """The layer as it is deployed."""
        memory = self.memory.integers(to_integers(self.drive_matrix())[0])
        return SpikingIntegers(**{**vars(super().integers()), "memory": memory})

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch units steps"]:
        """Spikes as deployed, in exact integers."""
        layer = self.integers()
        if whole.applies(self, x):
            return exact_device.spiking(layer, x)
        assert isinstance(layer.memory, MemoryIntegers)
        x = x.cpu()
        active = exact.active(x)
        drive = exact.activation(active, layer.memory.drive_weight[None])[..., 0]
        spikes, _ = exact.spiking(layer, exact.activation(active, layer.weight), integer_memory(layer.memory, drive))
        return torch.from_numpy(spikes).transpose(1, 2)

    def export_hdf5(self, handle: object) -> None:
        """Never: stock netx knows no slow memory.

        Raises:
            BasaltError: always.
        """
        raise BasaltError(
            f"Layer {self.name} has a slow memory, which lava-dl cannot export: use convert/export.py, which can."
        )
