"""Every action has a colour, in both themes, that can be seen and distinguished from its neighbours."""

import re

import pytest

from basalt.counters import COUNTERS
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.energy.schema import ACTIONS, KINDS
from basalt.deploy.energy.tables import load_table
from basalt.deploy.report import palette
from basalt.deploy.report.build import FOLDER, render
from basalt.lava_procs import metering
from basalt.near_memory.counters import ROWS, SCHEDULED
from tests.deploy.report.synthetic import deployment

EVERY = tuple(dict.fromkeys((*COUNTERS, *metering.COUNTERS, *SCHEDULED)))


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def page_of_everything() -> tuple[str, list[str]]:
    """A report on processes of every kind that did everything, and the actions that cost something by some table."""
    made = deployment(samples=4)
    memories = {memory for memory, _ in ROWS.values()}
    processes = [
        {
            "name": kind, "part": kind, "kind": kind,
            "memory_bits": dict.fromkeys(memories, 80_000), "row_bits": dict.fromkeys(memories, 64),
            "counters": {counter: [1000 + n] * 4 for n, counter in enumerate(EVERY)},
        }
        for kind in KINDS
    ]  # fmt: skip
    counts = {**made["counts"], "processes": processes}
    energy = price(counts, available_tables(), strict=True)
    costing = {
        action
        for table in energy["tables"].values()
        for process in table["processes"]
        for action, spent in process["actions"].items()
        if spent["joule"]
    }
    return render(**{**made, "counts": counts, "energy": energy}), sorted(costing)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_action_of_every_process_and_table_has_a_colour(theme):
    page, costing = page_of_everything()
    style = page[page.index("<style>") : page.index("</style>")]
    dark = "".join(re.findall(r"@media \(prefers-color-scheme: dark\) \{ :root \{ --a-[^}]*\}", style))
    light = "".join(re.findall(r"(?m)^:root \{ --a-[^}]*\}", style))
    assert len(costing) > 40
    for action in costing:
        name = palette.class_of(action)
        assert f".{name} {{ background: var(--{name}); }}" in style, action
        assert re.search(rf"--{name}: #[0-9a-f]{{6}};", {"light": light, "dark": dark}[theme]), action
        assert f'<i class="{name}"' in page and f'swatch {name}"' in page, action
    used = set(re.findall(r'<i class="(?:swatch )?(a-[^"]*)"', page))
    assert used == {palette.class_of(action) for action in costing}


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_are_seen_and_told_apart(theme):
    style = (FOLDER / "style.css").read_text()
    ground = re.findall(r"--grid: (#[0-9a-f]{6})", style)[theme]
    named = {action: palette.colours(action)[theme] for action in EVERY}
    assert len(set(named.values())) == len(named)
    for action, colour in named.items():
        assert contrast(colour, ground) >= 2.3, (action, colour, ground)


def test_whatever_a_table_or_a_count_is_called_has_a_colour():
    for table in available_tables():
        for action in (*load_table(table).actions, *ACTIONS):
            assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in palette.colours(action))
    assert palette.colours("miracles") == palette.colours("miracles")
    assert palette.class_of('a "b" <c>') == "a-a--b---c-"


def test_oklch_by_hand():
    """White, black, and sRGB's red, whose coordinates Ottosson gives."""
    assert palette.oklch(1.0, 0.0, 0.0) == "#ffffff" and palette.oklch(0.0, 0.0, 0.0) == "#000000"
    assert palette.oklch(0.6280, 0.2577, 29.23) == "#ff0000"
