"""--finetune: training computes the deployed integers, learns from no sample that is judged, and says if it helped."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.convert.nir import finetune
from basalt.convert.nir.account import INTEGERS, TUNED, lengthened
from basalt.convert.nir.command import import_command
from basalt.convert.nir.data import Samples
from basalt.convert.nir.mapped import frames_of
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.run import run_chain
from basalt.convert.nir.scales import quantise
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.train.deployed import Deployed, lacking
from tests.convert.nir.drawn import ends, network, write_nir
from tests.convert.nir.test_import import drawn_spikes, mapped

SNNTORCH = 1e-4


def snntorch_nodes(rng, recurrence, read_out):
    """Leaky neurons whose thresholds differ, a convolution of images before them, and what reads them."""
    first, last = ends((2, 6, 5), 3)
    kernel = {"type": "Conv2d", "weight": rng.normal(0.1, 0.4, (3, 2, 3, 2)), "bias": rng.normal(0, 0.1, 3)}
    kernel |= {"stride": np.array([2, 1]), "padding": np.array([1, 0]), "dilation": np.array([1, 1]), "groups": 1}
    kernel |= {"input_shape": np.array([6, 5])}
    neurons = 3 * 3 * 4

    def leaky(size, channels=None):
        beta = np.full(size, 0.8) if channels is None else np.repeat(rng.uniform(0.7, 0.9, channels), size // channels)
        level = np.full(size, 1.0) if channels is None else np.repeat(rng.uniform(0.7, 1.5, channels), size // channels)
        tau = SNNTORCH / (1 - beta)
        return {"type": "LIF", "tau": tau, "r": tau / SNNTORCH, "v_threshold": level, "v_leak": np.zeros(size)}

    flat = {"type": "Flatten", "start_dim": 0, "end_dim": -1}
    image = {
        key: np.broadcast_to(value, neurons).reshape(3, 3, 4)
        for key, value in leaky(neurons, 3).items()
        if key != "type"
    }
    nodes = {
        "input": first,
        "c": kernel,
        "image": {"type": "LIF", **image},
        "flat": flat,
        "w": {"type": "Affine", "weight": rng.normal(0.05, 0.4, (7, neurons)), "bias": rng.normal(0, 0.2, 7)},
        "hidden": leaky(7, 7),
        "out": {"type": "Linear", "weight": rng.normal(0.1, 0.5, (3, 7))},
    }
    nodes["w"]["weight"][:, ::5] = 0
    nodes |= {"last": leaky(3)} if read_out == "spikes" else {}
    if read_out == "leaky":
        nodes["last"] = {**leaky(3), "type": "LI"}
        del nodes["last"]["v_threshold"]
    nodes["output"] = last
    edges = list(zip(nodes, list(nodes)[1:], strict=False))
    if recurrence != "none":
        back = {"type": "Linear", "weight": rng.normal(0, 0.4, (7, 7))}
        nodes["back"] = back if recurrence == "full" else {"type": "Scale", "scale": rng.normal(0, 0.5, 7)}
        edges += [("hidden", "back"), ("back", "hidden")]
    return nodes, edges


def integers_of(path, **options):
    *_, layers, refused = mapped(path, **options)
    assert not refused
    return quantise(layers, "max", None)


def assert_same_spikes(layers, learner, spikes):
    """Of the import's own loop, of training forwards, and of the records by the reference."""
    records = learner.records()
    found = finetune.requantised(layers, learner)
    for layer, record in zip(found, records, strict=True):
        assert np.array_equal(layer.record().weight, record.weight)
    sent = [one.detach().numpy() for one in learner.sent(torch.from_numpy(spikes))]
    meant = run_chain(finetune.ready(found), frames_of(spikes))
    for here, there in zip(sent, meant, strict=True):
        assert here.any()
        assert np.array_equal(here, there[..., : here.shape[-1]])
    if sent[-1].ndim == 3:
        reference = simulate(Network(records), lengthened(spikes, len(records)))
        last = reference[records[-1].name][:, :, len(records) :]
        assert np.array_equal(sent[-1].transpose(0, 2, 1), last)


@pytest.mark.parametrize("reset", ["snntorch-zero", "snntorch-subtract", "none"])
@pytest.mark.parametrize(("recurrence", "read_out"), [("none", "leaky"), ("full", "spikes"), ("diagonal", "sums")])
def test_training_sends_the_deployed_spikes(recurrence, read_out, reset, tmp_path):
    """At first, and when weights and biases have moved by whole steps of their grid."""
    rng = np.random.default_rng([len(reset), len(recurrence)])
    nodes, edges = snntorch_nodes(rng, recurrence, read_out)
    layers = integers_of(write_nir(tmp_path / "n.nir", nodes, edges), writer="snntorch", reset=reset)
    spikes = drawn_spikes(rng, 60, steps=40)
    learner = finetune.deployed(layers, 1)
    for layer, record in zip(layers, learner.records(), strict=True):
        first = layer.record()
        assert np.array_equal(first.weight, record.weight), "it begins at the imported integers"
        if not isinstance(record, Readout):
            assert np.array_equal(first.bias, record.bias)
    assert_same_spikes(layers, learner, spikes)
    before = [record.weight for record in learner.records()]
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    assert_same_spikes(layers, learner, spikes)
    for old, record in zip(before, learner.records(), strict=True):
        assert np.any(old != record.weight)
    assert not np.any(learner.records()[1].weight[:, ::5]), "weights that are 0 stay 0"


@pytest.mark.parametrize("kinds", [("CubaLIF", "IF"), ("LIF", "CubaLIF")])
def test_currents_and_graded_input_are_exact(kinds, tmp_path):
    rng = np.random.default_rng(len(kinds[0]))
    nodes, edges = network(rng, kinds, True)
    layers = integers_of(write_nir(tmp_path / "n.nir", nodes, edges), writer="nir", dt="1ms", reset="soft")
    spikes = drawn_spikes(rng, int(nodes["input"]["shape"][0])) * np.uint8(3)
    assert_same_spikes(layers, finetune.deployed(layers, 3), spikes)


def task(rng, samples, inputs=12, steps=30):
    """Two kinds of samples, by which half of the inputs spikes more."""
    labels = np.arange(samples) % 2
    rate = np.where((np.arange(inputs) < inputs // 2) == labels[:, None], 0.35, 0.15)
    return (rng.random((samples, inputs, steps)) < rate[:, :, None]).astype(np.uint8), labels


def saved(path, spikes, labels=None):
    np.savez(path, spikes=spikes, **({} if labels is None else {"labels": labels}))
    return path


@pytest.fixture
def files(tmp_path):
    """A network that decides badly, and two files of samples."""
    rng = np.random.default_rng(3)
    first, last = ends((12,), 2)
    fires = {"type": "IF", "r": np.ones(2), "v_threshold": np.ones(2)}
    hidden = {"type": "IF", "r": np.ones(8), "v_threshold": np.ones(8)}
    nodes = {
        "input": first,
        "w": {"type": "Linear", "weight": rng.normal(0.1, 0.4, (8, 12))},
        "h": hidden,
        "v": {"type": "Linear", "weight": rng.normal(0.1, 0.4, (2, 8))},
        "n": fires,
        "output": last,
    }
    path = write_nir(tmp_path / "task.nir", nodes)
    data, other = (saved(tmp_path / f"{name}.npz", *task(rng, 100)) for name in ("data", "other"))
    return ImportOptions(
        path, data, writer="nir", dt="1ms", reset="hard", calibrate=other, finetune=6, output=tmp_path / "run"
    )


def content(options):
    return json.loads((options.output / "import.json").read_text())


def accuracy(found, name):
    return next(step["accuracy"] for step in found["account"] if step["name"] == name)


def test_it_helps_and_what_is_written_is_what_the_account_judges(files, monkeypatch, capsys):
    monkeypatch.setattr(finetune, "RATE", 0.03)
    import_command(files)
    found = content(files)
    assert accuracy(found, TUNED) > accuracy(found, INTEGERS) + 0.1
    tuned = found["finetune"]
    assert (tuned["trained"], tuned["held_out"], tuned["shared"]) == (75, 25, 0)
    helping = [one for one in tuned["history"] if one["loss"] < tuned["history"][0]["loss"]]
    assert tuned["chosen"] == min(helping, key=lambda one: one["loss"])["epoch"] and len(tuned["history"]) == 7
    assert "25 held-out samples" in capsys.readouterr().out.replace("\n", " ")
    assert "Fine-tuning" in (files.output / "import.html").read_text()
    network, trace = netx.read(files.output / "model.net"), np.load(files.output / "trace.npz")
    test = np.load(files.output / "test.npz")
    sent = simulate(network, test["spikes"])
    for name in trace.files:
        assert np.array_equal(sent[name], trace[name])
    decided = sent[network.layers[-1].name].sum(axis=2).argmax(axis=1)
    assert np.mean(decided == test["labels"]) == accuracy(found, TUNED)
    again = replace(files, output=files.output.parent / "again")
    import_command(again)
    assert content(again)["finetune"] == tuned, "a seed repeats exactly"


def test_where_it_does_not_help_the_network_stays(files, monkeypatch, capsys):
    plain = replace(files, finetune=None, output=files.output.parent / "plain")
    import_command(plain)
    monkeypatch.setattr(finetune, "RATE", 30.0)
    import_command(files)
    found = content(files)
    assert found["finetune"]["chosen"] == 0
    assert "stays as it was imported" in capsys.readouterr().out.replace("\n", " ")
    one, other = (netx.read(each.output / "model.net") for each in (plain, files))
    for here, there in zip(one.layers, other.layers, strict=True):
        assert np.array_equal(here.weight, there.weight)


def test_it_learns_from_no_sample_that_is_judged(files, tmp_path):
    with pytest.raises(BasaltError, match="give other samples with --calibrate"):
        import_command(replace(files, calibrate=files.data))
    judged, fresh = np.load(files.data), np.load(files.calibrate)
    longer = np.pad(judged["spikes"][:30], ((0, 0), (0, 0), (2, 3)))
    both = np.concatenate([longer, np.pad(fresh["spikes"], ((0, 0), (0, 0), (0, 5)))])
    mixed = saved(tmp_path / "mixed.npz", both, np.concatenate([judged["labels"][:30], fresh["labels"]]))
    import_command(replace(files, calibrate=mixed))
    found = content(files)["finetune"]
    assert (found["shared"], found["trained"] + found["held_out"]) == (30, 100)
    copy = saved(tmp_path / "copy.npz", judged["spikes"], judged["labels"])
    with pytest.raises(BasaltError, match="0 different samples to learn from"):
        import_command(replace(files, calibrate=copy))


def test_the_same_events_are_never_learned_and_held_out():
    rng = np.random.default_rng(0)
    spikes, labels = task(rng, 40)
    spikes[20:] = spikes[:20]
    held, learned = finetune.parted(Samples(spikes, labels), rng)
    assert len(held) == 10 and sorted([*held, *learned]) == list(range(40))
    assert not set(held % 20) & set(learned % 20)
    spikes[:] = spikes[0]
    with pytest.raises(BasaltError, match="1 different samples"):
        finetune.apart(Samples(spikes, labels), None, Path("it.npz"))


def test_what_it_needs_is_said_before_it_runs(files, tmp_path, monkeypatch):
    with pytest.raises(BasaltError, match="with --calibrate"):
        import_command(replace(files, calibrate=None))
    bare = saved(tmp_path / "bare.npz", np.load(files.calibrate)["spikes"])
    with pytest.raises(BasaltError, match="has none; add an array `labels`"):
        import_command(replace(files, calibrate=bare))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError) as missing:
        import_command(files)
    assert missing.value.name == "torch"  # of which basalt.extras makes the sentence


def test_what_training_does_not_compute_is_refused_by_name(files):
    *_, layers, _ = mapped(files.file, writer="nir", dt="1ms", reset="hard")
    hidden = quantise(layers, "max", None)[0].record()
    broken = {
        "delays": replace(hidden, delay=np.ones(8, dtype=np.int64)),
        "begins at step 3": replace(hidden, bias=np.ones(8, dtype=np.int64), start=3),
        "time constant": Readout("r", hidden.weight, 10, 20),
    }
    for why, record in broken.items():
        with pytest.raises(BasaltError, match=why):
            Deployed([record], [(record.weight, None, None)])
    one, two = quantise(layers, "max", None)
    skips = replace(two, mapped=replace(two.mapped, blocks=(two.mapped.blocks[0]._replace(source=0),)))
    with pytest.raises(BasaltError, match="without a delay, and n do not"):
        finetune.deployed((one, skips), 1)
    assert not lacking(hidden, 1, 255)
    assert lacking(hidden, 1, 1 << 20)
