"""`basalt price` prices a stored run anew, by any table, and says what matters."""

import json

import pytest
from typer.testing import CliRunner

from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.energy.tables import FOLDER
from basalt.deploy.main import app
from tests.deploy.energy.test_pricing import counts_of, process


@pytest.fixture
def folder(tmp_path):
    counts = counts_of(
        {**process("input", "source", spikes_out=[9]), "kind": "io"},
        process(events_in=[9], synaptic_operations=[700], neuron_updates=[90], spikes_out=[4]),
    )
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(app, ["price", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_every_table_side_by_side(folder):
    shown = invoke(folder)
    written = json.loads((folder / "energy.json").read_text())
    assert list(written["tables"]) == available_tables()
    assert written == price(json.loads((folder / "counts.json").read_text()), available_tables())
    for text in (*available_tables(), "hidden1", "costliest", "busiest", "delay", "no static power"):
        assert text in shown, text
    assert "doubled" not in shown


def test_one_table_and_what_matters_in_it(folder):
    shown = invoke(folder / "counts.json", "--table", "loihi1-davies", "--sensitivity")
    assert list(json.loads((folder / "energy.json").read_text())["tables"]) == ["loihi1-davies"]
    synaptic, updates = 700 * 23.6, 90 * 81
    assert f"{100 * synaptic / (synaptic + updates + 9 * 1.7):.2f} %" in shown
    assert "prices.synaptic_operation" in shown
    assert "textbook" not in shown


def test_a_table_of_one_s_own(folder):
    own = folder / "mine.toml"
    own.write_text((FOLDER / "loihi1-davies.toml").read_text().replace("value = 23.6", "value = 47.2", 1))
    invoke(folder, "--table", own)
    written = json.loads((folder / "energy.json").read_text())["tables"][str(own)]
    assert written["per_inference_joule"] == pytest.approx((700 * 47.2 + 90 * 81 + 9 * 1.7) * 1e-12)
