"""A comparison as a picture: energy against time of an inference, a panel for each price table."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import Any

from basalt.deploy.energy.conventions import FULL_SPEED, REAL_TIME
from basalt.study.compare.entry import Entry
from basalt.study.compare.tables import basis

MARKERS = "osD^vP*X"
ROOM = 1.15
"""Of an axis, against the largest value, so that no point is on the frame."""

PANEL_INCHES = 4.2
CHARACTERS_PER_INCH = 15
"""At the size of the notes."""


def draw(path: Path, entries: Sequence[Entry], core: str) -> None:
    """Write the picture. Only what is known is drawn: a table without durations has no points, and says so.

    A filled point is the energy in real time, a hollow one below it that at full speed. Networks with a dagger do not
    fit into the core.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from basalt.files import atomic

    tables = list(entries[0].machines)
    width = PANEL_INCHES * max(len(tables), 1)
    figure = Figure(figsize=(width, 1), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(tables), squeeze=False)[0]
    for axes, table in zip(panels, tables):
        panel(axes, table, entries)
    note = fill(note_of(entries, core), int(width * CHARACTERS_PER_INCH))
    columns = max(int(width // 3), 1)
    figure.legend(
        handles=handles(entries), loc="outside lower center", fontsize=8, ncols=columns, frameon=False, title=note,
        title_fontsize=7,
    )  # fmt: skip
    rows = -(-len(entries) // columns)
    lines = max(sum(entry_label(entry).count("\n") + 1 for entry in entries) / len(entries), 1)
    figure.set_figheight(3.6 + 0.16 * rows * lines + 0.14 * (note.count("\n") + 1))
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)


def panel(axes: Any, table: str, entries: Sequence[Entry]) -> None:
    """The points of a price table."""
    axes.set(title=table, xlabel="µs that an inference computes", ylabel="nJ an inference")
    known = [(entry, style) for entry, style in zip(entries, styles(len(entries))) if entry.machines[table].seconds]
    if not known:
        axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
        axes.text(0.5, 0.5, "no durations, so nothing\nto draw against time", ha="center", va="center", fontsize=9)
        return
    largest_x = largest_y = 0.0
    for entry, (colour, marker) in known:
        machine = entry.machines[table]
        assert machine.seconds is not None and machine.full_speed_joule is not None
        x, slow, fast = 1e6 * machine.seconds, 1e9 * machine.joule, 1e9 * machine.full_speed_joule
        axes.plot([x, x], [fast, slow], color=colour, linewidth=0.8)
        axes.scatter([x], [fast], facecolors="none", edgecolors=colour, marker=marker, s=26)
        axes.scatter([x], [slow], color=colour, marker=marker, s=36)
        largest_x, largest_y = max(largest_x, x), max(largest_y, slow, fast)
    axes.set_xlim(0, ROOM * largest_x)
    axes.set_ylim(0, ROOM * largest_y if largest_y else 1)


def styles(number: int) -> list[tuple[Any, str]]:
    """A colour and a marker for each network."""
    from matplotlib import colormaps

    colours = colormaps["tab10" if number <= 10 else "tab20"].colors  # type: ignore[attr-defined]
    return [
        (colour, MARKERS[index // len(colours) % len(MARKERS)]) for index, colour in zip(range(number), cycle(colours))
    ]


def handles(entries: Sequence[Entry]) -> list[Any]:
    """The legend's entries."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=entry_label(entry))
        for entry, (colour, marker) in zip(entries, styles(len(entries)))
    ]


def entry_label(entry: Entry) -> str:
    """A network in the legend: its name, its accuracy if known, and a dagger if it does not fit."""
    accuracy = "" if entry.accuracy is None else f" {100 * entry.accuracy:.1f} %"
    # matplotlib would take text between dollar signs for mathematics.
    return fill(f"{entry.name}{' †' if entry.misfits else ''}{accuracy}", 40).replace("$", r"\$")


def note_of(entries: Sequence[Entry], core: str) -> str:
    """What the points mean, and what does not fit."""
    meaning = " ".join([f"Filled: energy {REAL_TIME}; hollow: {FULL_SPEED}.", *basis(entries)])
    wrong = [entry for entry in entries if entry.misfits]
    if not wrong:
        return meaning
    return f"{meaning} † does not fit into the near-memory core {core!r}, and is counted as if it did.".replace(
        "$", r"\$"
    )
