"""A report is laid out again without a run: by what verify found out since, and by what was priced since."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt.convert import netx
from basalt.deploy import cores
from basalt.deploy.energy.tables import FOLDER
from basalt.deploy.main import app
from basalt.deploy.report import environment
from basalt.deploy.report.build import MEASURED
from basalt.deploy.report.renew import between, renew
from tests.deploy.test_run import READOUT


def call(*arguments):
    """The command line; it works."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception or result.output
    return result.output


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A network without a duration of its steps, run into a folder beside it and into one elsewhere."""
    place = tmp_path_factory.mktemp("ran")
    netx.write(place / "model.net", READOUT.network)
    labels = np.zeros(len(READOUT.spikes), dtype=np.int64)
    np.savez(place / "test.npz", spikes=READOUT.spikes, labels=labels)
    call("run", place / "model.net", "-n", 2)
    call("run", place / "model.net", "-n", 2, "-o", place / "far" / "result")
    return place


def page(folder):
    return (folder / "report.html").read_text()


def test_verify_renews_the_reports_beside_the_file_and_the_one_it_writes_beside(ran):
    near, far = ran / "deploy-fixed", ran / "far" / "result"
    measured = between(page(near))
    assert "not verified yet" in page(near) and "not verified yet" in page(far)
    assert "Report renewed" in call("verify", ran / "model.net", "-n", 2)
    assert "not verified yet" not in page(near) and "mismatches in" in re.sub(r"\s+", " ", page(near))
    assert between(page(near)) == measured and len(measured) > 2000
    assert "not verified yet" in page(far)
    call("verify", ran / "model.net", "-n", 2, "-o", far)
    assert "not verified yet" not in page(far)
    assert "Verified, layer by layer" in page(far)


def test_a_verification_without_training_does_not_claim_it(ran):
    call("verify", ran / "model.net", "-n", 2)
    whole = page(ran / "deploy-fixed")
    assert "Same spikes as the reference?" in whole and "Same spikes as trained?" not in whole
    assert "Training was not compared" in whole


def test_a_verification_of_another_file_is_none_of_the_run(tmp_path):
    """The run is of the file before; what verify says of the new one is not about its spikes."""
    netx.write(tmp_path / "model.net", READOUT.network)
    np.savez(tmp_path / "test.npz", spikes=READOUT.spikes)
    call("run", tmp_path / "model.net", "-n", 1)
    folder = tmp_path / "deploy-fixed"
    last = READOUT.network.layers[-1]
    changed = replace(READOUT.network, layers=(*READOUT.network.layers[:-1], replace(last, weight=-last.weight)))
    netx.write(tmp_path / "model.net", changed)
    call("verify", tmp_path / "model.net", "-n", 1)
    assert "not verified yet" in page(folder)
    call("price", folder)
    assert "not verified yet" in page(folder)
    call("run", tmp_path / "model.net", "-n", 1)
    assert "not verified yet" not in page(folder)


def test_price_adds_a_table_and_renews_the_report(ran):
    folder = ran / "deploy-fixed"
    own = ran / "mine.toml"
    own.write_text((FOLDER / "loihi1-davies.toml").read_text().replace("Loihi 1 (Davies 2018)", "My own machine", 1))
    before = json.loads((folder / "energy.json").read_text())["tables"]
    measured = between(page(folder))
    shown = call("price", folder, "--table", own)
    after = json.loads((folder / "energy.json").read_text())["tables"]
    assert list(after) == [*before, str(own)] and {name: after[name] for name in before} == before
    assert "loihi1-davies" in shown.rsplit("Written to", 1)[1]
    assert "My own machine" in page(folder) and between(page(folder)) == measured
    result = json.loads((folder / "result.json").read_text())
    assert set(result["energy_per_inference"]) == set(after)
    call("price", folder, "--table", "textbook-45nm")
    assert set(json.loads((folder / "energy.json").read_text())["tables"]) == set(after)


def test_a_table_that_is_gone_keeps_its_entry_while_it_is_true(ran):
    folder = ran / "far" / "result"
    own = ran / "gone.toml"
    own.write_text((FOLDER / "textbook-45nm.toml").read_text())
    call("price", folder, "--table", own)
    own.unlink()
    shown = call("price", folder, "--table", "textbook-45nm")
    assert "gone.toml is as it was priced before" in shown
    assert str(own) in json.loads((folder / "energy.json").read_text())["tables"]


def test_step_ms_goes_into_everything_that_is_priced(tmp_path):
    netx.write(tmp_path / "model.net", replace(READOUT.network, step_seconds=None))
    np.savez(tmp_path / "test.npz", spikes=READOUT.spikes)
    folder = tmp_path / "deploy-fixed"
    assert "1 ms, assumed; --step-ms sets it" in call("run", tmp_path / "model.net", "-n", 1)
    assumed = json.loads((folder / "energy.json").read_text())["tables"]["near-memory-22nm"]
    assert "assumed; --step-ms sets it" in page(folder)
    call("price", folder, "--step-ms", 3, "--table", "textbook-45nm")
    energy = json.loads((folder / "energy.json").read_text())["tables"]
    assert {table["step_seconds"] for table in energy.values()} == {0.003}
    assert {table["step_seconds_from"] for table in energy.values()} == {"option"}
    assert energy["near-memory-22nm"]["static_joule"] == pytest.approx(3 * assumed["static_joule"])
    assert "3 ms" in page(folder) and "given by --step-ms" in page(folder)
    stated = json.loads((folder / "result.json").read_text())["energy_per_inference"]["near-memory-22nm"]
    assert stated["step_seconds"] == 0.003
    assert "3 ms, given by --step-ms" in call("run", tmp_path / "model.net", "-n", 1, "--step-ms", 3)
    again = json.loads((folder / "energy.json").read_text())["tables"]["near-memory-22nm"]
    assert again["static_joule"] == pytest.approx(energy["near-memory-22nm"]["static_joule"])


@pytest.mark.parametrize("command", ["run", "price"])
def test_step_ms_does_not_overrule_the_file(tmp_path, command):
    netx.write(tmp_path / "model.net", replace(READOUT.network, step_seconds=0.005))
    np.savez(tmp_path / "test.npz", spikes=READOUT.spikes)
    call("run", tmp_path / "model.net", "-n", 1, "--step-ms", 5)
    counts = (tmp_path / "deploy-fixed" / "counts.json").read_text()
    target = {"run": (tmp_path / "model.net", "-n", 1), "price": (tmp_path / "deploy-fixed",)}[command]
    failed = CliRunner().invoke(app, [command, *map(str, target), "--step-ms", "2"])
    assert failed.exit_code == 1
    assert str(failed.exception).startswith("The network says itself that a step lasts 5 ms, and --step-ms says 2")
    assert (tmp_path / "deploy-fixed" / "counts.json").read_text() == counts


def test_a_report_from_before_the_marks_is_left_and_told_of(ran, tmp_path):
    for name in ("result", "counts", "energy"):
        (tmp_path / f"{name}.json").write_text((ran / "deploy-fixed" / f"{name}.json").read_text())
    assert renew(tmp_path) is None
    (tmp_path / "report.html").write_text("<html>old</html>")
    assert "older version of Basalt: run the network again" in renew(tmp_path)
    (tmp_path / "energy.json").unlink()
    assert "there is no energy.json beside it" in renew(tmp_path)
    assert page(tmp_path) == "<html>old</html>"


def test_nothing_in_a_run_can_look_like_a_mark():
    assert between(MEASURED[0] + "a" + MEASURED[1] + MEASURED[1]) == "a"
    assert between("a" + MEASURED[1]) is None and between(MEASURED[0] + "a") is None


def test_the_machine_is_in_words(ran):
    whole = page(ran / "deploy-fixed")
    facts = whole[whole.index("How these numbers were made") :]
    machine = re.search(r"<dt>Machine</dt><dd>(.*?)</dd>", facts).group(1)
    assert not re.search(r"[{}':]|&#39;", machine) and "GiB of memory" in machine and "Linux" in machine
    versions = re.search(r"<dt>Versions</dt><dd>(.*?)</dd>", facts).group(1)
    assert "Python 3." in versions and "lava-nc" in versions
    assert environment.in_words("a box") == "a box"
    assert (
        environment.in_words({"processor": "x86_64", "cores": 1, "memory_gib": 24})
        == "x86_64, 1 core, 24 GiB of memory"
    )
    assert environment.in_words({}) == "unknown processor"


def test_no_table_has_more_columns_than_a_page_has_room_for(ran):
    """Wide tables were cut: one column for every counter. Browsers were asked, too; this holds the cause."""
    for table in re.findall(r"<table.*?</table>", page(ran / "deploy-fixed"), re.DOTALL):
        head = re.search(r"<thead>.*?</thead>", table, re.DOTALL).group(0)
        if 'class="confusion' not in table:
            assert head.count("<th") <= 9, head


def test_what_does_not_fit_is_among_the_warnings(tmp_path):
    netx.write(tmp_path / "model.net", READOUT.network)
    np.savez(tmp_path / "test.npz", spikes=READOUT.spikes)
    text = (Path(cores.__file__).parent / "default.toml").read_text()
    (tmp_path / "small.toml").write_text(re.sub(r"(?m)^inputs = .*$", "inputs = 1", text))
    call("run", tmp_path / "model.net", "-n", 1, "--backend", "near-memory", "--core", tmp_path / "small.toml")
    folder = tmp_path / "deploy-near-memory"
    for name in ("counts", "energy"):
        assert "does not fit into the core" in json.loads((folder / f"{name}.json").read_text())["misfits"][0]
    assert "does not fit into the core" in json.loads((folder / "result.json").read_text())["notices"][0]
    warnings = page(folder)[page(folder).index('class="warnings"') :]
    assert "does not fit into the core" in warnings[: warnings.index("</section>")]
    assert "does not fit into the core" in call("price", folder)
