"""All networks of the frameworks."""

from tests.convert.nir.frameworks import norse_, rockpool_, sinabs_, snntorch_, spikingjelly_

CASES = (*snntorch_.CASES, *norse_.CASES, *rockpool_.CASES, *sinabs_.CASES, *spikingjelly_.CASES)
"""Every neuron with every reset."""
