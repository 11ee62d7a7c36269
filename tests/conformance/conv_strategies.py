"""Random convolution networks and inputs: affine inputs, convolutions, pools, then dense layers."""

import numpy as np
from hypothesis import strategies as st

from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder, Spiking
from tests.conformance.records import even
from tests.conformance.strategies import Case


def neuron(rng: np.random.Generator, shape: tuple[int, ...], stock: bool) -> Neuron:
    """Decays for all, by channel or, beyond stock, by neuron."""

    def decays() -> np.ndarray:
        kind = int(rng.integers(0, 2 if stock else 3))
        drawn = rng.integers(0, 4097, (1, shape[0], int(np.prod(shape)))[kind])
        if np.all(drawn == drawn[0]):
            return axis(drawn[0])
        return axis(drawn if kind != 1 else np.repeat(drawn, int(np.prod(shape[1:]))))

    reset = "hard" if stock else str(rng.choice(RESETS))
    return Neuron(int(rng.integers(1, 300)), decays(), decays(), reset)


def optional(rng: np.random.Generator, shape: tuple[int, ...], stock: bool) -> dict:
    """Bias by channel or neuron, delays and a late start."""
    neurons = int(np.prod(shape))
    bias = rng.integers(-100, 100, neurons if rng.random() < 0.5 and not stock else shape[0])
    delayed = rng.random() < 0.4 and not stock
    return {
        "bias": np.repeat(bias, neurons // len(bias)) if rng.random() < 0.5 else None,
        "delay": rng.integers(0, 8, neurons) if delayed else None,
        "start": int(rng.integers(0, 4)) if not stock else 0,
    }


def conv(rng: np.random.Generator, name: str, size: tuple[int, int, int], stock: bool) -> Conv:
    """A convolution or a pool that fits its input, with every option drawn."""
    pool = rng.random() < 0.3
    groups = size[0] if pool else int(rng.choice([n for n in range(1, size[0] + 1) if size[0] % n == 0]))
    kernel = [int(rng.integers(1, min(4, side) + 1)) for side in size[1:]]
    dilation = [1 if edge * 2 - 1 > side else int(rng.integers(1, 3)) for edge, side in zip(kernel, size[1:])]
    outputs = groups if pool else groups * int(rng.integers(1, 5))
    weight = even(rng, (outputs, size[0] // groups, *kernel), int(rng.choice([20, 120, 254])))
    plain = Conv(
        name=name,
        weight=np.broadcast_to(weight[:1], weight.shape).copy() if pool else weight,
        neuron=Neuron(1, axis(0), axis(0)),
        input_shape=size,
        stride=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
        padding=(int(rng.integers(0, 3)), int(rng.integers(0, 3))),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        extra=(0, 0) if stock else (int(rng.integers(0, 3)), int(rng.integers(0, 3))),
    )
    settings = {key: getattr(plain, key) for key in ("stride", "padding", "dilation", "groups", "extra", "input_shape")}
    return Conv(
        name=name,
        weight=plain.weight,
        neuron=neuron(rng, plain.shape, stock),
        **settings,
        **optional(rng, plain.shape, stock),
    )


def make_conv_case(seed: int, stock: bool = False) -> Case:
    """An affine input (or none), one to three convolutions, up to two dense layers, all from one seed."""
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 5)), int(rng.integers(2, 9)), int(rng.integers(2, 9)))
    layers: list[Layer] = []
    graded = rng.random() < 0.4 and not stock
    if rng.random() < 0.4 and not stock:
        encoder = {"features": size, "offset": int(2 * rng.integers(-60, 60)), "fraction": int(rng.integers(0, 7))}
        encoder["signed"] = seed % 3 == 0
        weight = even(rng, (1, 1), 254)
        layers.append(Encoder(name="encoder", weight=weight, neuron=neuron(rng, size, stock), **encoder))
    shape: tuple[int, ...] = size
    for index in range(int(rng.integers(1, 4))):
        layers.append(layer := conv(rng, f"conv{index + 1}", (shape[0], shape[1], shape[2]), stock))
        shape = layer.shape
    inputs = int(np.prod(shape))
    if rng.random() < 0.6:
        neurons = int(rng.integers(1, 20))
        options = optional(rng, (neurons,), stock)
        weight = even(rng, (neurons, inputs), 120)
        layers.append(Spiking(name="dense", weight=weight, neuron=neuron(rng, (neurons,), stock), **options))
        inputs = neurons
    if rng.random() < 0.4 and not stock:
        layers.append(Readout("readout", even(rng, (int(rng.integers(1, 11)), inputs), 254)))
    samples, steps = int(rng.integers(1, 5)), int(rng.integers(1, 20))
    events = rng.random((samples, int(np.prod(size)), steps)) < rng.choice([0.05, 0.2, 0.8])
    values = rng.integers(1, 200, events.shape) if graded else 1
    spikes = (events * values).astype(np.uint8)
    return Case(Network(tuple(layers), f"conv{seed}"), spikes, int(rng.integers(1, samples + 1)))


def conv_cases(stock: bool = False) -> st.SearchStrategy[Case]:
    """Networks with inputs."""
    return st.builds(make_conv_case, st.integers(0, 2**32 - 1), st.just(stock))
