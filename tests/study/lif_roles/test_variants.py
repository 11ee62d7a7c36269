"""The networks of the study: all combinations once, the headline ones, an LSTM of matched size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.lif_roles.variants import LSTM, NAMES, SETS, lstm, title
from basalt.train.networks import Network
from basalt.train.recipe import parse


def test_all_36_and_the_lstm():
    assert len(NAMES) == 36
    assert len(set(SETS["all"])) == 37
    assert len({title(name) for name in SETS["all"]}) == 37
    assert {(v.leakage, v.reset, v.recurrence) for v in NAMES.values()} == {
        tuple(name.split("-")) for name in SETS["all"] if name != LSTM
    }


def test_the_headline_has_what_the_conclusions_compare():
    headline = SETS["headline"]
    assert len(headline) == 12
    for leakage in ("none", "learnable", "fixed", "complete"):
        for recurrence in ("none", "full"):
            assert f"{leakage}-hard-{recurrence}" in headline
    assert {"learnable-soft-none", "learnable-none-none", "learnable-hard-diagonal", LSTM} < set(headline)


@given(inputs=st.integers(1, 2500), first=st.integers(16, 256), second=st.integers(16, 256))
def test_an_lstm_has_as_many_weights(inputs, first, second):
    """Within what a unit more or less comes to."""
    before, senders = inputs, inputs
    for size, layer in zip((first, second), lstm(inputs, [{"units": first}, {"units": second}])):
        units = layer["units"]
        weights = [4 * n * (before + n) for n in (units - 1, units, units + 1)]
        wanted = size * (senders + size)
        assert weights[0] < wanted < weights[2]
        before, senders = units, size


def test_so_it_has_in_a_network():
    torch.manual_seed(1)
    spiking = [{"kind": "lif", "units": n, "recurrent": "full"} for n in (128, 64)]
    counts = []
    for layers in (spiking, lstm(140, spiking)):
        recipe = parse({"name": "a", "data": {}, "network": {"layers": [*layers, {"kind": "readout"}]}}, "a test")
        counts.append(Network.of(recipe, 140, 10).parameter_count)
    assert counts[1] == pytest.approx(counts[0], rel=0.03)
