"""When a layer runs as one operation, and that a network computes the same then."""

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from basalt.train.dynamics import choose
from basalt.train.dynamics.gpu import feed_forward, recurrent
from basalt.train.layers import DmpConfig, LifConfig
from basalt.train.layers.dmp import Dmp
from basalt.train.layers.spiking import Spiking
from basalt.train.recipe import NetworkConfig
from tests.train.dynamics.gpu.interpreted import network, steps_of_network


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The processor counts as a device of the kernels, with and without Triton."""
    monkeypatch.setattr(choose, "DEVICES", {"cpu"})
    available = choose.available
    available.cache_clear()
    yield
    available.cache_clear()


def lif(**keys: Any) -> Spiking:
    return Spiking(LifConfig(**{"units": 4, "threshold": 1.0, **keys}), "hidden1", 3)


def large(units: int) -> Spiking:
    return Spiking(LifConfig(units=units, recurrent=True), "hidden1", 3)


def dmp(**keys: Any) -> Dmp:
    return Dmp(DmpConfig(units=4, threshold=1.0, states=2, window=20.0, **keys), "hidden1", 3)


def test_the_processor_has_its_own_path() -> None:
    assert not choose.applies(lif(), torch.zeros(2, 3, 20))


@pytest.mark.parametrize(
    ("layer", "steps", "applies"),
    [
        (lif, 20, True),
        (lif, 131, True),
        (lif, 1, False),
        (lambda: lif(recurrent=True), 20, True),
        (lambda: lif(recurrent=True), 1, False),
        (lambda: large(recurrent.MOST), 20, True),
        (lambda: large(recurrent.MOST + 1), 20, False),
        (lambda: lif(delay=3), 20, True),
        (dmp, 20, True),
        (dmp, 131, False),
        (lambda: dmp(recurrent=True), 20, False),
        (lambda: lif(recurrent="diagonal"), 20, True),
        (lambda: lif(recurrent="diagonal", units=1000), 20, True),
        (lambda: lif(recurrent="full", leakage="learnable"), 20, True),
        (lambda: dmp(recurrent="diagonal"), 20, False),
        (lambda: dmp(leakage="learnable"), 20, True),
        (lambda: dmp(update_interval=5), 20, True),
        (lambda: dmp(update_interval=3), 20, False),
    ],
)
def test_which_layers_run_as_one(
    on_cpu: None, monkeypatch: pytest.MonkeyPatch, layer: Callable[[], Any], steps: int, applies: bool
) -> None:
    monkeypatch.setattr(choose, "available", lambda: True)
    made, x = layer(), torch.zeros(2, 3, steps)
    assert choose.applies(made, x) is applies
    monkeypatch.setattr(choose, "available", lambda: False)
    assert not choose.applies(made, x)


def test_without_triton_the_other_path_runs_and_says_so_once(
    on_cpu: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "basalt.train.dynamics.gpu.triton_lif", None)
    monkeypatch.setattr(feed_forward, "layer", None)
    monkeypatch.setattr(recurrent, "layer", None)
    torch.manual_seed(0)
    layers, x = [lif(), dmp(), lif(recurrent=True)], (torch.rand(2, 3, 20) < 0.5).float()
    with caplog.at_level(logging.WARNING, "basalt"):
        sent = [layer(x) for layer in layers]
        assert all(layer.counts(x) is None for layer in layers)
    assert all(torch.equal(spikes, layer.fire(layer.current(x))) for spikes, layer in zip(sent, layers))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Triton cannot be used here (ModuleNotFoundError" in caplog.text and "slower" in caplog.text


def test_what_no_kernel_does_is_said_once(
    on_cpu: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "available", lambda: True)
    choose._say_slow.cache_clear()
    layers = [dmp(recurrent="diagonal"), large(recurrent.MOST + 1)]
    with caplog.at_level(logging.WARNING, "basalt"):
        for _ in range(2):
            assert not any(choose.applies(layer, torch.zeros(2, 3, 20)) for layer in layers)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "Layer hidden1 runs a step at a time" in caplog.text and "no kernel has diagonal recurrence" in caplog.text


HIDDEN = {"units": 9, "threshold": 1.0, "weight_scale": 1.5, "tau_grad": 0.006, "bias": True}


@pytest.mark.parametrize(
    ("last", "readout"),
    [
        ({}, {}),
        ({"recurrent": True, "reset": "none", "current_decay": 0.9}, {}),
        ({"recurrent": True, "delay": 4, "delay_spread": 4.0}, {"voltage_decay": 0.2}),
        ({"delay": 4, "delay_spread": 4.0}, {}),
        ({"leakage": "learnable"}, {}),
        ({"leakage": "learnable", "reset": "soft", "current_decay": 0.4, "voltage_decay": [0.1, 0.5]}, {}),
        ({"leakage": "learnable", "recurrent": "full", "current_decay": 0.6}, {}),
        ({"leakage": "complete", "recurrent": "diagonal"}, {"voltage_decay": 0.2}),
        ({"leakage": "none", "recurrent": "diagonal", "reset": "soft", "delay": 4}, {}),
        ({"leakage": "learnable", "recurrent": "diagonal", "reset": "none", "current_decay": 0.7}, {}),
        ({"reset": "soft", "current_decay": 0.5}, {"voltage_decay": 0.2}),
    ],
)
def test_a_network_without_memory_is_the_processors(run: Callable[..., Any], last: dict, readout: dict) -> None:
    """Logits and rates but for the last step's, which a count leaves out; gradients to 1e-4; the integers."""
    layers = [{"kind": "lif", **HIDDEN}, {"kind": "lif", **HIDDEN, **last}, {"kind": "readout", **readout}]
    config = NetworkConfig(layers=layers)
    x = (np.random.default_rng(0).random((3, 7, 24)) < 0.4).astype(np.uint8)
    ours, expected = run(network, config, 7, x), steps_of_network(config, 7, x)
    np.testing.assert_allclose(ours["logits"], expected["logits"], rtol=1e-5, atol=1e-6)
    assert ours["grads"].keys() == expected["grads"].keys()
    for name, grad in expected["grads"].items():
        assert np.linalg.norm(ours["grads"][name] - grad) <= 1e-4 * np.linalg.norm(grad), name
    for name, rate in expected["rates"].items():
        assert 0.05 < rate < 0.95 and ours["rates"][name] == pytest.approx(rate, abs=1 / 23)
    assert_same_integers(ours, expected)


def test_a_network_with_memory_and_graded_input_is_the_processors(run: Callable[..., Any]) -> None:
    """Calibration and integers; the training form rounds the memory current otherwise."""
    memory = {"kind": "dmp", **HIDDEN, "states": 4, "window": 20.0}
    config = NetworkConfig(layers=[memory, {**memory, "update_interval": 2}, {"kind": "readout"}])
    x = np.random.default_rng(0).integers(0, 4, (3, 1, 24)).astype(np.uint8)
    ours, expected = run(network, config, 1, x), steps_of_network(config, 1, x)
    assert ours["shifts"] == expected["shifts"]
    assert_same_integers(ours, expected)
    assert ours["grads"].keys() == expected["grads"].keys()


def assert_same_integers(ours: dict[str, Any], expected: dict[str, Any]) -> None:
    """Spikes of every layer, and the read-out's sums."""
    assert np.array_equal(ours["sums"], expected["sums"])
    for name, spikes in expected["spikes"].items():
        assert 0.02 < spikes.mean() < 0.98
        assert np.array_equal(ours["spikes"][name], spikes), name
