"""Scores: progress is reported once for every sample."""

import torch

from basalt.train.batches import CPU
from basalt.train.networks import Network
from basalt.train.objectives import OBJECTIVES
from basalt.train.scores import float_score, integer_score
from tests.train.helpers import recipe, splits


def test_progress_is_told_of_every_sample() -> None:
    torch.manual_seed(1)
    events = splits(300).train  # three batches
    network = Network.of(recipe(), events.sensor, 2)
    told: list[int] = []
    floats = float_score(network, events, OBJECTIVES["cross_entropy"], CPU, told.append)
    assert (sum(told), len(told)) == (300, 3)
    integers = integer_score(network, events, CPU, told.append)
    assert (sum(told), len(told)) == (600, 6)
    assert floats.samples == integers.samples == 300
