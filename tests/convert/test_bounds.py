"""Bounds on sums, against every input that there is."""

from itertools import product

import numpy as np
import pytest

from basalt.convert import bounds
from basalt.records.arithmetic import STATE_MAX
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder, Spiking
from tests.conformance.adversary.reference import decay, dense_of

NEURON = Neuron(1, axis(0), axis(0))


@pytest.mark.parametrize("seed", range(20))
def test_the_reach_of_synapses_is_that_of_the_worst_input(seed):
    """Of either sign, what a layer hears of itself included."""
    rng = np.random.default_rng(seed)
    weight, value = 2 * rng.integers(-128, 128, (3, 4)) - 30 * (seed % 3), int(rng.integers(1, 4))
    layer = Readout("a", weight)
    worst = max(np.abs(weight @ np.array(x)).max() for x in product(range(value + 1), repeat=4))
    assert layer.largest_sum(value) == worst
    for own in (rng.integers(-9, 9, (3, 3)), rng.integers(-9, 9, 3)):
        heard = own if own.ndim == 2 else np.diag(own)
        sums = (
            weight @ np.array(x) + heard @ np.array(s)
            for x, s in product(product((0, value), repeat=4), product((0, 1), repeat=3))
        )
        found = Spiking("a", weight, NEURON, recurrent_weight=own).largest_sum(value)
        assert found == max(np.abs(total).max() for total in sums)


def test_the_reach_of_convolutions_and_affine_inputs():
    rng = np.random.default_rng(0)
    layer = Conv(name="a", weight=rng.integers(-9, 9, (4, 1, 2, 2)), neuron=NEURON, input_shape=(2, 4, 4), groups=2)
    matrix = dense_of(layer)
    worst = max(np.maximum(matrix, 0).sum(1).max(), -np.minimum(matrix, 0).sum(1).min())
    assert layer.largest_sum(255) == 255 * worst
    assert Encoder("a", np.array([[-4]]), NEURON, features=(3,), offset=-6).largest_sum(255) == 1026


@pytest.mark.parametrize("rate", [0, 1, 100, 4095, 4096])
def test_where_one_wrap_of_the_current_suffices(rate):
    """The largest u, decayed, and the largest sum stay below 3·2²³; a little more does not."""
    kept = int(decay(np.array(STATE_MAX + 1), rate))
    most = (3 * (STATE_MAX + 1) - kept - 1) >> 6
    for reach, suffices in ((most // 2 * 2, True), (most // 2 * 2 + 2, False)):
        weight = np.full((1, reach // 2), 2)
        assert bounds.wraps_once(Spiking("a", weight, Neuron(1, axis(rate), axis(0))), 1) == suffices
