"""What came of a run."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int, Num

from basalt.deploy.counted import saturations
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.library.bill import Bill
from basalt.deploy.library.figures import FIGURES
from basalt.deploy.result import Done, result_file, write_html, write_run
from basalt.errors import BasaltError
from basalt.extras import missing
from basalt.files import make_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Result:
    """A run that is done.

    Args:
        done: what was run, on what, and what came of it.
        step_ms: how long a step lasts, where the network does not say; decides the leakage in real time.
        notices: what a user should know about it, a sentence each.
    """

    def __init__(self, done: Done, step_ms: float | None, notices: tuple[str, ...]) -> None:
        self.done, self.step_ms, self.notices = done, step_ms, notices

    @property
    def accuracy(self) -> float | None:
        """The fraction of right classes; None without labels."""
        return self.done.accuracy

    @property
    def predicted(self) -> Int[np.ndarray, "samples"]:
        """The class of each sample."""
        return self.done.predicted

    @property
    def labels(self) -> Int[np.ndarray, "samples"] | None:
        """The true ones, as far as they are known."""
        return self.done.inputs.labels

    @property
    def spikes(self) -> Mapping[str, Num[np.ndarray, "samples _neurons steps"]]:
        """By layer, what it sent: spikes, messages, or the sums of a read-out."""
        return self.done.outcome.sent

    @property
    def states(self) -> Mapping[str, Mapping[str, Num[np.ndarray, "samples _size"]]]:
        """By layer and variable, what was left after the last step, if `run` was asked for it."""
        return self.done.outcome.states

    @property
    def seconds(self) -> float:
        """That the steps took."""
        return self.done.outcome.seconds

    @cached_property
    def saturations(self) -> int:
        """How often a state wrapped or saturated."""
        return saturations(self.done.outcome)

    @cached_property
    def counts(self) -> dict[str, Any]:
        """Content of counts.json: what every part of every process did."""
        return self.done.counts(self.step_ms)

    def price(self, *tables: str | Path, strict: bool = False) -> Bill:
        """The energy of an inference by price tables: names of `basalt list` or TOML files; all if none is named.

        Raises:
            BasaltError: there is no such table, or (strict) it lacks a price.
        """
        return Bill(price(self.counts, [str(table) for table in tables] or available_tables(), strict=strict))

    def report(self, path: str | Path, *tables: str | Path) -> Path:
        """Write the report, one HTML file, and return its path."""
        path, energy = Path(path), self.price(*tables).energy
        make_folder(path.parent)
        result = {**result_file(self.done, energy), "notices": list(self.notices)}
        write_html(path, self.done, result, self.counts, energy)
        return path

    def save(self, folder: str | Path, *tables: str | Path) -> Path:
        """Write what `basalt run` writes: spikes.npz, counts.json, energy.json, result.json and report.html."""
        folder = Path(folder)
        make_folder(folder)
        named = [str(table) for table in tables] or available_tables()
        write_run(folder, self.done, self.counts, named, False, self.notices)
        return folder

    def figure(self, name: str = "energy", **options: Any) -> "Figure":
        """A matplotlib figure: "energy" (by process, for each table), "raster" (of one sample) or "rates".

        Raises:
            BasaltError: there is no such figure.
        """
        if name not in FIGURES:
            raise BasaltError(f"There is no figure {name!r}; choose one of {', '.join(FIGURES)}.")
        try:
            return FIGURES[name](self, **options)
        except ModuleNotFoundError as error:
            raise missing(error) from None

    def __repr__(self) -> str:
        job = self.done.job
        samples, _, steps = job.spikes.shape
        right = "" if self.accuracy is None else f", accuracy {100 * self.accuracy:.2f} %"
        return (
            f"Result of {job.network.name}: {samples} samples × {steps} steps on {job.backend} in {self.seconds:.3g} s"
            f"{right}, {self.saturations} saturations"
        )
