"""How much silicon the core of a layer is: memories by their bits and ports, arithmetic by its widths.

µm² in 22 nm, before layout: no wires, control, clock tree or rows that are left empty. Sources: SRAM by CACTI (HP Labs,
itrs-lstp cells) through hwcomponents-cacti 1.0.40, macros of 1 to 128 KiB in words of 32 bits, which are within 7 % of
these; the rest by hwcomponents-library 1.0.58, after Aladdin (Shao et al., ISCA 2014), 40 nm, scaled by node: a
register, an adder of 32 bits and a multiplier of 8 by 8, by their bits.
"""

from dataclasses import dataclass

from basalt.near_memory.core import Core
from basalt.near_memory.geometry import Memory, memories, multipliers
from basalt.near_memory.sizes import Sizes

SRAM_BIT = {1: 0.105, 2: 0.21}
"""Area per bit of a macro, by its number of ports."""
REGISTER_BIT = 2.19
ADDER_BIT = 3.18
MULTIPLIER_CELL = 2.27
"""Of a bit of one factor times a bit of the other."""


@dataclass(frozen=True)
class Area:
    """µm² of a layer's core, by what it is made of."""

    sram: float
    registers: float
    multipliers: float
    adders: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.sram + self.registers + self.multipliers + self.adders


def area(core: Core, sizes: Sizes) -> Area:
    """The area of the core that a layer is on, if it is made to measure: memories, multipliers, and adders behind the
    multipliers and in each lane, as wide as what is summed."""
    needed = multipliers(core, sizes)
    wide = core.product_bits * sum(entry.count for path, entry in needed.items() if path != "spike_integration")
    return Area(
        sram=sum(sram_area(memory) for memory in memories(core, sizes).values() if not memory.registers),
        registers=REGISTER_BIT * sum(memory.size for memory in memories(core, sizes).values() if memory.registers),
        multipliers=MULTIPLIER_CELL * sum(entry.cells for entry in needed.values()),
        adders=ADDER_BIT * (wide + core.fused * core.sum_bits),
    )


def sram_area(memory: Memory) -> float:
    """Of a memory of macros with one port, or with two."""
    return SRAM_BIT[min(memory.macro_ports, 2)] * memory.size
