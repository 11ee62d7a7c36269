"""What a soft reset subtracts: against a plain loop, in files, rules and netx, and in a core's memories."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx, rules
from basalt.convert.norm import fold
from basalt.convert.stock import why_not_stock
from basalt.deploy.job import Job
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories
from basalt.near_memory.schedule import step_cost
from basalt.near_memory.sizes import sizes_of
from basalt.near_memory.walk import Events
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Spiking
from tests.conformance.direct import run_direct

EYE = 100 * np.eye(3, dtype=np.int64)


def soft(amount, threshold=50, decay=400, reset="soft"):
    """Three neurons, an input each, whose current is gone in a step."""
    return Spiking("a", EYE, Neuron(threshold, axis(4096), axis(decay), reset, amount))


def plain_loop(weight, spikes, threshold, amount, decay):
    """Spikes of one neuron with a current that is gone in a step, in Python's integers."""
    v, sent = 0, [0]
    for arrived in spikes[:-1]:
        kept = abs(v) * (4096 - decay) // 4096
        v = (kept if v >= 0 else -kept) + 64 * weight * arrived
        v = max(-(2**23) + 1, min(2**23 - 1, v))
        sent.append(int(v > 64 * threshold))
        v -= sent[-1] * 64 * amount
    return sent


three = st.lists(st.integers(0, 300) | st.just(131_071), min_size=3, max_size=3)


@settings(max_examples=8)
@given(three, three, st.booleans(), st.integers(0, 4096), st.integers(0, 2**32 - 1))
def test_every_implementation_equals_a_plain_loop(amounts, thresholds, shared, decay, seed):
    spikes = np.random.default_rng(seed).integers(0, 4, (2, 3, 25)).astype(np.uint8)
    if shared:
        amounts, thresholds = amounts[:1] * 3, thresholds[:1] * 3
    amount, threshold = (row[0] if shared else np.array(row) for row in (amounts, thresholds))
    network = Network((soft(amount, threshold, decay),))
    wanted = [
        [plain_loop(100, spikes[b, n].tolist(), thresholds[n], amounts[n], decay) for n in range(3)] for b in range(2)
    ]
    assert simulate(network, spikes)["a"].tolist() == wanted
    for backend in ("fixed", "compiled", "near-memory"):
        assert run_direct(Job(network, spikes, backend, 2, block=7)).sent["a"].tolist() == wanted


@given(st.sampled_from([1024, 2048, 3072]), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_it_is_a_reset_that_comes_a_step_late(decay, level, seed):
    """snnTorch's "subtract": v[t] = β·v[t−1] + I[t] − s[t−1]·θ is a soft reset by θ/β, in exact real numbers."""
    keep, theta = 1 - decay / 4096, 12 * level
    neuron = Neuron(theta, axis(4096), axis(decay), "soft", round(theta / keep))
    inputs = np.random.default_rng(seed).integers(-100, 300, (30, 1, 4))
    state, late, fired = np.zeros((2, 1, 4)), np.zeros((1, 4)), np.zeros((1, 4), bool)
    for arrived in inputs:
        done = neuron.real_step(arrived, 0, state)
        late = keep * late + 64 * arrived - 64 * theta * fired
        fired = late > 64 * theta
        state = done.state
        assert np.array_equal(done.spikes, fired)


@pytest.mark.parametrize(
    ("layer", "kept", "version"),
    [
        (soft(70), 70, 5),
        (soft(np.array([70, 70, 70])), 70, 5),
        (soft(np.array([70, 8, 9])), [70, 8, 9], 5),
        (soft(50), None, 1),
        (soft(np.array([50])), None, 1),
        (soft(None), None, 1),
    ],
)
def test_a_file_holds_it_where_it_is_not_the_threshold(tmp_path, layer, kept, version):
    netx.write(tmp_path / "a.net", Network((layer,)))
    with h5py.File(tmp_path / "a.net") as file:
        group = file["layer/0/neuron"]
        assert (group["resetAmount"][()].tolist() if "resetAmount" in group else None) == kept
        assert file.attrs["version"] == version
    (read,) = netx.read(tmp_path / "a.net").layers
    assert np.array_equal(np.broadcast_to(read.neuron.amount, 3), np.broadcast_to(layer.neuron.amount, 3))
    assert "'soft'" in why_not_stock(read)


def test_a_file_holds_one_per_channel(tmp_path):
    neuron = Neuron(50, axis(4096), axis(0), "soft", np.repeat([3, 9], 4))
    layer = Conv("a", weight=np.full((2, 1, 1, 1), 60), neuron=neuron, input_shape=(1, 2, 2))
    netx.write(tmp_path / "a.net", Network((layer,)))
    with h5py.File(tmp_path / "a.net") as file:
        assert file["layer/1/neuron/resetAmount"][()].tolist() == [3, 9]
    assert np.array_equal(netx.read(tmp_path / "a.net").layers[0].neuron.amount, neuron.amount)


@pytest.mark.parametrize("reset", ["hard", "none"])
def test_only_a_soft_reset_has_one(reset):
    (found,) = rules.check(Network((soft(70, reset=reset),)))
    assert (found.rule, found.value, found.limit) == ("reset_amount", repr(reset), "'soft'")


def test_beyond_its_range_it_is_refused():
    (found,) = rules.check(Network((soft(np.array([1, 1 << 17, 3])),)))
    assert (found.rule, found.what, found.value) == ("reset_amount", "reset_amount", 1 << 17)


@pytest.mark.parametrize("fused", [True, False])
def test_a_core_reads_a_row_a_group_only_where_they_differ(fused):
    """17 bits each, in the pass of the reset; no step gets longer. One amount for all is a constant of the core."""
    core = replace(Core(), operator_fusion=fused)
    each = np.array([5, 6, 7])
    plain, shared, own, all_own = (
        sizes_of(layer) for layer in (soft(None), soft(70), soft(each), soft(each, threshold=np.array([9, 8, 7])))
    )
    assert shared == plain
    row = memories(core, own)["reset_amounts"]
    assert (row.words, row.bits, row.ports) == (1, 4 * 17, 1)
    costs = [step_cost(core, sizes, Events(2)) for sizes in (plain, own, all_own)]
    constants = ("thresholds_reads", "reset_amounts_reads")
    more = [{name: cost.accesses[name].item() for name in constants if name in cost.accesses} for cost in costs]
    assert more == [{}, {"reset_amounts_reads": 1}, {"thresholds_reads": 1, "reset_amounts_reads": 1}]
    assert len({cost.cycles.item() for cost in costs}) == 1


@pytest.mark.parametrize(("exponent", "amount", "kept"), [(1, 70, 140), (-1, 70, 35), (-1, 71, None)])
def test_a_norm_that_goes_into_the_threshold_goes_into_it(exponent, amount, kept):
    """Weights of 254 take no factor of two, and odd ones no half; half of an odd amount is none."""
    layer = replace(soft(amount, decay=0), weight=np.array([[254, 0, 1]] * 3))
    if kept is None:
        with pytest.raises(Exception, match="no integers here do so exactly"):
            fold(layer, exponent, "a")
    else:
        assert fold(layer, exponent, "a").neuron.reset_amount == kept
