"""A layer of spiking neurons with convolution synapses."""

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_procs.kernels.bits import words
from lava_procs.process import MeteredProcess


class Conv(MeteredProcess):
    """Integer leaky integrate-and-fire neurons behind a convolution.

    The synapses are `lava_procs/conv/reference.py`, the neurons `lava_procs/spiking/reference.py`. An affine input is
    the kernel of size 1 with an `offset`: the current grows by offset << 6 from step 1 on, and what the synapses give
    counts in units of 2^−fraction weights.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `s_out` (block, batch, words) spikes, delayed by
    `delay` steps beyond the one that every layer takes. Features are flat, the channel slowest.
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        weight: Int[np.ndarray, "outputs channels height width"],
        input_shape: tuple[int, int, int],
        output_shape: tuple[int, int, int],
        threshold: int,
        current_decay: Int[np.ndarray, "#neurons"],
        voltage_decay: Int[np.ndarray, "#neurons"],
        reset: str = "hard",
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        extra: tuple[int, int] = (0, 0),
        offset: int = 0,
        fraction: int = 0,
        bias: Int[np.ndarray, "neurons"] | None = None,
        delay: Int[np.ndarray, "neurons"] | None = None,
        start: int = 0,
        planes: int = 1,
        block: int = 1,
        rounds: int = 1,
        meter: str | None = None,
    ) -> None:
        geometry = {"input_shape": input_shape, "stride": stride, "padding": padding, "dilation": dilation}
        super().__init__(
            name=name,
            batch=batch,
            steps=steps,
            block=block,
            rounds=rounds,
            meter=meter,
            planes=planes,
            threshold=threshold,
            reset=reset,
            start=start,
            recurrent=False,
            delayed=delay is not None,
            has_memory=False,
            geometry={**geometry, "groups": groups},
            output_shape=output_shape,
            extra=extra,
            offset=offset,
            fraction=fraction,
        )
        inputs, neurons = int(np.prod(input_shape)), int(np.prod(output_shape))
        self.s_in = InPort(shape=(block, batch, planes * words(inputs)))
        self.s_out = OutPort(shape=(block, batch, words(neurons)))
        self.weight = Var(shape=weight.shape, init=weight)
        self.bias = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if bias is None else bias)
        self.delay = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if delay is None else delay)
        self.current_decay = Var(shape=current_decay.shape, init=current_decay)
        self.voltage_decay = Var(shape=voltage_decay.shape, init=voltage_decay)
        self.u = Var(shape=(batch, neurons), init=0)
        self.v = Var(shape=(batch, neurons), init=0)
