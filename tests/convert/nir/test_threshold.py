"""NIR's Threshold: spikes without a state, beside and between other neurons, with each writer's other resets."""

import numpy as np
import pytest

from basalt.convert.nir.account import lengthened, run_integers
from basalt.convert.nir.asked import understand
from basalt.convert.nir.joined import records
from basalt.convert.nir.mapped import run_layers
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from basalt.convert.nir.scales import quantise
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.convert.nir.drawn import ends, write_nir
from tests.convert.nir.test_import import drawn_spikes, last, mapped

THETA = np.array([0.5, 0.75, 1.0, 1.5])
RESETS = [
    ("nir", "hard"), ("nir", "soft"), ("nir", "none"), ("snntorch", "snntorch-subtract"), ("snntorch", "snntorch-zero"),
    ("sinabs", "several"),
]  # fmt: skip


def nodes_of(rng):
    """Weights in quarters, so that many sums are at a threshold, which is no spike whoever wrote the file."""
    first, final = ends((5,), 4)
    hears = {"type": "Affine", "weight": rng.integers(-1, 4, (4, 5)) / 4, "bias": rng.integers(-1, 2, 4) / 4}
    return {"input": first, "w": hears, "t": {"type": "Threshold", "threshold": THETA}}, final


@pytest.mark.parametrize(("writer", "reset"), RESETS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_it_spikes_above_its_threshold_and_keeps_nothing(recurrent, writer, reset, tmp_path):
    rng = np.random.default_rng(4)
    nodes, final = nodes_of(rng)
    nodes["output"] = final
    edges = list(zip(nodes, list(nodes)[1:], strict=False))
    back = rng.integers(-2, 3, (4, 4)) / 4
    if recurrent:
        nodes["back"] = {"type": "Linear", "weight": back}
        edges += [("t", "back"), ("back", "t")]
    path = write_nir(tmp_path / "t.nir", nodes, edges)
    spikes = drawn_spikes(rng, 5)
    expected, at = np.zeros((6, 4, 60)), 0
    for t in range(60):
        total = spikes[:, :, t] @ nodes["w"]["weight"].T + nodes["w"]["bias"]
        if recurrent and t:
            total = total + expected[:, :, t - 1] @ back.T
        expected[:, :, t] = total > THETA
        at += np.sum(total == THETA)
    assert at > 50 and expected.any()
    stages, meaning, layers, refused = mapped(path, writer=writer, reset=reset, dt="1ms")
    assert not refused
    assert np.array_equal(last(run_meant(stages, meaning, spikes)), expected)
    assert np.array_equal(last(run_layers(layers, spikes)), expected)
    integers = quantise(layers, "max", None)
    found = simulate(Network(records(integers)), lengthened(spikes, 1))
    sent, trace = run_integers(integers, spikes)
    assert np.array_equal(found["t"], trace["t"])
    assert np.mean(sent["t"] != expected) < (0.5 if recurrent else 0.1)  # sums at a threshold, after rounding


@pytest.mark.parametrize(("writer", "reset"), [one for one in RESETS if one[0] != "sinabs"])
def test_it_stands_beside_and_before_neurons(writer, reset, tmp_path):
    """One that is as far from the input as an IF shares its layer, and one after another hears it a step later."""
    rng = np.random.default_rng(5)
    nodes, final = nodes_of(rng)
    fires = {"type": "IF", "r": np.ones(4), "v_threshold": np.full(4, 2.0)}
    nodes |= {"v": {"type": "Linear", "weight": rng.integers(-1, 3, (4, 5)) / 4}, "n": fires}
    nodes |= {"a": {"type": "Linear", "weight": rng.integers(-1, 4, (4, 4)) / 2}}
    nodes |= {"b": {"type": "Linear", "weight": rng.integers(-1, 4, (4, 4)) / 2}, "last": {**nodes["t"]}}
    nodes["output"] = final
    edges = [
        ("input", "w"),
        ("w", "t"),
        ("input", "v"),
        ("v", "n"),
        ("t", "a"),
        ("n", "b"),
        ("a", "last"),
        ("b", "last"),
    ]
    path = write_nir(tmp_path / "t.nir", nodes, [*edges, ("last", "output")])
    spikes = drawn_spikes(rng, 5)
    stages, meaning, layers, refused = mapped(path, writer=writer, reset=reset, dt="1ms")
    assert not refused
    meant = run_meant(stages, meaning, spikes)
    total = (
        meant["t"].transpose(0, 2, 1) @ nodes["a"]["weight"].T + meant["n"].transpose(0, 2, 1) @ nodes["b"]["weight"].T
    )
    assert np.array_equal(meant["last"].transpose(0, 2, 1), total > THETA) and meant["n"].any()
    assert np.array_equal(last(run_layers(layers, spikes)), meant["last"])
    integers = quantise(layers, "max", None)
    _, trace = run_integers(integers, spikes)
    found = simulate(Network(records(integers)), lengthened(spikes, 2))
    for name, one in trace.items():
        assert np.array_equal(found[name], one), name


def test_a_threshold_alone_asks_for_nothing_and_one_below_zero_is_refused(tmp_path):
    nodes, final = nodes_of(np.random.default_rng(6))
    path = write_nir(tmp_path / "t.nir", {**nodes, "output": final})
    understood = understand(read(path), ImportOptions(path))
    assert understood.step_seconds is None and understood.meaning.reset == "hard"
    nodes["t"] = {"type": "Threshold", "threshold": np.array([1.0, 1.0, 0.0, 1.0])}
    path = write_nir(tmp_path / "t.nir", {**nodes, "output": final})
    *_, refused = mapped(path)
    assert "not above 0" in refused["t"]
