"""Conclusions of a paper, and what a study says about each.

A claim measures one effect and says on which side of a limit it lies. Its verdict: "confirmed" if the whole 95 %
interval is on that side, "not confirmed" if it is wholly on the other, "undecided" if the limit lies within it, "not
tested" if the effect could not be measured, and "too little training to tell" if networks that it compares have not
learned enough (`basalt.study.learned`). A verdict of one seed is provisional.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from basalt.study.effects import Effect
from basalt.study.learned import Compared, Learner, unable, unready

UNTESTED, UNREADY = "not tested", "too little training to tell"
UNJUDGED = (UNTESTED, UNREADY)
"""Words that say nothing of the claim."""


class Measured(NamedTuple):
    """An effect, what was compared in words (where there is no effect, why), and the networks."""

    effect: Effect | None
    compared: str
    networks: Compared


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

    @property
    def provisional(self) -> bool:
        """Whether another seed could turn it."""
        return self.word not in UNJUDGED and self.effect is not None and self.effect.seeds < 2

    @property
    def label(self) -> str:
        """The word, and whether it is provisional."""
        return f"{self.word} (provisional)" if self.provisional else self.word

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        claim = self.claim
        return {
            "claim": claim.text,
            "verdict": self.word,
            "provisional": self.provisional,
            "compared": self.compared,
            "unit": claim.unit,
            "holds_if": f"{claim.side} {claim.limit:.3g}",
            "effect": None if self.effect is None else asdict(self.effect),
        }

    def line(self) -> str:
        """In one line."""
        if self.effect is None:
            return f"{self.label}: {self.claim.text} ({self.compared})"
        e, unit = self.effect, self.claim.unit
        return (
            f"{self.label}: {self.claim.text} ({self.compared}: {e.value:+.2f} {unit}, 95 % interval {e.low:+.2f} to "
            f"{e.high:+.2f} over {e.over}; holds if {self.claim.side} {self.claim.limit:.3g})"
        )


def judge(claim: Claim, results: Any) -> Verdict:
    """The verdict on a claim."""
    effect, compared, networks = claim.measure(results)
    if effect is None:
        return Verdict(claim, UNTESTED, None, compared)
    if waiting := unready(networks):
        return Verdict(claim, UNREADY, effect, f"{compared}; have not learned: {_named(waiting)}")
    if failed := unable(networks):
        compared += f"; did not learn with the whole training: {_named(failed)}"
    low, high = effect.low - claim.limit, effect.high - claim.limit
    if claim.side == "at least":
        low, high = -high, -low
    word = "confirmed" if high < 0 else "not confirmed" if low > 0 else "undecided"
    return Verdict(claim, word, effect, compared)


def _named(networks: Sequence[Learner], most: int = 3) -> str:
    more = f" and {len(networks) - most} more" if len(networks) > most else ""
    return ", ".join(map(str, networks[:most])) + more
