"""The picture of a calibration: real and simulated recordings side by side."""

from pathlib import Path
from typing import Any

import numpy as np

from basalt.files import atomic
from basalt.train.data.compare import Comparison, mean_frames
from basalt.train.data.events import RawEvents
from basalt.train.data.figures import BIN_MS, Figures

_REAL, _SIMULATED = "#1b1b1b", "#d1495b"


def draw(file: Path, real: RawEvents, simulated: RawEvents, comparison: Comparison) -> None:
    """Write a PNG: rate over time, events over ink, mean events per saccade and polarity.

    Raises:
        BasaltError: the file can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.2))
    top, bottom = parts
    rate, ink = top.subplots(1, 2, width_ratios=(1.5, 1))
    series = (("real", comparison.real, _REAL), ("simulated", comparison.simulated, _SIMULATED))
    for name, figures, colour in series:
        rate.plot((np.arange(len(figures.profile)) + 0.5) * BIN_MS, figures.profile, color=colour, label=name, lw=2)
        _scatter(ink, name, figures, colour)
    rate.set(xlabel="time, ms", ylabel="events per 10 ms and recording", title="Three saccades", xlim=(0, 320), ylim=0)
    ink.set(xlabel="ink: sum of pixels in [0, 1]", ylabel="events per recording", title="Events over ink")
    rate.legend(frameon=False)
    ink.legend(frameon=False)
    panels = bottom.subplots(2, 6, gridspec_kw={"hspace": 0, "wspace": 0})
    both = [mean_frames(raw) for raw in (real, simulated)]
    highest = max(frames.max() for frames in both)
    for row, (name, frames) in enumerate(zip(("real", "simulated"), both, strict=True)):
        for column in range(6):
            saccade, polarity = divmod(column, 2)
            panel = panels[row, column]
            shown = panel.imshow(frames[saccade, polarity], vmin=0, vmax=highest, cmap="magma")
            panel.set(xticks=[], yticks=[])
            if row == 0:
                panel.set_title(f"saccade {saccade + 1}, {('OFF', 'ON')[polarity]}", fontsize=10)
            if column == 0:
                panel.set_ylabel(name)
    bottom.colorbar(shown, ax=panels, label="events per pixel and recording", shrink=0.8)
    with atomic(file) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _scatter(axes, name: str, figures: Figures, colour: str) -> None:  # type: ignore[no-untyped-def]
    axes.scatter(figures.ink, figures.events, s=7, color=colour, alpha=0.45, linewidths=0)
    ends = np.array([figures.ink.min(), figures.ink.max()])
    line = figures.slope * ends + figures.intercept
    axes.plot(ends, line, color=colour, lw=2, label=f"{name}: {figures.slope:.1f} × ink {figures.intercept:+.0f}")
