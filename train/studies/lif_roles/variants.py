"""The networks of the study: one LIF formula with three switches, and an LSTM of the same size.

    u[t] = α·u[t−1], reset where it spiked + W s_in[t−1] + V s[t−1];  it spikes where u > θ

leakage sets α (none 1, learnable, fixed, complete 0), reset what a spike leaves of u (hard 0, soft u − θ, none u), and
recurrence V (none 0, full, diagonal).
"""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

LEAKAGE = ("none", "learnable", "fixed", "complete")
RESET = ("hard", "soft", "none")
RECURRENCE = ("none", "full", "diagonal")
SWITCHES = {"leakage": LEAKAGE, "reset": RESET, "recurrence": RECURRENCE}


@dataclass(frozen=True)
class Variant:
    """A spiking network of the study; the vanilla one leaks as learned, resets to zero and does not recur."""

    leakage: str = "learnable"
    reset: str = "hard"
    recurrence: str = "none"

    @property
    def name(self) -> str:
        """A short name, the same for the same network."""
        return f"{self.leakage}-{self.reset}-{self.recurrence}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{TITLES[self.leakage]}, {self.reset} reset, {self.recurrence} recurrence".replace(
            "none re", "no re"
        )

    def keys(self) -> dict[str, str]:
        """What it says of every spiking layer of a recipe."""
        return {"leakage": self.leakage, "reset": self.reset, "recurrent": self.recurrence}


TITLES = {
    "none": "no leakage",
    "learnable": "learned leakage",
    "fixed": "fixed leakage",
    "complete": "complete leakage",
}


@dataclass(frozen=True)
class Lstm:
    """The network that does not spike."""

    name: str = "lstm"
    title: str = "LSTM"


VANILLA = Variant()
LSTM = Lstm()
Any_ = Variant | Lstm

HEADLINE: tuple[Any_, ...] = (
    *(Variant(leakage, "hard", recurrence) for recurrence in ("none", "full") for leakage in LEAKAGE),
    *(replace(VANILLA, reset=reset) for reset in RESET if reset != "hard"),
    replace(VANILLA, recurrence="diagonal"),
    LSTM,
)
"""Leakage with and without recurrence, each reset, each recurrence, and the LSTM."""

EVERY: tuple[Any_, ...] = (
    *(Variant(*levels) for levels in product(LEAKAGE, RESET, RECURRENCE)),
    LSTM,
)
NAMES: dict[str, Any_] = {variant.name: variant for variant in EVERY}
SETS = {"headline": HEADLINE, "all": EVERY}
LANDSCAPES = (VANILLA.name, Variant("none", "hard", "full").name, LSTM.name)
"""Whose loss is drawn in two dimensions, as in the paper."""


def changed(layer: dict[str, Any], variant: Any_) -> dict[str, Any]:
    """A spiking layer of a recipe as one of the variant."""
    if isinstance(variant, Lstm):
        return {"kind": "lstm", **{key: layer[key] for key in ("name", "units") if key in layer}}
    return {**layer, **variant.keys()}
