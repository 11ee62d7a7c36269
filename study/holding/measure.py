"""What a memory current that is held does in trained networks: `python study/holding/measure.py RUN …`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import torch
import typer
from jaxtyping import Float, Int, Num

from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.shown import say
from basalt.study.holding.ways import Current, Way, every, held, reaching, shifted
from basalt.train.checkpoint import Checkpoint
from basalt.train.networks import Network

BATCH = 32
MOVED = (-24, -12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12, 24)
"""Steps by which refreshes come early; late where negative."""


@dataclass(frozen=True)
class Seen:
    """What a network did with a batch.

    Attributes:
        currents: the memory current as it reaches the neurons, of each layer with dual memory.
        spikes: of these layers, (batch, steps, neurons).
        logits: after every step, (batch, classes, steps).
    """

    currents: tuple[Current, ...]
    spikes: tuple[Current, ...]
    logits: Float[torch.Tensor, "batch classes steps"]


def rebuilt(saved: Checkpoint, way: Way, n: int, weights: bool = True) -> Network:
    """A run's network, or the one that it began with, whose current reaches its neurons in another way."""
    recipe = saved.recipe
    layers = tuple(
        layer.model_copy(update={"update_interval": 1}) if layer.kind == "dmp" else layer
        for layer in recipe.network.layers
    )
    recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"layers": layers})})
    with reaching(way, n):
        torch.manual_seed(recipe.seed)
        network = Network.of(recipe, saved.shape, saved.classes).eval()
    if weights:
        network.load_state_dict(saved.model)
    return network


def interval(saved: Checkpoint) -> int:
    """Steps between refreshes of a run's first layer with dual memory.

    Raises:
        BasaltError: the run has none.
    """
    for layer in saved.recipe.network.layers:
        if layer.kind == "dmp":
            return int(layer.update_interval)
    raise BasaltError(f"Run {saved.recipe.name} has no layer of kind dmp, so no memory current to hold.")


@torch.no_grad()
def look(saved: Checkpoint, way: Way, n: int, x: Num[torch.Tensor, "batch features steps"]) -> Seen:
    """Run a batch through a run's network with this way."""
    currents: list[Current] = []

    def kept(c: Current, n: int) -> Current:
        currents.append(way(c, n))
        return currents[-1]

    network, spikes = rebuilt(saved, kept, n), []
    for layer in network.hidden:
        x = layer(x)
        if layer.memory is not None:
            spikes.append(x.transpose(1, 2))
    return Seen(tuple(currents), tuple(spikes), network.readout(x, True))


def correlation(c: Current) -> Float[np.ndarray, "steps"]:
    """The autocorrelation of the current over time, Σ c'[t] c'[t + lag] / Σ c'[t]², mean over samples and neurons.

    c' is the current less its mean over time.
    """
    steps = c.shape[1]
    spectrum = torch.fft.rfft(c - c.mean(1, keepdim=True), 2 * steps, dim=1)
    summed = torch.fft.irfft(spectrum.abs() ** 2, 2 * steps, dim=1)[:, :steps].mean((0, 2))
    return (summed / summed[0]).numpy()


def correlation_steps(c: Current) -> int:
    """The first lag at which the autocorrelation is below a half."""
    return int(np.argmax(correlation(c) < 0.5))


def by_window(values: Float[torch.Tensor, "batch steps size"], n: int) -> Float[torch.Tensor, "batch windows size"]:
    """Sums over windows of n steps; steps beyond the last whole window are left out."""
    windows = values.shape[1] // n
    return values[:, : windows * n].unflatten(1, (windows, n)).sum(2)


def graded(current: Current, spikes: Current, n: int) -> float:
    """How well a neuron's spike count in a window of n steps says what its memory current was there.

    r² of count and mean current over samples, the mean over neurons and windows weighted by the counts' variance.
    """
    counts, means = by_window(spikes, n).double(), by_window(current, n).double()
    a, b = counts - counts.mean(0), means - means.mean(0)
    of_count, of_mean = (a**2).mean(0), (b**2).mean(0)
    r2 = (a * b).mean(0) ** 2 / (of_count * of_mean).clamp(min=1e-30)
    return float((r2 * of_count).sum() / of_count.sum().clamp(min=1e-30))


def signal(gradients: Sequence[torch.Tensor]) -> float:
    """‖mean‖² / mean ‖g − mean‖² of a gradient over batches, less what chance gives: the signal in one batch's."""
    stacked = torch.stack([g.flatten().double() for g in gradients])
    mean = stacked.mean(0)
    noise = float(((stacked - mean) ** 2).sum(1).mean()) * len(stacked) / (len(stacked) - 1)
    return max(float((mean**2).sum()) - noise / len(stacked), 0.0) / noise


def gradient_signal(saved: Checkpoint, way: Way, n: int, batches: Sequence[Any]) -> list[float]:
    """`signal` in the gradient of each layer's memory weights P before the first step of training."""
    network = rebuilt(saved, way, n, weights=False)
    network.calibrate(batches[0][0])
    wanted = [layer.memory.weight for layer in network.hidden if layer.memory is not None]
    found = [
        torch.autograd.grad(torch.nn.functional.cross_entropy(network(x), labels), wanted) for x, labels in batches
    ]
    return [signal(of_layer) for of_layer in zip(*found)]


def early_by(r: int) -> Way:
    """Held, refreshed r steps before the multiples of n."""

    def way(c: Current, n: int) -> Current:
        steps = torch.arange(c.shape[1], device=c.device)
        return c[:, ((steps + r) // n * n - r).clamp(min=0)]

    return way


def measured(
    run: Path, x: Num[torch.Tensor, "samples features steps"], labels: Int[torch.Tensor, "samples"], n: int
) -> dict[str, Any]:
    """All that is measured in one run; windows have n steps."""
    from basalt.train import checkpoint

    saved = checkpoint.read(run)
    own = interval(saved)
    way = every if own == 1 else held
    parts = [look(saved, way, own, some) for some in x.split(BATCH)]
    currents = [torch.cat(some) for some in zip(*(part.currents for part in parts))]
    spikes = [torch.cat(some) for some in zip(*(part.spikes for part in parts))]

    def accuracy(other: Way, steps: int) -> float:
        last = torch.cat([look(saved, other, steps, some).logits[..., -1] for some in x.split(BATCH)])
        return float((last.argmax(1) == labels).float().mean())

    batches = list(zip(x.split(BATCH), labels.split(BATCH)))
    return {
        "network": run.name,
        "samples": len(labels),
        "window": n,
        "rates": [float(s.float().mean()) for s in spikes],
        "correlation_steps": [correlation_steps(c) for c in currents],
        "graded": [graded(c, s, n) for c, s in zip(currents, spikes)],
        "accuracy": accuracy(way, own),
        "every_step": accuracy(every, 1),
        "from_any_step": accuracy(shifted, n),
        "moved": {str(r): accuracy(early_by(r % n), n) for r in MOVED if abs(r) <= n // 2},
        "gradient_signal": gradient_signal(saved, way, own, batches),
    }


def measure(
    runs: Annotated[list[Path], typer.Argument(help="Runs with dual memory, trained alike but for d_s.")],
    output: Annotated[Path, typer.Option(help="JSON file.")] = Path("holding.json"),
    samples: Annotated[int, typer.Option(min=2 * BATCH, help="Test samples.")] = 500,
    window: Annotated[int, typer.Option(min=2, help="n, in steps.")] = 49,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with data sets.")] = None,
) -> None:
    """Measure what a held memory current does in trained networks."""
    from basalt.files import write_json
    from basalt.train import checkpoint, data
    from basalt.train.batches import dense

    rows = []
    for run in runs:
        test = data.load(checkpoint.read(run).recipe.data, data_dir).test
        chosen = np.linspace(0, len(test) - 1, samples).astype(np.int64)
        torch.manual_seed(0)
        rows.append(measured(run, dense(test, chosen), torch.from_numpy(test.labels[chosen]), window))
        write_json(output, rows)
        for key, value in rows[-1].items():
            say(f"{key}: {value}")


if __name__ == "__main__":
    run_app(lambda: typer.run(measure))
