"""Simulation of .net networks: stock netx, our backends in Lava and the bare kernel, side by side in one run.

    python tests/benchmarks/simulate.py [--repeats 5] [--only plain --only delayed --only smnist --only cost]

The variants take turns, so that a busy machine slows all of them; a figure is the median. Seconds are those of the
steps alone (`Outcome.seconds`, from the first on); the time of a build is separate. Stock netx is measured at its
kindest: its first steps are not counted, and all others are one `run()`. Every variant gets the same spikes and records
the last layer; the bare kernel is the same compiled layers called in one process, without Lava. Writes
docs/benchmarks/simulate.json, simulate.md and cost.png.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import typer

from basalt.deploy.job import Job, run
from basalt.errors import BasaltError
from basalt.files import atomic, write_json
from basalt.progress import progress_bar
from basalt.records.network import Network
from tests.benchmarks.kernel import bare_kernel
from tests.benchmarks.networks import chain, s_mnist, spikes
from tests.benchmarks.stock import stock_seconds

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
TIMEOUT = 300.0


@dataclass(frozen=True)
class Timing:
    """What one repetition took: seconds for a sample-step, and to build."""

    step: float
    build: float


@dataclass(frozen=True)
class Variant:
    """One way of running a network.

    Attributes:
        name: for people.
        network: what runs.
        input: (samples, features, steps).
        backend: of `basalt.deploy.job`, "stock" or "kernel".
        batch: samples side by side.
        runtime: of `basalt.deploy.job`.
    """

    name: str
    network: Network
    input: np.ndarray
    backend: str
    batch: int
    runtime: str = "lava"

    def measure(self) -> Timing:
        """Run once."""
        samples, _, steps = self.input.shape
        if self.backend == "kernel":
            return Timing(bare_kernel(self.network, self.input, self.batch) / (samples * steps), 0.0)
        if self.backend == "stock":
            seconds, build = stock_seconds(self.network, self.input[0], TIMEOUT)
            return Timing(seconds / steps, build)
        last = self.network.layers[-1].name
        job = Job(self.network, self.input, self.backend, self.batch, record=(last,), runtime=self.runtime)
        outcome = run(job, timeout=TIMEOUT)
        return Timing(outcome.seconds / (samples * steps), outcome.build_seconds)


def interleave(variants: list[Variant], repeats: int, update: Callable[[int, int], None]) -> dict[str, Any]:
    """Every variant `repeats` times, in turns: medians, ranges, and each variant's ratio to the first one's."""
    timings: dict[str, list[Timing]] = {variant.name: [] for variant in variants}
    for turn in range(repeats):
        for place, variant in enumerate(variants):
            timings[variant.name].append(variant.measure())
            update(turn * len(variants) + place + 1, repeats * len(variants))
    first = statistics.median(timing.step for timing in timings[variants[0].name])
    found = {}
    for variant in variants:
        steps = [timing.step for timing in timings[variant.name]]
        samples, _, length = variant.input.shape
        found[variant.name] = {
            "backend": variant.backend,
            "batch": variant.batch,
            "samples": samples,
            "steps": length,
            "us_per_sample_step": 1e6 * statistics.median(steps),
            "lowest": 1e6 * min(steps),
            "highest": 1e6 * max(steps),
            "build_seconds": statistics.median(timing.build for timing in timings[variant.name]),
            "times_stock": first / statistics.median(steps),
        }
    return found


def plain(repeats: int, update: Callable[[int, int], None]) -> dict[str, Any]:
    """2312–512–512–10, T = 100, 2 % input."""
    network = chain((2312, 512, 512, 10))
    return compare(network, 100, 100, repeats, update)


def delayed(repeats: int, update: Callable[[int, int], None]) -> dict[str, Any]:
    """The same with axonal delays up to 62; stock netx for a few steps only, at some 0.4 s each."""
    network = chain((2312, 512, 512, 10), delay=62)
    return compare(network, 100, 4, repeats, update)


def compare(network: Network, steps: int, stock_steps: int, repeats: int, update: Callable[[int, int], None]) -> dict:
    """All variants of one network; four rounds of 256 samples share the preparation of the models."""
    many = spikes(network.inputs, 1024, steps, 0.02)
    few = many[:8]
    return interleave(
        [
            Variant("stock netx", network, many[:1, :, :stock_steps], "stock", 1),
            Variant("fixed, batch 1", network, few, "fixed", 1),
            Variant("fixed, batch 256", network, many[:256], "fixed", 256),
            Variant("compiled, batch 1", network, few, "compiled", 1),
            Variant("compiled, batch 256", network, many, "compiled", 256),
            Variant("compiled, direct, batch 1", network, few, "compiled", 1, "direct"),
            Variant("compiled, direct, batch 256", network, many, "compiled", 256, "direct"),
            Variant("near-memory, batch 64", network, many[:64], "near-memory", 64),
            Variant("bare kernel, batch 1", network, few, "kernel", 1),
            Variant("bare kernel, batch 256", network, many, "kernel", 256),
        ],
        repeats,
        update,
    )


def smnist(repeats: int, update: Callable[[int, int], None]) -> dict[str, Any]:
    """1–200–200–10 with slow memory, 784 steps, 1,000 samples of graded pixels; and memory against batch."""
    network = s_mnist()
    pixels = spikes(1, 1000, 784, 0.19, graded=True)
    found = interleave(
        [
            Variant("fixed, batch 1000", network, pixels, "fixed", 1000),
            Variant("compiled, batch 250", network, pixels, "compiled", 250),
            Variant("compiled, batch 1000", network, pixels, "compiled", 1000),
            Variant("bare kernel, batch 1000", network, pixels, "kernel", 1000),
        ],
        repeats,
        update,
    )
    for entry in found.values():
        entry["seconds"] = entry["us_per_sample_step"] * 1e-6 * pixels.size
        entry["samples_per_second"] = len(pixels) / entry["seconds"]
    return {"variants": found, "memory": memory_curve(network)}


BATCHES = (256, 1024, 2048, 4096, 8192)


def memory_curve(network: Network) -> dict[str, Any]:
    """Peak memory of a run's processes against batch: MiB, and the straight line through it."""
    points = []
    for batch in BATCHES:
        pixels = spikes(1, batch, 96, 0.19, graded=True)
        points.append(peak_memory(lambda pixels=pixels: run(Job(network, pixels, "compiled", len(pixels)), TIMEOUT)))
    slope, start = np.polyfit(BATCHES, points, 1)
    residual = np.array(points) - np.polyval((slope, start), BATCHES)
    return {
        "batch": list(BATCHES),
        "peak_mib": [round(point, 1) for point in points],
        "mib_at_0": float(start),
        "kib_per_sample": float(slope) * 1024,
        "r_squared": float(1 - residual.var() / np.var(points)),
    }


def peak_memory(work: Callable[[], object]) -> float:
    """Largest sum of the proportional set sizes (shared pages counted once) of this process's children, in MiB."""
    import psutil

    done = threading.Event()
    peak = 0

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return peak / 2**20


RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
WIDTHS = (128, 256, 512, 1024, 2048, 4096)


def cost(repeats: int, update: Callable[[int, int], None]) -> dict[str, Any]:
    """`compiled` and the bare kernel, batch 128: against the spike rate at 2312–512, and against the width at 2 %."""
    one_layer = chain((2312, 512))
    by_rate = [(rate, one_layer, spikes(2312, 128, 96, rate)) for rate in RATES]
    by_width = [(width, chain((width, width)), spikes(width, 128, 96, 0.02)) for width in WIDTHS]
    variants = [
        Variant(f"{backend} {axis} {value}", network, given, backend, 128)
        for axis, cases in (("rate", by_rate), ("width", by_width))
        for value, network, given in cases
        for backend in ("compiled", "kernel")
    ]
    found = interleave(variants, repeats, update)
    curves: dict[str, Any] = {}
    for axis, values in (("rate", RATES), ("width", WIDTHS)):
        curves[axis] = {"values": list(values)}
        for backend in ("compiled", "kernel"):
            times = [found[f"{backend} {axis} {value}"]["us_per_sample_step"] for value in values]
            exponent, scale = np.polyfit(np.log(values), np.log(times), 1)
            upper, _ = np.polyfit(np.log(values[-3:]), np.log(times[-3:]), 1)
            slope, start = np.polyfit(values, times, 1)
            curves[axis][backend] = {
                "us_per_sample_step": times,
                "exponent": float(exponent),
                "exponent_of_the_largest_three": float(upper),
                "scale": float(np.exp(scale)),
                "line": {"us_at_0": float(start), "us_per_unit": float(slope)},
            }
    return curves


SECTIONS = {"plain": plain, "delayed": delayed, "smnist": smnist, "cost": cost}
"""What can be measured."""


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Repetitions; a figure is their median.")] = 5,
    only: Annotated[list[str] | None, typer.Option(help="A section; may be repeated; all if none is named.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for simulate.json, simulate.md and cost.png; default docs/benchmarks for all sections."
        ),
    ] = None,
) -> None:
    """Measure, print and store; some sections alone are only printed, unless a folder is named."""
    from basalt.deploy.result import machine
    from tests.benchmarks.render import markdown, plot

    unknown = set(only or ()) - set(SECTIONS)
    if unknown:
        raise BasaltError(f"There is no section {sorted(unknown)[0]!r}; choose among {', '.join(SECTIONS)}.")
    warm()
    found: dict[str, Any] = {"machine": machine() | {"numba": version("numba")}, "repeats": repeats}
    found |= {"date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0]}
    for name in only or SECTIONS:
        with progress_bar(f"Measuring {name}") as update:
            found[name] = SECTIONS[name](repeats, update)
    text = markdown(found)
    typer.echo(text)
    folder = output or (None if only else DOCS)
    if folder is None:
        return
    write_json(folder / "simulate.json", found)
    with atomic(folder / "simulate.md") as temporary:
        temporary.write_text(text)
    if "cost" in found:
        plot(found["cost"], folder / "cost.png")


def warm() -> None:
    """Load what sessions would load in their children: stock netx and the kernels."""
    import basalt.train.slayer  # noqa: F401 (silences SLAYER's warnings)

    # isort: split
    import lava.lib.dl.netx.hdf5  # noqa: F401

    small = chain((4, 4))
    given = spikes(4, 1, 4, 0.5)
    bare_kernel(small, given, 1)
    with tempfile.TemporaryDirectory() as folder:
        for backend in ("netx", "fixed", "compiled"):
            run(Job(small, given, backend, 1), TIMEOUT, folder=Path(folder))


if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(lambda: typer.run(main))
