"""Backends compute the reference's integers, whatever the network, batch and order."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from basalt.convert import netx
from basalt.deploy import job
from basalt.deploy.backends import find
from basalt.deploy.commands.list import first_comment, run_state
from basalt.deploy.counted import counts_file, saturations
from basalt.deploy.energy.tables import available_tables
from basalt.deploy.inputs import load_inputs
from basalt.deploy.job import Job, blank, predict, run
from basalt.deploy.main import app
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from tests.conformance.strategies import cases, make_case

READOUT = next(case for case in map(make_case, range(1000)) if case.network.readout and len(case.spikes) > 3)
CLASSES = READOUT.network.layers[-1].neurons


@settings(max_examples=6)
@given(case=cases())
def test_fixed_equals_the_reference(case):
    """Spike for spike and sum for sum, in rounds of any size."""
    outcome = run(Job(case.network, case.spikes, "fixed", case.batch), timeout=120)
    for name, sent in simulate(case.network, case.spikes).items():
        assert np.array_equal(outcome.sent[name], sent), name


@pytest.fixture(scope="module")
def outcome():
    """One run with a read-out, in several rounds."""
    return run(Job(READOUT.network, READOUT.spikes, "fixed", 2), timeout=120)


def test_counters_equal_a_brute_force_count(outcome):
    """Events, synaptic operations and spikes, counted again from the spikes alone."""
    before = READOUT.spikes
    assert np.array_equal(outcome.counts["input.source"][:, COLUMN["spikes_out"]], (before > 0).sum(axis=(1, 2)))
    for layer in READOUT.network.layers:
        part = "readout" if layer.kind == "readout" else "spiking"
        table = outcome.counts[f"{layer.name}.{part}"]
        arrived = (before[:, :, :-1] > 0).sum(axis=(1, 2))
        own = np.zeros_like(arrived)
        if part == "spiking" and layer.recurrent_weight is not None and layer.delay is None:
            own = outcome.sent[layer.name][:, :, :-1].sum(axis=(1, 2))
        if part == "readout" or layer.recurrent_weight is None or layer.delay is None:
            reached = 1 if part == "spiking" and layer.recurrence == "diagonal" else layer.neurons
            assert np.array_equal(table[:, COLUMN["events_in"]], arrived + own)
            assert np.array_equal(table[:, COLUMN["synaptic_operations"]], arrived * layer.neurons + own * reached)
        assert (table[:, COLUMN["neuron_updates"]] == layer.neurons * READOUT.spikes.shape[2]).all()
        before = outcome.sent[layer.name]


def test_counts_file_names_every_part(outcome):
    """One entry per part, one number per sample."""
    counts = counts_file(Job(READOUT.network, READOUT.spikes), outcome)
    json.dumps(counts)
    assert next(entry["name"] for entry in counts["processes"]) == "input"
    for entry in counts["processes"]:
        assert all(len(column) == len(READOUT.spikes) for column in entry["counters"].values())
    assert saturations(outcome) >= 0


def test_prediction_is_the_largest_sum(outcome):
    sums = outcome.sent[READOUT.network.readout.name][:, :, -1]
    assert np.array_equal(predict(READOUT.network, outcome.sent), sums.argmax(axis=1))


def test_float_backend_runs_the_same_graph():
    """In real numbers the first spikes agree where rounding has had no time to matter."""
    case = READOUT
    found = run(Job(case.network, case.spikes[:1], "float", 1), timeout=120)
    assert set(found.sent) == {layer.name for layer in case.network.layers}


def test_one_layer_on_another_backend():
    """A layer placed on the same models as all others changes nothing; an unknown one is named."""
    case = READOUT
    first = case.network.layers[0].name
    placed = run(Job(case.network, case.spikes[:1], "float", 1, {first: "fixed"}), timeout=120)
    assert np.array_equal(placed.sent[first], simulate(case.network, case.spikes[:1])[first])
    with pytest.raises(BasaltError, match="no layer 'nowhere' to place"):
        run(Job(case.network, case.spikes[:1], "fixed", 1, {"nowhere": "float"}))


@pytest.fixture
def files(tmp_path):
    """A .net file and an input with labels."""
    netx.write(tmp_path / "model.net", READOUT.network)
    labels = np.zeros(len(READOUT.spikes), dtype=np.int64)
    np.savez(tmp_path / "x.npz", spikes=READOUT.spikes, labels=labels)
    return tmp_path


def call(*arguments):
    """The command line, as a script would call it."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


@pytest.mark.parametrize("how", [["run"], ["run", "--workers", "2"], ["verify"]])
def test_a_job_is_checked_once(how, files, monkeypatch):
    seen: list[Job] = []
    refuse = job.refuse_lacking
    monkeypatch.setattr(job, "refuse_lacking", lambda one: seen.append(one) or refuse(one))
    done = call(*how, files / "model.net", "--input", files / "x.npz")
    assert done.exit_code == 0, done.output
    assert len(seen) == 1


def test_run_command_keeps_its_contract(files):
    """The files that scripts rely on, with the fields they rely on."""
    done = call("run", files / "model.net", "--input", files / "x.npz", "--output", files / "out", "--samples", 3)
    assert done.exit_code == 0, done.output
    out = files / "out"
    assert {path.name for path in out.iterdir()} == {
        "spikes.npz",
        "counts.json",
        "energy.json",
        "result.json",
        "report.html",
    }
    result = json.loads((out / "result.json").read_text())
    assert result["backend"] == "fixed"
    assert (result["samples"], result["steps"]) == (3, READOUT.spikes.shape[2])
    assert 0 <= result["accuracy"] <= 1
    assert result["seconds"] > 0 and result["sample_steps_per_second"] > 0 and result["saturations"] >= 0
    assert set(result["energy_per_inference_joule"]) == set(available_tables())
    with np.load(out / "spikes.npz") as spikes:
        last = list(READOUT.network.spiking)[-1]
        assert np.array_equal(spikes["spikes"], simulate(READOUT.network, READOUT.spikes[:3])[last.name])
        assert spikes["labels"].shape == (3,)


def test_a_read_out_alone_runs(files):
    """The last sums and the classes, and no spikes, which no layer sends."""
    alone = Readout("readout", np.array([[2, -4], [0, 6], [4, 4]]))
    netx.write(files / "alone.net", Network((alone,), "alone"))
    spikes = np.array([[[1, 1, 0], [0, 1, 1]], [[0, 0, 0], [0, 0, 0]]], dtype=np.uint8)
    np.savez(files / "two.npz", spikes=spikes, labels=[2, 0])
    done = call("run", files / "alone.net", "--input", files / "two.npz", "--output", files / "out")
    assert done.exit_code == 0, done.output
    with np.load(files / "out" / "spikes.npz") as kept:
        assert set(kept) == {"labels", "readout"}
        assert kept["readout"].tolist() == [[0, 6, 12], [0, 0, 0]] and kept["labels"].tolist() == [2, 0]


@given(steps=st.integers(1, 1000))
def test_blocks_are_few_and_of_one_length(steps):
    """As many as the backend's largest block makes necessary; the last one is hardly shorter."""
    backend = find("compiled")
    block, blocks = backend.block_of(steps), -(-steps // backend.block)
    assert block <= backend.block
    assert -(-steps // block) == blocks
    assert blocks * block - steps < blocks


def test_run_without_labels(files):
    """No labels, no accuracy."""
    np.savez(files / "y.npz", spikes=READOUT.spikes)
    done = call("run", files / "model.net", "--input", files / "y.npz", "--output", files / "out", "--samples", 1)
    assert done.exit_code == 0, done.output
    assert json.loads((files / "out" / "result.json").read_text())["accuracy"] is None


def test_what_an_earlier_run_left_goes(files):
    """Should pricing fail, its figures would stand beside the counts of another run."""
    arguments = ("run", files / "model.net", "--input", files / "x.npz", "--output", files / "out", "--samples", 1)
    (files / "out").mkdir()
    (files / "out" / "failure.txt").write_text("of an earlier run")
    assert call(*arguments).exit_code == 0
    assert not (files / "out" / "failure.txt").exists()
    table = (Path(__file__).parents[2] / "deploy/energy/tables/textbook-45nm.toml").read_text()
    (files / "own.toml").write_text(re.sub(r"(?m)^synaptic_operations = .*\n", "", table))
    failed = call(*arguments, "--table", files / "own.toml", "--strict")
    assert failed.exit_code == 1 and "has no price for" in str(failed.exception)
    assert {path.name for path in (files / "out").iterdir()} == {"spikes.npz", "counts.json"}


def test_dry_run_runs_nothing(files):
    done = call("run", files / "model.net", "--input", files / "x.npz", "--output", files / "out", "--dry-run")
    assert done.exit_code == 0 and "Would run" in done.output
    assert not (files / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"labels": np.zeros(2)}, "no array `spikes`"),
        ({"spikes": np.zeros((2, 3), dtype=np.uint8)}, r"shape \(2, 3\)"),
        ({"spikes": np.zeros((2, 99, 5), dtype=np.uint8)}, "99 features"),
        ({"spikes": -np.ones((2, READOUT.network.inputs, 5), dtype=np.int8)}, "integers from 0 to 255"),
        ({"spikes": np.full((2, READOUT.network.inputs, 5), np.nan)}, "integers from 0 to 255"),
        (
            {"spikes": np.zeros((2, READOUT.network.inputs, 5), dtype=np.uint8), "labels": np.zeros(3, dtype=int)},
            "must be 2 integers",
        ),
        (
            {"spikes": np.zeros((2, READOUT.network.inputs, 5), dtype=np.uint8), "labels": [0, CLASSES]},
            f"`labels` are 0 … {CLASSES}, the network has the classes 0 … {CLASSES - 1}; .*leave `labels` out",
        ),
        (
            {"spikes": np.zeros((2, READOUT.network.inputs, 5), dtype=np.uint8), "labels": [-1, 0]},
            "`labels` are -1 … 0, the network",
        ),
    ],
)
def test_bad_input_is_named(tmp_path, arrays, says):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(BasaltError, match=says):
        load_inputs(tmp_path / "x.npz", READOUT.network.inputs, CLASSES)


def test_truncated_input_is_named(files):
    path = files / "x.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BasaltError, match=r"x\.npz is not a readable"):
        load_inputs(path, READOUT.network.inputs)


def test_an_array_without_a_name_says_how_to_write_it(tmp_path):
    np.save(tmp_path / "x.npy", READOUT.spikes)
    with pytest.raises(BasaltError, match=r"x\.npy holds one array without a name.*numpy\.savez"):
        load_inputs(tmp_path / "x.npy", READOUT.network.inputs)


@given(place=st.floats(0.0, 1.0, exclude_max=True), value=st.integers(0, 255))
def test_damaged_input_never_crashes(place, value, tmp_path_factory):
    """One wrong byte anywhere is refused with a sentence, or hits something that is not read."""
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    np.savez_compressed(path, spikes=READOUT.spikes)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] = value
    path.write_bytes(content)
    try:
        load_inputs(path, READOUT.network.inputs)
    except BasaltError as error:
        assert "x.npz" in str(error)


@pytest.mark.parametrize(
    ("backend", "says"),
    [("nowhere", "choose one of fixed"), ("loihi2", "lava-loihi"), ("netx", "cannot run layer")],
)
def test_a_backend_that_cannot_run_says_why(backend, says):
    case = next(case for case in map(make_case, range(1000)) if any(layer.memory for layer in case.network.spiking))
    with pytest.raises(BasaltError, match=says):
        run(Job(case.network, case.spikes, backend))


def test_records_made_by_hand_are_held_to_the_design_rules():
    """Whether or not they were ever in a file."""
    layer = Spiking("hidden", np.full((2, 3), 254), Neuron(1 << 17, axis(0), axis(0)))
    with pytest.raises(BasaltError, match=r"network 'by hand'.*'hidden' breaks the rule threshold_range"):
        run(Job(Network((layer,), "by hand"), np.ones((1, 3, 4), np.uint8), "compiled"))


@pytest.mark.parametrize("command", ["run", "verify"])
@pytest.mark.parametrize("output", ["x.npz", "x.npz/inside", "/proc/nobody"])
def test_a_folder_that_cannot_be_made_is_named(files, command, output):
    done = call(command, files / "model.net", "--input", files / "x.npz", "--output", files / output)
    assert isinstance(done.exception, BasaltError), done.exception
    assert re.fullmatch(r"Cannot make the folder \S+ \(.+\); name another\.", str(done.exception))


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(BasaltError, match=r"Cannot write into the folder /proc \(.+--output"):
        run(Job(READOUT.network, READOUT.spikes[:1]), folder=Path("/proc"))


def test_names_are_shown_as_they_are(files):
    """Brackets in the name of a network or a folder are no markup."""
    netx.write(files / "model.net", replace(READOUT.network, name="[/bold]"))
    for dry in ((), ("--dry-run",)):
        done = call("run", files / "model.net", "-i", files / "x.npz", "-o", files / "an [old] one", "-n", 1, *dry)
        assert done.exit_code == 0, done.exception
        assert "[old]" in done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--place", "nowhere=float"), "There is no layer 'nowhere' to place"),
        (("--place", f"{READOUT.network.layers[0].name}=netx"), "stock processes run whole networks"),
        (("--place", f"{READOUT.network.layers[0].name}=fixed", "--backend", "netx"), "stock processes run whole"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_place_that_cannot_be_is_found_before_the_run(files, options, says, dry):
    done = call("run", files / "model.net", "--input", files / "x.npz", "--output", files / "out", *options, *dry)
    assert isinstance(done.exception, BasaltError) and says in str(done.exception), done.exception
    assert not (files / "out").exists()


@pytest.mark.parametrize("named", ["nowhere", "."])
def test_price_without_counts_says_what_to_name(files, named):
    done = call("price", files / named)
    assert isinstance(done.exception, BasaltError), done.exception
    assert re.search(r"There is no \S+: name a result folder of `basalt run`", str(done.exception))


def test_a_run_in_the_list(tmp_path):
    """Accuracy in integers, or in floats without them; what is damaged hides no other run."""
    metrics = tmp_path / "metrics.json"
    assert run_state(tmp_path) == "training has not ended"
    metrics.write_text('{"accuracy_integer": 0.5, "accuracy_float": 0.6}')
    assert run_state(tmp_path) == "test accuracy 50.0 %"
    metrics.write_text('{"accuracy_integer": null, "accuracy_float": 0.6}')
    assert run_state(tmp_path) == "test accuracy 60.0 % in floats, not deployable"
    metrics.write_text("{")
    assert "is not valid JSON" in run_state(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# One of 3.5.\nname", "One of 3.5."),
        ("# A long\n# sentence. Another.\n", "A long sentence."),
        ("# Which? This. That.\n", "Which? This."),
        ("name = 3", ""),
    ],
)
def test_a_recipe_in_the_list(tmp_path, text, says):
    (tmp_path / "a.toml").write_text(text)
    assert first_comment(tmp_path / "a.toml") == says


def test_blank_files_have_their_room(tmp_path):
    """A page of a mapped file for which there is no room on the disk would end the process with a bus error."""
    made = blank(tmp_path / "a.npy", np.dtype(np.uint64), (1000, 129))
    found = (tmp_path / "a.npy").stat()
    assert found.st_blocks * 512 >= found.st_size
    made[:] = 7
    made.flush()
    assert (np.load(tmp_path / "a.npy") == 7).all()
