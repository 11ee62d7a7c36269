"""Deployed integers, trained further: a network of records whose weights and biases learn, straight through.

    weight = 2·round(q·θ/2) in −256 … 254,   bias = round(p·θ) in −4096 … 4095

θ is a neuron's threshold (of a channel, their mean), q and p are what learns; thresholds, decays and resets stay, and
so do weights that are 0. Forwards the layers compute the deployed integers, spike for spike, but for the step that each
is later than the one before. Backwards the gradients are those of training (`train.dynamics.cpu` and `grid`), which end
where a hard reset empties a membrane, with a surrogate as wide as `WIDTH` thresholds of each neuron. Runs on the CPU,
without SLAYER.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num, UInt8

from basalt.errors import BasaltError
from basalt.records.layer import Layer
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking
from basalt.train.dynamics import cpu, events, exact, grid
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.response import response
from basalt.train.dynamics.scalars import WEIGHT_SCALE
from basalt.train.dynamics.straight import instead

WIDTH, PEAK = 0.1, 1.0
"""Of the surrogate gradient: its width in thresholds, and its height for a membrane in thresholds."""
EXACT_MOST = 1 << 25
"""Sums of even weights that float32 holds, in any order."""


class Learned(torch.nn.Module):
    """Values of a record that learn, each row in its own unit.

    Args:
        values: float, in the record's units; on the grid they are `integers`. `unit`: of each row.
        on_grid: of `train.dynamics.grid`.

    Attributes:
        free: in units of the typical value, so that one learning rate suits all.
    """

    def __init__(self, values: np.ndarray, integers: np.ndarray, unit: np.ndarray, on_grid: Any) -> None:
        super().__init__()
        unit = np.broadcast_to(unit, len(values)).reshape(-1, *[1] * (values.ndim - 1))
        found = np.where(values == 0, 0.0, values / unit)
        typical = np.sqrt(np.mean(found[found != 0] ** 2)) if np.any(found) else 1.0
        self.on_grid = on_grid
        self.unit = torch.tensor(unit * typical / WEIGHT_SCALE, dtype=torch.float32)
        self.kept = torch.tensor(values != 0)
        free = torch.tensor(found / typical, dtype=torch.float32)
        given = torch.tensor(integers / (unit * typical), dtype=torch.float32)
        same = on_grid(free * self.unit) == torch.tensor(integers / WEIGHT_SCALE, dtype=torch.float32)
        self.free = torch.nn.Parameter(torch.where(same, free, given))

    def forward(self) -> Float[torch.Tensor, "..."]:
        """The values on the grid, 1.0 being 64 of the record's."""
        found: torch.Tensor = self.on_grid(self.free * self.kept * self.unit)
        return found

    def integers(self) -> np.ndarray:
        """The values as the record has them."""
        return grid.integers(self())


class Neurons(torch.nn.Module):
    """A layer of spiking neurons; kinds of synapses say what a frame brings.

    Args:
        record: of the layer. weight, recurrent, bias: float, before rounding, in the record's units.
    """

    def __init__(
        self, record: Spiking, weight: np.ndarray, recurrent: np.ndarray | None, bias: np.ndarray | None
    ) -> None:
        super().__init__()
        self.deployed = record
        neuron = record.neuron
        level = np.broadcast_to(axis(neuron.threshold), record.neurons)
        unit = np.maximum(level, 1).reshape(len(weight), -1).mean(axis=1)
        self.weight = Learned(weight, record.weight, unit, grid.weights)
        self.recurrent = None
        if recurrent is not None and record.recurrent_weight is not None:
            self.recurrent = Learned(recurrent, record.recurrent_weight, unit, grid.weights)
        self.bias = None
        if bias is not None and record.bias is not None:
            given = record.bias.reshape(len(weight), -1)
            alike = bool(np.all(given == given[:, :1]))
            rows = (np.broadcast_to(bias, record.neurons).reshape(given.shape)[:, 0], given[:, 0], unit)
            each = (np.broadcast_to(bias, record.neurons), record.bias, np.maximum(level, 1))
            self.bias = Learned(*(rows if alike else each), grid.bias)
        self.constants = Constants(
            current_decay=np.broadcast_to(neuron.current_decay, record.neurons),
            voltage_decay=np.broadcast_to(neuron.voltage_decay, record.neurons),
            threshold=level / WEIGHT_SCALE,
            tau=WIDTH * np.maximum(level, 1) / WEIGHT_SCALE,
            scale=2 * WIDTH * PEAK,
            reset=neuron.reset,
            amount=np.broadcast_to(axis(neuron.amount), record.neurons) / WEIGHT_SCALE,
            refractory=neuron.refractory,
            forgets=True,
        )

    def current(self, x: Num[torch.Tensor, "batch steps inputs"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """What arrives at each neuron."""
        raise NotImplementedError

    def each_bias(self) -> Float[torch.Tensor, "neurons"] | None:
        """The bias of every neuron."""
        if self.bias is None:
            return None
        found: torch.Tensor = self.bias()
        return found.repeat_interleave(self.deployed.neurons // len(found))

    def forward(self, x: Num[torch.Tensor, "batch steps inputs"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """Spikes; a layer hears what the one before sends in the same step."""
        recurrent = None if self.recurrent is None else self.recurrent()
        return cpu.lif(self.current(x), self.constants, self.each_bias(), recurrent)[0]

    @torch.no_grad()
    def record(self) -> Spiking:
        """The layer as it is deployed."""
        bias = self.each_bias()
        return replace(
            self.deployed,
            weight=self.weight.integers(),
            recurrent_weight=None if self.recurrent is None else self.recurrent.integers(),
            bias=None if bias is None else grid.integers(bias),
        )


class DenseNeurons(Neurons):
    """Neurons with a matrix."""

    def current(self, x: Num[torch.Tensor, "batch steps inputs"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """W x[t]."""
        return events.product(x, self.weight())


class ConvNeurons(Neurons):
    """Neurons with a convolution."""

    def current(self, x: Num[torch.Tensor, "batch steps inputs"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """W ∗ x[t], rounded to the grid of weights, whatever algorithm torch convolves with."""
        record = self.deployed
        assert isinstance(record, Conv)
        images = x.reshape(-1, *record.input_shape).to(torch.float32)
        sums = torch.nn.functional.conv2d(
            images, self.weight(), None, record.stride, record.padding, record.dilation, record.groups
        ).reshape(*x.shape[:2], record.neurons)
        return instead(sums, (sums * WEIGHT_SCALE).round() / WEIGHT_SCALE)


class Sums(torch.nn.Module):
    """A read-out: sums, or sums of leaky membranes, in the record's units."""

    def __init__(self, record: Readout, weight: np.ndarray, recurrent: None, bias: None) -> None:
        super().__init__()
        self.deployed = record
        self.weight = Learned(weight, record.weight, np.ones(1), grid.weights)

    def forward(self, x: Num[torch.Tensor, "batch steps inputs"]) -> Float[torch.Tensor, "batch classes"]:
        """Sums after the last step; forwards those of the integers, which membranes are rounded in."""
        steps = x.shape[1] + 1
        added = response(steps, self.deployed.voltage_decay, x.device)[-1] * steps ** (not self.sums)
        found = (added[:-1] @ x.to(torch.float32)) @ self.weight().t() * WEIGHT_SCALE
        late = torch.nn.functional.pad(x.detach(), (0, 0, 0, 1)).to(torch.uint8).transpose(1, 2)
        return instead(found, exact.sums(self.record(), late).to(torch.float32))

    @property
    def sums(self) -> bool:
        """Weighted spikes are summed, not membranes."""
        return self.deployed.voltage_decay is None

    @torch.no_grad()
    def record(self) -> Readout:
        """The layer as it is deployed."""
        return replace(self.deployed, weight=self.weight.integers())


KINDS: Mapping[type[Layer], type[Any]] = {Spiking: DenseNeurons, Conv: ConvNeurons, Readout: Sums}
"""Record → what learns it."""


class Deployed(torch.nn.Module):
    """A network of records that learns.

    Args:
        records: the layers.
        floats: of each layer what its weights, its recurrent weights and its bias were rounded from, in the record's
            units; None where there is none.
        largest: of the inputs.

    Raises:
        BasaltError: a layer cannot be trained so that its integers are computed exactly; names all of these.
    """

    def __init__(
        self,
        records: Sequence[Layer],
        floats: Sequence[tuple[np.ndarray, np.ndarray | None, np.ndarray | None]],
        largest: int = 1,
    ) -> None:
        super().__init__()
        unable = [
            f"{record.name} {why}" for order, record in enumerate(records, 1) for why in lacking(record, order, largest)
        ]
        if unable:
            raise BasaltError(
                f"Training's kernels do not compute all layers exactly: {'; '.join(unable)}. Leave out --finetune."
            )
        self.layers = torch.nn.ModuleList(
            KINDS[type(record)](record, *arrays) for record, arrays in zip(records, floats, strict=True)
        )

    def sent(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> list[torch.Tensor]:
        """What each layer sends: spikes (batch, steps, neurons), or sums (batch, classes)."""
        found = []
        frames: torch.Tensor = x.transpose(1, 2).contiguous()
        for layer in self.layers:
            frames = layer(frames)
            found.append(frames)
        return found

    def forward(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch classes"]:
        """What the network decides by: sums, or counts of the last layer's spikes."""
        last: torch.Tensor = self.sent(x)[-1]
        return last if last.dim() == 2 else last.sum(1)

    def records(self) -> tuple[Layer, ...]:
        """The layers as they are deployed."""
        layers: Any = self.layers
        return tuple(layer.record() for layer in layers)


def lacking(record: Layer, order: int, largest: int) -> list[str]:
    """Why a layer, the `order`th of its network, cannot be trained on its integers; its inputs are up to `largest`."""
    if type(record) not in KINDS:
        return [f"is of the kind {record.kind}"]
    if isinstance(record, Readout):
        return ["reads out membranes behind a synapse with a time constant"] if record.membranes else []
    assert isinstance(record, Spiking)
    convolution = isinstance(record, Conv) and (record.transposed or record.extra != (0, 0))
    most = record.largest_sum(largest if order == 1 else 1)
    why = {
        f"has neurons of the kind {type(record.neuron).called}": type(record.neuron) is not Neuron,
        "is a transposed convolution, or one with rows beyond its padding": convolution,
        "has delays": record.delay is not None and bool(np.any(record.delay)),
        "has a memory pathway": record.memory is not None,
        f"has a bias that begins at step {record.start}": record.bias is not None and record.start != order,
        f"sums up to {most:,}, which float32 does not hold exactly": most > EXACT_MOST,
    }
    return [reason for reason, holds in why.items() if holds]
