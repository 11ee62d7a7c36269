"""Networks side by side: energy, time, and that both backends send the same."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt import __version__, provenance
from basalt.cli import build
from basalt.convert import netx
from basalt.deploy import cores
from basalt.deploy.cores import load_core
from basalt.deploy.energy.pricing import price
from basalt.errors import BasaltError
from basalt.records.readout import Readout
from basalt.study.compare.command import compare
from basalt.study.compare.entry import Entry, Machine, Subject, entry_of, machine_of
from basalt.study.compare.files import names_of, place_for, stem_of
from basalt.study.compare.options import TABLES
from basalt.study.compare.picture import draw, entry_label, note_of
from basalt.study.compare.study import check_step
from basalt.study.compare.tables import ratio
from tests.conformance.grid import case
from tests.conformance.support import supported
from tests.deploy.energy.test_pricing import counts_of, process


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


def entry(name: str, misfits: tuple[str, ...] = (), **machines: Machine) -> Entry:
    """A network that was never run."""
    return Entry(name, 20, 0.5, None, {}, misfits, machines)


TIMED = Machine(3e-6, 1e-6, 2e-6, 1.5e-6, 1e-4, "hidden1", 0.005, "file")
TIMELESS = Machine(3e-6, 1e-6, 2e-6, None, None, None, 0.005, "file")


def test_a_machine_is_what_energy_json_says():
    counts = counts_of(process(cycles=[20_000], dense_macs=[1000])) | {"core": {"clock_mhz": 200.0}}
    priced = price(counts, ["near-memory-22nm"])["tables"]["near-memory-22nm"]
    found = machine_of(priced)
    assert found.joule == priced["per_inference_joule"] == found.dynamic_joule + found.leakage_joule
    assert found.full_speed_joule == priced["full_speed_joule"] < found.joule
    assert (found.seconds, found.busiest) == (pytest.approx(1e-4), "hidden1")
    assert found.energy_delay == found.full_speed_joule * found.seconds
    assert (found.step_seconds, found.step_seconds_from) == (0.005, "file")


def test_without_durations_nothing_is_known_at_full_speed():
    priced = price(counts_of(process(dense_macs=[1000])), ["textbook-45nm"])["tables"]["textbook-45nm"]
    found = machine_of(priced)
    assert found.joule == priced["per_inference_joule"]
    assert found.full_speed_joule is found.seconds is found.energy_delay is found.rate is None


def test_ratios():
    assert ratio(3.0, 2.0) == "1.50" and ratio(None, 2.0) == ratio(1.0, None) == ""


def call(*arguments) -> str:
    result = CliRunner().invoke(build(), ["compare", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception or result.output
    return result.output


def test_the_command_prices_every_network_on_every_table(tmp_path):
    folders = [folder_of(tmp_path, name, index) for name, index in zip("ab", fitting())]
    shown = call(*folders, "-o", tmp_path / "out")
    content = json.loads((tmp_path / "out" / "comparison-a-b.json").read_text())
    assert [entry["name"] for entry in content["entries"]] == ["a", "b"]
    for entry in content["entries"]:
        assert list(entry["machines"]) == list(TABLES)
        assert all(machine["dynamic_joule"] > 0 and machine["seconds"] > 0 for machine in entry["machines"].values())
        assert entry["samples"] == content["samples"][entry["name"]] > 0
    assert content["headline"] == "in real time" and content["versions"]["basalt"] == __version__
    assert content["date"].endswith("Z") and content["command"].startswith("basalt ")
    assert content["commit"] == provenance.commit()
    assert (tmp_path / "out" / "comparison-a-b.png").stat().st_size > 1000
    for said in ("in real time", "at full speed", "A step lasts", "Samples"):
        assert said in shown, said


def test_compare_and_run_say_the_same(tmp_path):
    """The same network, the same table, the same convention: one figure."""
    folder = folder_of(tmp_path, "a", fitting()[0])
    call(folder, "-o", tmp_path)
    done = CliRunner().invoke(build(), ["run", str(folder), "--backend", "near-memory"])
    assert done.exit_code == 0, done.exception
    result = json.loads((folder / "deploy-near-memory" / "result.json").read_text())
    machine = json.loads((tmp_path / "comparison-a.json").read_text())["entries"][0]["machines"]["near-memory-22nm"]
    assert machine["joule"] == result["energy_per_inference_joule"]["near-memory-22nm"]
    stated = result["energy_per_inference"]["near-memory-22nm"]
    assert machine["full_speed_joule"] == stated["full_speed"]["joule"]
    assert machine["leakage_joule"] == stated["real_time"]["leakage_joule"]


def test_another_comparison_keeps_its_files_and_the_same_is_renewed(tmp_path):
    folder = folder_of(tmp_path, "a", fitting()[0])
    call(folder, "-o", tmp_path, "-n", 1)
    first = (tmp_path / "comparison-a.json").read_text()
    call(folder, "-o", tmp_path, "-n", 2)
    assert (tmp_path / "comparison-a.json").read_text() == first
    second = json.loads((tmp_path / "comparison-a-2.json").read_text())
    assert second["compared"]["samples"] == 2 and (tmp_path / "comparison-a-2.png").exists()
    assert place_for(tmp_path, ["a"], second["compared"]) == tmp_path / "comparison-a-2"
    assert place_for(tmp_path, ["a"], {**second["compared"], "samples": 3}) == tmp_path / "comparison-a-3"


def test_somebody_else_s_file_is_not_overwritten(tmp_path):
    (tmp_path / "comparison-a.json").write_text("not ours")
    assert place_for(tmp_path, ["a"], {}).name == "comparison-a-2"
    (tmp_path / "comparison-a-2.png").write_text("a picture")
    assert place_for(tmp_path, ["a"], {}).name == "comparison-a-3"


def test_names_tell_networks_apart(tmp_path):
    assert names_of([tmp_path / "x" / "model.net", tmp_path / "own.net"]) == ["x", "own"]
    same = [tmp_path / "one" / "x" / "model.net", tmp_path / "two" / "x" / "model.net"]
    assert names_of(same) == ["one/x", "two/x"]
    assert stem_of(names_of(same)) == "comparison-one_x-two_x"
    with pytest.raises(BasaltError, match="named twice"):
        names_of([same[0], same[0]])
    long = stem_of([f"network{number}" for number in range(50)])
    assert long == "comparison-network0-and-49-more" and len(stem_of(["x" * 300])) <= 80


def test_what_does_not_fit_is_said_on_screen_in_json_and_in_the_picture(tmp_path):
    folder = folder_of(tmp_path, "a", fitting()[0])
    core = tmp_path / "small.toml"
    text = (Path(cores.__file__).parent / "default.toml").read_text()
    core.write_text(re.sub(r"(?m)^inputs = .*$", "inputs = 1", text))
    shown = call(folder, "-o", tmp_path, "--core", core, "-n", 1)
    content = json.loads((tmp_path / "comparison-a.json").read_text())
    assert "does not fit into the core" in shown and "a †" in shown
    assert any("inputs" in misfit for misfit in content["entries"][0]["misfits"])
    wrong = entry("a", ("Layer 'x' does not fit.",), t=TIMED)
    assert "†" in entry_label(wrong) and "does not fit into the near-memory core 'small'" in note_of([wrong], "small")
    assert "†" not in entry_label(entry("a", t=TIMED)) and "fit" not in note_of([entry("a", t=TIMED)], "small")


def drawn(entries, tmp_path, monkeypatch):
    """The figure of a picture."""
    from matplotlib.figure import Figure

    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k)))
    draw(tmp_path / "x.png", entries, "default")
    return kept[0]


def test_only_what_is_known_is_drawn(tmp_path, monkeypatch):
    figure = drawn([entry("a", timed=TIMED, timeless=TIMELESS)], tmp_path, monkeypatch)
    timed, timeless = figure.axes
    points = [tuple(map(float, point)) for found in timed.collections for point in found.get_offsets()]
    assert points == [pytest.approx((100, 1500)), pytest.approx((100, 3000))]
    assert not timeless.collections and not timeless.lines
    assert "no durations" in timeless.texts[0].get_text()


@pytest.mark.parametrize("number", [1, 3, 25])
@pytest.mark.parametrize("name", ["a", "a_network_with_quite_a_long_name_of_seventy_characters_or_so_in_it_$x_$"])
def test_nothing_is_cut_or_covered(number, name, tmp_path, monkeypatch):
    many = [
        entry(f"{name}{n}", ("x",) if n % 2 else (), timed=replace(TIMED, seconds=1e-4 * (n + 1)))
        for n in range(number)
    ]
    figure = drawn(many, tmp_path, monkeypatch)
    canvas, (axes,), (legend,) = figure.canvas.get_renderer(), figure.axes, figure.legends
    whole, below = figure.bbox, legend.get_window_extent(canvas)
    for part in (below, axes.get_tightbbox(canvas), legend.get_title().get_window_extent(canvas)):
        assert part.x0 >= whole.x0 - 1 and part.x1 <= whole.x1 + 1
        assert part.y0 >= whole.y0 - 1 and part.y1 <= whole.y1 + 1
    assert not below.overlaps(axes.get_window_extent(canvas))
    assert axes.get_window_extent(canvas).height > 150
    for found in axes.collections:
        x, y = found.get_offsets()[0]
        assert axes.get_xlim()[0] < x < axes.get_xlim()[1] and axes.get_ylim()[0] < y < axes.get_ylim()[1]


def test_step_ms_is_for_networks_that_do_not_say(tmp_path):
    folder = folder_of(tmp_path, "a", fitting()[0])
    network = netx.read(folder / "model.net")
    netx.write(folder / "model.net", replace(network, step_seconds=None))
    assert "1 ms (assumed" in call(folder, "-o", tmp_path, "-n", 1)
    assert "2 ms (given by --step-ms)" in call(folder, "-o", tmp_path, "-n", 1, "--step-ms", 2)
    joules = [
        json.loads((tmp_path / f"{name}.json").read_text())["entries"][0]["machines"]["near-memory-22nm"][
            "leakage_joule"
        ]
        for name in ("comparison-a", "comparison-a-2")
    ]
    assert joules[1] == pytest.approx(2 * joules[0])
    netx.write(folder / "model.net", replace(network, step_seconds=0.005))
    with pytest.raises(BasaltError, match="lasts 5 ms, and --step-ms says 2"):
        check_step([0.005], 2.0)


def test_samples_and_rates(tmp_path):
    folder = folder_of(tmp_path, "a", fitting()[0])
    entry = entry_of(Subject.read(folder / "model.net", 1), load_core(), TABLES[:1])
    assert entry.parameters is None and entry.accuracy in (0.0, 1.0)
    assert all(0 <= rate <= 1 for rate in entry.rates.values())


def test_a_folder_that_cannot_be_made_is_found_before_the_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BasaltError, match=r"Cannot make the folder .*file"):
        compare([tmp_path / "nowhere"], output=tmp_path / "file")
