"""The supervised contrastive loss: its formula, what a step does with it, and what features become."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from threadpoolctl import threadpool_limits

from basalt.errors import BasaltError
from basalt.train import checkpoint
from basalt.train.checkpoint import load
from basalt.train.features import embedded, features, silhouette
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.objectives import supervised_contrastive
from basalt.train.recipe import Recipe, parse
from basalt.train.stepper import Stepper, optimizer
from tests.train.helpers import content, splits
from tests.train.test_stepper import batches


def by_hand(features: torch.Tensor, labels: torch.Tensor, temperature: float) -> float:
    z = features / features.norm(dim=1, keepdim=True)
    total, anchors = 0.0, 0
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        alike = [a for a in others if labels[a] == labels[i]]
        if not alike:
            continue
        below = sum(torch.exp(z[i] @ z[a] / temperature) for a in others)
        total += -float(sum(torch.log(torch.exp(z[i] @ z[p] / temperature) / below) for p in alike)) / len(alike)
        anchors += 1
    return total / anchors


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_the_loss_is_the_papers(temperature: float) -> None:
    draw = torch.Generator().manual_seed(1)
    points = torch.randn(9, 5, generator=draw, dtype=torch.float64).requires_grad_()
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 3, 1, 2])  # class 3 has one sample
    loss = supervised_contrastive(points, labels, temperature)
    assert float(loss) == pytest.approx(by_hand(points.detach(), labels, temperature), rel=1e-6)
    assert torch.autograd.gradcheck(lambda p: supervised_contrastive(p, labels, temperature), (points,))


def test_it_is_finite_without_spikes_and_without_pairs() -> None:
    silent = torch.zeros(4, 3, requires_grad=True)
    supervised_contrastive(silent, torch.tensor([0, 0, 1, 1]), 0.07).backward()
    assert silent.grad is not None and silent.grad.isfinite().all()
    assert float(supervised_contrastive(torch.randn(3, 2), torch.arange(3), 0.07)) == 0


def test_a_batch_of_one_sample_has_none_to_contrast_with() -> None:
    alone = torch.randn(1, 3, requires_grad=True)
    loss = supervised_contrastive(alone, torch.tensor([0]), 0.07)
    loss.backward()
    assert float(loss) == 0 and alone.grad is not None and not alone.grad.any()


@pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_over_time"])
def test_features_of_a_single_step_are_zero(objective: str) -> None:
    network = Network.of(wanted(objective=objective), 16, 2)
    network(torch.ones(2, 16, 1), over_time=objective.endswith("time"))
    assert network.contrasted.shape == (2, 8) and not network.contrasted.any()


def wanted(layer: str | None = None, projection: int = 0, weight: float = 0.5, **training: Any) -> Recipe:
    contrastive = {"weight": weight, "temperature": 0.3, "projection": projection}
    if layer is not None:
        contrastive["layer"] = layer
    return parse(content(contrastive=contrastive, **training), "tiny")


@pytest.mark.parametrize("projection", [0, 4])
@pytest.mark.parametrize("layer", [None, "hidden1"])
@pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_over_time"])
def test_a_step_adds_it(layer: str | None, projection: int, objective: str) -> None:
    recipe = wanted(layer, projection, objective=objective)
    network, step = started(recipe)
    plain = copy.deepcopy(network)
    x, labels = batches(recipe)[0]
    step(x, labels, 0.02)
    sent = {"hidden1": plain.hidden[0](x)}
    sent["hidden2"] = plain.hidden[1](sent["hidden1"])
    logits = plain.readout(sent["hidden2"], step.objective.over_time)
    found = sent[layer or "hidden2"][..., :-1].mean(-1)
    assert found.std() > 0.01
    if plain.projection is not None:
        found = plain.projection(found)
        assert found.shape == (8, 4)
    loss = step.objective(logits, labels, 0.0) + 0.5 * supervised_contrastive(found, labels, 0.3)
    assert step.read().loss == pytest.approx(float(loss), rel=1e-6)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(plain.parameters(), recipe.training.clip)
    assert norm > 0
    for (name, ours), other in zip(network.named_parameters(), plain.parameters()):
        if other.requires_grad:
            torch.testing.assert_close(ours.grad, other.grad, rtol=1e-5, atol=1e-7, msg=name)


def test_a_projection_is_trained_saved_and_not_counted(tmp_path: Path) -> None:
    recipe = wanted(projection=4, epochs=1)
    state = fit(recipe, splits(), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    torch.manual_seed(recipe.seed)
    before = Network.of(recipe, 16, 2)
    loaded = load(tmp_path / "run")
    assert loaded.projection is not None and before.projection is not None
    assert not torch.equal(loaded.projection[0].weight, before.projection[0].weight)
    assert loaded.parameter_count == Network(recipe.network, 16, 2).parameter_count
    x = torch.from_numpy(splits().test.dense())
    assert torch.equal(loaded.trace(x).sums, state.network.trace(x).sums)
    assert checkpoint.read(tmp_path / "run").recipe.training.contrastive.projection == 4
    longer = wanted(projection=4, epochs=2)
    fit(longer, splits(), tmp_path / "run", make_fabric("cpu", "1"), True, Console(quiet=True))


def started(recipe: Recipe) -> tuple[Network, Stepper]:
    torch.manual_seed(1)
    network, fabric = Network.of(recipe, 16, 2), make_fabric("cpu", "1")
    wrapped = fabric.setup(network, optimizer(network, recipe.training, fabric.device))
    return network, Stepper(network, *wrapped, fabric, recipe.training)


def test_features_are_the_deployed_means() -> None:
    torch.manual_seed(0)
    network = Network.of(wanted(), 16, 2)
    test = splits().test
    spikes = network.trace(torch.from_numpy(test.dense())).spikes
    for layer in ("hidden1", "hidden2"):
        expected = spikes[layer][..., :-1].float().mean(-1).numpy()
        np.testing.assert_allclose(features(network, test, layer), expected)


def test_silhouettes_of_known_clusters() -> None:
    draw = np.random.default_rng(1)
    labels = np.arange(60) % 3
    apart = 10 * np.eye(3)[labels] + draw.normal(0, 0.1, (60, 3))
    assert silhouette(apart, labels) > 0.97
    assert abs(silhouette(draw.normal(0, 1, (60, 3)), labels)) < 0.1
    a, b = np.array([[0.0], [1.0], [5.0]]), np.array([0, 0, 1])
    assert silhouette(a, b) == pytest.approx((4 / 5 + 3 / 4 + 0) / 3)
    with threadpool_limits(1):  # so few points take t-SNE longer on several threads
        flat = embedded(apart[:21])
    assert flat.shape == (21, 2) and silhouette(flat, labels[:21]) > 0.5


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(BasaltError, match=r"training.contrastive.layer: 'hiden1' is not one of .*'hidden1'\?"):
        wanted("hiden1")
    with pytest.raises(BasaltError, match=r"training.contrastive.temperature"):
        parse(content(contrastive={"temperature": 0}), "tiny")
