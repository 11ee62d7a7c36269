"""A layer of spiking neurons with convolution synapses."""

from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.lava_procs.process import NeuronProcess


class Conv(NeuronProcess):
    """Integer leaky integrate-and-fire neurons behind a convolution.

    The synapses are `lava_procs/conv/reference.py`, the neurons `lava_procs/spiking/reference.py`. An affine input is
    the kernel of size 1 with an `offset`: the current grows by offset << 6 from step 1 on, and what the synapses give
    counts in units of 2^−fraction weights.

    Args:
        weight … extra: as in the reference.
        output_shape: channels, height and width of what leaves.
        offset, fraction, signed: of an affine input; signed values are bytes in two's complement.
        neurons_and_shared: as of `NeuronProcess`.

    Ports: those of `NeuronProcess`. Features are flat, the channel slowest.
    """

    def __init__(
        self,
        *,
        weight: Int[np.ndarray, "outputs channels height width"],
        input_shape: tuple[int, int, int],
        output_shape: tuple[int, int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        extra: tuple[int, int] = (0, 0),
        offset: int = 0,
        fraction: int = 0,
        signed: bool = False,
        **neurons_and_shared: Any,
    ) -> None:
        geometry = {"input_shape": input_shape, "stride": stride, "padding": padding, "dilation": dilation}
        super().__init__(
            inputs=int(np.prod(input_shape)),
            neurons=int(np.prod(output_shape)),
            weight=weight,
            recurrent=False,
            diagonal=False,
            has_memory=False,
            geometry={**geometry, "groups": groups},
            output_shape=output_shape,
            extra=extra,
            offset=offset,
            fraction=fraction,
            signed=signed,
            **neurons_and_shared,
        )
