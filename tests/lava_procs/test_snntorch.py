"""Neurons of snnTorch itself, whose resets come a step late, and the records that spike alike, step by step.

Weights are multiples of 32, so of 2¹¹ units of a state. A decay to a half takes a bit in a step, one to quarters two.
As long as bits are left, neither float32 nor fixed point rounds, and all spikes have to be the same.
"""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool, Int

from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking

snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed")

INPUTS, NEURONS, SAMPLES = 4, 8, 6
FREE_BITS = 11
KEPT = {1: (2, 4), 2: (1, 2, 3, 4)}
"""Bits that a decay takes in a step → what states may keep, in quarters."""


def weights(rng: np.random.Generator, *shape: int) -> Int[np.ndarray, "*shape"]:
    """Multiples of 32 on the grid of weights."""
    return 32 * rng.integers(-5, 8, shape)


def theirs(
    kind: str, reset: str, drawn: dict[str, Any], given: Int[np.ndarray, "samples inputs steps"]
) -> Bool[np.ndarray, "samples neurons steps"]:
    """Output spikes of snnTorch's layer, stepped from silence."""

    def tensor(values: np.ndarray) -> Any:
        return torch.tensor(values, dtype=torch.float32)

    options = {"beta": tensor(drawn["beta"]), "threshold": tensor(drawn["threshold"]), "reset_mechanism": reset}
    if "Synaptic" in kind:
        options["alpha"] = tensor(drawn["alpha"])
    own = drawn["own"]
    if own is not None and own.ndim == 1:
        options |= {"all_to_all": False, "V": tensor(own)}
    elif own is not None:
        options["linear_features"] = NEURONS
    layer = getattr(snntorch, kind)(init_hidden=True, **options)
    if own is not None and own.ndim == 2:
        layer.recurrent.load_state_dict({"weight": tensor(own), "bias": torch.zeros(NEURONS)})
    with torch.no_grad():
        arrived = tensor(np.einsum("ni,bit->tbn", drawn["weight"], given))
        return np.stack([layer(now).numpy() > 0 for now in arrived], axis=-1)


def ours(kind: str, reset: str, drawn: dict[str, Any]) -> Spiking:
    """The record. A late subtraction of θ is one of θ/β at once, exact as θ is a multiple of what states keep.

    A late zero takes what arrives in its step with it, as a step of rest does; Leaky's takes only the membrane.
    """
    neuron = Neuron(
        threshold=drawn["threshold"],
        current_decay=(4096 * (1 - drawn["alpha"])).astype(np.int64),
        voltage_decay=(4096 * (1 - drawn["beta"])).astype(np.int64),
        reset={"subtract": "soft", "zero": "hard", "none": "none"}[reset],
        reset_amount=(drawn["threshold"] / drawn["beta"]).astype(np.int64) if reset == "subtract" else None,
        refractory=int(reset == "zero" and kind != "Leaky"),
    )
    return Spiking("a", drawn["weight"], neuron, recurrent_weight=drawn["own"])


@pytest.mark.parametrize("kind", ["Leaky", "Synaptic", "RLeaky", "RSynaptic"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@settings(max_examples=15, deadline=None)
@given(bits=st.sampled_from([1, 2]), alone=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_spikes_are_snntorchs(kind, reset, bits, alone, seed):
    """Decays and thresholds per neuron; of recurrent ones, each neuron hears all of them or itself alone."""
    rng = np.random.default_rng(seed)
    keeps, lasting = rng.choice(KEPT[bits], NEURONS), rng.choice(KEPT[bits], NEURONS)
    drawn = {
        "weight": weights(rng, NEURONS, INPUTS),
        "own": weights(rng, *((NEURONS,) if alone else (NEURONS, NEURONS))) if kind[0] == "R" else None,
        "beta": keeps / 4,
        "alpha": lasting / 4 if "Synaptic" in kind else np.zeros(NEURONS),
        "threshold": 32 * keeps * rng.integers(0, 4, NEURONS),
    }
    steps = FREE_BITS // bits + 1
    spikes = (rng.random((SAMPLES, INPUTS, steps + 1)) < 0.5).astype(np.uint8)
    sent = simulate(Network((ours(kind, reset, drawn),)), spikes)["a"]
    assert np.array_equal(sent[:, :, 1:], theirs(kind, reset, drawn, spikes[:, :, :-1]))
