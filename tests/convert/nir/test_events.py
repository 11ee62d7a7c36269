"""Events reach what the operators say; the account is the same in any parts; scales and fits keep what they promise."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from basalt.convert.nir import run
from basalt.convert.nir.account import EQUATIONS, FITTED, MAPPED, networks, take_account
from basalt.convert.nir.data import read_samples
from basalt.convert.nir.events import gather_frames
from basalt.convert.nir.fit import agreement, fit, outputs
from basalt.convert.nir.mapped import UNITY, frames_of
from basalt.convert.nir.meant import ready_stage
from basalt.convert.nir.operators import Kernel, correlate
from basalt.convert.nir.rows import dense_rows, diagonal_rows, kernel_rows
from basalt.convert.nir.scales import METHODS, quantise
from basalt.errors import BasaltError
from basalt.records.fields import WEIGHT_MAX, WEIGHT_MIN
from tests.convert.nir.drawn import ends, network, write_nir
from tests.convert.nir.test_import import drawn_spikes, mapped


def reached(rows, frames):
    out = np.empty((len(frames), len(rows.place)))
    gather_frames(frames, *rows, out)
    return out


@pytest.mark.parametrize("seed", range(12))
def test_events_of_a_convolution_reach_what_it_correlates(seed):
    rng = np.random.default_rng(seed)
    groups, shape = int(rng.integers(1, 4)), (int(rng.integers(5, 9)), int(rng.integers(5, 9)))
    weight = rng.normal(0, 1, (2 * groups, 3, *rng.integers(1, 4, 2)))
    pairs = (tuple(int(one) for one in rng.integers(low, 3, 2)) for low in (1, 0, 1))
    kernel = Kernel(weight, *pairs, groups)
    images = rng.integers(0, 3, (4, 3 * groups, *shape)) * (rng.random((4, 3 * groups, *shape)) < 0.4)
    found = reached(kernel_rows(kernel, (3 * groups, *shape)), images.reshape(4, -1).astype(np.float64))
    assert np.allclose(found, correlate(images.astype(np.float64), kernel).reshape(4, -1), rtol=0, atol=1e-12)


def test_events_of_a_matrix_and_of_factors_reach_what_they_multiply():
    rng = np.random.default_rng(0)
    weight, frames = rng.integers(-9, 9, (5, 7)).astype(np.float64), drawn_spikes(rng, 7)[0].T.copy()
    assert np.array_equal(reached(dense_rows(weight), frames), frames @ weight.T)
    assert np.array_equal(reached(diagonal_rows(weight[0]), frames), frames * weight[0])


def imported(tmp_path, seed=13, kinds=("LIF", "IF"), reset="soft", recurrent=True):
    rng = np.random.default_rng(seed)
    nodes, edges = network(rng, kinds, recurrent)
    path = write_nir(tmp_path / "d.nir", nodes, edges)
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset=reset)
    assert not refused
    return stages, meaning, layers, drawn_spikes(rng, int(nodes["input"]["shape"][0]), samples=20)


def say(said, done, total):
    said.append((done, total))


def test_the_account_is_the_same_in_any_parts(tmp_path, monkeypatch):
    stages, meaning, layers, spikes = imported(tmp_path)
    labels = np.arange(20) % layers[-1].neurons
    found = []
    for size in (20, 3):
        monkeypatch.setattr(run, "AT_ONCE", size)
        done = [(0, 0)]
        integers = quantise(layers, "max", None)
        account = take_account(stages, meaning, layers, integers, integers, spikes, labels, 7, partial(say, done))
        assert done[-1] == (-(-20 // size),) * 2
        found.append(account)
    assert found[0].steps == found[1].steps and found[0].divergence == found[1].divergence is not None
    for name, sent in found[0].trace.items():
        assert len(sent) == 7 and np.array_equal(sent, found[1].trace[name])


def test_the_account_tells_fitted_layers_from_those_of_the_file(tmp_path):
    stages, meaning, layers, _ = imported(tmp_path)
    rows, chains = networks(stages, meaning, layers, quantise(layers, "max", None))
    assert [name for name, *_ in rows[:3]] == ["float, as its trainer means it", MAPPED, "decays"]
    other = (replace(layers[0], weight=layers[0].weight / 2), *layers[1:])
    rows, chains = networks(stages, meaning, layers, quantise(other, "max", None))
    assert rows[2][0] == FITTED and chains[rows[2][2]] is not chains[EQUATIONS]


def test_each_neuron_has_the_scale_that_its_largest_weight_leaves(tmp_path):
    _, _, layers, _ = imported(tmp_path)
    for layer, one, all_ in zip(layers, quantise(layers, "max", None), quantise(layers, "max", None, shared=True)):
        assert one.scale.size == layer.neurons and all_.scale.size == 1 == np.unique(all_.threshold).size
        assert np.all(one.scale >= all_.scale)
        both = np.concatenate([one.weight, one.recurrent.reshape(layer.neurons, -1)], axis=1)
        near = np.maximum(both.max(axis=1) / WEIGHT_MAX, both.min(axis=1) / WEIGHT_MIN)
        assert np.all((near > 0.9) & (near <= 1))


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_the_search_is_no_worse_than_the_largest_weight(shared, recurrent, tmp_path):
    _, _, layers, spikes = imported(tmp_path, 17, ("CubaLIF",), recurrent=recurrent)
    frames = frames_of(spikes)
    meant = layers[0].ready().run(frames)
    wrong = {
        name: int(np.sum(quantise(layers, name, frames, shared)[0].integers.ready().run(frames) != meant))
        for name in METHODS
    }
    assert wrong["search"] <= wrong["max"]


def test_a_fit_agrees_better_and_leaks_on_the_grid(tmp_path):
    """Sinabs's neurons, whose several spikes and floor one spike a step stands for."""
    rng = np.random.default_rng(5)
    first, final = ends((12,), 4)
    fires = {"type": "IF", "r": np.ones(1), "v_threshold": np.ones(1)}
    nodes = {"input": first, "a": {"type": "Linear", "weight": rng.normal(0, 1, (16, 12))}, "n": fires,
             "b": {"type": "Linear", "weight": rng.normal(0, 1, (4, 16))}, "m": fires, "output": final}  # fmt: skip
    path = write_nir(tmp_path / "s.nir", nodes)
    stages, meaning, layers, _ = mapped(path, writer="sinabs", reset="sinabs", nearest=True)
    frames = frames_of(drawn_spikes(rng, 12, samples=16))
    done = [(0, 0)]
    fitted = fit(stages, meaning, layers, frames, partial(say, done))
    wanted = outputs(tuple(ready_stage(stage, meaning) for stage in stages), frames)
    before, after = (
        agreement(outputs(tuple(layer.ready() for layer in some), frames), wanted) for some in (layers, fitted)
    )
    assert after > before + 0.01 and done[-1][0] == done[-1][1] == done[-2][0] + 1
    leaks = [UNITY * (1 - layer.beta) for layer in fitted]
    assert all(np.allclose(leak, np.rint(leak)) and np.all(leak >= 0) for leak in leaks)


def test_agreement_counts_outputs_that_are_all_the_same_as_nothing():
    wanted = np.array([[1.0, 2.0], [3.0, 1.0]])
    assert agreement(wanted, 7 * wanted) == pytest.approx(1.3)
    assert agreement(np.ones((2, 2)), wanted) == 0
    assert agreement(wanted[:, ::-1], wanted) == pytest.approx(-1 - 2**0.5)
    assert agreement(wanted[:, :1], wanted[:, :1]) == 0


@pytest.mark.parametrize("wrong", [-1.0, 0.5, 256.0, np.nan])
def test_inputs_are_whole_numbers(wrong, tmp_path):
    spikes = np.ones((2, 3, 4))
    np.savez(tmp_path / "a.npz", spikes=spikes)
    assert read_samples(tmp_path / "a.npz", (3,), 2, 9).spikes.dtype == np.uint8
    spikes[1, 2, 3] = wrong
    np.savez(tmp_path / "b.npz", spikes=spikes)
    with pytest.raises(BasaltError, match="whole numbers"):
        read_samples(tmp_path / "b.npz", (3,), 2, 9)
