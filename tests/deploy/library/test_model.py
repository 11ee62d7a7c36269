"""What `basalt` offers from Python is what the command line computes."""

import json

import numpy as np
import pytest

import basalt
from basalt.convert import netx
from basalt.deploy.options import RunOptions
from basalt.records.simulate import simulate
from tests.conformance.grid import case


@pytest.fixture
def run_folder(tmp_path):
    """A run folder with a network, some samples and labels."""
    found = case(4)
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    netx.write(folder / "model.net", found.network)
    labels = np.arange(len(found.spikes)) % found.network.layers[-1].neurons
    np.savez(folder / "test.npz", spikes=found.spikes, labels=labels)
    return folder


def test_the_nine_lines(run_folder, tmp_path):
    net = basalt.read(run_folder / "model.net")
    with np.load(run_folder / "test.npz") as samples:
        spikes, labels = samples["spikes"], samples["labels"]
    result = net.run(spikes, labels=labels, runtime="direct")
    expected = simulate(net.network, spikes)
    assert all(np.array_equal(result.spikes[name], sent) for name, sent in expected.items() if sent.ndim == 3)
    assert 0 <= result.accuracy <= 1
    assert result.saturations >= 0
    bill = result.price()
    assert bill["near-memory-22nm"].joule == pytest.approx(sum(row["joule"] for row in bill["near-memory-22nm"].rows()))
    assert len(bill.frame()) == len(bill.rows())
    checked = net.verify(spikes, runtime="direct")
    assert checked.ok and checked.compared > 0 and checked.first_divergence is None
    assert "report" in result.report(tmp_path / "report.html").name
    for name in ("energy", "raster", "rates"):
        result.figure(name).savefig(tmp_path / f"{name}.svg")
        assert result.figure(name)._repr_png_().startswith(b"\x89PNG")


def test_it_writes_what_the_command_writes(run_folder, tmp_path):
    from basalt.deploy.commands.run import run_command

    run_command(RunOptions(run_folder, backend="compiled", output=tmp_path / "command", runtime="direct"))
    basalt.from_run(run_folder).run(runtime="direct").save(tmp_path / "library")
    for name in ("counts.json", "energy.json"):
        there, here = (json.loads((tmp_path / side / name).read_text()) for side in ("command", "library"))
        assert there == here
    assert (tmp_path / "command/spikes.npz").read_bytes() == (tmp_path / "library/spikes.npz").read_bytes()


def test_a_trace_that_differs_is_found(run_folder):
    net = basalt.from_run(run_folder)
    sent = net.run(runtime="direct").spikes
    name = net.layers[0].name
    wrong = {name: np.array(sent[name])}
    wrong[name][0, 0, -1] ^= 1
    found = net.verify(against=wrong, runtime="direct")
    assert not found and found.mismatches == 1
    assert (found.first_divergence.layer, found.first_divergence.neuron) == (name, 0)
    assert "1 of" in repr(found)


def test_it_shows_itself_shortly(run_folder):
    net = basalt.from_run(run_folder)
    shown = repr(net)
    assert len(shown) < 600
    assert all(layer.name in shown for layer in net.layers)
    assert "<table>" in net._repr_html_() and "<script" not in net._repr_html_()
    assert len(repr(net.run(runtime="direct"))) < 200


def test_a_name_that_is_markup_stays_text(run_folder):
    from dataclasses import replace

    net = basalt.from_run(run_folder)
    named = basalt.Model(replace(net.network, name="<script>alert(1)</script>"))
    assert "<script>" not in named._repr_html_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda net: net.run(backend="fxed"), "no backend 'fxed'"),
        (lambda net: net.run(runtime="lave"), "no runtime 'lave'"),
        (lambda net: net.run(np.zeros((1, 3, 4), np.uint8)), "the network takes"),
        (lambda net: net.run("nowhere.npz"), "nowhere.npz does not exist"),
        (lambda net: net.run(runtime="direct").price("dear"), "dear"),
        (lambda net: net.run(runtime="direct").figure("pie"), "no figure 'pie'"),
        (lambda net: net.run(np.zeros((1, net.network.inputs, 0), np.uint8)), "has the shape"),
        (lambda net: net.run(np.zeros((net.network.inputs, 3), np.uint8)), "has the shape"),
        (lambda net: net.run({"spikes": 1}), "is a dict"),
        (lambda net: net.run(batch=0), "`batch` is 0"),
        (lambda net: net.run(samples=-1), "`samples` is -1"),
        (lambda net: net.verify(samples=0), "`samples` is 0"),
        (lambda net: net.verify(against={"nobody": np.zeros((1, 1, 1))}), "^The trace holds no layer"),
        (lambda net: net.run(runtime="direct").figure("raster", sample=99), "no sample 99"),
        (lambda net: net.start(0), "`batch` is 0"),
        (lambda net: net.start(value_bits=9), "1 to 8 bits"),
        (lambda net: net.run(step_ms=1.0, runtime="direct").price()["dear"], "no price by 'dear'"),
        (lambda net: net.verify(backend="float"), "does not compute integers"),
        (lambda net: basalt.from_run("nowhere"), "nowhere is no folder"),
        (lambda net: basalt.Model(net.network).run(), "give it some spikes"),
    ],
)
def test_errors_are_those_of_the_command_line(run_folder, call, said):
    with pytest.raises(basalt.BasaltError, match=said):
        call(basalt.from_run(run_folder))


def test_what_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="'reed'"):
        _ = basalt.reed
    assert "from_nir" in dir(basalt)
