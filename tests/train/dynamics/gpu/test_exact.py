"""A GPU's exact integers are the processor's; the neurons' kernel runs in Triton's interpreter."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.simulate import simulate
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking
from basalt.train.dynamics.memories.slow_memory import integer_current
from basalt.train.layers.legendre import quantised
from tests.train.dynamics.gpu.interpreted import exact_spikes
from tests.train.layers.test_dmp import plain_memory


def any_memory(seed: int, states: int, neurons: int, k: int, p: int, bits: int, interval: int) -> SlowMemory:
    """Coefficients of any size, also unstable ones: the states must saturate."""
    draw = np.random.default_rng(seed)
    most = 2 ** (bits - 1) - 1
    return SlowMemory(
        drive_weight=np.zeros(1, np.int64),
        drive_bias=int(draw.integers(-200, 200)),
        drive_shift=k,
        transition=draw.integers(-most, most, (states, states), endpoint=True),
        drive_input=draw.integers(-most, most, states, endpoint=True),
        coefficient_shift=bits - 1,
        memory_weight=draw.integers(-128, 128, (neurons, states)),
        drive_memory_weight=draw.integers(-128, 128, neurons),
        memory_shift=p,
        update_interval=interval,
    )


@settings(max_examples=40)
@given(
    st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 5), st.integers(0, 9), st.integers(0, 14),
    st.integers(4, 16), st.integers(1, 5), st.integers(1, 40),
)  # fmt: skip
def test_memory_currents_are_the_integers(seed, states, neurons, k, p, bits, interval, steps):  # type: ignore[no-untyped-def]
    memory = any_memory(seed, states, neurons, k, p, bits, interval)
    drive = np.random.default_rng(seed + 1).integers(-3000, 30000, (3, steps))
    got = integer_current(memory, torch.from_numpy(drive).double())
    assert got.tolist() == [plain_memory(memory, row) for row in drive.tolist()]


def test_memory_currents_of_the_largest_memory() -> None:
    transition, into, shift = quantised(256, 784.0, 16)
    memory = replace(any_memory(0, 256, 4, 9, 6, 16, 1), transition=transition, drive_input=into)
    memory = replace(memory, coefficient_shift=shift)
    drive = np.full((1, 60), 30000)
    expected = np.array([plain_memory(memory, row) for row in drive.tolist()])
    assert np.array_equal(integer_current(memory, torch.from_numpy(drive).double()).numpy(), expected)
    assert np.abs(expected).max() > 1000


def any_layer(seed: int, inputs: int, neurons: int, reset: str, states: int, interval: int, recurrent: bool) -> Spiking:
    draw = np.random.default_rng(seed)
    memory = None
    if states:
        transition, into, shift = quantised(states, 20.0, 16)
        memory = replace(any_memory(seed, states, neurons, 3, 2, 16, interval), transition=transition)
        memory = replace(
            memory, drive_input=into, coefficient_shift=shift, drive_weight=2 * draw.integers(0, 30, inputs)
        )
    return Spiking(
        name="hidden1",
        weight=2 * draw.integers(-60, 90, (neurons, inputs)),
        neuron=Neuron(
            threshold=int(draw.integers(100, 400)),
            current_decay=draw.integers(200, 4096, int(draw.choice([1, neurons])), endpoint=True),
            voltage_decay=draw.integers(0, 4096, neurons, endpoint=True),
            reset=reset,
        ),
        bias=draw.integers(-40, 40, neurons) if draw.random() < 0.5 else None,
        delay=draw.integers(0, 9, neurons) if draw.random() < 0.5 else None,
        memory=memory,
        recurrent_weight=2 * draw.integers(-128, 127, (neurons, neurons), endpoint=True) if recurrent else None,
    )


def expected_spikes(layer: Spiking, x: np.ndarray) -> np.ndarray:
    """By the references, (batch, neurons, steps)."""
    return simulate(Network((layer,)), x)["hidden1"]


@settings(max_examples=16)
@given(
    st.integers(0, 2**31), st.integers(2, 24), st.integers(1, 6), st.integers(1, 9),
    st.sampled_from(["hard", "soft", "none"]), st.integers(0, 4), st.integers(1, 3), st.sampled_from([2, 128]),
    st.booleans(),
)  # fmt: skip
def test_spikes_are_the_integers(run, seed, steps, inputs, neurons, reset, states, interval, levels, recurrent):  # type: ignore[no-untyped-def]
    layer = any_layer(seed, inputs, neurons, reset, 0 if recurrent else states, interval, recurrent)
    x = np.random.default_rng(seed + 1).integers(0, levels, (2, inputs, steps)).astype(np.uint8)
    assert np.array_equal(run(exact_spikes, layer, x), expected_spikes(layer, x))


@pytest.mark.parametrize("base", [0, 2**22, 2**23 - 64, 2**23 + 64, -(2**23) - 64, 2**24 - 64, 2**24 + 64])
def test_memory_currents_of_any_size(run: Callable[..., Any], base: int) -> None:
    """Wrapped, and brought near zero by the bias: three times 21 stays below the threshold of 64, 22 does not."""
    wrapped = base - 2**24 if base > 2**23 else base + 2**24 if base <= -(2**23) else base
    memory = replace(
        any_memory(0, 1, 2, 0, 0, 4, 1), drive_bias=1, drive_memory_weight=np.array([base + 21, base + 22])
    )
    layer = Spiking(
        name="hidden1",
        weight=np.zeros((2, 1), np.int64),
        neuron=Neuron(1, np.array([4096]), np.array([0])),
        bias=np.full(2, -wrapped // 64),
        memory=replace(memory, transition=np.zeros((1, 1), np.int64), drive_input=np.zeros(1, np.int64)),
    )
    x = np.zeros((1, 1, 3), np.uint8)
    expected = expected_spikes(layer, x)
    assert expected.tolist() == [[[0, 0, 0], [0, 0, 1]]]
    assert np.array_equal(run(exact_spikes, layer, x), expected)


@pytest.mark.parametrize("recurrent", [False, True])
def test_sums_that_wrap_more_than_once(run: Callable[..., Any], recurrent: bool) -> None:
    """Graded input of 255 at weights of 254: a sum past what the kernel wraps as the integers do."""
    inputs = 24
    layer = Spiking(
        name="hidden1",
        weight=np.array([[254] * inputs, [-256] * inputs, [2] * inputs]),
        neuron=Neuron(64, np.array([4096]), np.array([100])),
        recurrent_weight=np.full((3, 3), 2) if recurrent else None,
    )
    x = np.full((1, inputs, 5), 255, np.uint8)
    assert np.array_equal(run(exact_spikes, layer, x), expected_spikes(layer, x))
