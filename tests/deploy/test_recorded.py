"""Recordings as inputs of `run` and `verify`: the network sees what training sees, or the command says why not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from basalt.convert import netx
from basalt.deploy.inputs import load_inputs, read_both
from basalt.deploy.options import RecordingOptions
from basalt.errors import BasaltError
from basalt.recordings.events import Events
from basalt.recordings.view import View, look, spikes
from tests.basalt.recordings.writers import WRITERS, drawn, to_aedat4
from tests.conformance.conv_strategies import make_conv_case
from tests.conformance.strategies import make_case
from tests.deploy.test_own_data import basalt


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A network of n inputs, which a row of n pixels of merged polarity has."""
    network = make_case(5).network
    netx.write(tmp_path / "model.net", replace(network, step_seconds=0.01))
    return tmp_path / "model.net"


def row(net: Path, seed: int = 0, count: int = 200) -> Events:
    return drawn(count, seed=seed, width=netx.read(net).inputs, height=1, end=100_000)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "aedat2"])
def test_every_format_is_one_sample_of_the_networks_steps(name: str, net: Path) -> None:
    given, path = row(net), net.with_name(f"a{WRITERS[name][0]}")
    size = (netx.read(net).inputs, 1)
    if name == "aedat4":
        to_aedat4(path, given, size=size)
    else:
        WRITERS[name][1](path, given)
    asked = RecordingOptions(polarity="merge", sensor=f"{size[0]},1")
    _, inputs = read_both(net, path, recording=asked)
    wanted = spikes(look(given, View(size, "merge"), path), None, 10_000.0, path)
    assert np.array_equal(inputs.spikes, wanted[None]) and inputs.labels is None
    assert f"{len(given)} of {len(given)} events" in inputs.notices[0] and "steps of 10 ms" in inputs.notices[0]
    _, fewer = read_both(net, path, recording=replace(asked, bin_ms=2.0, duration_ms=31.0))
    assert "The network's own steps are 10 ms" in fewer.notices[0] and "own steps" not in inputs.notices[0]
    assert np.array_equal(fewer.spikes[0], spikes(look(given, View(size, "merge"), path), 16, 2000.0, path))


def test_a_recording_runs_as_its_spikes_do(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(net.parent)
    given, size = row(net), (netx.read(net).inputs, 1)
    to_aedat4(net.with_name("a.aedat4"), given, size=size)
    path = net.with_name("a.aedat4")
    np.savez(net.with_name("a.npz"), spikes=spikes(look(given, View(size, "merge"), path), None, 10_000.0, path)[None])
    assert basalt("run", path, "--net", net, "--polarity", "merge", "--output", "one") == 0
    assert basalt("run", net.with_name("a.npz"), "--net", net, "--output", "two") == 0
    assert basalt("verify", net, "--input", path, "--polarity", "merge") == 0
    with np.load("one/spikes.npz") as one, np.load("two/spikes.npz") as two:
        assert {key: one[key].tolist() for key in one} == {key: two[key].tolist() for key in two}
    assert "a.aedat4: 200 of 200 events" in json.loads(Path("one/result.json").read_text())["notices"][0]


def test_an_image_network_takes_the_sensor_of_its_shape(tmp_path: Path) -> None:
    networks = (make_conv_case(seed).network for seed in range(50))
    network = next(one for one in networks if one.layers[0].kind == "conv" and one.layers[0].input_shape[0] < 3)
    netx.write(tmp_path / "model.net", replace(network, step_seconds=0.01))
    channels, rows, columns = network.layers[0].input_shape
    polarity = {1: "merge", 2: "both"}[channels]
    given = drawn(300, width=2 * columns, height=2 * rows)
    to_aedat4(tmp_path / "a.aedat4", given, size=(2 * columns, 2 * rows))
    asked = RecordingOptions(polarity=polarity, pool=2)
    _, inputs = read_both(tmp_path / "model.net", tmp_path / "a.aedat4", recording=asked)
    view = View((2 * columns, 2 * rows), polarity, pool=2)
    wanted = spikes(look(given, view, tmp_path), None, 10_000.0, tmp_path)
    assert np.array_equal(inputs.spikes[0], wanted)
    to_aedat4(tmp_path / "b.aedat4", drawn(9, width=4, height=1), size=(rows * columns, 1))
    with pytest.raises(BasaltError, match=rf"takes .* \({channels} × {rows} × {columns}\)"):
        read_both(tmp_path / "model.net", tmp_path / "b.aedat4", recording=RecordingOptions(polarity=polarity))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({}, r"has 2 × 1 × \d+ = \d+ inputs .*, and .*model\.net takes \d+: make them equal with --crop"),
    "sensor": ({"polarity": "merge", "sensor": None}, r"a\.bin does not say .*: give --sensor WIDTH,HEIGHT"),
    "small": ({"polarity": "merge", "sensor": "2,1"}, r"a\.bin has events outside of 2 × 1 pixels"),
    "words": ({"sensor": "wide"}, "--sensor 'wide' is not WIDTH,HEIGHT in pixels"),
    "nothing": ({"crop": "0,0,0,1"}, "a width and height of 0 pixels"),
    "crop": ({"polarity": "merge", "crop": "0,0,99999,1"}, "The crop 0,0,99999,1 .* is not inside a sensor"),
    "polarity": ({"polarity": "red"}, "--polarity 'red' is none of both, merge, on, off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_one_sentence(name: str, net: Path) -> None:
    given, text = REFUSED[name]
    path = net.with_name("a.bin")
    WRITERS["bin"][1](path, row(net))
    asked = RecordingOptions(**{"sensor": f"{netx.read(net).inputs},1", **given})
    with pytest.raises(BasaltError, match=text):
        read_both(net, path, recording=asked)


def test_other_inputs_are_read_as_before_and_refuse_what_is_asked_of_recordings(net: Path) -> None:
    inputs = netx.read(net).inputs
    np.savez(net.with_name("a.npz"), spikes=np.ones((2, inputs, 3), np.uint8))
    assert read_both(net, net.with_name("a.npz"))[1].spikes.shape == (2, inputs, 3)
    with pytest.raises(BasaltError, match=r"--bin-ms is for recordings, and .*a\.npz is none"):
        read_both(net, net.with_name("a.npz"), recording=RecordingOptions(bin_ms=3.0))
    assert load_inputs(net.with_name("a.npz"), inputs).labels is None


def test_a_network_without_a_step_asks_for_the_bin(net: Path) -> None:
    netx.write(net, replace(netx.read(net), step_seconds=None))
    path, given = net.with_name("a.bin"), row(net)
    WRITERS["bin"][1](path, given)
    asked = RecordingOptions(polarity="merge", sensor=f"{netx.read(net).inputs},1")
    with pytest.raises(BasaltError, match=r"does not say how long a step lasts: say how .* with --bin-ms"):
        read_both(net, path, recording=asked)
    assert read_both(net, path, recording=asked, step_ms=10.0)[1].spikes.shape[2] == 10


def test_the_command_line_says_which_is_missing(
    net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(net.parent)
    WRITERS["bin"][1](Path("a.bin"), row(net))
    for words, text in (
        (("a.bin",), "a.bin is an input: name the network that it is for with --net"),
        (("a.bin", "--net", "model.net", "--input", "b.bin"), "a.bin and --input b.bin are two inputs"),
        (("b.bin", "--net", "model.net"), "b.bin does not exist"),
    ):
        assert basalt("run", *words) == 1
        assert text in capsys.readouterr().err.replace("\n", " ")
