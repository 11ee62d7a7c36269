"""Where spikes come from and where records go to."""

from typing import Any

from basalt.kernels.bits import words
from basalt.lava_procs.framework import InPort, OutPort
from basalt.lava_procs.process import MeteredProcess


class Source(MeteredProcess):
    """Sends the blocks of a memory-mapped .npy file (blocks, block, batch, words), uint64, in order.

    Ports: `s_out` (block, batch, words) in `planes` bit planes.
    """

    def __init__(
        self,
        *,
        features: int,
        frames: str,
        planes: int = 1,
        **shared: Any,
    ) -> None:
        super().__init__(frames=frames, features=features, planes=planes, **shared)
        self.s_out = OutPort(shape=(*self.frame, planes * words(features)))


class Sink(MeteredProcess):
    """Writes the blocks that it receives into a memory-mapped .npy file (blocks, block, batch, width), in order.

    Ports: `a_in` (block, batch, width).
    """

    def __init__(self, *, width: int, frames: str, **shared: Any) -> None:
        super().__init__(frames=frames, **shared)
        self.a_in = InPort(shape=(*self.frame, width))


class SpikeSink(Sink):
    """A sink of spikes: words, uint64."""


class SumSink(Sink):
    """A sink of read-out sums, int32."""
