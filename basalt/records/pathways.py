"""The memory pathways that a spiking layer may have."""

from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.memory import MemoryPathway
from basalt.records.slow_memory import SlowMemory

PATHWAYS: dict[str, type[MemoryPathway]] = {pathway.kind: pathway for pathway in (SlowMemory, Hgrn, Hopfield)}
"""Kind → its record."""
