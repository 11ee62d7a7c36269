"""Each design rule, broken once."""

from dataclasses import replace

import numpy as np
import pytest

from convert import rules
from convert.records import Conv, Encoder, Network, Neuron, Readout, SlowMemory, Spiking, axis

MEMORY = SlowMemory(
    drive_weight=np.zeros(3, dtype=np.int64),
    drive_bias=0,
    drive_shift=2,
    transition=np.diag([100, -100]),
    drive_input=np.array([1, 2]),
    coefficient_shift=7,
    memory_weight=np.zeros((4, 2), dtype=np.int64),
    drive_memory_weight=np.zeros(4, dtype=np.int64),
    memory_shift=3,
)
LAYER = Spiking("hidden", np.zeros((4, 3), dtype=np.int64), Neuron(64, axis(0), axis(4096)), memory=MEMORY)

CONV = Conv(
    name="hidden",
    weight=np.zeros((4, 1, 3, 3), dtype=np.int64),
    neuron=Neuron(64, axis(0), axis(4096)),
    input_shape=(2, 5, 5),
    groups=2,
)
ENCODER = Encoder(
    name="hidden", weight=np.array([[2]]), neuron=Neuron(64, axis(0), axis(4096)), features=(2, 5, 5), fraction=6
)


def neuron(**changes):
    return replace(LAYER, neuron=replace(LAYER.neuron, **changes))


def memory(**changes):
    return replace(LAYER, memory=replace(MEMORY, **changes))


BROKEN = {
    "weight_range": replace(LAYER, weight=np.full((4, 3), 255)),
    "decay_range": neuron(voltage_decay=axis(4097)),
    "threshold_range": neuron(threshold=1 << 17),
    "bias_range": replace(LAYER, bias=np.array([0, 0, 0, 5000])),
    "delay_range": replace(LAYER, delay=np.array([0, 0, 0, 63])),
    "state_headroom": replace(LAYER, recurrent_weight=np.full((4, 4), 254) * 1000),
    "memory_width": memory(memory_weight=np.full((4, 2), 128)),
    "memory_contracts": memory(transition=np.diag([128, 0])),
    "start_range": replace(LAYER, start=-1),
    "encoder_range": replace(ENCODER, fraction=7),
    "geometry": replace(CONV, groups=3),
    "shapes": memory(drive_weight=np.zeros(5, dtype=np.int64)),
}


@pytest.mark.parametrize("layer", [LAYER, CONV, ENCODER])
def test_a_sound_layer_breaks_none(layer):
    assert rules.check(Network((layer,))) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"stride": (0, 1)}, "geometry"),
        ({"dilation": (1, 0)}, "geometry"),
        ({"padding": (-1, 0)}, "geometry"),
        ({"extra": (0, -1)}, "geometry"),
        ({"groups": 1}, "geometry"),
        ({"groups": 0}, "geometry"),
        ({"dilation": (3, 1)}, "shapes"),
        ({"bias": np.zeros(4, dtype=np.int64)}, "shapes"),
        ({"recurrent_weight": np.zeros((36, 36), dtype=np.int64)}, "geometry"),
        ({"memory": MEMORY}, "geometry"),
    ],
)
def test_convolutions_that_cannot_be(changes, rule):
    assert rule in [violation.rule for violation in rules.check(Network((replace(CONV, **changes),)))]


def test_the_name_of_the_source_is_taken():
    assert [v.rule for v in rules.check(Network((replace(LAYER, name="input"),)))] == ["unique_names"]


def test_every_rule_has_a_case():
    assert set(BROKEN) == set(rules.RULES)


@pytest.mark.parametrize("name", list(BROKEN))
def test_broken_rule_is_named(name):
    """Rule, layer, value and limit stand in the violation."""
    found = [violation for violation in rules.check(Network((BROKEN[name],))) if violation.rule == name]
    assert found
    assert f"layer 'hidden' breaks the rule {name}" in str(found[0])
    assert "the limit is" in str(found[0])


def test_layers_must_fit_together():
    readout = Readout("readout", np.zeros((10, 5), dtype=np.int64))
    assert [v.rule for v in rules.check(Network((LAYER, readout)))] == ["chain"]


def test_readout_must_be_last():
    first = Readout("readout", np.zeros((3, 3), dtype=np.int64))
    assert [v.rule for v in rules.check(Network((first, LAYER)))] == ["readout_last"]


def test_names_are_unique():
    second = replace(LAYER, weight=np.zeros((4, 4), dtype=np.int64), memory=None)
    assert [v.rule for v in rules.check(Network((LAYER, second)))] == ["unique_names"]
