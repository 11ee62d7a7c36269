"""Graphs that branch, skip and join: Basalt's layers and relay neurons send what the graph does, on every backend."""

import json
from html import escape
from itertools import pairwise

import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.nir.account import lengthened, run_integers
from basalt.convert.nir.command import import_command
from basalt.convert.nir.joined import records
from basalt.convert.nir.levels import arranged, levels_of
from basalt.convert.nir.mapped import run_layers
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.own import read_own
from basalt.convert.nir.read import read
from basalt.convert.nir.scales import quantise
from basalt.convert.nir.write import write_nir as write_network
from basalt.deploy.job import Job
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.conformance.direct import run_direct
from tests.convert.nir.drawn import ends, write_nir
from tests.convert.nir.graphs import drawn_graph, judged, real, whole
from tests.convert.nir.test_import import drawn_spikes, mapped

RESETS = {"hard": "nir", "soft": "nir", "none": "nir", "snntorch-subtract": "snntorch", "snntorch-zero": "snntorch"}


def deployed(layers):
    integers = quantise(layers, "max", None)
    return integers, Network(records(integers))


def agree(path, nodes, edges, reset, spikes, dt=1e-3, backends=(), exact=True):
    """Float as meant, Basalt's equations, and integers (`exact`: whose weights are on the grid) on each backend."""
    stages, meaning, layers, refused = mapped(path, writer=RESETS[reset], dt=f"{dt:g}", reset=reset)
    assert not refused, refused
    wanted = judged(nodes, edges, spikes, reset, real, dt)
    for found in (run_meant(stages, meaning, spikes), run_layers(layers, spikes)):
        assert {name: np.array_equal(found[name], wanted[name]) for name in wanted} == dict.fromkeys(wanted, True)
    integers, network = deployed(layers)
    sent, trace = run_integers(integers, spikes)
    wanted = judged(nodes, edges, spikes, reset, whole, dt) if exact else sent
    assert {name: np.array_equal(sent[name], wanted[name]) for name in wanted} == dict.fromkeys(wanted, True)
    long = lengthened(spikes, len(network.layers))
    everything = {"reference": simulate(network, long)}
    everything |= {backend: run_direct(Job(network, long, backend, len(long))).sent for backend in backends}
    last = next(one for one, other in edges if other == "output")
    for backend, found in everything.items():
        assert found.keys() == trace.keys()
        for name in trace:
            assert np.array_equal(found[name], trace[name]), (backend, name)
        steps = spikes.shape[2]
        assert np.array_equal(found[network.layers[-1].name][:, :, -steps:], wanted[last])
    return network, wanted


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_send_what_an_interpreter_does(seed, tmp_path):
    rng = np.random.default_rng([18, seed])
    reset = list(RESETS)[seed % len(RESETS)]
    late = reset.startswith("snntorch")
    kinds = [str(one) for one in rng.choice(["IF", "LIF", "CubaLIF"], rng.integers(2, 7))]
    if reset == "snntorch-zero":  # of which CubaLIF and recurrent neurons rest, which not all of a level do
        kinds = ["LIF" if kind == "CubaLIF" else kind for kind in kinds]
    dt = 1e-4 if late else 1e-3
    nodes, edges = drawn_graph(rng, kinds, recurrent=reset != "snntorch-zero", dt=dt, delays=0.2 * (seed % 3))
    path = write_nir(tmp_path / "g.nir", nodes, edges)
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]), steps=30, samples=2, rate=0.4)
    backends = ("compiled", "near-memory") if seed % 4 == 0 else ("compiled",)
    _, wanted = agree(path, nodes, edges, reset, spikes, dt, backends)
    assert any(one.any() and not one.all() for one in wanted.values())


def dense(rng, outputs, inputs, gain=1.0):
    return {"type": "Linear", "weight": gain * rng.normal(0.25, 0.6, (outputs, inputs))}


FIRES = {"type": "IF", "r": np.ones(1), "v_threshold": np.ones(1)}


def test_levels_and_the_relays_between():
    """Layers 1 … 4: 3 hears 2 and the input, 4 hears 1 and 3."""

    def members(*hears):
        return [[one[:2] for one in level] for level in levels_of(hears)]

    assert members((0,), (1,), (0, 2), (1, 3)) == [
        [(1, False), (0, True)],
        [(2, False), (0, True), (1, True)],
        [(3, False), (1, True)],
        [(4, False)],
    ]
    assert members((0,), (0,), (1, 2)) == [[(1, False), (2, False)], [(3, False)]]


def test_parallel_ways_from_one_source_are_one_matrix(tmp_path):
    rng = np.random.default_rng(0)
    first, final = ends((4,), 5)
    nodes = {"input": first, "a": dense(rng, 3, 4), "b": dense(rng, 5, 3), "c": dense(rng, 5, 4), "n": FIRES,
             "output": final}  # fmt: skip
    edges = [("input", "a"), ("a", "b"), ("input", "c"), ("b", "n"), ("c", "n"), ("n", "output")]
    path = write_nir(tmp_path / "p.nir", nodes, edges)
    _, _, layers, refused = mapped(path, writer="nir", dt="1ms", reset="soft")
    assert not refused and len(layers) == 1 and arranged(layers).relays == []
    wanted = nodes["b"]["weight"] @ nodes["a"]["weight"] + nodes["c"]["weight"]
    assert np.allclose(layers[0].weight, wanted)


def conv(rng, outputs, inputs, size, stride, padding, groups=1, dilation=1):
    weight = rng.normal(0.02, 0.3, (outputs, inputs // groups, size, size))
    pairs = {"stride": [stride] * 2, "padding": [padding] * 2, "dilation": [dilation] * 2, "groups": groups}
    return {"type": "Conv2d", "weight": weight, "bias": rng.normal(0, 0.1, outputs), **pairs}


def fires(rng, channels, *size):
    """IF neurons with a threshold per channel."""
    level = np.broadcast_to(rng.uniform(0.7, 1.6, channels).reshape(-1, *[1] * len(size)), (channels, *size)).copy()
    return {"type": "IF", "r": np.ones(level.shape), "v_threshold": level}


def residual(rng, side=6, stride=1, size=1):
    """A stem, a block with an identity for its skip connection, one with a convolution in it; a read-out."""
    image, wide = (4, side, side), (5, *[-(-side // stride)] * 2)
    first, final = ends((2, side, side), 4)
    nodes = {
        "input": first, "stem": conv(rng, 4, 2, 3, 1, 1), "n0": fires(rng, *image),
        "a1": conv(rng, 4, 4, 3, 1, 1, groups=2), "n1": fires(rng, *image),
        "a2": conv(rng, 4, 4, 3, 1, 2, dilation=2), "n2": fires(rng, *image),
        "b1": conv(rng, 5, 4, 3, stride, 1), "n3": fires(rng, *wide),
        "b2": conv(rng, 5, 5, 5, 1, 2), "down": conv(rng, 5, 4, size, stride, size // 2), "n4": fires(rng, *wide),
        "flat": {"type": "Flatten", "start_dim": 0, "end_dim": -1},
        "head": dense(rng, 4, int(np.prod(wide))), "output": final,
    }  # fmt: skip
    skips = [("n0", "n2"), ("n2", "down"), ("down", "n4")]
    return nodes, [*pairwise(name for name in nodes if name != "down"), *skips]


@pytest.mark.parametrize(("side", "stride", "size"), [(6, 1, 3), (6, 2, 1), (5, 2, 3), (7, 3, 3)])
def test_a_residual_network_stays_convolutions(side, stride, size, tmp_path):
    """Where the image is halved, relay neurons carry four channels of half of it, also of an odd one."""
    rng = np.random.default_rng([3, stride])
    nodes, edges = residual(rng, side, stride, size)
    path = write_nir(tmp_path / "r.nir", nodes, edges)
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset="soft")
    assert not refused
    spikes = drawn_spikes(rng, 2 * side * side, steps=12, samples=2, rate=0.4)
    wanted = judged(nodes, edges, spikes, "soft", real)
    assert all(0.02 < one.mean() < 0.9 for one in wanted.values()), [one.mean() for one in wanted.values()]
    for found in (run_meant(stages, meaning, spikes), run_layers(layers, spikes)):
        assert [name for name in wanted if not np.array_equal(found[name], wanted[name])] == []
        assert np.allclose(found["head"][:, :, 0], wanted["n4"].sum(axis=2) @ nodes["head"]["weight"].T, atol=1e-9)
    integers, network = deployed(layers)
    assert [layer.kind for layer in network.layers] == ["conv"] * 5 + ["readout"]
    kept, folded = 4 * side * side, 4 * (stride * -(-side // stride)) ** 2
    assert [layer.neurons for layer in network.layers[:2]] == [kept, 2 * kept]
    assert network.layers[3].neurons == 5 * (-(-side // stride)) ** 2 + folded
    assert [one.sentence for one in arranged(layers).relays] == [
        f"{kept} relay neurons carry 'n0' past 'n1'",
        f"{folded} relay neurons carry 'n2' past 'n3'",
    ]
    _, trace = run_integers(integers, spikes)
    long = lengthened(spikes, len(network.layers))
    found = {"reference": simulate(network, long)}
    found |= {backend: run_direct(Job(network, long, backend, 2)).sent for backend in ("compiled", "near-memory")}
    for backend, sent in found.items():
        for name in trace:
            same = np.array_equal(sent[name] if trace[name].ndim == 3 else sent[name][:, :, -1], trace[name])
            assert same, (backend, name)


def skipping(rng, **kinds):
    """Two neurons and a skip connection from the input past the first."""
    first, final = ends((4,), 3)
    nodes = {"input": first, "a": dense(rng, 5, 4), "n": fires(rng, 5), "b": dense(rng, 3, 5), "c": dense(rng, 3, 4),
             "m": fires(rng, 3), "output": final} | kinds  # fmt: skip
    edges = [("input", "a"), ("a", "n"), ("n", "b"), ("input", "c"), ("b", "m"), ("c", "m"), ("m", "output")]
    return nodes, edges


def lif(size, kind="LIF"):
    ones = np.ones(size)
    taus = {"tau": 2e-4 * ones} if kind == "LIF" else {"tau_mem": 2e-4 * ones, "tau_syn": 2e-4 * ones, "w_in": ones}
    return {"type": kind, "r": ones, "v_leak": 0 * ones, "v_threshold": ones, **taus}


def resting(kind):
    """snnTorch's "zero" of a synaptic neuron, beside a relay or beside a neuron that does not rest."""
    rng = np.random.default_rng(1)
    if kind == "relay":
        return skipping(rng, n=lif(5, "CubaLIF"), m=lif(3))
    nodes, edges = skipping(rng, n=lif(5, "CubaLIF"), m=lif(3), l=lif(4))
    return nodes, [*(edge for edge in edges if edge != ("input", "c")), ("input", "l"), ("l", "c")]


def changed(*more, without=(), **nodes):
    found, edges = skipping(np.random.default_rng(2))
    if ("c", "m") in without:
        del found["m"]
    return found | nodes, [*(edge for edge in edges if edge not in without), *more]


REFUSED = {
    "rests beside a relay": (lambda: resting("relay"), "n", "a connection that skips it"),
    "rests beside one that does not": (lambda: resting("neuron"), "l", "only one rests"),
    "two outputs": (lambda: changed(("n", "other"), other=ends((1,), 5)[1]), "output", "beside"),
    "a sum at the output": (
        lambda: changed(("b", "output"), ("c", "output"), without=[("b", "m"), ("c", "m"), ("m", "output")]),
        "output", "lose the neuron after a sum"),
    "a loop": (lambda: changed(("m", "r"), ("r", "n"), r={"type": "Linear", "weight": np.ones((5, 3))}), "b", "a loop"),
    "shapes": (lambda: changed(("input", "m")), "m", "do not add up"),
    "a dead end": (lambda: changed(without=[("m", "output")]), "m", "leads to no output"),
    "nothing heard": (lambda: changed(("k", "b"), k=FIRES), "k", "is not on the way"),
    "two recurrences": (
        lambda: changed(*((one, other) for r in "rs" for one, other in (("n", r), (r, "n"))),
                        **{r: {"type": "Scale", "scale": np.ones(5)} for r in "rs"}), "n", "2 recurrences"),
}  # fmt: skip


def delaying(late, place=("n", "b"), size=5):
    """A Delay on an edge."""
    edges = [(place[0], "late"), ("late", place[1])]
    return changed(*edges, without=[place], late={"type": "Delay", "delay": np.full(size, late)})


REFUSED |= {
    "delays by no whole number": (lambda: delaying(0.0015), "late", "1.5 steps of 1 ms"),
    "delays by too much": (lambda: delaying(0.063), "late", "63 steps"),
    "delays sums": (lambda: delaying(0.002, ("b", "m"), 3), "late", "right after the neuron"),
    "delays as many": (lambda: delaying(0.002, size=3), "late", "3 delays for 5"),
}


def test_a_delay_is_the_neurons_own_where_nobody_hears_them_without_it(tmp_path):
    rng = np.random.default_rng(7)
    for heard in ("late", "n"):
        nodes, edges = delaying(0.004)
        nodes["c"] = dense(rng, 3, 5)
        edges = [edge for edge in edges if edge != ("input", "c")] + [(heard, "c")]
        path = write_nir(tmp_path / f"{heard}.nir", nodes, edges)
        spikes = drawn_spikes(rng, 4)
        network, _ = agree(path, nodes, edges, "soft", spikes, backends=("compiled", "near-memory"), exact=False)
        delays = [None if layer.delay is None else np.unique(layer.delay).tolist() for layer in network.layers]
        assert delays == ([[4], None] if heard == "late" else [None, [0, 4], None])


def test_how_long_a_step_lasts_is_asked_for_where_there_is_a_delay(tmp_path):
    path = write_nir(tmp_path / "d.nir", *delaying(0.002))
    with pytest.raises(BasaltError, match="--dt"):
        mapped(path, writer="snntorch", reset="snntorch-zero")


@pytest.mark.parametrize("which", REFUSED)
def test_what_cannot_join_is_refused_by_name(which, tmp_path):
    drawn, node, said = REFUSED[which]
    options = {"writer": "snntorch", "reset": "snntorch-zero"} if "rests" in which else {"writer": "nir", "dt": "1ms"}
    *_, refused = mapped(write_nir(tmp_path / "no.nir", *drawn()), **{"reset": "hard"} | options)
    assert list(refused) == [node] and said in refused[node] and ";" in refused[node]


def imported(tmp_path, nodes, edges, **options):
    write_nir(tmp_path / "g.nir", nodes, edges)
    given = {"writer": "nir", "dt": "1ms", "reset": "soft", "output": tmp_path / "run"} | options
    import_command(ImportOptions(tmp_path / "g.nir", tmp_path / "data.npz", **given))
    return json.loads((tmp_path / "run/import.json").read_text())


def test_the_command_accounts_by_node_and_verifies(tmp_path):
    from basalt.deploy.commands.verify import verify_command
    from basalt.deploy.options import VerifyOptions

    rng = np.random.default_rng(4)
    nodes, edges = skipping(rng, m={**fires(rng, 3), "type": "LIF", "tau": np.full(3, 0.004), "r": np.full(3, 4.0),
                                    "v_leak": np.zeros(3)})  # fmt: skip
    spikes = drawn_spikes(rng, 4, samples=12)
    np.savez(tmp_path / "data.npz", spikes=spikes, labels=np.arange(12) % 3)
    sent = judged(nodes, edges, spikes, "soft", real)
    np.savez(tmp_path / "sent.npz", **{name: one[:5] for name, one in sent.items()})
    content = imported(tmp_path, nodes, edges, scale="search", fit=True, activity=tmp_path / "sent.npz")
    assert content["relays"] == ["4 relay neurons carry the input past 'n'"]
    assert escape(content["relays"][0]) in (tmp_path / "run/import.html").read_text()
    assert content["account"][1]["differing"] == {"n": 0.0, "m": 0.0}
    assert [one["differing"] for one in content["activity"]["float"]] == [0, 0]
    assert {one["node"]: one["layer"] for one in content["nodes"]} == {"a": "n", "n": "n", "b": "m", "c": "m", "m": "m"}
    network = netx.read(tmp_path / "run/model.net")
    assert [(layer.name, layer.neurons) for layer in network.layers] == [("n", 9), ("m", 3)]
    for backend in ("fixed", "compiled", "near-memory"):
        verify_command(VerifyOptions(tmp_path / "run/model.net", backend=backend, samples=2))
        assert json.loads((tmp_path / "run/verify.json").read_text())["mismatches"] == 0


def test_an_input_that_is_relayed_is_spikes(tmp_path):
    rng = np.random.default_rng(5)
    spikes = drawn_spikes(rng, 4, samples=3)
    spikes[1, 2, 3] = 2
    np.savez(tmp_path / "data.npz", spikes=spikes)
    with pytest.raises(BasaltError, match=r"values up to 2.*skips a layer"):
        imported(tmp_path, *skipping(rng))
    nodes, edges = skipping(rng)
    rest = [edge for edge in edges if "c" not in edge]
    del nodes["c"]
    assert imported(tmp_path, nodes, rest)["relays"] == []


@pytest.mark.parametrize("seed", range(4))
def test_the_integers_come_back_from_an_exported_graph(seed, tmp_path):
    rng = np.random.default_rng([6, seed])
    nodes, edges = drawn_graph(rng, ["IF", "LIF", "CubaLIF", "LIF"], recurrent=True, dt=1e-3, delays=0.3)
    _, _, layers, refused = mapped(write_nir(tmp_path / "g.nir", nodes, edges), writer="nir", dt="1ms", reset="soft")
    assert not refused
    _, network = deployed(layers)
    write_network(tmp_path / "out.nir", network, 1e-3)
    found = read_own(read(tmp_path / "out.nir"), "out", "out.nir")
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0]))
    here, there = simulate(network, spikes), simulate(found, spikes)
    assert list(here) == list(there) and all(np.array_equal(here[name], there[name]) for name in here)
    for one, other in zip(network.layers, found.layers, strict=True):
        assert np.array_equal(one.weight, other.weight)


def time_constants(size, kind):
    if kind == "Linear":
        return {}
    slow, quick = {"tau_mem": np.full(size, 0.01)}, {"tau_syn": np.full(size, 0.004), "w_in": np.full(size, 4.0)}
    taus = {"tau": np.full(size, 0.01)} if kind == "LI" else slow | quick
    return {"li": {"type": kind, "r": np.full(size, 10.0), "v_leak": 0.05 * np.arange(size) * (kind == "LI"), **taus}}


@pytest.mark.parametrize("kind", ["Linear", "LI", "CubaLI"])
@pytest.mark.parametrize("before", ["input", "dense", "conv"])
def test_a_read_out_has_a_bias_by_a_neuron_that_is_always_on(kind, before, tmp_path):
    """Also where a convolution, which stays one, or nothing is before it."""
    rng = np.random.default_rng(9)
    first, final = ends((2, 4, 4), 3)
    row = {"type": "Flatten", "start_dim": 0, "end_dim": -1}
    hidden = {
        "input": {},
        "dense": {"flat": row, "w": dense(rng, 6, 32, 0.3), "n": fires(rng, 6)},
        "conv": {"w": conv(rng, 3, 2, 3, 1, 1), "n": fires(rng, 3, 4, 4)},
    }[before]  # fmt: skip
    size = {"input": 32, "dense": 6, "conv": 48}[before]
    head = {"type": "Affine", "weight": rng.normal(0, 0.5, (3, size)), "bias": np.array([0.4, -0.2, 0.1])}
    flat = {} if before == "dense" else {"flat": row}
    nodes = {"input": first, **hidden, **flat, "head": head, **time_constants(3, kind), "output": final}
    path = write_nir(tmp_path / "b.nir", nodes)
    stages, meaning, layers, refused = mapped(path, writer="nir", dt="1ms", reset="soft")
    assert not refused
    spikes = drawn_spikes(rng, 32, steps=25, samples=8)
    meant, sent = (
        list(found.values())[-1] for found in (run_meant(stages, meaning, spikes), run_layers(layers, spikes))
    )
    assert np.allclose(meant, sent, rtol=0, atol=1e-9) and np.ptp(meant) > 1
    silent = np.zeros_like(spikes[:1])
    assert np.any(list(run_layers(layers, silent).values())[-1])
    integers, network = deployed(layers)
    assert [layer.kind for layer in network.layers][:-1] == ["conv" if before != "dense" else "spiking"]
    whole, trace = run_integers(integers, spikes)
    if kind == "Linear":
        heard = spikes if before == "input" else whole["n"]
        counts = np.concatenate([heard.sum(axis=2, dtype=int), np.full((8, 1), 25)], axis=1)
        assert np.array_equal(whole["head"][:, :, 0], counts @ integers[-1].weight.T)
    long = lengthened(spikes, len(network.layers))
    found = {"reference": simulate(network, long)}
    found |= {backend: run_direct(Job(network, long, backend, 8)).sent for backend in ("compiled", "near-memory")}
    for backend, everything in found.items():
        for name in trace:
            here = everything[name] if trace[name].ndim == 3 else everything[name][:, :, -1]
            assert np.array_equal(here, trace[name]), (backend, name)


def test_what_a_neuron_always_on_cannot_say_is_refused(tmp_path):
    rng = np.random.default_rng(10)
    first, final = ends((2, 4, 4), 3)
    cuba = lif(1, "CubaLIF")
    nodes = {"input": first, "w": conv(rng, 3, 2, 3, 1, 1), "n": cuba, "output": final}
    *_, refused = mapped(write_nir(tmp_path / "c.nir", nodes), writer="snntorch", reset="snntorch-subtract")
    assert "write the convolution as an Affine" in refused["n"]
    leaky = {**time_constants(3, "CubaLI")["li"], "v_leak": np.ones(3)}
    nodes = {"input": ends((4,), 3)[0], "w": dense(rng, 3, 4), "li": leaky, "output": final}
    *_, refused = mapped(write_nir(tmp_path / "l.nir", nodes), writer="nir", dt="1ms", reset="soft")
    assert "v_leak" in refused["li"]
