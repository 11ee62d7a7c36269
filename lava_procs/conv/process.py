"""Spiking neurons behind a convolution, or behind an affine input."""

from basalt.lava_procs.process import NeuronProcess


class Conv(NeuronProcess):
    """A layer whose record is a `Conv` or an `Encoder`. Features are flat, the channel slowest.

    Ports: those of `NeuronProcess`.
    """
