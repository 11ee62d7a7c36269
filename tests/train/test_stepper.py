"""A training step by hand: what it measures, what it does to the weights, and rates in parameters' own units."""

import copy
from typing import Any

import pytest
import torch

from basalt.train.batches import epoch_batches
from basalt.train.loop import learning_rate, make_fabric
from basalt.train.networks import Network
from basalt.train.objectives import OBJECTIVES
from basalt.train.recipe import Recipe, parse
from basalt.train.stepper import Stepper, optimizer
from tests.train.helpers import content, splits

CPU = torch.device("cpu")


def started(wanted: Recipe) -> tuple[Network, Stepper]:
    torch.manual_seed(wanted.seed)
    network = Network(wanted.network, 16, 2)
    fabric = make_fabric("cpu", "1")
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer(network, wanted.training, CPU))
    return network, Stepper(network, wrapped, wrapped_optimizer, fabric, wanted.training)


def batches(wanted: Recipe, epoch: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(epoch_batches(splits().train, wanted.training.batch, wanted.training.augment, wanted.seed, epoch))


def by_hand(network: Network, wanted: Recipe, rates: list[float]) -> list[dict[str, Any]]:
    """Plain PyTorch: one dictionary of figures per step; `network` is trained in place."""
    config, found = wanted.training, []
    adam = torch.optim.AdamW(
        [{"params": [p], "unit": unit if config.scaled_rates else 1.0} for p, unit in network.units()],
        lr=1.0,
        weight_decay=config.weight_decay,
    )
    for (x, labels), rate in zip(batches(wanted), rates):
        for group in adam.param_groups:
            group["lr"] = rate * group["unit"]
        sent, arriving = {}, x
        for layer in network.hidden:
            arriving = sent[layer.name] = layer(arriving)
        logits = network.readout(arriving, OBJECTIVES[config.objective].over_time)
        loss = OBJECTIVES[config.objective](logits, labels, config.label_smoothing)
        means = {name: spikes.mean() for name, spikes in sent.items()}
        for mean in means.values():
            loss = loss + config.rate_penalty * torch.relu(mean - config.rate_target) ** 2
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        adam.step()
        last = logits[..., -1] if logits.ndim == 3 else logits
        hits = int((last.argmax(1) == labels).sum())
        found.append({"loss": float(loss), "hits": hits, "samples": len(x), **{n: float(m) for n, m in means.items()}})
    return found


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"rate_penalty": 5.0, "rate_target": 0.01, "label_smoothing": 0.1},
        {"objective": "cross_entropy_over_time", "clip": 0.01, "scaled_rates": True},
    ],
)
def test_steps_equal_plain_pytorch(training: dict[str, Any]) -> None:
    wanted = parse(content(**training), "tiny")
    network, step = started(wanted)
    plain = copy.deepcopy(network)
    rates = [0.02, 0.01, 0.03]
    for (x, labels), rate in zip(batches(wanted), rates):
        step(x, labels, rate)
    expected = by_hand(plain, wanted, rates)
    figures = step.read()
    samples = sum(row["samples"] for row in expected)
    assert figures.loss == pytest.approx(sum(row["loss"] * row["samples"] for row in expected) / samples, rel=1e-6)
    assert figures.accuracy == pytest.approx(sum(row["hits"] for row in expected) / samples)
    for name in ("hidden1", "hidden2"):
        mean = sum(row[name] * row["samples"] for row in expected) / samples
        assert mean > 0 and figures.rates[name] == pytest.approx(mean, rel=1e-6)
    assert figures.rate == pytest.approx((figures.rates["hidden1"] + figures.rates["hidden2"]) / 2)
    for (name, ours), other in zip(network.named_parameters(), plain.parameters()):
        torch.testing.assert_close(ours, other, rtol=1e-6, atol=1e-8, msg=name)


def test_a_smaller_batch_weighs_less() -> None:
    wanted = parse(content(), "tiny")
    x, labels = batches(wanted)[0]
    figures = []
    for sizes in ((8,), (2,), (8, 2)):
        _, step = started(wanted)
        for size in sizes:
            step(x[:size], labels[:size], 0.0)
        figures.append(step.read())
    whole, small, both = figures
    assert both.loss == pytest.approx((8 * whole.loss + 2 * small.loss) / 10, rel=1e-6)
    assert both.accuracy == pytest.approx((8 * whole.accuracy + 2 * small.accuracy) / 10)
    assert whole.loss != small.loss


def test_clearing_starts_anew() -> None:
    wanted = parse(content(), "tiny")
    (x, labels), (other, others) = batches(wanted)[:2]
    _, step = started(wanted)
    step(x, labels, 0.0)
    step.clear()
    step(other, others, 0.0)
    _, fresh = started(wanted)
    fresh(other, others, 0.0)
    assert step.read() == fresh.read()


def test_scaled_rates_group_parameters_by_their_units() -> None:
    """A step of Adam moves every parameter by rate × unit; without `scaled_rates`, by the rate."""
    changed = content(scaled_rates=True, weight_decay=0.0, clip=1e9)
    first, second, readout = changed["network"]["layers"]
    first |= {"threshold": 128.0, "weight_scale": 0.008, "memory_scale": 0.4, "bias": True}
    second |= {"threshold": 8.0}
    readout |= {"weight_scale": 3.0}
    expected = {
        "layers.hidden1.block.synapse.weight": 128 * 0.008,
        "layers.hidden1.bias": 128.0,
        "layers.hidden1.memory.weight": 0.4 * 128 / 8,
        "layers.hidden1.memory.drive_weight": 1.0,
        "layers.hidden1.memory.drive_bias": 1.0,
        "layers.hidden2.block.synapse.weight": 8.0,
        "layers.hidden2.bias": 8.0,
        "layers.readout.synapse.weight": 3.0,
    }
    for scaled in (True, False):
        wanted = parse({**changed, "training": {**changed["training"], "scaled_rates": scaled}}, "tiny")
        network, step = started(wanted)
        names = {p: name for name, p in network.named_parameters()}
        groups = step.optimizer.param_groups
        units = {names[p]: group["unit"] for group in groups for p in group["params"]}
        assert units == {name: pytest.approx(unit if scaled else 1.0) for name, unit in expected.items()}
        before = {name: p.detach().clone() for name, p in network.named_parameters()}
        for p in network.parameters():
            p.grad = torch.ones_like(p) if p.requires_grad else None
        for group in groups:
            group["lr"] = 1e-3 * group["unit"]
        step.optimizer.step()
        for p, name in names.items():
            if p.requires_grad:
                moved = float((before[name] - p.detach()).mean())
                assert moved == pytest.approx(1e-3 * (expected[name] if scaled else 1.0), rel=1e-2), name


def test_rates_that_a_graph_reads_are_written_in_place() -> None:
    """As on a GPU: the captured step reads the tensor that was there."""
    wanted = parse(content(scaled_rates=True), "tiny")
    network, step = started(wanted)
    plain, other = started(wanted)
    tensors = [torch.tensor(0.0) for _ in step.optimizer.param_groups]
    for group, tensor in zip(step.optimizer.param_groups, tensors):
        group["lr"] = tensor
    for stepper in (step, other):
        stepper(*batches(wanted)[0], 0.02)
    assert len(tensors) > 1
    for group, tensor in zip(step.optimizer.param_groups, tensors):
        assert group["lr"] is tensor and float(tensor) == pytest.approx(0.02 * group["unit"])
    for ours, expected in zip(network.parameters(), plain.parameters()):
        torch.testing.assert_close(ours, expected)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    config = parse(content(learning_rate=0.1, warmup=1.0), "tiny").training
    rates = [learning_rate(step, 40, 10, config) for step in range(41)]
    assert rates[:10] == sorted(rates[:10]) and rates[10] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[40] == pytest.approx(0)
    assert rates[25] == pytest.approx(0.05)
