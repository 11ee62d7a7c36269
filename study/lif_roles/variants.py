"""The networks of the study: one LIF formula with three switches, and an LSTM of the same size.

    u[t] = α·u[t−1], reset where it spiked + W s_in[t−1] + V s[t−1];  it spikes where u > θ

leakage sets α (none 1, learnable, fixed, complete 0), reset what a spike leaves of u (hard 0, soft u − θ, none u), and
recurrence V (none 0, full, diagonal).
"""

from collections.abc import Sequence
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
        return ", ".join(TITLES[switch, str(getattr(self, switch))] for switch in SWITCHES)

    def keys(self) -> dict[str, str]:
        """What it says of every spiking layer of a recipe."""
        return {"leakage": self.leakage, "reset": self.reset, "recurrent": self.recurrence}


TITLES = {
    ("leakage", "none"): "no leakage",
    ("leakage", "learnable"): "learned leakage",
    ("leakage", "fixed"): "fixed leakage",
    ("leakage", "complete"): "complete leakage",
    ("reset", "hard"): "hard reset",
    ("reset", "soft"): "soft reset",
    ("reset", "none"): "no reset",
    ("recurrence", "none"): "no recurrence",
    ("recurrence", "full"): "full recurrence",
    ("recurrence", "diagonal"): "diagonal recurrence",
}


VANILLA = Variant()
LSTM = "lstm"
NAMES = {variant.name: variant for variant in (Variant(*levels) for levels in product(LEAKAGE, RESET, RECURRENCE))}
"""All spiking variants, by name."""

_SPIKING = (
    *(Variant(leakage, "hard", recurrence) for recurrence in ("none", "full") for leakage in LEAKAGE),
    *(replace(VANILLA, reset=reset) for reset in RESET if reset != "hard"),
    replace(VANILLA, recurrence="diagonal"),
)
SETS = {"headline": (*(variant.name for variant in _SPIKING), LSTM), "all": (*NAMES, LSTM)}
"""headline: leakage with and without recurrence, each reset, each recurrence, and the LSTM."""

LANDSCAPES = (VANILLA.name, Variant("none", "hard", "full").name, LSTM)
"""Whose loss is drawn in two dimensions, as in the paper."""


def title(name: str) -> str:
    """A variant for people."""
    return "LSTM" if name == LSTM else NAMES[name].title


def changed(layer: dict[str, Any], variant: Variant) -> dict[str, Any]:
    """A spiking layer of a recipe with the switches of the variant."""
    return {**layer, **variant.keys()}


def lstm(inputs: int, spiking: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """LSTM layers with as many weights as spiking layers with full recurrence have, as near as whole units come.

    4·h·(inputs + h) = n·(inputs + n) for a layer of n neurons and h units.
    """
    layers, before = [], inputs
    for layer in spiking:
        neurons = layer["units"]
        units = max(round((-before + (before**2 + neurons * (inputs + neurons)) ** 0.5) / 2), 1)
        layers.append({"kind": "lstm", "units": units})
        inputs, before = neurons, units
    return layers
