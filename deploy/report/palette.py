"""A colour for every action, in both themes: counters of every process have one of their own, others one by turns.

The turns are hues a golden angle apart at one of three lightnesses, in OKLCH, so that neighbours in a bar differ.
"""

import math
import re
from collections.abc import Iterable
from functools import cache

from basalt.near_memory.counters import SCHEDULED

CHOSEN = {
    "weight_words_read": ("#234f7d", "#4f92d2"),
    "state_reads": ("#4186c0", "#7db8e6"),
    "state_writes": ("#6f9fc4", "#c3def2"),
    "synaptic_operations": ("#c8671b", "#ee8d3f"),
    "dense_macs": ("#8c2f39", "#d3717a"),
    "dense_mac_bits": ("#c25563", "#f0a3ab"),
    "graded_products": ("#a3476b", "#d988a9"),
    "graded_product_bits": ("#c97d9b", "#f2c3d4"),
    "neuron_updates": ("#a9821a", "#eec55c"),
    "events_in": ("#1f7a61", "#3fb491"),
    "spikes_out": ("#5a9a76", "#a9dcc0"),
    "hops": ("#7d4c99", "#b184cc"),
    "lookups": ("#a678b8", "#dcc0e6"),
    "cycles": ("#5d666b", "#9aa5ab"),
    "saturations": ("#3a3f42", "#d9dcde"),
}
"""Light and dark, of the counters that every process may keep."""

LIGHTNESS = ((0.40, 0.52, 0.63), (0.64, 0.75, 0.86))
CHROMA = 0.11
GOLDEN_ANGLE = 180 * (3 - math.sqrt(5))


def colours(action: str) -> tuple[str, str]:
    """The colour of an action in the light and in the dark theme, as #rrggbb; any name has one."""
    return CHOSEN.get(action) or by_turns(turn(action))


def turn(action: str) -> int:
    """The place of a counter among those of schedules; of one that is not known, from the letters of its name."""
    return SCHEDULED.index(action) if action in SCHEDULED else len(SCHEDULED) + sum(map(ord, action)) % 997


@cache
def by_turns(turn: int) -> tuple[str, str]:
    """The colour of a turn in both themes."""
    light, dark = (oklch(levels[turn % len(levels)], CHROMA, turn * GOLDEN_ANGLE) for levels in LIGHTNESS)
    return light, dark


def oklch(lightness: float, chroma: float, degrees: float) -> str:
    """OKLCH → sRGB; channels out of range are clipped. Source: B. Ottosson, "A perceptual color space", 2020."""
    a, b = (chroma * f(math.radians(degrees)) for f in (math.cos, math.sin))
    long, medium, short = (
        value**3
        for value in (
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        )
    )
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * min(max(gamma(value), 0.0), 1.0)):02x}" for value in linear)


def gamma(linear: float) -> float:
    """A linear channel as sRGB encodes it."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def class_of(action: str) -> str:
    """The style class of an action; what no class name may hold becomes "-"."""
    return "a-" + re.sub(r"[^A-Za-z0-9_-]", "-", action)


def classes(actions: Iterable[str]) -> dict[str, str]:
    """The style classes of these actions."""
    return {action: class_of(action) for action in actions}


def rules(actions: Iterable[str]) -> str:
    """Style rules for these actions: a variable for each, in both themes, and its class."""
    found = {class_of(action): colours(action) for action in actions}
    light, dark = (" ".join(f"--{name}: {pair[theme]};" for name, pair in found.items()) for theme in (0, 1))
    used = " ".join(f".{name} {{ background: var(--{name}); }}" for name in found)
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{used}\n"
