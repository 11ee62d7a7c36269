"""Each design rule, broken once."""

from dataclasses import replace

import numpy as np
import pytest

from convert import rules
from convert.records import Network, Neuron, Readout, SlowMemory, Spiking, axis

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
    "shapes": memory(drive_weight=np.zeros(5, dtype=np.int64)),
}


def test_a_sound_layer_breaks_none():
    assert rules.check(Network((LAYER,))) == []


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
