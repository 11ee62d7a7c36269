"""Limits of fields: one step beyond is refused, and what is within comes back from files and is exact on backends."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx, rules
from basalt.deploy.job import Job
from basalt.records.fields import parameters
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Encoder, Spiking
from tests.conformance.direct import run_direct
from tests.conformance.records import KINDS, pathway, pathways
from tests.shapes import unchecked

NEURON = Neuron(64, axis(100), axis(200))
DENSE = Spiking("a", np.ones((3, 3), dtype=np.int64), NEURON)
FULL = replace(DENSE, recurrent_weight=np.eye(3, dtype=np.int64), bias=np.zeros(3, int), delay=np.zeros(3, int))
CONV = Conv(name="a", weight=np.ones((2, 1, 1, 1), dtype=np.int64), neuron=NEURON, input_shape=(1, 2, 2))
READOUT = Readout("a", np.ones((2, 3), dtype=np.int64), 5, 5)
ENCODER = Encoder("a", np.array([[2]]), NEURON, features=(3,))


def remembering(memory):
    return replace(DENSE, memory=memory)


def changed(layer, part, **changes):
    """The layer with a part of it changed; "" for the layer itself."""
    inner = layer if not part else getattr(layer, part)
    inner = replace(inner, **changes)
    return inner if not part else replace(layer, **{part: inner})


LAYERS = {
    "dense": (FULL, ""),
    "neuron": (replace(DENSE, neuron=replace(NEURON, reset="soft", reset_amount=32)), "neuron"),
    "conv": (CONV, ""),
    "encoder": (ENCODER, ""),
    "readout": (READOUT, ""),
    **{
        variant or record.kind: (remembering(pathway(np.random.default_rng(3), record, 3, 3, variant)), "memory")
        for record, variant in KINDS
    },
}
"""Name → a layer, and which part of it has the fields."""

FIELDS = [
    (name, item)
    for name, (layer, part) in LAYERS.items()
    for item in parameters(type(getattr(layer, part) if part else layer))
    if getattr(getattr(layer, part) if part else layer, item.name) is not None
]
NUMBERS = [(name, item) for name, item in FIELDS if item.rule and not item.limits.choices]


def named(entry):
    return entry if isinstance(entry, str) else entry.name


@pytest.mark.parametrize(("name", "item"), NUMBERS, ids=named)
@pytest.mark.parametrize("end", ["low", "high"])
def test_a_number_one_beyond_an_end_is_refused_by_name(name, item, end):
    """And at the end it does not break the limits of its field."""
    layer, part = LAYERS[name]
    limit = getattr(item.limits, end)
    now = getattr(getattr(layer, part) if part else layer, item.name)

    def broken(value):
        with unchecked():
            filled = np.full_like(now, value) if isinstance(now, np.ndarray) else value
            filled = tuple(value for _ in now) if isinstance(now, tuple) else filled
            found = rules.RULES[item.rule](changed(layer, part, **{item.name: filled}))
            return [entry for entry in found if entry[0] == item.name]

    beyond = limit + (1 if end == "high" else -1)
    assert broken(beyond)[0] == (item.name, beyond, f"{item.limits.low} … {item.limits.high}")
    if "±1" not in item.limits.about:
        assert broken(limit) == []


ARRAYS = [(name, item) for name, item in FIELDS if item.shapes and item.name != "weight"]
"""The weight says how large its layer is."""


@pytest.mark.parametrize(("name", "item"), ARRAYS, ids=named)
def test_an_array_of_another_size_is_refused_by_name(name, item):
    layer, part = LAYERS[name]
    now = getattr(getattr(layer, part) if part else layer, item.name)
    shape = np.shape(now) or (1,)
    wider = np.zeros((*shape[:-1], shape[-1] + 1), dtype=np.int64)
    with unchecked():
        found = [what for what, *_ in rules.shapes(changed(layer, part, **{item.name: wider}))]
    assert any(what.endswith(item.name) for what in found)


@pytest.mark.parametrize(("record", "variant"), KINDS)
def test_what_a_variant_does_not_have_is_refused(record, variant):
    memory = pathway(np.random.default_rng(3), record, 3, 3, variant)
    foreign = [item.name for item in parameters(record) if item.limits.only not in ("", variant)]
    for name in foreign:
        found = list(rules.shapes(remembering(replace(memory, **{name: np.zeros((3, 3), int)}))))
        assert (f"size of memory {name}", 9.0, "none") in found
    for name in [item.name for item in parameters(record) if item.limits.only == variant and variant]:
        assert any(name in what for what, *_ in rules.shapes(remembering(replace(memory, **{name: None}))))


def test_every_parameter_says_what_it_is():
    for record in (*rules.RECORDS,):
        for item in parameters(record):
            assert item.limits.about
            assert item.limits.choices or item.limits.low < item.limits.high
            assert not item.rule or item.rule in rules.RULES
    for record in PATHWAYS.values():
        assert [item.name for item in parameters(record)] == [item.name for item in fields(record)]


@settings(max_examples=60)
@given(memory=pathways(3, 3))
def test_memories_from_all_over_their_limits_come_back_from_a_file(memory, tmp_path_factory):
    file = tmp_path_factory.mktemp("a") / "a.net"
    network = Network((remembering(memory),))
    netx.write(file, network)
    found = netx.read(file).layers[0].memory
    assert type(found) is type(memory)
    for item in fields(memory):
        wanted, read = getattr(memory, item.name), getattr(found, item.name)
        assert type(wanted) is type(read)
        assert np.array_equal(wanted, read) if isinstance(wanted, np.ndarray) else wanted == read


@settings(max_examples=25)
@given(memory=pathways(4, 4), seed=st.integers(0, 2**32 - 1), backend=st.sampled_from(["compiled", "near-memory"]))
def test_memories_from_all_over_their_limits_are_exact(memory, seed, backend):
    """At every step, by the kernels, as the record says."""
    rng = np.random.default_rng(seed)
    layer = Spiking("a", 2 * rng.integers(-60, 60, (4, 4)), NEURON, memory=memory)
    spikes = (rng.random((3, 4, 20)) < 0.4).astype(np.uint8)
    network = Network((layer,))
    states = {}
    wanted = simulate(network, spikes, states)
    held = {}
    found = run_direct(Job(network, spikes, backend, 3, block=5), held)
    assert np.array_equal(found.sent["a"], wanted["a"])
    assert np.array_equal(held["a"]["m"], states["a"].m[:, :, -1])
