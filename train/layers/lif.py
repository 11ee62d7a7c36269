"""Leaky integrate-and-fire layers."""

from basalt.train.layers.spiking import Spiking


class Lif(Spiking):
    """A plain spiking layer, all of which is in `Spiking`."""
