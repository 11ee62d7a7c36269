"""Figures of a run, as matplotlib draws them."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from basalt.deploy.report.palette import CHOSEN
from basalt.deploy.result import events_of, shown
from basalt.errors import BasaltError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, LEAKAGE = CHOSEN["weight_words_read"][0], CHOSEN["synaptic_operations"][0]


def blank(height: float, rows: int = 1, **options: Any) -> "tuple[Figure, Any]":
    """A figure that no window shows, but a notebook does, and its axes."""
    from matplotlib.figure import Figure

    class Shown(Figure):
        def _repr_png_(self) -> bytes:
            page = BytesIO()
            self.savefig(page, format="png")
            return page.getvalue()

    figure = Shown(figsize=(7.0, height), layout="constrained")
    return figure, figure.subplots(rows, 1, squeeze=False, **options)[:, 0]


def energy(result: Any, *tables: str) -> "Figure":
    """Dynamic energy and leakage of an inference by process, a panel for each price table."""
    bill = result.price(*tables)
    figure, axes = blank(0.6 + 1.6 * len(bill), len(bill))
    for ax, (name, priced) in zip(axes, bill.items(), strict=True):
        processes = priced.entry["processes"]
        names = [f"{one['name']}, {one['part']}" for one in processes]
        dynamic = np.array([one["dynamic_joule"] for one in processes])
        leaked = np.array([one["static_joule"] for one in processes])
        scale, unit = scaled(float((dynamic + leaked).max(initial=0.0)))
        ax.barh(names, dynamic * scale, color=INK, label="dynamic")
        if priced.leakage is not None:
            ax.barh(names, leaked * scale, left=dynamic * scale, color=LEAKAGE, label="leakage, in real time")
        ax.invert_yaxis()
        ax.set_title(f"{name}: {repr(priced).split(': ', 1)[1].split(' (')[0]}", fontsize="medium", loc="left")
        ax.set_xlabel(f"{unit} an inference")
        ax.legend(fontsize="small", frameon=False)
    return figure


def scaled(largest: float) -> tuple[float, str]:
    """A factor and its unit, so that the largest value has few digits."""
    for factor, unit in ((1e3, "mJ"), (1e6, "µJ"), (1e9, "nJ")):
        if largest * factor >= 1:
            return factor, unit
    return 1e12, "pJ"


def raster(result: Any, sample: int = 0) -> "Figure":
    """The spikes of one sample: the input, and every layer that sends."""
    done = result.done
    if not 0 <= sample < len(done.job.spikes):
        raise BasaltError(f"There is no sample {sample}; there are {len(done.job.spikes)}, from 0 on.")
    rows = {"input": shown(done.job.spikes[sample])} | {name: one[sample] for name, one in events_of(done).items()}
    figure, axes = blank(0.6 + 1.4 * len(rows), len(rows), sharex=True)
    for ax, (name, spikes) in zip(axes, rows.items(), strict=True):
        neurons, steps = np.nonzero(spikes)
        ax.plot(steps, neurons, ".", color=INK, markersize=2)
        ax.set_ylabel(name)
        ax.set_ylim(-0.5, len(spikes) - 0.5)
    axes[-1].set_xlabel("step")
    axes[0].set_xlim(-0.5, done.job.spikes.shape[2] - 0.5)
    return figure


def rates(result: Any) -> "Figure":
    """Spikes per neuron in each step, the mean over samples, by layer."""
    done = result.done
    figure, (ax,) = blank(3.0)
    for (name, events), (colour, _) in zip(
        {"input": done.job.spikes != 0, **events_of(done)}.items(), list(CHOSEN.values()) * 9, strict=False
    ):
        ax.plot(events.mean(axis=(0, 1)), label=name, color=colour)
    ax.set_xlabel("step")
    ax.set_ylabel("spikes per neuron and step")
    ax.legend(fontsize="small", frameon=False)
    return figure


FIGURES: Mapping[str, Callable[..., "Figure"]] = {"energy": energy, "raster": raster, "rates": rates}
"""Name → what draws it."""
