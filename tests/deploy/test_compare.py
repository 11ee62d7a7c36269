"""Networks side by side: energy, time, and that both backends send the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.errors import BasaltError
from convert import netx
from convert.records import Readout
from deploy.compare import TABLES, Machine, compare, entry_of, machine_of, ratio
from deploy.cores import load_core
from tests.conformance.grid import case
from tests.conformance.support import supported


def folder_of(place: Path, name: str, index: int) -> Path:
    """An exported run with the network and the input of a case."""
    found = case(index)
    folder = place / name
    folder.mkdir()
    netx.write(folder / "model.net", found.network)
    labels = np.zeros(len(found.spikes), np.int64)
    np.savez(folder / "test.npz", spikes=found.spikes, labels=labels)
    return folder


def fitting() -> list[int]:
    """Cases with spikes as input, which near-memory cores can run and which end in a read-out."""
    return [
        index
        for index in range(400)
        if supported("near-memory", case(index))
        and isinstance(case(index).network.layers[-1], Readout)
        and case(index).spikes.max() <= 1
    ][:2]


def test_leakage_counts_for_as_long_as_the_machine_computes():
    latency = {"inference_seconds": 0.25, "busiest": "hidden1"}
    found = machine_of({"dynamic_joule": 3.0, "full_speed_joule": 3.5, "latency": latency})
    assert found == Machine(3.0, 3.5, 0.25, "hidden1")
    assert found.energy_delay == 3.5 * 0.25


def test_without_durations_there_is_dynamic_energy_alone():
    found = machine_of({"dynamic_joule": 3.0, "full_speed_joule": 5.0, "latency": None})
    assert found == Machine(3.0, 3.0, None, None)
    assert found.energy_delay is None


def test_ratios():
    assert ratio(3.0, 2.0) == "1.50" and ratio(None, 2.0) == ratio(1.0, None) == ""


def test_the_command_prices_every_network_on_every_table(tmp_path):
    folders = [folder_of(tmp_path, name, index) for name, index in zip("ab", fitting())]
    result = CliRunner().invoke(build(), ["compare", *map(str, folders), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [entry["name"] for entry in content["entries"]] == ["a", "b"]
    for entry in content["entries"]:
        assert list(entry["machines"]) == list(TABLES)
        assert all(machine["dynamic_joule"] > 0 and machine["seconds"] > 0 for machine in entry["machines"].values())
    assert (tmp_path / "out" / "comparison.png").stat().st_size > 1000


def test_samples_and_rates(tmp_path):
    folder = folder_of(tmp_path, "a", fitting()[0])
    entry = entry_of(folder, 1, load_core(), TABLES[:1])
    assert entry.parameters is None and entry.accuracy in (0.0, 1.0)
    assert all(0 <= rate <= 1 for rate in entry.rates.values())


def test_a_folder_that_cannot_be_made_is_found_before_the_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BasaltError, match=r"Cannot make the folder .*file"):
        compare([tmp_path / "nowhere"], output=tmp_path / "file")
