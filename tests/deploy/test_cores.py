"""Cores read strictly, and the calculator that takes them."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.deploy.commands.schedule import arranged
from basalt.deploy.cores import FOLDER, available_cores, load_core
from basalt.errors import BasaltError
from basalt.near_memory import mechanisms as pathways
from basalt.near_memory.convolution import square
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import OWNER, misfits
from basalt.near_memory.schedule import schedule
from basalt.near_memory.sizes import WITHOUT_MEMORY, Sizes
from basalt.near_memory.walk import PATHS, Events
from tests.benchmarks import near_memory

TEXT = (FOLDER / "default.toml").read_text()


def printed(*arguments):
    result = CliRunner().invoke(build(), ["schedule", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout), result.stderr


def test_the_default_core_is_what_the_models_take_and_holds_its_own_layer():
    core = load_core()
    assert {**vars(core), "sram_kib": {}} == vars(Core())
    for states, recurrent, delay in ((8, False, None), (0, True, 62)):
        layer = Sizes(700, 128, states=states, recurrent=recurrent, longest_delay=delay, current=True)
        assert misfits(core, layer) == []


def test_the_cores_that_basalt_brings():
    assert {"default", "mesh", "published", "vision"} <= set(available_cores())
    assert load_core("published").state_bits == 16


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("fused = 4", "fused = 0", "datapath.fused"),
        ("fused = 4", 'fused = "4"', "datapath.fused"),
        ("fused = 4", "fuzed = 4", "datapath.fused"),
        ("\nmacs = 4", "\nmacs = 5", "datapath.macs"),
        ("drive_macs = 4", "drive_macs = 5", "datapath.drive_macs"),
        ("membrane_ports = 2", "membrane_ports = 3", "membrane_ports"),
        ("membrane = 0.375", "membrain = 0.375", "sram.membrain"),
        ("bank = 128", "", "sram.bank"),
        ("dependency_breaking = true", "dependency_breaking = 1", "optimisations.dependency_breaking"),
        ("mhz = 200", "mhz = -1", "clock.mhz"),
        ("version = 1", "version = 2", "version"),
        ("[clock]", "[clock", "TOML"),
    ],
)
def test_a_fault_is_named_by_file_and_key(tmp_path, old, new, key):
    assert old in TEXT
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(BasaltError) as caught:
        load_core(str(path))
    assert "mine.toml" in str(caught.value)
    assert key in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "/no/such/file.toml"])
def test_a_missing_core_is_named(name):
    with pytest.raises(BasaltError, match=name):
        load_core(name)


def test_the_calculator_prints_what_the_schedule_says():
    found, told = printed("--inputs", 700, "--neurons", 128, "--states", 8, "--spikes", 0, 1, 2, 5, 100)
    assert told == ""
    assert [entry["spikes"] for entry in found] == [0, 1, 2, 5, 100]
    for entry in found:
        walked = schedule(Core(), Sizes(700, 128, states=8), Events(entry["spikes"]))
        assert entry["cycles"] == walked.cycles
        assert entry["stalls"] == walked.stalls
        assert {name: count for name, count in entry["accesses"].items() if count} == walked.counts()
        assert set(entry["paths"]) <= set(PATHS)
        assert entry["bound"] in PATHS
        assert {name.rsplit("_", 1)[0] for name in entry["accesses"]} <= set(OWNER)


def test_steps_of_layers_of_every_kind():
    (held,), _ = printed("--spikes", 1, "--held")
    assert held["cycles"] == 36
    assert (held["products"], held["multipliers"]["drive_product"]) == (0, 4)
    (graded,), _ = printed("--spikes", 2, "--value-bits", 8)
    assert (graded["products"], graded["multipliers"]["spike_integration"]) == (2 * 129, 4)
    (own,), _ = printed("--spikes", 1, "--states", 0, "--recurrent", 4)
    assert own["cycles"] == 5 * 32 + 4
    (alone,), _ = printed("--spikes", 1, "--states", 0, "--recurrent", 4, "--diagonal")
    assert (alone["cycles"], alone["accesses"]["recurrent_weights_reads"]) == (32 + 4, 32)
    (late,), _ = printed("--spikes", 1, "--states", 0, "--delay", 9, "--fired", 6)
    assert late["cycles"] == 36 + 2 * 6 + 1
    assert late["accesses"]["delay_line_writes"] == 4 + 6
    (kept,), _ = printed("--spikes", 1, "--current")
    assert kept["accesses"]["current_writes"] == 32


def test_steps_of_a_convolution():
    """Eight of the first vision layer's twelve channels: 578 rows, and at most 9 positions of two rows an event."""
    arguments = ("vision", "--image", "2x34x34", "--channels", 8, "--kernel", 5, "--stride", 2, "--padding", 2)
    found, told = printed(*arguments, "--spikes", 0, 1, 2312)
    assert told == ""
    assert found[0]["cycles"] == 577 + 3
    assert found[1]["cycles"] == 577 + 3 + 1 + 2 + 12
    rows = 2 * 2 * sum(len(range(max(0, y - 2), min(33, y + 2) + 1)) for y in range(0, 34, 2)) ** 2
    assert found[2]["accesses"]["kernel_weights_reads"] == rows
    assert found[2]["cycles"] == 577 + 3 + 1 + 2 + rows


def test_the_vision_core_holds_the_layers_of_its_recipes():
    core = load_core("vision")
    second = square((12, 17, 17), 24, 3, 2, 1)
    gated, associative = (
        (pathways.GatedSizes(128, 128, own) for own in (False, True)),
        (pathways.AssociativeSizes(128, 128, 64, times, True) for times in (1, 2)),
    )
    layers = [
        Sizes(2312, 3468, passes=WITHOUT_MEMORY, conv=square((2, 34, 34), 12, 5, 2, 2)),
        Sizes(12 * 17 * 17, 24 * 9 * 9, passes=WITHOUT_MEMORY, conv=second),
        Sizes(24 * 9 * 9, 128, passes=WITHOUT_MEMORY),
        *(Sizes(128, 128, pathway=pathway) for pathway in (*gated, *associative)),
    ]
    assert [misfits(core, layer) for layer in layers] == [[]] * len(layers)
    assert misfits(core, replace(layers[1], conv=replace(second, kernel=(4, 4))))


def test_the_core_for_pixels_holds_the_layers_of_its_recipes():
    core = load_core("pixels")
    for states, recurrent, delay in ((20, False, None), (100, False, None), (0, True, None), (0, False, 62)):
        layer = Sizes(200, 200, states=states, recurrent=recurrent, longest_delay=delay, current=True)
        assert misfits(core, layer) == []


def test_a_core_of_ones_own_and_switches(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("fused = 4", "fused = 8").replace("macs = 4", "macs = 8", 2))
    eight, _ = printed(path, "--spikes", 40)
    four, _ = printed("--spikes", 40)
    assert four[0]["cycles"] - 4 == 2 * (eight[0]["cycles"] - 4)
    path.write_text(TEXT.replace("drive_macs = 4\n", "").replace("current = 32\n", ""))
    assert {**vars(load_core(str(path))), "name": "default"} == vars(load_core())  # as files of before have it
    off, _ = printed("--spikes", 40, "--off", "operator_fusion", "--off", "heterogeneous_stationarity")
    assert off[0]["accesses"]["input_weights_reads"] == 700 * 32
    assert off[0]["accesses"]["membrane_reads"] == 5 * 32


def test_what_does_not_fit_is_told_beside_the_figures():
    found, told = printed("--neurons", 256, "--spikes", 1)
    assert found[0]["accesses"]["input_weights_reads"] == 64
    assert "128 more than fits" in told


@pytest.mark.parametrize(
    "words", [(["0"], ["1", "2", "5"]), (["0,1,2,5"], []), (["0", "1", "2", "5"], []), (["0 1 2 5"], [])]
)
def test_numbers_of_spikes_may_be_written_as_one_likes(words):
    assert arranged(*words) == ([0, 1, 2, 5], [])
    assert arranged(words[0], ["core.toml", *words[1]]) == ([0, 1, 2, 5], ["core.toml"])
    assert arranged(["3"], ["my 2 cores/core.toml"]) == ([3], ["my 2 cores/core.toml"])


def test_schedule_with_few_inputs_needs_no_spikes():
    done = CliRunner().invoke(build(), ["schedule", "--inputs", "7"])
    assert [entry["spikes"] for entry in json.loads(done.stdout)] == [0, 1, 2, 5]


def test_diagonal_alone_is_no_recurrence():
    done = CliRunner().invoke(build(), ["schedule", "--diagonal"])
    assert "give --recurrent" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--spikes", "many"], "many"),
        (["--spikes", "701"], "--inputs"),
        (["--off", "everything"], "operator_fusion"),
        (["default", "published"], "one core"),
        (["--recurrent", "129"], "--recurrent"),
        (["--image", "34x34"], "CHANNELSxHEIGHTxWIDTH"),
        (["--image", "1x2x2"], "--padding"),
        (["--image", "1x9x9", "--recurrent", "1"], "--recurrent"),
    ],
)
def test_what_cannot_be_is_said(arguments, said):
    result = CliRunner().invoke(build(), ["schedule", *arguments])
    assert isinstance(result.exception, BasaltError)
    assert said in str(result.exception)


def test_the_documentation_is_up_to_date():
    """`python tests/benchmarks/near_memory.py` writes it."""
    assert near_memory.FILE.read_text() == near_memory.text()
