"""A closed loop sends, counts and keeps what a run of the same samples does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basalt
from basalt.kernels.bits import planes_of
from tests.conformance.strategies import cases, make_case

BACKENDS = ("compiled", "fixed", "near-memory", "float")


@given(cases(), st.sampled_from(BACKENDS), st.booleans())
@settings(max_examples=40, deadline=None)
def test_steps_are_those_of_a_run(case, backend, again):
    net, spikes = basalt.Model(case.network), case.spikes
    batch, _, steps = spikes.shape
    expected = net.run(spikes, backend=backend, batch=batch, runtime="direct", states=True)
    names = [layer.name for layer in net.layers]
    with net.start(batch, backend=backend, value_bits=planes_of(spikes), record=names) as live:
        if again:  # what came before a reset leaves nothing behind
            for _ in range(3):
                live.step(np.ones_like(spikes[:, :, 0]))
            live.reset()
        sent = []
        for step in range(steps):
            out = live.step(spikes[:, :, step])
            assert np.array_equal(out, live.sent[names[-1]])
            sent.append({name: one.copy() for name, one in live.sent.items()})
        for name in names:
            assert np.array_equal(np.stack([one[name] for one in sent], axis=-1), expected.spikes[name])
        for layer, held in expected.states.items():
            for name, values in held.items():
                assert np.array_equal(live.states[layer][name], values)
        counted = {(one["name"], one["part"]): one["counters"] for one in live.counts()["processes"]}
        for process in expected.counts["processes"]:
            assert counted[process["name"], process["part"]] == process["counters"]


def test_one_sample_needs_no_axis_for_it():
    found = make_case(2)
    net = basalt.Model(found.network)
    with net.start() as live:
        assert live.step(found.spikes[0, :, 0]).shape == (net.layers[-1].neurons,)
        assert live.step(found.spikes[:1, :, 0].astype(bool)).shape == (1, net.layers[-1].neurons)
        assert live.t == 2 and "after 2 steps" in repr(live)
        with pytest.raises(basalt.BasaltError, match="takes 1 ×"):
            live.step(np.zeros(net.network.inputs + 1))
        with pytest.raises(basalt.BasaltError, match="value_bits=3"):
            live.step(np.full(net.network.inputs, 5))


def test_a_loop_that_was_closed():
    net = basalt.Model(make_case(2).network)
    with net.start() as live:
        pass
    for call in (live.reset, live.counts, live.price, lambda: live.step(np.zeros(net.network.inputs, np.uint8))):
        with pytest.raises(basalt.BasaltError, match="was closed"):
            call()


def test_backends_and_layers_that_are_not_there():
    net = basalt.Model(make_case(2).network)
    with pytest.raises(basalt.BasaltError, match="whole samples alone"):
        net.start(backend="netx")
    with pytest.raises(basalt.BasaltError, match="no layer 'hiden'"):
        net.start(record=["hiden"])
