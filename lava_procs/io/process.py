"""Where spikes come from and where records go to."""

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_procs.kernels.bits import words
from lava_procs.process import MeteredProcess


class Source(MeteredProcess):
    """Sends the blocks of a memory-mapped .npy file (blocks, block, batch, words), uint64, in order.

    Ports: `s_out` (block, batch, words) in `planes` bit planes.
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        features: int,
        frames: str,
        planes: int = 1,
        block: int = 1,
        rounds: int = 1,
        meter: str | None = None,
    ) -> None:
        super().__init__(
            name=name,
            batch=batch,
            steps=steps,
            block=block,
            rounds=rounds,
            meter=meter,
            frames=frames,
            features=features,
            planes=planes,
        )
        self.s_out = OutPort(shape=(block, batch, planes * words(features)))


class Sink(MeteredProcess):
    """Writes the blocks that it receives into a memory-mapped .npy file (blocks, block, batch, width), in order.

    Ports: `a_in` (block, batch, width).
    """

    def __init__(
        self, *, name: str, batch: int, steps: int, width: int, frames: str, block: int = 1, rounds: int = 1
    ) -> None:
        super().__init__(name=name, batch=batch, steps=steps, block=block, rounds=rounds, frames=frames)
        self.a_in = InPort(shape=(block, batch, width))


class SpikeSink(Sink):
    """A sink of spikes: words, uint64."""


class SumSink(Sink):
    """A sink of read-out sums, int32."""
