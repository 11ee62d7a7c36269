"""Trained networks of lava-dl against SLAYER: blocks rebuilt from each file, every spike or message compared.

    python tests/benchmarks/lava_dl_files.py FILE.net … [--mnist mnist.npz] [--samples 4] [--steps 60]

Input: random spikes, or values that change every fifth step. With --mnist, networks of 784 inputs and 10 classes whose
first layer takes values are also asked for the class of 1,000 digits at a time, pixels from −1 to 1 over 16 steps, as
lava-dl's bootstrap tutorial trains them.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import h5py
import numpy as np
import torch
import typer
from rich import print as show

from basalt.convert import netx
from basalt.convert.slayer_module import activity
from basalt.deploy.inputs import parse_shape
from basalt.deploy.job import Job, predict, run
from basalt.deploy.values import take
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.records.synapses import Encoder
from basalt.train.slayer import slayer

SPIKES, CHANGES = slayer.block.cuba, slayer.block.sigma_delta
DIGITS, PIXEL_STEPS = 1000, 16


def neuron(group: h5py.Group) -> dict[str, Any]:
    """Parameters of a block's neurons, that give the integers of the file again."""
    found = {key: np.asarray(value[()]) for key, value in group["neuron"].items()} if "neuron" in group else {}
    threshold = {"threshold": float(found.get("vThMant", 64)) / 64}
    if "iDecay" not in found:
        norm = {"norm": slayer.neuron.norm.MeanOnlyBatchNorm} if "bias" in group else {}
        return {**threshold, "activation": torch.nn.functional.relu, **norm}
    return {
        **threshold,
        "current_decay": float(found["iDecay"]) / 4096,
        "voltage_decay": float(found["vDecay"]) / 4096,
    }


def value(group: h5py.Group, key: str, default: int) -> Any:
    """A pair of numbers of a convolution."""
    return tuple(int(n) for n in group[key][()]) if key in group else default


def dense(group: h5py.Group, blocks: Any) -> Any:
    """Dense, or one of the blocks that read out."""
    sizes = int(group["weight"].shape[1]), int(group["weight"].shape[0])
    if "neuron" not in group:
        return SPIKES.Affine({"threshold": 1, "current_decay": 1, "voltage_decay": 0.03}, *sizes, dynamics=False)
    if "neuron/sigma_output" in group:
        return CHANGES.Output(neuron(group), *sizes)
    return blocks.Dense(neuron(group), *sizes, delay="delay" in group)


def conv(group: h5py.Group, blocks: Any) -> Any:
    """A convolution."""
    outputs, inputs, *kernel = group["weight"].shape[:4]
    groups = int(group["groups"][()]) if "groups" in group else 1
    geometry = {key: value(group, key, default) for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))}
    return blocks.Conv(neuron(group), inputs * groups, outputs, tuple(kernel), groups=groups, **geometry)


def entrance(group: h5py.Group, blocks: Any) -> Any:
    """An input with neurons."""
    affine = {key: float(np.ravel(group[key][()])[0]) / 64 for key in ("weight", "bias") if key in group}
    return blocks.Input({key: kept for key, kept in neuron(group).items() if key != "norm"}, **affine)


BUILD: dict[str, Callable[[h5py.Group, Any], Any]] = {
    "dense": dense,
    "conv": conv,
    "input": entrance,
    "flatten": lambda group, blocks: blocks.Flatten(),
}


def rebuilt(path: Path) -> Iterator[Any]:
    """SLAYER's blocks, with the weights, delays and normalisations of a file."""
    with h5py.File(path, "r") as file:
        for index in range(len(file["layer"])):
            group = file[f"layer/{index}"]
            changes = "neuron" in group and "iDecay" not in group["neuron"]
            block = BUILD[group["type"][0].decode()](group, CHANGES if changes else SPIKES)
            if hasattr(block, "synapse"):
                weight = torch.as_tensor(group["weight"][()] / 64, dtype=torch.float32)
                block.synapse.weight.data = weight.reshape(block.synapse.weight.shape)
            if "delay" in group and getattr(block, "delay", None) is not None:
                delays = torch.as_tensor(group["delay"][()], dtype=torch.float32).reshape(-1)
                block.delay.max_delay, block.delay.init, block.delay.delay.data = None, True, delays
            if changes and "bias" in group and block.neuron.norm is not None:
                mean = torch.as_tensor(-np.ravel(group["bias"][()]) / 64, dtype=torch.float32)
                block.neuron.norm.num_features, block.neuron.norm.running_mean = len(mean), mean
            yield block.eval()


def compared(path: Path, samples: int, steps: int, given: str | None) -> None:
    """A file against SLAYER, layer by layer, by the reference and by the compiled kernels."""
    rng = np.random.default_rng(0)
    network = netx.read(path, input_shape=parse_shape(given))
    first = network.layers[0]
    shape = getattr(first, "features", None) or getattr(first, "input_shape", None) or (first.inputs,)
    real = first.graded or isinstance(first, Encoder)
    changing = rng.normal(0, 1, (samples, network.inputs, -(-steps // 5))).repeat(5, -1)[..., :steps]
    values = changing if real else (rng.random((samples, network.inputs, steps)) < 0.1).astype(np.uint8)
    taken = take(first, values, None, True, path)
    network = Network((taken.first or first, *network.layers[1:]), network.name, reading=network.reading)
    sent = simulate(network, taken.values)
    compiled = run(Job(network, taken.values, "compiled"), timeout=600).sent
    for name, wanted in activity(list(rebuilt(path)), network, values, shape).items():
        wrong = [int(np.count_nonzero(found[name] != wanted)) for found in (sent, compiled)]
        share = np.mean(wanted != 0)
        show(f"{path.name} {name}: {wanted.size:,} compared, {wrong[0]} and {wrong[1]} differ, {share:.3f} not 0")


def digits(path: Path, mnist: Path, asked: int) -> None:
    """Correctly classified digits, by the thousand."""
    with np.load(mnist) as kept:
        pixels, labels = kept["x_test"][:asked], kept["y_test"][:asked]
    network, right = netx.read(path), []
    for start in range(0, asked, DIGITS):
        images = pixels[start : start + DIGITS].reshape(-1, 784, 1).astype(np.float32) / 127.5 - 1
        taken = take(network.layers[0], images.repeat(PIXEL_STEPS, axis=2), None, True, mnist)
        assert taken.first is not None
        here = Network((taken.first, *network.layers[1:]), network.name)
        sent = run(Job(here, taken.values, "compiled"), timeout=600).sent
        right.append(float(np.mean(predict(here, sent) == labels[start : start + DIGITS])))
    each = ", ".join(f"{100 * share:.1f}" for share in right)
    show(f"{path.name}: {100 * np.mean(right):.2f} % of {asked:,} digits; by the thousand {each}")


def main(
    files: list[Path],
    mnist: Annotated[Path | None, typer.Option()] = None,
    samples: int = 4,
    steps: int = 60,
    asked: int = 10_000,
    input_shape: str | None = None,
) -> None:
    """Compare."""
    for path in files:
        compared(path, samples, steps, input_shape)
        network = netx.read(path, input_shape=parse_shape(input_shape))
        if mnist is not None and isinstance(network.layers[0], Encoder) and network.inputs == 784:
            digits(path, mnist, asked)


if __name__ == "__main__":
    typer.run(main)
