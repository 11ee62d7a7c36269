"""Conclusions of a paper, and what a study says about each.

A claim measures one effect and says on which side of a limit it lies. Its verdict: "confirmed" if the whole 95 %
interval is on that side, "not confirmed" if it is wholly on the other, "undecided" if the limit lies within it, and
"not tested" if the effect could not be measured.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from train.studies.effects import Effect

Measured = tuple[Effect | None, str]
"""An effect, and what was compared in words (where there is none, why)."""


@dataclass(frozen=True)
class Claim:
    """A conclusion of a paper.

    Attributes:
        text: as a sentence.
        unit: of the effect.
        side, limit: the effect is "at most" or "at least" this, where the claim holds.
        measure: the effect, of the study's results.
    """

    text: str
    unit: str
    side: str
    limit: float
    measure: Callable[[Any], Measured]


@dataclass(frozen=True)
class Verdict:
    """What the study says of a claim."""

    claim: Claim
    word: str
    effect: Effect | None
    compared: str

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        claim = self.claim
        return {
            "claim": claim.text,
            "verdict": self.word,
            "compared": self.compared,
            "unit": claim.unit,
            "holds_if": f"{claim.side} {claim.limit:.3g}",
            "effect": None if self.effect is None else asdict(self.effect),
        }

    def line(self) -> str:
        """In one line."""
        if self.effect is None:
            return f"{self.word}: {self.claim.text} ({self.compared})"
        e, unit = self.effect, self.claim.unit
        return (
            f"{self.word}: {self.claim.text} ({self.compared}: {e.value:+.2f} {unit}, 95 % interval {e.low:+.2f} to "
            f"{e.high:+.2f} over {e.over}; holds if {self.claim.side} {self.claim.limit:.3g})"
        )


def judge(claim: Claim, results: Any) -> Verdict:
    """The verdict on a claim."""
    effect, compared = claim.measure(results)
    if effect is None:
        return Verdict(claim, "not tested", None, compared)
    low, high = effect.low - claim.limit, effect.high - claim.limit
    if claim.side == "at least":
        low, high = -high, -low
    word = "confirmed" if high < 0 else "not confirmed" if low > 0 else "undecided"
    return Verdict(claim, word, effect, compared)
