"""Each design rule, broken once."""

from dataclasses import replace

import numpy as np
import pytest

from basalt.convert import rules
from basalt.records.adaptive import Adaptive
from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaOutput
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Conv, Encoder, Spiking

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


NONE = np.zeros(4, dtype=np.int64)
HGRN = Hgrn("published", *([np.zeros((4, 3), dtype=np.int64)] * 3), *([NONE] * 3), NONE, NONE, output_shift=4)
GATED = replace(HGRN, variant="gated", **dict.fromkeys(("forget_recurrent", "update_recurrent"), np.diag(NONE)))
MODERN = Hopfield("modern", np.ones((2, 3), dtype=np.int64), np.ones((2, 4), dtype=np.int64), trace_decay=100)
CLASSICAL = Hopfield("classical", np.ones((2, 3), dtype=np.int64), None, trace_decay=100, gain=3)
SQUARE = replace(LAYER, weight=np.zeros((3, 3), dtype=np.int64), memory=CLASSICAL)
ALIF = Adaptive(5, axis(0), axis(0), reset="soft")


def hgrn(**changes):
    return replace(LAYER, memory=replace(HGRN, **changes))


def modern(**changes):
    return replace(LAYER, memory=replace(MODERN, **changes))


def neuron(**changes):
    return replace(LAYER, neuron=replace(LAYER.neuron, **changes))


def memory(**changes):
    return replace(LAYER, memory=replace(MEMORY, **changes))


BROKEN = {
    "integers": replace(LAYER, weight=np.full((4, 3), 0.5)),
    "weight_range": replace(LAYER, weight=np.full((4, 3), 255)),
    "decay_range": neuron(voltage_decay=axis(4097)),
    "threshold_range": neuron(threshold=1 << 17),
    "reset_known": neuron(reset="firm"),
    "refractory_range": neuron(refractory=64),
    "reset_amount": neuron(reset="soft", reset_amount=1 << 17),
    "bias_range": replace(LAYER, bias=np.array([0, 0, 0, 5000])),
    "delay_range": replace(LAYER, delay=np.array([0, 0, 0, 63])),
    "state_headroom": replace(LAYER, recurrent_weight=np.full((4, 4), 254) * 1000),
    "memory_width": memory(memory_weight=np.full((4, 2), 128)),
    "memory_variant": hgrn(variant="open"),
    "hgrn_width": hgrn(low=np.full(4, 4097)),
    "hopfield_width": modern(iterations=0),
    "memory_contracts": memory(transition=np.diag([128, 0])),
    "start_range": replace(LAYER, start=-1),
    "encoder_range": replace(ENCODER, fraction=7),
    "geometry": replace(CONV, groups=3),
    "shapes": memory(drive_weight=np.zeros(5, dtype=np.int64)),
    "sum_width": SigmaOutput("hidden", np.full((1, 1 << 20), 254)),
}


@pytest.mark.parametrize(
    "layer",
    [LAYER, CONV, ENCODER, hgrn(), replace(LAYER, memory=GATED), modern(), SQUARE],
    ids=lambda layer: layer.kind,
)
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


@pytest.mark.parametrize(
    ("layer", "rule", "says"),
    [
        (hgrn(candidate_weight=np.full((4, 3), -258)), "weight_range", "candidate_weight is -258"),
        (replace(LAYER, memory=replace(GATED, update_recurrent=np.full((4, 4), 256))), "weight_range", "update_rec"),
        (hgrn(gate_bias=np.full(4, 5000)), "bias_range", "gate_bias is 5000, the limit is -4096 … 4095"),
        (hgrn(gain=np.full(4, 128)), "hgrn_width", "gain is 128, the limit is -128 … 127"),
        (hgrn(gain=np.full(4, 127), output_shift=3), "hgrn_width", "the current of a full gain"),
        (hgrn(output_shift=-1), "hgrn_width", "output_shift is -1"),
        (hgrn(index_shift=8), "hgrn_width", "index_shift is 8, the limit is 0 … 7"),
        (hgrn(low=np.zeros(3, dtype=np.int64)), "shapes", "size of memory low is 3"),
        (hgrn(forget_recurrent=np.zeros((4, 4))), "shapes", "forget_recurrent is 16, the limit is none"),
        (hgrn(variant="gated"), "shapes", "update_recurrent is 0"),
        (neuron(reset="firm"), "reset_known", "the reset of the neurons is 'firm', the limit is one of hard, soft"),
        (replace(LAYER, neuron=replace(ALIF, reset="none", refractory=2)), "refractory_range", "is 2, the limit is 0"),
        (neuron(reset_amount=3), "reset_amount", "a reset amount of 3 is 'hard', the limit is 'soft'"),
        (replace(LAYER, neuron=ALIF), "reset_known", "the reset of the neurons is 'soft', the limit is one of none"),
        (hgrn(variant="open"), "memory_variant", "is 'open', the limit is one of published, gated"),
        (memory(coefficient_shift=1 << 40), "memory_width", f"coefficient_shift is {1 << 40}, the limit is 0 … 30"),
        (modern(trace_decay=4097), "decay_range", "trace_decay is 4097"),
        (modern(keys=np.full((2, 3), 128)), "hopfield_width", "keys is 128, the limit is -128 … 127"),
        (modern(values=np.full((2, 4), -129)), "hopfield_width", "values is -129"),
        (modern(similarity_shift=41), "hopfield_width", "similarity_shift is 41, the limit is 0 … 40"),
        (modern(recall_shift=31), "hopfield_width", "recall_shift is 31"),
        (modern(update_interval=0), "hopfield_width", "update_interval is 0"),
        (modern(values=np.ones((3, 4))), "shapes", "size of memory values is 12"),
        (modern(values=None), "shapes", "size of memory values is 0"),
        (modern(keys=np.ones((0, 3)), values=np.ones((0, 4))), "hopfield_width", "number of patterns is 0"),
        (
            replace(SQUARE, memory=replace(CLASSICAL, keys=np.zeros((2, 3), dtype=np.int64))),
            "hopfield_width",
            "limit is −1 or 1",
        ),
        (replace(SQUARE, memory=replace(CLASSICAL, keys=np.full((2, 3), 2))), "hopfield_width", "keys is 2"),
        (replace(SQUARE, memory=replace(CLASSICAL, gain=1 << 17)), "hopfield_width", "gain is 131072"),
        (replace(LAYER, memory=CLASSICAL), "shapes", "size of memory keys is 6, the limit is (2, 4)"),
    ],
)
def test_neurons_and_memories_that_cannot_be(layer, rule, says):
    found = [violation for violation in rules.check(Network((layer,))) if violation.rule == rule]
    assert any(says in str(violation) for violation in found), found


WIDE = np.full((1, 40_000), 254)
"""Sums of 32 bits for an input of 255 everywhere, and of 24 for one spike each."""


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (replace(LAYER, weight=WIDE, memory=None), "what a step brings to a neuron is 2590800000"),
        (replace(LAYER, weight=-WIDE, memory=None), "what a step brings to a neuron is 2590800000"),
        (Readout("hidden", WIDE), "what a step brings to a neuron is 2590800000, the limit is 0 … 2147483647"),
        (replace(SQUARE, weight=WIDE * 0, memory=replace(MEMORY, drive_weight=WIDE[0], memory_weight=np.ones((1, 2)),
         drive_memory_weight=np.ones(1))), "the drive of its slow memory is 2590800000"),
    ],
)  # fmt: skip
def test_sums_of_a_step_fit_32_bits(layer, says):
    """An input may be graded; what a layer sends is 0 or 1, of which as many fit."""
    found = rules.check(Network((layer,)))
    assert [violation.rule for violation in found] == ["sum_width"] and says in str(found[0])
    before = Spiking("before", np.zeros((40_000, 1)), LAYER.neuron)
    assert rules.check(Network((before, layer))) == []


@pytest.mark.parametrize("bias", [2**23, -(2**23), 2**40])
def test_the_drive_of_a_slow_memory_has_a_bias_of_24_bits(bias):
    (found,) = rules.check(Network((memory(drive_bias=bias),)))
    assert f"memory_width: drive_bias is {bias}, the limit is -8388607 … 8388607" in str(found)


def test_records_made_by_hand_hold_whole_numbers_of_64_bits():
    """Narrow ones would wrap when shifted, and only matrices of weights may be; fractions are refused."""
    made = replace(
        LAYER,
        weight=np.full((4, 3), 254, np.int16),
        bias=np.array([1.0, 2, 3, 4], np.float32),
        neuron=Neuron(np.int16(2000), np.array([0], np.uint8), axis(0)),
    )
    assert made.bias.dtype == made.neuron.current_decay.dtype == np.int64 and made.weight.dtype == np.int16
    assert replace(LAYER, weight=np.full((4, 3), 254.0)).weight.dtype == np.int64
    assert made.neuron.threshold << 6 == 128_000 and rules.check(Network((made,))) == []
    (found,) = rules.check(Network((replace(LAYER, neuron=replace(LAYER.neuron, threshold=1.5)),)))
    assert str(found).endswith("rule integers: threshold is 1.5, the limit is a whole number")


def test_the_name_of_the_source_is_taken():
    assert [v.rule for v in rules.check(Network((replace(LAYER, name="input"),)))] == ["unique_names"]


@pytest.mark.parametrize("name", ["../outside", "a.b", "[/bold]", "two words"])
def test_names_are_plain(name):
    """They are those of files in a session's folder."""
    assert [v.rule for v in rules.check(Network((replace(LAYER, name=name),)))] == ["plain_names"]


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
