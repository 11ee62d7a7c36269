"""Convolutions and memories beside the GPU's neurons, in Triton's interpreter: the processor's results."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from basalt.train.dynamics import choose
from basalt.train.layers import HgrnConfig
from basalt.train.layers.hgrn import Hgrn
from basalt.train.recipe import NetworkConfig
from tests.train.dynamics.gpu.interpreted import network, steps_of_network
from tests.train.dynamics.test_choose import HIDDEN, assert_same_integers

CONV = {key: value for key, value in HIDDEN.items() if key != "units"}
MEMORY = {**HIDDEN, "memory_scale": 1.0}
STACKS: dict[str, list[dict[str, Any]]] = {
    "conv and pool": [{"kind": "conv", "channels": 4, "kernel": 2, **CONV}, {"kind": "pool", "size": (1, 2)}],
    "hgrn": [{"kind": "hgrn", **MEMORY}, {"kind": "hgrn", **MEMORY, "reset": "soft", "current_decay": 0.5}],
    "gated": [{"kind": "hgrn", "variant": "gated", **MEMORY}],
    "hopfield": [{"kind": "hopfield", "patterns": 5, "iterations": 2, "update_interval": 3, **MEMORY}],
    "classical": [{"kind": "hopfield", "patterns": 3, "variant": "classical", **MEMORY, "units": 12}],
    "learned leakage": [
        {"kind": "conv", "channels": 4, "kernel": 2, "leakage": "learnable", "voltage_decay": [0.1, 0.4], **CONV},
        {"kind": "hgrn", **MEMORY, "leakage": "learnable", "current_decay": 0.5},
    ],
    "diagonal": [
        {"kind": "hgrn", **MEMORY, "recurrent": "diagonal", "leakage": "learnable", "reset": "soft"},
        {"kind": "hopfield", "patterns": 5, **MEMORY, "recurrent": "diagonal", "current_decay": 0.5},
    ],
    "conv, then a delayed memory": [
        {"kind": "conv", "channels": 4, "kernel": 2, **CONV},
        {"kind": "hgrn", "delay": 4, "delay_spread": 4.0, **MEMORY},
    ],
}


@pytest.mark.parametrize("stack", STACKS)
def test_a_network_is_the_processors(run: Callable[..., Any], stack: str) -> None:
    config = NetworkConfig(layers=[*STACKS[stack], {"kind": "readout"}])
    shape = (2, 2, 3)
    x = (np.random.default_rng(0).random((3, 12, 21)) < 0.4).astype(np.uint8)
    ours, expected = run(network, config, shape, x), steps_of_network(config, shape, x)
    np.testing.assert_allclose(ours["logits"], expected["logits"], rtol=1e-4, atol=1e-5)
    assert ours["grads"].keys() == expected["grads"].keys()
    for name, grad in expected["grads"].items():
        assert np.linalg.norm(ours["grads"][name] - grad) <= 2e-4 * np.linalg.norm(grad), name
    for name, rate in expected["rates"].items():
        assert ours["rates"][name] == pytest.approx(rate, abs=1 / 20)
    assert_same_integers(ours, expected)


def test_which_layers_run_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "DEVICES", {"cpu"})
    monkeypatch.setattr(choose, "available", lambda: True)
    for recurrent in ("none", "full", "diagonal"):
        layer = Hgrn(HgrnConfig(units=3, recurrent=recurrent), "a", 4)
        assert choose.applies(layer, torch.zeros(2, 4, 9)) is choose.known(layer) is (recurrent != "full")
        assert not choose.applies(layer, torch.zeros(2, 4, 1))
