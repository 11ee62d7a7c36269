"""Modules of one's own learn on Basalt's data, end with their best weights, and repeat."""

import pytest
import torch
from safetensors.torch import load_file

from basalt.errors import BasaltError
from basalt.train.own_module import accuracy, summed, train_module
from basalt.train.recipe import read
from tests.train.helpers import splits as tiny_splits


class Plain(torch.nn.Module):
    """Sums of weighted inputs at each step."""

    def __init__(self, features, classes):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(classes, features))

    def forward(self, x):
        return torch.einsum("cf,bft->bct", self.weight, x)


@pytest.fixture
def config():
    return read("lif_digits").training.model_copy(
        update={"epochs": 4, "batch": 4, "rate_penalty": 0.0, "learning_rate": 0.05}
    )


def test_it_learns_and_ends_with_its_best(config, tmp_path):
    splits = tiny_splits()
    module = Plain(splits.train.features_count, splits.classes)
    history = train_module(module, splits, config, keep=tmp_path / "best.safetensors")
    assert [one.epoch for one in history] == [1, 2, 3, 4]
    assert history[-1].loss < history[0].loss
    assert accuracy(module, splits.validation) == max(one.validation for one in history)
    assert torch.equal(load_file(tmp_path / "best.safetensors")["weight"], module.weight)


def test_it_repeats(config):
    splits, found = tiny_splits(), []
    for _ in range(2):
        module = Plain(splits.train.features_count, splits.classes)
        found.append((train_module(module, splits, config, seed=3), module.weight.detach()))
    assert found[0][0] == found[1][0] and torch.equal(found[0][1], found[1][1])


def test_a_shape_and_logits_of_ones_own(config):
    splits = tiny_splits()

    class Shaped(Plain):
        def forward(self, x):
            assert x.shape[1:-1] == tuple(splits.train.sensor)
            return super().forward(x.flatten(1, -2))

    module = Shaped(splits.train.features_count, splits.classes)
    train_module(module, splits, config, shape=splits.train.sensor, logits=lambda out: 2 * summed(out))


def test_what_needs_basalts_layers_is_refused(config):
    splits = tiny_splits()
    module = Plain(splits.train.features_count, splits.classes)
    asked = config.model_copy(update={"rate_penalty": 1.0, "average": 2.0})
    with pytest.raises(BasaltError, match=r"training\.rate_penalty, training\.average: leave it out"):
        train_module(module, splits, asked)


def test_a_loss_that_is_no_number(config):
    splits = tiny_splits()
    module = Plain(splits.train.features_count, splits.classes)
    with pytest.raises(BasaltError, match="lower the learning rate"):
        train_module(module, splits, config, logits=lambda out: summed(out) * float("nan"))
