"""Process models of `Conv`, by tag: `floating_pt` in real numbers, `fixed_pt` by the references, `compiled`, and
`near_memory`, which is the compiled one with the schedule of a near-memory core."""

import numpy as np
from jaxtyping import Int, UInt64
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from basalt.lava_procs.conv.process import Conv
from basalt.lava_procs.conv.reference import conv_sum, fan_out
from basalt.lava_procs.neurons import CompiledNeuronModel
from basalt.lava_procs.scheduled import ScheduledLayerModel
from basalt.lava_procs.spiking.models import AbstractSpikingModel
from basalt.lava_procs.spiking.reference import floating_step
from basalt.near_memory.convolution import ConvSizes, Reached, conv_sizes
from basalt.near_memory.core import spiking_sizes
from basalt.records.arithmetic import ALIGN


class AbstractConvModel(AbstractSpikingModel):
    """The step-by-step models: a spiking layer whose activation is a convolution."""

    def connect(self) -> None:
        """The synapses, as functions of what arrived."""
        parameters = self.proc_params
        geometry, output = parameters["geometry"], parameters["output_shape"]
        self.neurons, self.inputs = int(np.prod(output)), int(np.prod(geometry["input_shape"]))
        self.product = lambda values: conv_sum(values, self.weight, extra=parameters["extra"], **geometry)
        self.reach = fan_out(self.weight.shape[2:], output_shape=output, **geometry)

    def inflow(self) -> tuple[Int[np.ndarray, "batch neurons"], Int[np.ndarray, "batch neurons"]]:
        """No activation but a current, since an affine input has fraction bits."""
        fraction, offset = self.proc_params["fraction"], self.proc_params["offset"]
        values = self.received.astype(np.int8) if self.proc_params["signed"] else self.received
        current = self.product(values) << ALIGN >> fraction
        return np.zeros_like(current), current + ((offset << ALIGN) if self.now else 0)

    def operations(self, arrived: Int[np.ndarray, "batch"]) -> Int[np.ndarray, "batch"]:
        """Synapses that the events of the step before reach, a sample."""
        return (self.received != 0) @ self.reach


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedConvModel(AbstractConvModel):
    """Loihi's integers, by the references."""

    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatConvModel(AbstractConvModel):
    """The same equations without rounding, wrapping or saturation."""

    u: np.ndarray = LavaPyType(np.ndarray, np.float64)
    v: np.ndarray = LavaPyType(np.ndarray, np.float64)
    integrate = staticmethod(floating_step)


class KernelConvModel(CompiledNeuronModel):
    """The references' integers by a compiled kernel that adds a piece of the kernel for each event."""

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.conv import ConvLayer

        self.layer = ConvLayer(self.batch, self.kernel_steps, self.proc_params, **self.arrays())


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledConvModel(KernelConvModel):
    """The kernel, a block at a time."""


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemoryConvModel(ScheduledLayerModel, KernelConvModel):
    """The kernel, and the schedule of a near-memory core."""

    conv: ConvSizes

    def prepare(self) -> None:
        """Lay weights and states out, and take the layer's sizes."""
        super().prepare()
        parameters = self.proc_params
        self.conv = conv_sizes(parameters["geometry"], parameters["output_shape"], self.weight)
        delay = self.delay if parameters["delayed"] else None
        inputs, neurons = (int(np.prod(shape)) for shape in (self.conv.input_shape, self.conv.output_shape))
        self.sizes = spiking_sizes(
            inputs,
            neurons,
            self.current_decay,
            delay,
            recurrent=False,
            conv=self.conv,
            value_bits=parameters["planes"],
        )
        self.table, self.synapses = self.conv.event_rows(self.core), self.conv.event_synapses

    def reached(self, heard: UInt64[np.ndarray, "steps batch words"]) -> Reached:
        """Rows of the kernel that the events meet, fewer near the border."""
        from basalt.kernels.events import reach_block

        rows, slots, entered, synapses = np.zeros((4, *heard.shape[:2]), dtype=np.int64)
        tables, places = (self.table, self.synapses), self.core.event_buffer
        reach_block(heard, self.layer.planes, len(heard), *tables, places, rows, slots, entered, synapses)
        return Reached(rows, slots, entered, synapses)
