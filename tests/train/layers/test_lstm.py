"""The LSTM trains as spiking networks do, reports floats as floats, and is not deployed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.train.checkpoint import load
from basalt.train.dynamics import choose
from basalt.train.layers import LAYERS
from basalt.train.layers.lstm import Lstm
from basalt.train.networks import Network
from basalt.train.publish import publish
from basalt.train.recipe import NetworkConfig, parse
from tests.train.helpers import content, splits
from tests.train.test_main import call, recipe  # noqa: F401
from tests.train.test_training import assert_same, run, stop_at, weights

LAYERS_OF: list[dict[str, Any]] = [{"kind": "lstm", "units": 7}, {"kind": "lstm", "units": 5}, {"kind": "readout"}]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So small products are slower in two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def wanted(**keys: Any) -> Any:
    return parse({**content(epochs=2), "network": {"layers": LAYERS_OF}, **keys}, "test")


def plain(layer: Lstm, x: np.ndarray) -> np.ndarray:
    """The equations of the module, for one sample (inputs, steps)."""
    state = {name: value.detach().double().numpy() for name, value in layer.lstm.named_parameters()}
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    h = c = np.zeros(layer.units)
    sent = []
    for column in x.T / float(layer.largest):
        gates = state["weight_ih_l0"] @ column + state["weight_hh_l0"] @ h
        i, f, g, o = np.split(gates + state["bias_ih_l0"] + state["bias_hh_l0"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        sent.append(h)
    return np.stack(sent, 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 9), st.integers(1, 12), st.sampled_from([1, 127]))
def test_it_computes_the_equations(seed: int, inputs: int, units: int, steps: int, most: int) -> None:
    torch.manual_seed(seed)
    layer = Lstm(LAYERS["lstm"].config(kind="lstm", units=units, weight_scale=3.0), "a", inputs)  # type: ignore[call-arg]
    x = torch.randint(0, most + 1, (2, inputs, steps), dtype=torch.uint8)
    layer.hear(x)
    found = layer(x).detach().numpy()
    for sample, sent in zip(x.numpy(), found, strict=True):
        np.testing.assert_allclose(sent, plain(layer, sample), atol=1e-5)


def test_it_resumes_without_integers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path / "whole", wanted=wanted())
    saved = load(tmp_path / "whole")
    rows = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    assert "validation_accuracy_float" in rows[0]
    assert "integer" not in rows[0] and "spike_rate" not in rows[0]
    assert saved.rates == {} and not saved.deployable
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 8)
        run(tmp_path / "part", wanted=wanted())
    run(tmp_path / "part", resume=True, wanted=wanted())
    assert_same(weights(tmp_path / "part"), weights(tmp_path / "whole"))


def test_floats_are_reported_as_such(recipe: Path, tmp_path: Path) -> None:  # noqa: F811
    changes = ["--set", "network.layers=" + json.dumps(LAYERS_OF).replace(":", " =").replace('"kind"', "kind")]
    changes[1] = changes[1].replace('"units"', "units")
    output = call("train", recipe, "--epochs", 5, *changes)
    assert "% in floats (95 % interval" in output and "integers" not in output
    metrics = json.loads((tmp_path / "runs/tiny/metrics.json").read_text())
    assert metrics["accuracy_integer"] is None and metrics["accuracy_integer_interval"] is None
    assert metrics["accuracy_float"] > 0.7 and metrics["test_samples"] == 20 and metrics["spike_rate"] == {}
    output = call("evaluate", tmp_path / "runs/tiny")
    assert "float: " in output and "integer: " not in output
    publish(tmp_path / "runs" / "tiny", tmp_path / "models")
    line = (tmp_path / "models" / "README.md").read_text().splitlines()[-1]
    assert line.startswith("| tiny | 3 | ") and "|  |  |  | " in line


def test_it_is_not_deployed() -> None:
    network = Network(NetworkConfig(layers=[{"kind": "lif", "units": 3}, *LAYERS_OF]), 4, 2)
    assert not network.deployable and [layer.name for layer in network.spiking] == ["hidden1"]
    x = torch.zeros(1, 4, 5, dtype=torch.uint8)
    for never in (network.records, lambda: network.trace(x), lambda: network.hidden[1].export_hdf5(None)):
        with pytest.raises(BasaltError, match=r"hidden2 is an LSTM, which computes in floats.*export a network"):
            never()


def test_no_kernel_of_spiking_layers_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "available", lambda: True)
    assert not any(choose.known(layer) for layer in Network(wanted().network, 4, 2).hidden)


def test_its_input_is_scaled_by_its_largest_value() -> None:
    network = Network(NetworkConfig(layers=LAYERS_OF), 4, 2)
    x = torch.randint(0, 100, (3, 4, 6), dtype=torch.uint8)
    network.calibrate(x)
    first, second = network.hidden
    assert float(first.largest) == float(x.max()) and float(second.largest) == 1.0
    assert network.parameter_count == sum(4 * h * (n + h + 2) for n, h in ((4, 7), (7, 5))) + 2 * 5
    assert len(splits().train) == 48
