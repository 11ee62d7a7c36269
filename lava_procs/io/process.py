"""Where spikes come from and where records go to."""

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_procs.process import MeteredProcess


class Source(MeteredProcess):
    """Sends frame t of a memory-mapped .npy file (rounds·steps, batch, features), uint8, at step t.

    Ports: `s_out` (batch, features).
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        features: int,
        frames: str,
        rounds: int = 1,
        meter: str | None = None,
    ) -> None:
        super().__init__(name=name, batch=batch, steps=steps, rounds=rounds, meter=meter, frames=frames)
        self.s_out = OutPort(shape=(batch, features))


class Sink(MeteredProcess):
    """Writes what it receives at step t as frame t of a memory-mapped .npy file (rounds·steps, batch, width).

    Ports: `a_in` (batch, width).
    """

    def __init__(self, *, name: str, batch: int, steps: int, width: int, frames: str, rounds: int = 1) -> None:
        super().__init__(name=name, batch=batch, steps=steps, rounds=rounds, frames=frames)
        self.a_in = InPort(shape=(batch, width))


class SpikeSink(Sink):
    """A sink of spikes, uint8."""


class SumSink(Sink):
    """A sink of read-out sums, int32."""
