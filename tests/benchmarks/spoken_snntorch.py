"""Spoken digits trained in snnTorch and exported by it to NIR, for `basalt import`; the accuracy of its floats.

    python tests/benchmarks/spoken_snntorch.py --output runs/snntorch [--neurons leaky-zero] [--epochs 20]

needs snntorch, nirtorch (pip install snntorch nirtorch) and the spoken digits in the data folder. Each network has 128
neurons, recurrent or not, and 10 that count; each leaves a folder with model.nir, test.npz and train.npz, for
`basalt import`.
"""

import sys
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import nir
import numpy as np
import snntorch
import snntorch.utils
import torch
import typer
from rich import print as show
from snntorch.export_nir import export_to_nir
from snntorch.surrogate import fast_sigmoid

from basalt.train.batches import dense
from basalt.train.data import DataConfig, Splits, load
from basalt.train.data.events import Samples
from basalt.train.recipe import AugmentConfig

NEURONS = {
    f"{kind}-{reset}": (kind, reset) for kind in ("leaky", "recurrent", "synaptic") for reset in ("zero", "subtract")
}
HIDDEN, CLASSES = 128, 10


def network(kind: str, reset: str, features: int) -> torch.nn.Sequential:
    """128 neurons and 10 that count their spikes."""
    shared = {"reset_mechanism": reset, "init_hidden": True, "spike_grad": fast_sigmoid(25)}
    beta, threshold = torch.full((HIDDEN,), 0.9), torch.ones(HIDDEN)  # nir 1.0.8 takes a vector as a layer's shape
    hidden = {
        "leaky": lambda: snntorch.Leaky(beta, threshold, **shared),
        "synaptic": lambda: snntorch.Synaptic(torch.full((HIDDEN,), 0.7), beta, threshold, **shared),
        "recurrent": lambda: snntorch.RLeaky(beta, threshold=threshold, linear_features=HIDDEN, **shared),
    }[kind]()
    return torch.nn.Sequential(
        torch.nn.Linear(features, HIDDEN, bias=False),
        hidden,
        torch.nn.Linear(HIDDEN, CLASSES, bias=False),
        snntorch.Leaky(torch.full((CLASSES,), 0.95), torch.ones(CLASSES), **shared),
    )


def counts(net: torch.nn.Sequential, spikes: torch.Tensor) -> torch.Tensor:
    """Spikes of each output of (batch, features, steps)."""
    snntorch.utils.reset(net)
    return sum(net(step) for step in spikes.float().unbind(-1))


def trained(net: torch.nn.Sequential, splits: Splits, epochs: int, rng: np.random.Generator) -> float:
    """Train for `epochs`, keep the weights that are best on validation, and return their test accuracy in floats."""
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    augment = AugmentConfig(steps=4, drop=0.2)
    best, kept = -1.0, net.state_dict()
    for _ in range(epochs):
        order = rng.permutation(len(splits.train))
        for part in np.array_split(order, len(order) // 64):
            seeds = rng.integers(0, 2**63, len(part), np.uint64)
            sent = counts(net, dense(splits.train, part, augment, seeds))
            loss = torch.nn.functional.cross_entropy(0.3 * sent, torch.as_tensor(splits.train.labels[part]))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        schedule.step()
        found = accuracy(net, splits.validation)
        if found >= best:
            best, kept = found, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(kept)
    return accuracy(net, splits.test)


@torch.no_grad()
def accuracy(net: torch.nn.Sequential, events: Samples) -> float:
    """In percent; of equal counts the first wins, as in `basalt run`."""
    sent = counts(net, dense(events, np.arange(len(events))))
    return 100 * float(np.mean(sent.argmax(1).numpy() == events.labels))


def main(
    output: Annotated[Path, typer.Option(help="Folder; one for each network is made in it.")],
    data_dir: Annotated[Path | None, typer.Option(help="Where spoken_digits.npz is.")] = None,
    neurons: Annotated[str, typer.Option(help="Some of: " + ", ".join(NEURONS))] = ",".join(NEURONS),
    epochs: Annotated[int, typer.Option(min=1)] = 20,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Train, export, and leave what `basalt import` reads."""
    splits = load(DataConfig(name="spoken", steps=100, step_ms=10.0), data_dir)
    for name in neurons.split(","):
        torch.manual_seed(seed)
        net = network(*NEURONS[name], splits.train.features_count)
        found = trained(net, splits, epochs, np.random.default_rng(seed))
        folder = output / name
        folder.mkdir(parents=True, exist_ok=True)
        net.eval()
        snntorch.utils.reset(net)
        nir.write(
            folder / "model.nir", export_to_nir(net, torch.zeros(1, splits.train.features_count), ignore_dims=[0])
        )
        for part, events in (("test", splits.test), ("train", splits.train)):
            spikes = dense(events, np.arange(len(events))).numpy()
            np.savez_compressed(folder / f"{part}.npz", spikes=spikes, labels=events.labels)
        show(f"{name}: {found:.2f} % of {len(splits.test)} test recordings in snnTorch's floats; {folder}/model.nir")


if __name__ == "__main__":
    typer.run(main)
