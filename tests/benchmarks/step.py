"""One training step of a recipe: Basalt's layers against stock SLAYER's, on the same network, data and machine.

    python tests/benchmarks/step.py [RECIPE] [--repeats N] [--threads N]

Prints the median time of a step (forward, loss, backward, clipping, AdamW) of each and the ratio of the medians.
The two take turns, so that a busy machine slows both. The stock network has `slayer.block.cuba.Dense` blocks; beside
them, for a "dmp" layer, the slow memory in the same FFT form, since SLAYER has none.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import train  # noqa: F401  (sets how OpenMP threads wait, before torch starts them)

# isort: split
import torch
import typer

from train.batches import dense
from train.networks import Network
from train.recipe import Recipe, read
from train.slayer import slayer


class StockLayer(torch.nn.Module):
    """A spiking layer of stock SLAYER, with the slow memory of ours where it has one."""

    def __init__(self, ours: torch.nn.Module) -> None:
        super().__init__()
        config = ours.config
        neuron = {
            "threshold": config.threshold,
            "current_decay": 1.0,
            "voltage_decay": 1.0,
            "tau_grad": config.tau_grad,
            "scale_grad": config.scale_grad,
        }
        self.block = slayer.block.cuba.Dense(neuron, ours.inputs, config.units, delay_shift=False)
        self.block.neuron.current_decay.data = ours.neuron.current_decay.data.clone()
        self.block.neuron.voltage_decay.data = ours.neuron.voltage_decay.data.clone()
        for name in ("current_decay", "voltage_decay"):
            getattr(self.block.neuron, name).requires_grad = False
        self.block.synapse.load_state_dict(ours.synapse.state_dict())
        self.memory = getattr(ours, "memory", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.pad(x, (1, 0))[..., :-1]
        current = self.block.synapse(x)
        if self.memory is not None:
            drive = self.block.neuron.quantize_8bit(self.memory.drive_weight)
            current = current + self.memory((drive @ x)[:, 0]).transpose(1, 2)
        return self.block.neuron(current)


class StockNetwork(torch.nn.Module):
    """Stock layers in front of our read-out."""

    def __init__(self, ours: Network) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(*(StockLayer(layer) for layer in ours.hidden), ours.readout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.float())


def step_of(network: torch.nn.Module, x: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> Callable[[], float]:
    """A function that takes one training step and returns the loss."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.training.clip)
        optimizer.step()
        return float(loss)

    return step


def main(recipe: str = "dmp_digits", repeats: int = 9, threads: int = 0) -> None:
    """Time the two and print the ratio."""
    import copy

    import numba

    from train.data import load

    if threads:
        torch.set_num_threads(threads)
        numba.set_num_threads(threads)
    wanted = read(recipe)
    torch.manual_seed(wanted.seed)
    splits = load(wanted.data)
    ours = Network(wanted.network, splits.train.features_count, splits.classes)
    chosen = torch.arange(wanted.training.batch).numpy()
    x, labels = dense(splits.train, chosen), torch.from_numpy(splits.train.labels[chosen])
    ours.calibrate(x)
    stock = StockNetwork(copy.deepcopy(ours))
    steps = {"basalt": step_of(ours, x, labels, wanted), "slayer": step_of(stock, x, labels, wanted)}
    losses = {name: step() for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, median in medians.items():
        low, high = min(times[name]), max(times[name])
        typer.echo(
            f"{name}: {1e3 * median:7.1f} ms a step (median of {repeats}, {1e3 * low:.1f} to {1e3 * high:.1f}), "
            f"first loss {losses[name]:.6f}"
        )
    ratio = medians["slayer"] / medians["basalt"]
    typer.echo(f"ratio {ratio:.1f} at batch {len(x)}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    typer.run(main)
