"""Random SLAYER networks of convolutions, pools, dense and recurrent blocks, exported by lava-dl itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from basalt.train.slayer import slayer


@dataclass(frozen=True)
class Trained:
    """What lava-dl wrote, and what SLAYER computes.

    Attributes:
        file: the .net file.
        spikes: (samples, features, steps).
        sent: by layer name, (samples, neurons, steps).
        biased: a layer has a bias.
    """

    file: Path
    spikes: np.ndarray
    sent: dict[str, np.ndarray]
    biased: bool


def neuron(rng: np.random.Generator, biased: bool, flat: bool = False) -> dict[str, Any]:
    """Parameters of the neurons of a block: shared decays or, for flat ones, a range that each neuron draws from.

    On a CPU, SLAYER adds decays by channel to the wrong axis of images, so that they cannot be trained there.
    """
    shared = not flat or bool(rng.random() < 0.5)
    spread = (lambda low: low) if shared else (lambda low: [low, min(1.0, low + 0.2)])
    params = {
        "threshold": float(rng.choice([0.3, 0.6, 1.25])),
        "current_decay": spread(float(rng.uniform(0.05, 1))),
        "voltage_decay": spread(float(rng.choice([0.0, 0.03, 0.3]))),
        "shared_param": shared,
    }
    return {**params, "norm": slayer.neuron.norm.MeanOnlyBatchNorm} if biased else params


def blocks(rng: np.random.Generator, biased: bool, stock: bool) -> Iterator[tuple[Any, str, tuple[int, int, int]]]:
    """Blocks in order, as (block, how to reach them, shape that the input must have)."""
    size = [int(rng.integers(1, 4)), int(rng.integers(6, 12)), int(rng.integers(6, 12))]
    if rng.random() < 0.5:
        yield slayer.block.cuba.Input(neuron(rng, False), weight=float(rng.uniform(0.5, 2)), bias=0.25), "input", size
    for _ in range(int(rng.integers(1, 4))):
        delay = bool(rng.random() < 0.4) and not stock
        if rng.random() < 0.3 and min(size[1:]) >= 3:
            kernel = int(rng.integers(2, 4))
            if size[1] % kernel in (0, 1) and (size[1] + size[1] % kernel) % kernel == 0:
                yield slayer.block.cuba.Pool(neuron(rng, False), kernel, weight_scale=2, delay=delay), "pool", size
                size = [size[0], *((n + n % kernel) // kernel for n in size[1:])]
                continue
        groups = int(rng.choice([n for n in range(1, size[0] + 1) if size[0] % n == 0]))
        edge = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        stride, padding = (int(rng.integers(1, 3)), int(rng.integers(1, 3))), (int(rng.integers(0, 3)), 1)
        dilation = (int(rng.integers(1, 3)), 1)
        after = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(size[1:], padding, dilation, edge, stride)
        ]
        if min(after) < 1:
            continue
        outputs = groups * int(rng.integers(1, 5))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "weight_scale": 3}
        norm = bool(rng.random() < 0.5)
        block = slayer.block.cuba.Conv(
            neuron(rng, biased), size[0], outputs, edge, weight_norm=norm, delay=delay, **options
        )
        yield block, "conv", size
        size = [outputs, *after]
    yield slayer.block.cuba.Flatten(), "flatten", size
    features = size[0] * size[1] * size[2]
    if rng.random() < 0.6:
        delay = bool(rng.random() < 0.6) and not stock
        yield (
            slayer.block.cuba.Recurrent(neuron(rng, False, True), features, 15, weight_scale=3, delay=delay),
            "dense",
            size,
        )
        features = 15
    dense = slayer.block.cuba.Dense(neuron(rng, biased, True), features, 10, weight_scale=3, weight_norm=True)
    yield dense, "dense", size


def make_slayer_net(seed: int, folder: Path, stock: bool = False, biased: bool = False) -> Trained:
    """A network, all from one seed; only what stock netx can run, if asked."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    found = list(blocks(rng, biased, stock))
    shape = found[0][2]
    spikes = (rng.random((2, *shape, 25)) < rng.choice([0.1, 0.3])).astype(np.float32)
    chain = [block.eval() for block, _, _ in found]
    with torch.no_grad():
        x = torch.zeros(spikes.shape)
        for block in chain:
            x = block(x)  # draws decays and delays, which have their shape from what arrives
            if getattr(block, "delay", None) is not None:
                block.delay.delay.data = torch.floor(torch.rand(block.delay.delay.shape) * 8)
            norm = getattr(getattr(block, "neuron", None), "norm", None)
            if norm is not None:
                norm.running_mean = 0.25 * torch.randn(block.neuron.shape[0])
        for block in chain:
            if isinstance(block, slayer.block.cuba.Recurrent):  # they keep their state from one call to the next
                block.spike_state = block.neuron.current_state = block.neuron.voltage_state = torch.zeros(1)
        x, sent = torch.from_numpy(spikes), {}
        for index, block in enumerate(chain):
            x = block(x)
            if not isinstance(block, slayer.block.cuba.Flatten):
                sent[f"layer{index}"] = x.numpy().reshape(2, -1, 25).astype(np.uint8)
    file = folder / f"slayer{seed}.net"
    with h5py.File(file, "w") as handle:
        for index, block in enumerate(chain):
            block.export_hdf5(handle.create_group(f"layer/{index}"))
        if "inputShape" not in handle["layer/0"] and found[0][1] != "input":
            handle["layer/0/inputShape"] = np.array(shape)
    return Trained(file, spikes.reshape(2, -1, 25).astype(np.uint8), sent, biased)
