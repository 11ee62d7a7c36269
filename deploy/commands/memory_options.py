"""The memory of a layer as options of a command line name it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.errors import BasaltError

if TYPE_CHECKING:
    from basalt.near_memory.memory import PathwaySizes

STATES, PATTERNS, ITERATIONS = 8, 64, 1
"""Of a slow and of an associative memory, where none are given."""


@dataclass(frozen=True)
class MemoryOptions:
    """What is asked for of a layer's memory; each None where it is not given."""

    states: Annotated[
        int | None,
        typer.Option(
            min=0, help=f"States of its slow memory, 0 for none; {STATES} if not given and it has no other memory."
        ),
    ] = None
    hgrn: Annotated[
        str | None,
        typer.Option(
            metavar="VARIANT",
            help="It has a gated recurrent memory instead: published, or gated, whose gates hear its own state.",
        ),
    ] = None
    hopfield: Annotated[
        str | None,
        typer.Option(
            metavar="VARIANT",
            help="It has an associative memory instead: modern, or classical, with as many neurons as inputs.",
        ),
    ] = None
    patterns: Annotated[
        int | None, typer.Option(min=1, help=f"With --hopfield: its patterns; {PATTERNS} if not given.")
    ] = None
    iterations: Annotated[
        int | None, typer.Option(min=1, help=f"With --hopfield: iterations of a recall; {ITERATIONS} if not given.")
    ] = None

    @property
    def named(self) -> list[str]:
        """The options that ask for a memory."""
        return [f"--{name}" for name in ("states", "hgrn", "hopfield") if getattr(self, name)]

    @property
    def slow(self) -> int:
        """States of the slow memory, 0 for none."""
        if self.states is None:
            return 0 if self.hgrn or self.hopfield else STATES
        return self.states

    @property
    def any(self) -> bool:
        """Whether there is a memory."""
        return bool(self.slow or self.hgrn or self.hopfield)

    @property
    def refreshed(self) -> bool:
        """Whether its current may be held for some steps."""
        return bool(self.slow or self.hopfield)

    def check(self, inputs: int, neurons: int, held: bool) -> None:
        """Raise where there is no such memory, or none whose current is held where it has to be."""
        from basalt.records.hgrn import GATINGS
        from basalt.records.hopfield import RECALLS

        for option, variant, variants in (("hgrn", self.hgrn, GATINGS), ("hopfield", self.hopfield, RECALLS)):
            if variant is not None and variant not in variants:
                raise BasaltError(f"There is no --{option} {variant!r}: choose {' or '.join(variants)}.")
        if len(self.named) > 1:
            raise BasaltError(f"A layer has one memory: leave out {' or '.join(self.named)}.")
        for option in ("patterns", "iterations"):
            if getattr(self, option) is not None and not self.hopfield:
                raise BasaltError(f"--{option} belongs to an associative memory: leave it out, or give --hopfield.")
        if self.hopfield == "classical" and inputs != neurons:
            raise BasaltError(
                f"A classical memory has as many neurons as inputs: give --inputs and --neurons one number, not "
                f"{inputs} and {neurons}."
            )
        if held and not self.refreshed:
            raise BasaltError(
                "--held is a step between two refreshes, which slow and associative memories alone have: give --states "
                "or --hopfield, or leave out --held."
            )

    def pathway(self, inputs: int, neurons: int) -> "PathwaySizes | None":
        """Sizes of another memory than a slow one."""
        from basalt.near_memory.hgrn import GatedSizes
        from basalt.near_memory.hopfield import AssociativeSizes

        if self.hgrn:
            return GatedSizes(inputs, neurons, self.hgrn == "gated")
        if self.hopfield:
            patterns, iterations = self.patterns or PATTERNS, self.iterations or ITERATIONS
            return AssociativeSizes(inputs, neurons, patterns, iterations, self.hopfield == "modern")
        return None
