"""Steps of rest after a spike: a plain loop, Lava's `LIFRefractory`, files, netx, and a core's memories."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.deploy.job import Job
from basalt.deploy.network import state_bits
from basalt.lava_procs.metering import COLUMN
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories
from basalt.near_memory.schedule import step_cost
from basalt.near_memory.sizes import sizes_of
from basalt.near_memory.walk import Events
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.simulate import States, simulate
from basalt.records.synapses import Spiking
from tests.conformance.direct import run_direct

EYE = 200 * np.eye(3, dtype=np.int64)


def resting(refractory, reset="hard", threshold=50, decays=(4096, 400), bias=None):
    """Three neurons, an input each."""
    neuron = Neuron(threshold, axis(decays[0]), axis(decays[1]), reset, refractory=refractory)
    return Spiking("a", EYE, neuron, bias=bias)


def plain_loop(spikes, refractory, reset, threshold, decays, bias):
    """Spikes of one neuron, its membrane and how often it saturated, in Python's integers, which know when it wakes."""

    def kept(x, rate):
        return (abs(x) * (4096 - rate) // 4096) * (1 if x >= 0 else -1)

    u = v = saturated = 0
    awake_from, sent = 0, []
    for t in range(len(spikes)):
        u = kept(u, decays[0]) + 64 * 200 * (spikes[t - 1] if t else 0)
        if t < awake_from:
            sent.append(0)
            continue
        wide = kept(v, decays[1]) + u + 64 * bias
        v = max(1 - 2**23, min(2**23 - 1, wide))
        saturated += v != wide
        sent.append(int(v > 64 * threshold))
        if sent[-1]:
            awake_from = t + 1 + refractory
            v = {"hard": 0, "soft": v - 64 * threshold, "none": v}[reset]
    return sent, v, saturated


@settings(max_examples=8)
@given(
    refractory=st.integers(0, 6) | st.just(63),
    reset=st.sampled_from(RESETS),
    threshold=st.integers(0, 600),
    decays=st.tuples(st.integers(1000, 4096), st.integers(0, 4096)),
    bias=st.integers(-50, 4000),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_implementation_equals_a_plain_loop(refractory, reset, threshold, decays, bias, seed):
    """Spikes at every step, membranes after the last, and saturations, of which there are none in a step of rest."""
    spikes = np.random.default_rng(seed).integers(0, 4, (2, 3, 70)).astype(np.uint8)
    network = Network((resting(refractory, reset, threshold, decays, np.full(3, bias)),))
    loops = [
        [plain_loop(spikes[b, n].tolist(), refractory, reset, threshold, decays, bias) for n in range(3)]
        for b in range(2)
    ]
    wanted = [[sent for sent, *_ in row] for row in loops]
    membranes = [[v for _, v, _ in row] for row in loops]
    states: dict[str, States] = {}
    assert simulate(network, spikes, states)["a"].tolist() == wanted
    assert states["a"].v[:, :, -1].tolist() == membranes
    for backend in ("fixed", "compiled", "near-memory"):
        held: dict = {}
        found = run_direct(Job(network, spikes, backend, 2, block=7), held)
        assert found.sent["a"].tolist() == wanted
        assert held["a"]["v"].tolist() == membranes
        saturations = found.counts["a.spiking"][:, COLUMN["saturations"]]
        assert saturations.tolist() == [sum(saturated for *_, saturated in row) for row in loops]


@given(
    period=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
    rates=st.tuples(st.integers(0, 4096), st.integers(0, 4096)),
)
def test_real_numbers_equal_lavas_refractory_neuron(period, seed, rates):
    """Its own model, called without a runtime: u runs on while v rests."""
    from lava.proc.lif.models import PyLifRefractoryModelFloat

    model = PyLifRefractoryModelFloat({"refractory_period": period})
    model.u, model.v, model.refractory_period_end = np.zeros(4), np.zeros(4), np.zeros(4, int)
    model.du, model.dv, model.vth, model.bias_mant = rates[0] / 4096, rates[1] / 4096, 64 * 90, np.zeros(4)
    neuron = Neuron(90, axis(rates[0]), axis(rates[1]), refractory=period)
    state = np.zeros((3, 1, 4))
    for step, arrived in enumerate(np.random.default_rng(seed).integers(-60, 100, (40, 1, 4)), 1):
        model.time_step = step
        model.subthr_dynamics(64.0 * arrived[0])
        fired = model.spiking_activation()
        model.process_spikes(fired)
        done = neuron.real_step(arrived, 0, state)
        state = done.state
        assert np.array_equal(done.spikes[0], fired)
        assert np.array_equal(state[0, 0], model.u) and np.array_equal(state[1, 0], model.v)


@pytest.mark.parametrize(("refractory", "version"), [(0, 1), (1, 5), (63, 5)])
def test_a_file_holds_it_where_there_is_any(tmp_path, refractory, version):
    netx.write(tmp_path / "a.net", Network((resting(refractory),)))
    with h5py.File(tmp_path / "a.net") as file:
        group = file["layer/0/neuron"]
        assert (group["refractory"][()] if "refractory" in group else 0) == refractory
        assert group["refDelay"][()] == 1
        assert file.attrs["version"] == version
    (read,) = netx.read(tmp_path / "a.net").layers
    assert read.neuron.refractory == refractory
    reason = why_not_stock(read)
    assert reason is None if version == 1 else f"refractory steps ({refractory})" in reason


@pytest.mark.parametrize("fused", [True, False])
def test_a_core_counts_the_steps_of_rest(fused):
    """Six bits per neuron, read and written with the membranes; no step gets longer. One more state, of six bits."""
    core = replace(Core(), operator_fusion=fused)
    none, some = sizes_of(resting(0)), sizes_of(resting(3))
    assert "rest" not in memories(core, none)
    row, membrane = (memories(core, some)[name] for name in ("rest", "membrane"))
    assert (row.words, row.bits, row.ports) == (1, 4 * 6, membrane.ports)
    before, after = (step_cost(core, sizes, Events(2)) for sizes in (none, some))
    for which in ("reads", "writes"):
        assert (
            after.accesses[f"rest_{which}"].item() == after.accesses[f"membrane_{which}"].item() == (1 if fused else 4)
        )
    assert before.cycles.item() == after.cycles.item()
    assert state_bits(resting(3)) - state_bits(resting(0)) == 3 * 6
    reads = [layer.neuron.counts(*np.zeros((4, 1), int), 3)["state_reads"] for layer in (resting(0), resting(3))]
    assert reads == [6, 9]
