"""On a real GPU: the compiled kernels, which the interpreter's tests cannot see. Left out where there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from basalt.train import checkpoint
from basalt.train.batches import dense
from basalt.train.data.pixels import PixelSet
from basalt.train.dynamics import choose
from basalt.train.layers import ConvConfig, DmpConfig, HgrnConfig, HopfieldConfig, LifConfig, ReadoutConfig
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import AugmentConfig, NetworkConfig, TrainingConfig
from basalt.train.stepper import Stepper, optimizer
from tests.train.helpers import events, recipe, splits
from tests.train.test_training import stop_at

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

NEURONS: dict[str, Any] = {"threshold": 2.0, "weight_scale": 2.0, "voltage_decay": 0.3, "bias": True}
COMMON: dict[str, Any] = {"units": 40, **NEURONS}
KINDS: dict[str, Any] = {
    "lif": LifConfig(**COMMON),
    "leaky current": LifConfig(**COMMON, current_decay=(0.2, 0.9)),
    "soft": LifConfig(**COMMON, reset="soft"),
    "none": LifConfig(**COMMON, reset="none"),
    "delay": LifConfig(**COMMON, delay=20, delay_spread=15.0),
    "recurrent": LifConfig(**COMMON, recurrent=True),
    "learned leakage": LifConfig(**COMMON, leakage="learnable"),
    "learned, recurrent": LifConfig(**COMMON, leakage="learnable", recurrent="full"),
    "diagonal": LifConfig(**COMMON, recurrent="diagonal"),
    "learned, diagonal": LifConfig(**COMMON, recurrent="diagonal", leakage="learnable", reset="soft"),
    "dmp": DmpConfig(**COMMON, states=12, window=60.0, memory_scale=2.0),
    "interval": DmpConfig(**COMMON, states=12, window=60.0, update_interval=4),
    "hgrn": HgrnConfig(**COMMON, memory_scale=1.0),
    "gated hgrn": HgrnConfig(**COMMON, variant="gated", memory_scale=1.0),
    "hopfield": HopfieldConfig(**COMMON, patterns=20, iterations=2, update_interval=3, memory_scale=1.0),
    "conv": ConvConfig(**NEURONS, channels=4, kernel=(3, 3), padding=(1, 1)),
}
STEPS = [100, 116, 784]
"""The kernels take sixteen steps at once and the rest one by one: 2, 2 and 14 of them."""


def twins(kind: str, exact: bool = True) -> tuple[Network, Network]:
    """A network of two such layers on the processor and its copy on the GPU."""
    config = NetworkConfig(layers=(KINDS[kind], KINDS[kind], ReadoutConfig(logit_scale=0.01)))
    torch.manual_seed(1)
    here, there = Network(config, (2, 5, 3), 10), Network(config, (2, 5, 3), 10)
    for layer in here.hidden:
        torch.nn.init.normal_(layer.bias, 0.05, 0.2)
    there.load_state_dict(here.state_dict())
    there.cuda()
    for network in (here, there):
        network.compute_exactly(exact)
    return here, there


def spikes(steps: int) -> torch.Tensor:
    """Input of 20 samples."""
    return (torch.rand(20, 30, steps, generator=torch.Generator().manual_seed(steps)) < 0.1).to(torch.uint8)


def test_augmented_events_are_the_processors() -> None:
    data = events(50, 0)
    augment = AugmentConfig(share=0.8, pixels=2, steps=2, drop=0.4, noise=0.3, rotate=20, scale=0.3, shear=0.2)
    draw = np.random.default_rng(1)
    for _ in range(20):
        chosen, seeds = draw.integers(0, 50, 64), draw.integers(0, 2**64, 64, dtype=np.uint64)
        there = dense(data, chosen, augment, seeds, torch.device("cuda"))
        assert torch.equal(there.cpu(), dense(data, chosen, augment, seeds))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", STEPS)
def test_spikes_and_counts_are_the_processors(kind: str, steps: int) -> None:
    here, there = twins(kind)
    x = spikes(steps)
    for network in (here, there):
        network.calibrate(x.to(next(network.parameters()).device))
    for dtype in (torch.float32, torch.bfloat16):
        there.travel_in(dtype)
        low, high = x.float(), x.cuda()
        for one, other in zip(here.hidden, there.hidden):
            counts = other.counts(high)
            low, high = one(low), other(high)
            assert 0.005 < float(low.detach().mean()) < 0.9
            assert torch.equal(low, high.float().cpu())
            if counts is not None:
                assert torch.equal(counts.cpu(), low[..., :-1].sum(-1))
        torch.testing.assert_close(there(x.cuda()).cpu(), here(x.float()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_integers_are_the_processors(kind: str) -> None:
    here, there = twins(kind)
    x = spikes(132)
    one, other = here.trace(x), there.trace(x.cuda())
    assert all(torch.equal(one.spikes[name], other.spikes[name].cpu()) for name in one.spikes)
    assert torch.equal(one.sums, other.sums.cpu())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-4), (torch.bfloat16, 2e-2)])
def test_gradients_are_the_processors(kind: str, dtype: torch.dtype, most: float) -> None:
    """Those of biases, delays and drives are sums over steps and samples, which cancel while their errors do not."""
    here, there = twins(kind)
    there.travel_in(dtype)
    x, labels = spikes(116), torch.arange(20) % 10
    for network in (here, there):
        device = next(network.parameters()).device
        torch.nn.functional.cross_entropy(network(x.to(device)), labels.to(device)).backward()
    for (name, one), other in zip(here.named_parameters(), there.parameters()):
        if one.requires_grad:
            assert one.grad is not None and other.grad is not None
            error = (one.grad - other.grad.cpu()).norm() / one.grad.norm().clamp(min=1e-6)
            assert error < (most if one.ndim > 1 and one.numel() > 1 else 3 * most), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_captured_step_is_the_step(kind: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (64, 28, 28), dtype=np.uint8)
    events = PixelSet(images, np.arange(784), 7, np.arange(64) % 10, np.arange(64))
    config = TrainingConfig(batch=32, learning_rate=1e-3, precision="float32")
    fabric = make_fabric("cuda", "1")
    fabric.launch()
    left = []
    for captured in (False, True):
        torch.manual_seed(1)
        network = Network(NetworkConfig(layers=(KINDS[kind], ReadoutConfig(logit_scale=0.01))), (1, 1, 1), 10).cuda()
        made = optimizer(network, config, fabric.device)
        wrapped, wrapped_optimizer = fabric.setup(network, made)
        step = Stepper(network, wrapped, wrapped_optimizer, fabric, config)
        step.captures = captured
        for start in (0, 32, 0):
            chosen = np.arange(start, start + 32)
            step(dense(events, chosen, device=fabric.device), torch.from_numpy(events.labels[chosen]).cuda(), 1e-3)
        assert (step.graph is not None) == captured
        left.append((step.read(), [p.detach().cpu() for p in network.parameters()]))
    assert left[0][0] == left[1][0]
    assert all(torch.equal(one, other) for one, other in zip(left[0][1], left[1][1]))


@pytest.mark.parametrize("average", [0.0, 2.0])
def test_resuming_equals_not_stopping(average: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moments lie in one buffer there, from which a checkpoint takes them and to which it gives them back."""

    def run(folder: Path, resume: bool = False) -> dict[str, torch.Tensor]:
        fit(recipe(average=average), splits(), folder, make_fabric("cuda", "1"), resume, Console(quiet=True))
        last = checkpoint.read(folder).last
        assert last is not None and last.epoch == 4
        return last.tensors()

    whole_run = run(tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 3)  # a look an epoch
        run(tmp_path / "run")
    stopped = checkpoint.read(tmp_path / "run").last
    assert stopped is not None and stopped.epoch == 2
    again = run(tmp_path / "run", resume=True)
    assert whole_run.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in whole_run.items())


def test_the_kernels_are_there() -> None:
    assert choose.available()
