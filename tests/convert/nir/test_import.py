"""NIR files become integers: the float equations exactly, the integers spike for spike, the rest refused by name."""

import json
from dataclasses import replace

import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.nir.account import MAPPED, MEANT, lengthened, run_integers
from basalt.convert.nir.asked import duration, understand
from basalt.convert.nir.chain import Notes, chain
from basalt.convert.nir.command import import_command
from basalt.convert.nir.map import map_stages
from basalt.convert.nir.mapped import frames_of, run_layers
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from basalt.convert.nir.scales import METHODS, quantise
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.convert.nir.drawn import ends, network, neuron, plain_loop, write_nir

KINDS = (("IF",), ("LIF", "LIF"), ("CubaLIF", "IF"), ("IF", "LIF", "CubaLIF"))


def mapped(path, **options):
    graph = read(path)
    understood = understand(graph, ImportOptions(path, **options))
    stages, refused = chain(graph)
    layers = map_stages(stages, understood.meaning, refused, Notes())
    return stages, understood.meaning, layers, refused


def last(sent):
    return list(sent.values())[-1]


def drawn_spikes(rng, inputs, steps=60, samples=6, rate=0.3):
    return (rng.random((samples, inputs, steps)) < rate).astype(np.uint8)


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_equations_are_those_of_a_plain_loop_and_integers_those_of_the_records(kinds, recurrent, reset, tmp_path):
    rng = np.random.default_rng([len(kinds), recurrent, len(reset), len(kinds[0])])
    nodes, edges = network(rng, kinds, recurrent)
    path = write_nir(tmp_path / "drawn.nir", nodes, edges)
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]))
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset=reset)
    assert not refused
    judged = plain_loop(nodes, spikes, kinds, reset)
    assert judged.any() and not judged.all()
    assert np.array_equal(last(run_meant(stages, meaning, spikes)), judged)
    assert np.array_equal(last(run_layers(layers, spikes)), judged)

    integers = quantise(layers, "max", None)
    _, trace = run_integers(integers, spikes)
    found = simulate(Network(tuple(one.record() for one in integers)), lengthened(spikes, len(layers)))
    for name, sent in trace.items():
        assert np.array_equal(found[name], sent), name


def test_a_bias_acts_from_the_first_step_of_its_own_layer(tmp_path):
    """Each layer counts to its threshold by its bias alone: a step early or late would move every spike."""
    first, final = ends((2,), 1)
    nodes = {"input": first}
    for order, period in enumerate((3, 4, 5)):
        fires = {"type": "IF", "r": np.ones(1), "v_threshold": np.full(1, 1 - 1e-3)}
        silent = {"type": "Affine", "weight": np.full((1, 1 if order else 2), 1e-6), "bias": np.full(1, 1 / period)}
        nodes |= {f"w{order}": silent, f"n{order}": fires}
    path = write_nir(tmp_path / "b.nir", {**nodes, "output": final})
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset="hard")
    assert not refused
    spikes = np.zeros((1, 2, 30), dtype=np.uint8)
    meant = run_meant(stages, meaning, spikes)
    integers = quantise(layers, "max", None)
    assert [one.record().start for one in integers] == [1, 2, 3]
    found = simulate(Network(tuple(one.record() for one in integers)), lengthened(spikes, 3))
    for order, (name, period) in enumerate((("n0", 3), ("n1", 4), ("n2", 5)), 1):
        fired = np.flatnonzero(meant[name][0, 0])
        assert fired.tolist() == list(range(period - 1, 30, period))
        assert np.array_equal(np.flatnonzero(found[name][0, 0, : 30 + order]), fired + order)


def test_several_spikes_in_a_step_are_refused_unless_one_is_asked_for(tmp_path):
    """Sinabs's reset is neither soft nor hard: nothing stands in its place unasked, and the account has its cost."""
    first, final = ends((1,), 1)
    fires = {"type": "IF", "r": np.ones(1), "v_threshold": np.ones(1)}
    nodes = {"input": first, "w": {"type": "Linear", "weight": np.full((1, 1), 2.0)}, "n": fires, "output": final}
    path = write_nir(tmp_path / "s.nir", nodes)
    options = {"writer": "sinabs", "reset": "sinabs"}
    *_, refused = mapped(path, **options)
    assert "here send one" in refused["n"] and "--nearest" in refused["n"]
    stages, meaning, layers, refused = mapped(path, **options, nearest=True)
    spikes = np.array([[[1, 0, 0, 1, 0]]], dtype=np.uint8)
    assert not refused
    assert last(run_meant(stages, meaning, spikes)).tolist() == [[[2, 0, 0, 2, 0]]]
    assert last(run_layers(layers, spikes)).tolist() == [[[1, 1, 0, 1, 1]]]
    np.savez(tmp_path / "data.npz", spikes=spikes)
    import_command(ImportOptions(path, tmp_path / "data.npz", **options, nearest=True, output=tmp_path / "run"))
    content = json.loads((tmp_path / "run/import.json").read_text())
    fired = next(one for one in content["nodes"] if one["node"] == "n")
    assert fired["outcome"] == "rounded" and "stands in its place" in fired["how"][0]
    assert content["account"][1]["differing"]["n"] == 1.0


def test_what_the_integers_send_is_near_the_float_network(tmp_path):
    rng = np.random.default_rng(3)
    nodes, edges = network(rng, ("IF", "LIF"), False)
    path = write_nir(tmp_path / "drawn.nir", nodes, edges)
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]), samples=20)
    stages, meaning, layers, _ = mapped(path, writer="nir", dt="1ms", reset="soft")
    meant = last(run_meant(stages, meaning, spikes))
    sent, _ = run_integers(quantise(layers, "max", None), spikes)
    assert np.abs(last(sent).sum(axis=2) - meant.sum(axis=2, dtype=int)).mean() < 0.05 * meant.sum(axis=2).mean()


def snntorch_leaky(weight, beta, threshold, spikes, reset):
    """`snntorch.Leaky` as its forward has it, its reset a step late."""
    mem = np.zeros((len(spikes), len(weight)))
    out = []
    for t in range(spikes.shape[2]):
        fired = mem > threshold
        if reset == "zero":
            mem = np.where(fired, 0, mem)
        mem = beta * mem + spikes[:, :, t] @ weight.T - (fired * threshold if reset == "subtract" else 0)
        out.append(mem > threshold)
    return np.stack(out, axis=-1)


def leaky_file(path, weight, beta, threshold):
    tau = np.float32(1e-4 / (1 - beta)) if beta < 1 else np.inf  # as snnTorch writes it
    ones = np.ones(len(weight))
    lif = {"type": "LIF", "tau": tau * ones, "r": tau / 1e-4 * ones, "v_leak": 0 * ones, "v_reset": 0 * ones}
    first, final = ends((weight.shape[1],), len(weight))
    return write_nir(
        path,
        {"input": first, "fc": {"type": "Linear", "weight": weight}, "lif": {**lif, "v_threshold": threshold * ones},
         "output": final},
    )  # fmt: skip


def test_snntorch_is_recognised_and_its_zero_is_a_hard_reset(tmp_path):
    rng = np.random.default_rng(1)
    weight, spikes = rng.normal(0.2, 0.5, (5, 8)), drawn_spikes(rng, 8)
    path = leaky_file(tmp_path / "leaky.nir", weight, 0.9, 0.8)
    stages, meaning, layers, refused = mapped(path, reset="snntorch-zero")
    judged = snntorch_leaky(weight, 0.9, 0.8, spikes, "zero")
    assert not refused and judged.any()
    assert np.array_equal(last(run_meant(stages, meaning, spikes)), judged)
    assert np.array_equal(last(run_layers(layers, spikes)), judged)


@pytest.mark.parametrize("beta", [0.7, 0.3, 1.0])
def test_snntorchs_subtract_is_a_soft_reset_by_more(beta, tmp_path):
    rng = np.random.default_rng(2)
    weight, spikes = rng.normal(0.2, 0.5, (5, 8)), drawn_spikes(rng, 8)
    path = leaky_file(tmp_path / "leaky.nir", weight, beta, 0.8)
    stages, meaning, layers, refused = mapped(path, writer="snntorch", reset="snntorch-subtract")
    judged = snntorch_leaky(weight, beta, 0.8, spikes, "subtract")
    assert not refused and judged.any()
    assert np.array_equal(last(run_meant(stages, meaning, spikes)), judged)
    assert np.array_equal(last(run_layers(layers, spikes)), judged)
    integers = quantise(layers, "max", None)
    record = integers[0].record()
    _, trace = run_integers(integers, spikes)
    found = simulate(Network((record,)), lengthened(spikes, 1))
    assert np.array_equal(last(found), last(trace))
    wanted = record.neuron.threshold / layers[0].beta
    assert np.all(np.abs(record.neuron.amount - wanted) <= 0.5) and bool(record.neuron.own_amount) == (beta < 1)


def test_a_reset_that_neurons_lack_is_refused_or_the_nearest_taken_with_its_cost(tmp_path):
    rng = np.random.default_rng(2)
    weight, spikes = rng.normal(0.2, 0.5, (5, 8)), drawn_spikes(rng, 8)
    path = leaky_file(tmp_path / "leaky.nir", weight, 0.0, 0.8)
    *_, refused = mapped(path, writer="snntorch", reset="snntorch-subtract")
    assert "keeps 0 of its membrane" in refused["lif"] and "--nearest" in refused["lif"]
    stages, meaning, layers, refused = mapped(path, writer="snntorch", reset="snntorch-subtract", nearest=True)
    judged = snntorch_leaky(weight, 0.0, 0.8, spikes, "subtract")
    assert not refused and np.array_equal(last(run_meant(stages, meaning, spikes)), judged)
    assert not np.array_equal(last(run_layers(layers, spikes)), judged)


def test_a_nested_recurrence_is_that_of_the_flat_graph(tmp_path):
    rng = np.random.default_rng(4)
    first, final = ends((4,), 5)
    lif, back = neuron(rng, "LIF", 5), {"type": "Linear", "weight": rng.normal(0, 6, (5, 5))}
    fc = {"type": "Linear", "weight": rng.normal(1, 6, (5, 4))}
    loop = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    within = {"input": ends((5,), 5)[0], "lif": lif, "w_rec": back, "output": final}
    nested = write_nir(
        tmp_path / "nested.nir",
        {"input": first, "fc": fc, "rnn": {"type": "NIRGraph", "nodes": within, "edges": loop}, "output": final},
    )
    flat = write_nir(
        tmp_path / "flat.nir",
        {"input": first, "fc": fc, "lif": lif, "w": back, "output": final},
        [("input", "fc"), ("fc", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")],
    )
    spikes = drawn_spikes(rng, 4)
    both = [last(run_layers(mapped(path, writer="nir", dt="1ms", reset="soft")[2], spikes)) for path in (nested, flat)]
    assert both[0].any() and np.array_equal(*both)


IMAGES = [
    # pools before the convolution: kernel, stride, padding; the convolution's size, stride, padding; height; folds
    ((2, 2, 0), (3, 1, 1), 8, True),
    ((2, 2, 0), (3, 1, 0), 9, True),
    ((3, 2, 0), (3, 2, 0), 11, True),
    ((2, 2, 0), (3, 1, 1), 9, False),
    ((3, 2, 0), (3, 1, 1), 9, False),
    ((2, 2, 1), (2, 1, 0), 7, True),
]


POOLED = [
    (kind, *image) for kind in ("SumPool2d", "AvgPool2d") for image in IMAGES if kind == "SumPool2d" or not image[0][2]
]
"""Averages over padding are refused."""


@pytest.mark.parametrize(("kind", "pool", "conv", "height", "folds"), POOLED)
def test_pools_fold_exactly_or_become_a_matrix(kind, pool, conv, height, folds, tmp_path):
    rng = np.random.default_rng(height)
    size, stride, padding = pool
    pooled = {"type": kind, "kernel_size": [size] * 2, "stride": [stride] * 2, "padding": [padding] * 2}
    synapses = {"type": "Conv2d", "weight": rng.normal(0, 1, (3, 2, conv[0], conv[0])), "bias": rng.normal(0, 1, 3),
                "stride": [conv[1]] * 2, "padding": [conv[2]] * 2, "dilation": [1, 1], "groups": 1}  # fmt: skip
    fires = {"type": "IF", "r": np.ones(1), "v_threshold": np.full(1, 2.5)}
    first, final = ends((2, height, height + 2), 1)
    path = write_nir(
        tmp_path / "p.nir", {"input": first, "pool": pooled, "conv": synapses, "if": fires, "output": final}
    )
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset="soft")
    assert not refused
    assert (layers[0].kernel is not None) is folds
    spikes = drawn_spikes(rng, 2 * height * (height + 2), steps=12, samples=3)
    meant = last(run_meant(stages, meaning, spikes))
    assert meant.any() and np.array_equal(last(run_layers(layers, spikes)), meant)
    integers = quantise(layers, "max", None)
    _, trace = run_integers(integers, spikes)
    found = simulate(Network(tuple(one.record() for one in integers)), lengthened(spikes, 1))
    assert np.array_equal(last(found), last(trace))


def test_a_read_out_by_membranes(tmp_path):
    rng = np.random.default_rng(7)
    first, final = ends((6,), 3)
    li = {"type": "LI", "tau": np.full(3, 0.01), "r": np.ones(3), "v_leak": np.zeros(3)}
    nodes = {"input": first, "a": {"type": "Linear", "weight": rng.normal(0.5, 1, (5, 6))}, "n": neuron(rng, "IF", 5),
             "b": {"type": "Linear", "weight": rng.normal(0, 1, (3, 5))}, "li": li, "output": final}  # fmt: skip
    spikes = drawn_spikes(rng, 6, samples=20)
    stages, meaning, layers, refused = mapped(
        write_nir(tmp_path / "li.nir", nodes), writer="nir", dt="1ms", reset="hard"
    )
    assert not refused
    meant, sent = last(run_meant(stages, meaning, spikes)), last(run_layers(layers, spikes))
    assert np.allclose(meant, sent)
    integers = quantise(layers, "max", None)
    whole, trace = run_integers(integers, spikes)
    found = last(simulate(Network(tuple(one.record() for one in integers)), lengthened(spikes, 2)))
    assert np.array_equal(found[:, :, -1], last(trace))
    assert np.mean(last(whole)[:, :, 0].argmax(1) == meant[:, :, 0].argmax(1)) > 0.8


def test_the_search_never_makes_more_spikes_differ_than_the_largest_weight_does(tmp_path):
    rng = np.random.default_rng(9)
    nodes, edges = network(rng, ("LIF",), True)
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]), samples=12)
    _, _, layers, _ = mapped(write_nir(tmp_path / "d.nir", nodes, edges), writer="nir", dt="1ms", reset="soft")
    frames = frames_of(spikes)
    meant = layers[0].ready().run(frames)
    wrong = {
        name: int(np.sum(quantise(layers, name, frames)[0].integers.ready().run(frames) != meant)) for name in METHODS
    }
    assert wrong["search"] <= wrong["max"]


def test_everything_that_cannot_be_said_is_said_at_once(tmp_path):
    first, final = ends((4,), 4)
    ones = np.ones(4)
    late = {"type": "Delay", "delay": 0.002 * ones}
    nodes = {"input": first, "w": {"type": "Linear", "weight": np.eye(4)}, "late": late,
             "odd": {"type": "I", "r": ones}, "output": final}  # fmt: skip
    path = write_nir(tmp_path / "no.nir", nodes)
    *_, refused = mapped(path, writer="nir", dt="1ms", reset="hard")
    assert set(refused) == {"late", "odd"}
    with pytest.raises(BasaltError, match="2 of its nodes"):
        import_command(ImportOptions(path, writer="nir", dt="1ms", reset="hard", output=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def lif(**values):
    ones = np.ones(3)
    return {"type": "LIF", "tau": 0.01 * ones, "r": ones, "v_leak": 0 * ones, "v_threshold": ones, **values}


REFUSED = {
    "tau": (lif(tau=np.full(3, 1e-5)), "another --dt"),
    "threshold": (lif(v_threshold=np.zeros(3)), "threshold"),
    "reset voltage": (lif(v_reset=np.full(3, 0.5)), "resets to"),
    "shape": (lif(tau=np.ones(7)), "shape"),
    "type": ({"type": "Conv3d"}, "not imported"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_refusals_name_node_reason_and_way_out(which, tmp_path):
    node, said = REFUSED[which]
    first, final = ends((2,), 3)
    fc = {"type": "Linear", "weight": np.ones((3, 2))}
    path = write_nir(tmp_path / "no.nir", {"input": first, "fc": fc, "node": node, "output": final})
    *_, refused = mapped(path, writer="nir", dt="1ms", reset="hard")
    assert list(refused) == ["node"] and said in refused["node"]
    assert ";" in refused["node"] or ": the step" in refused["node"]


def test_what_the_file_does_not_say_is_asked_for_at_once(tmp_path):
    rng = np.random.default_rng(0)
    path = write_nir(tmp_path / "d.nir", *network(rng, ("LIF",), False))
    with pytest.raises(BasaltError) as found:
        understand(read(path), ImportOptions(path))
    assert all(option in str(found.value) for option in ("--writer", "--dt", "--reset"))
    with pytest.raises(BasaltError, match="none that norse has"):
        understand(read(path), ImportOptions(path, writer="norse", dt="1ms", reset="none"))


def test_spikingjelly_shows_its_step(tmp_path):
    first, final = ends((2,), 3)
    fires = {"type": "IF", "r": np.full(3, 1000.0), "v_threshold": np.ones(3)}
    fc = {"type": "Linear", "weight": np.ones((3, 2))}
    path = write_nir(tmp_path / "s.nir", {"input": first, "fc": fc, "n": fires, "output": final})
    found = understand(read(path), ImportOptions(path))
    assert found.name == "spikingjelly" and found.step_seconds == pytest.approx(1e-3)
    layers = mapped(path)[2]
    one = np.zeros((1, 2, 3), dtype=np.uint8)
    one[0, 0] = 1
    assert np.array_equal(last(run_layers(layers, one)), np.ones((1, 3, 3)))  # what reaches the threshold spikes
    assert np.array_equal(last(run_integers(quantise(layers, "max", None), one)[0]), np.ones((1, 3, 3)))


@pytest.mark.parametrize(("word", "seconds"), [("1ms", 1e-3), ("100us", 1e-4), ("0.001", 1e-3), ("2 s", 2.0)])
def test_durations(word, seconds):
    assert duration(word) == pytest.approx(seconds)


@pytest.mark.parametrize("word", ["", "ms", "-1ms", "1 parsec", "1e999s", "nan", "0"])
def test_durations_that_are_none(word):
    with pytest.raises(BasaltError, match="--dt"):
        duration(word)


def test_the_command_writes_a_run_that_verifies(tmp_path):
    from basalt.deploy.commands.verify import verify_command
    from basalt.deploy.options import VerifyOptions

    rng = np.random.default_rng(11)
    nodes, edges = network(rng, ("LIF", "CubaLIF"), True)
    path = write_nir(tmp_path / "drawn.nir", nodes, edges)
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]), samples=8)
    labels = rng.integers(0, int(nodes["output"]["shape"][0]), 8)
    np.savez_compressed(tmp_path / "data.npz", spikes=spikes, labels=labels)
    options = ImportOptions(path, tmp_path / "data.npz", "nir", "1ms", "soft", scale="search", output=tmp_path / "run")
    import_command(options)
    content = json.loads((tmp_path / "run/import.json").read_text())
    assert [step["name"] for step in content["account"]][:2] == [MEANT, MAPPED]
    assert content["account"][1]["equal_counts"] == 1.0 and len(content["nodes"]) == 6
    assert "<table>" in (tmp_path / "run/import.html").read_text()
    assert netx.read(tmp_path / "run/model.net").step_seconds == 1e-3
    verify_command(VerifyOptions(tmp_path / "run/model.net", backend="compiled"))
    assert json.loads((tmp_path / "run/verify.json").read_text())["mismatches"] == 0
    import_command(replace(options, data=None, scale="max"))
    assert not (tmp_path / "run/test.npz").exists() and not (tmp_path / "run/verify.json").exists()


def test_the_trace_and_the_samples_are_what_a_file_may_hold(tmp_path, monkeypatch):
    from basalt.deploy.commands.verify import trace_of
    from basalt.deploy.inputs import read_both
    from basalt.deploy.options import VerifyOptions

    monkeypatch.setenv("BASALT_FILE_MIB", "1")
    rng = np.random.default_rng(12)
    first, final = ends((40,), 300)
    nodes = {"input": first, "w": {"type": "Linear", "weight": rng.normal(0.2, 1, (300, 40))},
             "n": neuron(rng, "IF", 300), "output": final}  # fmt: skip
    path = write_nir(tmp_path / "wide.nir", nodes)
    np.savez_compressed(tmp_path / "data.npz", spikes=drawn_spikes(rng, 40, steps=100, samples=300))
    import_command(ImportOptions(path, tmp_path / "data.npz", "nir", "1ms", "soft", output=tmp_path / "run"))
    content = json.loads((tmp_path / "run/import.json").read_text())
    assert content["kept"] == (1 << 20) // (40 * 164)
    network, inputs = read_both(tmp_path / "run/model.net", None)
    trace = trace_of(network, tmp_path / "run/model.net", inputs, VerifyOptions(tmp_path / "run/model.net"))
    assert trace is not None and len(trace.sent["n"]) == (1 << 20) // (8 * 300 * 101)
