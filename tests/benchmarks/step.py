"""One training step of a recipe: Basalt's, stock SLAYER's, and a plain PyTorch loop over time.

    python tests/benchmarks/step.py [RECIPE] [--batch N] [--accelerator cuda] [--repeats N] [--output JSON]

The median time of a step (forward, loss, backward, clipping, AdamW) of each, on the same network, data and machine.
They take turns, so that a busy machine slows all; a turn lasts a tenth of a second or one step. Basalt's is the one
that training takes (`train.stepper`: on a GPU, a CUDA graph); stock SLAYER has its CUDA kernels there, and its Python
loop on a processor. Since SLAYER has no slow memory, its layers get ours in FFT form. The recipes of sequential MNIST
get the embedded digits, one pixel per step.
"""

import copy
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import basalt.train  # noqa: F401  (sets how OpenMP threads wait, before torch starts them)

# isort: split
import numpy as np
import torch
import typer

from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.progress import progress_bar
from basalt.train.batches import dense
from basalt.train.networks import Network
from basalt.train.recipe import Recipe, read
from tests.benchmarks.peers import Peer, PlainLayer, StockLayer

Steps = Callable[[int], float]
"""So many steps, one after another as training takes them, and the loss of the last, which waits for the device."""
LEAST = 0.1
"""Seconds of a measurement: short steps are taken several times in it."""
NAMES = {"basalt": "Basalt", "slayer": "stock SLAYER", "plain": "plain PyTorch loop"}


def samples(recipe: Recipe, batch: int, data_dir: Path | None) -> tuple[torch.Tensor, torch.Tensor, int]:
    """A batch of training input, its labels, and the number of classes."""
    from basalt.train.data import digits, load
    from basalt.train.data.pixels import PIXELS, PixelSet

    if recipe.data.name not in ("smnist", "psmnist"):
        splits = load(recipe.data, data_dir)
        chosen = np.arange(batch) % len(splits.train)
        return dense(splits.train, chosen), torch.from_numpy(splits.train.labels[chosen]), splits.classes
    chosen = np.arange(batch) * 7 % 5000
    permuted = recipe.data.name == "psmnist"
    order = np.random.RandomState(recipe.data.permutation_seed).permutation(PIXELS) if permuted else np.arange(PIXELS)
    events = PixelSet(digits.images()[chosen], order, recipe.data.bits, chosen // 500, chosen)
    return dense(events, np.arange(batch)), torch.from_numpy(events.labels), 10


def peer_step(network: Peer, x: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> Steps:
    """Steps that leave the weights as they are."""
    network = network.to(x.device)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.0, fused=x.is_cuda)

    def step() -> torch.Tensor:
        loss = torch.nn.functional.cross_entropy(network(x), labels, label_smoothing=recipe.training.label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, recipe.training.clip)
        optimizer.step()
        return loss.detach()

    return lambda count: float([step() for _ in range(count)][-1])


def our_step(network: Network, x: torch.Tensor, labels: torch.Tensor, recipe: Recipe, accelerator: str) -> Steps:
    """The same of training itself."""
    from basalt.train.loop import make_fabric
    from basalt.train.stepper import Stepper, optimizer

    fabric = make_fabric(accelerator, "1")
    network.travel_in(getattr(torch, recipe.training.precision))
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer(network, recipe.training, x.device))
    stepper = Stepper(network, wrapped, wrapped_optimizer, fabric, recipe.training)

    def steps(count: int) -> float:
        stepper.clear()
        for _ in range(count):
            stepper(x, labels, 0.0)
        return stepper.read().loss

    return steps


def measure(steps: dict[str, Steps], repeats: int) -> dict[str, dict[str, float]]:
    """Two steps of each to get under way, the second to see how many a turn has, then all in turns."""
    losses = {name: take(1) for name, take in steps.items()}
    counts = {name: max(int(LEAST / _seconds(take, 1)), 1) for name, take in steps.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    with progress_bar("Measuring") as update:
        for turn in range(repeats):
            for name, take in steps.items():
                taken[name].append(1e3 * _seconds(take, counts[name]) / counts[name])
            update(turn + 1, repeats)
    return {
        name: {"ms": statistics.median(times), "lowest": min(times), "highest": max(times), "loss": losses[name]}
        for name, times in taken.items()
    }


def _seconds(take: Steps, count: int) -> float:
    start = time.perf_counter()
    take(count)
    return time.perf_counter() - start


def machine(device: torch.device) -> dict[str, Any]:
    """Where and with what versions."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    found |= {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    found |= {"load": round(os.getloadavg()[0], 1), "python": platform.python_version()}
    for package in ("torch", "triton", "lava-dl", "numba"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"{found['recipe']}: batch {found['batch']}, {found['features']} inputs, {found['steps']} steps, median of "
        f"{found['repeats']} in turns, {found['date']}",
        ", ".join(f"{key} {value}" for key, value in found["machine"].items()),
        "",
        "| training step | ms (lowest – highest) | × Basalt's time | loss |",
        "| --- | ---: | ---: | ---: |",
    ]
    first = found["variants"]["basalt"]["ms"]
    for name, entry in found["variants"].items():
        lines.append(
            f"| {NAMES[name]} | {entry['ms']:,.2f} ({entry['lowest']:,.2f} – {entry['highest']:,.2f}) | "
            f"{entry['ms'] / first:.1f} | {entry['loss']:.6f} |"
        )
    return "\n".join(lines)


def main(
    recipe: Annotated[str, typer.Argument(help="A recipe without recurrence and delays.")] = "dmp_digits",
    batch: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    accelerator: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    repeats: Annotated[int, typer.Option(min=1, help="Repetitions; a figure is their median.")] = 9,
    threads: Annotated[int, typer.Option(help="Threads of the processor; 0 for all.")] = 0,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with data sets.")] = None,
    output: Annotated[Path | None, typer.Option(help="Also write the figures to this JSON file.")] = None,
) -> None:
    """Measure and print."""
    if threads:
        import numba

        torch.set_num_threads(threads)
        numba.set_num_threads(threads)
    wanted = read(recipe)
    if any(
        getattr(layer, "recurrent", "none") != "none" or getattr(layer, "delay", 0) for layer in wanted.network.layers
    ):
        raise BasaltError(f"{recipe} has recurrence or delays, which the peers lack: choose psmnist_dmp or dmp_digits.")
    device = torch.device(accelerator)
    torch.manual_seed(wanted.seed)
    x, labels, classes = samples(wanted, batch or wanted.training.batch, data_dir)
    x, labels = x.to(device), labels.to(device)
    ours = Network(wanted.network, x.shape[1], classes).to(device)
    ours.calibrate(x)
    steps = {
        "slayer": peer_step(Peer(copy.deepcopy(ours), StockLayer), x, labels, wanted),
        "plain": peer_step(Peer(copy.deepcopy(ours), PlainLayer), x, labels, wanted),
    }
    steps = {"basalt": our_step(ours, x, labels, wanted, accelerator), **steps}
    found = {
        "recipe": wanted.name,
        "batch": len(x),
        "features": x.shape[1],
        "steps": x.shape[2],
        "repeats": repeats,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(device),
        "variants": measure(steps, repeats),
    }
    typer.echo(table(found))
    if output is not None:
        write_json(output, found)


if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(lambda: typer.run(main))
