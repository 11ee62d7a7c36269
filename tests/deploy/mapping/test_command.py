"""A mapping as a whole: loads and hops that agree, the file, the command, and what `basalt run` counts with it."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from basalt.cli import build
from basalt.convert import netx
from basalt.deploy.cores import FOLDER, load_core, load_core_file
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.mapping.counting import add_hops, counted_hops, load_hops
from basalt.deploy.mapping.mesh import Mesh
from basalt.deploy.mapping.partition import INPUT
from basalt.deploy.mapping.result import map_network
from basalt.deploy.mapping.summary import comparison, mapping_file
from basalt.errors import BasaltError
from basalt.files import write_json
from tests.deploy.mapping.nets import SMALL, drawn_rates, network
from tests.deploy.mapping.test_partition import LAYERS

NET = network(20, (24, False, 2), (30, True, 0), (8, False, 0), classes=4)


def invoke(*arguments):
    return CliRunner().invoke(build(), ["map", *map(str, arguments)])


@pytest.fixture
def run_folder(tmp_path):
    netx.write(tmp_path / "model.net", NET)
    return tmp_path


def counts_of(net, samples=2, steps=10):
    names = [INPUT, *(layer.name for layer in net.layers)]
    spikes = {name: [40 + 7 * number, 50] for number, name in enumerate(names)}
    processes = [{"name": name, "part": "p", "counters": {"spikes_out": spikes[name]}} for name in names]
    return {"format": "basalt-counts", "version": 1, "samples": samples, "steps": steps, "processes": processes}


@settings(max_examples=25)
@given(st.integers(1, 10), LAYERS, st.booleans(), st.integers(0, 99))
def test_loads_and_hops_agree(inputs, layers, share, seed):
    net = network(inputs, *layers, classes=2)
    mapped = map_network(net, SMALL, drawn_rates(net, seed), share=share, seed=seed, rounds=3)
    rates, hops = mapped.rates, mapped.hops_of_spikes()
    np.testing.assert_allclose(sum(mapped.links.values()), mapped.hops, rtol=1e-9)
    for name in (INPUT, *(layer.name for layer in net.spiking)):
        assert hops[name].shape == rates[name].shape
    travelled = sum(rates[name] @ hops[name] for name in rates if name != "readout")
    np.testing.assert_allclose(travelled, mapped.hops, atol=1e-3)
    assert not hops["readout"].any()
    assert sum(mapped.cycles.values()) == sum(piece.cycles for piece in mapped.pieces)
    if share:
        assert max(mapped.cycles.values()) == max(piece.cycles for piece in mapped.pieces)
        for core in set(mapped.places.tolist()):
            together = [piece for piece, place in zip(mapped.pieces, mapped.places) if place == core]
            assert sum(piece.neurons for piece in together) <= SMALL.neurons
            assert len({piece.layer for piece in together}) == len(together)
    figures = comparison(mapped, shuffles=2)
    assert figures["placed"] <= figures["snake"]


def test_hops_are_counted_spike_by_spike():
    rng = np.random.default_rng(3)
    rates = drawn_rates(NET, 0)
    mapped = map_network(NET, SMALL, rates, Mesh(3, 3))
    sent = {name: (rng.random((2, len(rate), 6)) < 0.3).astype(np.uint8) for name, rate in rates.items()}
    sent[INPUT][1, 0, 0] = 200  # a graded event is one event
    found = counted_hops(mapped.hops_of_spikes(), sent)
    assert set(found) == {INPUT, "l0", "l1", "l2"}
    place, wanted = mapped.place_of, dict.fromkeys(found, 0)
    for piece in (None, *mapped.pieces):
        name, node = (INPUT, INPUT) if piece is None else (piece.layer, piece.name)
        mine = slice(None) if piece is None else slice(piece.first, piece.first + piece.neurons)
        for target in mapped.graph.successors(node):
            for _ in range(np.count_nonzero(sent[name][1, mine])):
                wanted[name] += len(list(mapped.mesh.route(place[node], place[target])))
    assert {name: int(hops[1]) for name, hops in found.items()} == wanted


def test_hops_of_a_run_are_counted_and_priced(tmp_path):
    rates = drawn_rates(NET, 0)
    mapped = map_network(NET, SMALL, rates, Mesh(3, 3))
    write_json(tmp_path / "mapping.json", mapping_file(mapped, 10))
    hops = load_hops(tmp_path / "mapping.json", NET)
    for name, wanted in mapped.hops_of_spikes().items():
        np.testing.assert_array_equal(hops[name], wanted)
    counts = counts_of(NET)
    counts["processes"].append({**counts["processes"][1], "part": "slow_memory", "counters": {}})
    sent = {name: np.ones((2, len(rate), 3), np.uint8) for name, rate in rates.items()}
    add_hops(counts, hops, sent)
    assert counts["processes"][1]["counters"]["hops"] == [3 * int(hops["l0"].sum())] * 2
    assert "hops" not in counts["processes"][-2]["counters"], "read-outs send nothing"
    assert not counts["processes"][-1]["counters"], "the part that sends has all"
    priced = price(counts, available_tables()[:1], strict=True)
    (table,) = priced["tables"].values()
    assert table["processes"][1]["actions"]["hops"]["joule"] > 0
    other = network(20, (25, False, 2))
    with pytest.raises(BasaltError, match="maps another network"):
        load_hops(tmp_path / "mapping.json", other)
    for content in ({"format": "basalt-counts", "version": 1}, [], {"format": "basalt-mapping", "version": 1}):
        write_json(tmp_path / "no.json", content)
        with pytest.raises(BasaltError, match="not a mapping"):
            load_hops(tmp_path / "no.json", NET)


def test_the_command_maps_the_newest_counts(run_folder):
    write_json(run_folder / "deploy-fixed" / "counts.json", counts_of(NET))
    printed = invoke(run_folder, "--mesh", "2x3", "--rounds", 20, "--json")
    assert printed.exit_code == 0, printed.output
    found = json.loads((run_folder / "mapping.json").read_text())
    assert json.loads(printed.stdout) == found
    assert found["rates"].endswith("counts.json")
    assert found["input"]["spikes_per_step"] == 4.5
    assert found["hops_per_inference"] == pytest.approx(10 * found["hops_per_step"]["placed"])
    assert sum(piece["neurons"] for piece in found["pieces"]) == 24 + 30 + 8 + 4
    assert (run_folder / "mapping.png").read_bytes().startswith(b"\x89PNG")
    again = invoke(run_folder / "deploy-fixed", "--mesh", "2x3", "--rounds", 20, "--json")
    assert json.loads(again.stdout) == found, "the same seed, the same placement"
    assert invoke(run_folder, "--mesh", "2x3", "--share").exit_code == 0


def test_the_command_prints_a_table(run_folder):
    printed = invoke(run_folder, "--rate", 0.1, "--rounds", 0, "-o", run_folder / "there")
    assert printed.exit_code == 0, printed.output
    for word in ("l1", "readout", "Busiest core", "at random", "snake"):
        assert word in printed.stdout
    assert (run_folder / "there" / "mapping.json").exists()
    assert "in brackets" not in printed.stdout, "every memory is refreshed in every step"


def test_the_command_tells_the_longest_step_and_folders_as_they_are(tmp_path):
    folder = tmp_path / "a[red]b"
    slow = replace(NET.layers[0], memory=replace(NET.layers[0].memory, update_interval=7))
    netx.write(folder / "model.net", replace(NET, layers=(slow, *NET.layers[1:])))
    printed = invoke(folder, "--rate", 0.01, "--rounds", 0)
    assert printed.exit_code == 0, printed.output
    pieces = json.loads((folder / "mapping.json").read_text())["pieces"]
    first, late = pieces[0], max(pieces, key=lambda piece: piece["longest_step_cycles"])
    assert first["longest_step_cycles"] > first["cycles_per_step"]
    text = " ".join(printed.stdout.split())
    assert f"{first['cycles_per_step']} ({first['longest_step_cycles']})" in text
    assert "in brackets cycles of one that refreshes" in text
    assert f"longest step: ({late['place'][0]}, {late['place'][1]}), {late['longest_step_cycles']} cycles" in text
    assert "a[red]b/mapping.json" in printed.stdout.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], r"basalt run .*model.net.* --rate"),
        (["--rate", 0.1, "--mesh", "1x2"], r"needs 4 pieces.*1x2 has 2: 2 more than fit; take --mesh 2x2.*--share"),
        (["--rate", 0.1, "--mesh", "2"], "--mesh 4x8"),
        (["--rate", 0.1, "--cycles", 3], r"--cycles 3"),
        (["--rate", 0.1, "--core", "published"], r"does not fit .*state_bits"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(run_folder, arguments, said):
    result = invoke(run_folder, *arguments)
    assert isinstance(result.exception, BasaltError)
    assert re.search(said, str(result.exception)), result.exception


def test_parts_that_find_no_room_to_share_are_told_the_way_out():
    net = network(5, (12, False, 0), (12, False, 0))
    with pytest.raises(BasaltError, match=r"24 neurons .* has 12: 12 more .*--mesh 1x2"):
        map_network(net, SMALL, drawn_rates(net, 0), Mesh(1, 1), share=True)


def test_a_mesh_in_the_cores_file_is_taken(run_folder):
    core = run_folder / "mine.toml"
    core.write_text((FOLDER / "mesh.toml").read_text() + "\n[mesh]\nrows = 1\ncolumns = 7\n")
    assert invoke(run_folder, "--rate", 0.1, "--core", core, "--rounds", 0).exit_code == 0
    found = json.loads((run_folder / "mapping.json").read_text())
    assert found["mesh"] == {"rows": 1, "columns": 7, "cores": 7}
    core.write_text(core.read_text().replace("rows = 1", "rows = 0"))
    with pytest.raises(BasaltError, match=r"mesh\.rows"):
        load_core_file(str(core))


def test_the_core_for_meshes_holds_the_layers_that_it_is_made_for():
    core = load_core("mesh")
    net = network(1024, (128, True, 64))
    assert len(map_network(net, replace(core, inputs=2000), drawn_rates(net, 0)).pieces) == 1
