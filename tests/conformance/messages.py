"""Random sigma-delta networks and their inputs."""

from dataclasses import replace
from typing import Any

import numpy as np

from basalt.records.delta import Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput


def even(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Weights on lava-dl's grid, small or large."""
    return 2 * rng.integers(-128, 128, shape) // int(rng.choice([1, 8])) // 2 * 2


def changes(rng: np.random.Generator, name: str, stock: bool) -> dict[str, Any]:
    """What all layers of changes have."""
    threshold = int(rng.integers(0, 40)) << 12
    fine = int(rng.integers(0, 4096)) if rng.random() < 0.5 and not stock else 0
    return {"name": name, "threshold": threshold + fine}


def late(rng: np.random.Generator, neurons: int) -> np.ndarray | None:
    """Delays, of which some are longer than a sample."""
    return rng.integers(0, 16, neurons) if rng.random() < 0.4 else None


def convolved(rng: np.random.Generator, name: str, before: tuple[int, ...], stock: bool) -> SigmaDelta:
    """A convolution with every option drawn; only those that stock netx has, if asked."""
    image = (*before, 1, 1) if len(before) == 1 else before
    groups = int(rng.choice([n for n in (1, 2) if image[0] % n == 0]))
    transposed = bool(rng.random() < 0.5) and not stock
    kernel = tuple(int(rng.integers(1, 4 if transposed else min(3, size) + 1)) for size in image[1:])
    dilation = (1, 1) if not transposed else tuple(int(n) for n in rng.integers(1, 3, 2))
    room = [dilation[axis] * (kernel[axis] - 1) for axis in (0, 1)]
    most = [(room[axis] + image[1 + axis] - 1) // 2 if transposed else 1 for axis in (0, 1)]
    return SigmaDelta(
        **changes(rng, name, stock),
        weight=even(rng, (groups * int(rng.integers(1, 3)), image[0] // groups, *kernel)),
        input_shape=image,
        stride=tuple(int(n) for n in rng.integers(1, 3, 2)),
        padding=tuple(int(rng.integers(0, min(1, n) + 1)) for n in most),
        dilation=dilation,
        groups=groups,
        extra=(0, int(rng.integers(0, 2))) if not transposed and not stock else (0, 0),
        transposed=transposed,
    )


def completed(rng: np.random.Generator, layer: SigmaDelta, start: int, stock: bool) -> SigmaDelta:
    """The layer with delays and a bias, per neuron or per channel."""
    layer = replace(layer, delay=late(rng, layer.neurons))
    if rng.random() < 0.4:
        return layer
    channels = layer.image[0] if stock else layer.neurons
    return replace(layer, bias=np.repeat(rng.integers(-90, 91, channels), layer.neurons // channels), start=start)


def case(seed: int, stock: bool = False) -> tuple[Network, np.ndarray]:
    """A network of an input, up to three layers and perhaps an output, and bytes to run it on."""
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(2, 6, 2)))
    signed = bool(rng.random() < 0.7)
    layers: list[Layer] = []
    coarse = seed % 3 == 0 and not stock  # changes are often just the threshold
    if coarse:
        layers.append(DeltaInput(name="input0", threshold=2 << 12, features=shape, signed=signed))
    elif rng.random() < 0.7 or stock:
        affine = {"weight": int(rng.integers(-256, 255)), "offset": int(rng.integers(-256, 255))}
        affine |= {"fraction": int(rng.integers(0, 7))} if not stock else {"weight": 64}
        layers.append(DeltaInput(**changes(rng, "input0", stock), features=shape, signed=signed, **affine))
    for number in range(int(rng.integers(1, 4))):
        name, start = f"layer{number}", 1 if stock else int(rng.integers(0, 5))
        if rng.random() < 0.4 or len(shape) == 1:
            inputs = int(np.prod(shape))
            synapses = {"weight": even(rng, (int(rng.integers(1, 9)), inputs, 1, 1)), "input_shape": (inputs, 1, 1)}
            made = SigmaDelta(**changes(rng, name, stock), **synapses)
        else:
            made = convolved(rng, name, shape, stock)
        made = completed(rng, made, start, stock)
        if not layers:
            made = replace(made, signed=signed)
        layers.append(made)
        shape = made.shape
    if rng.random() < 0.5:
        layers.append(SigmaOutput("last", even(rng, (int(rng.integers(1, 5)), layers[-1].neurons))))
    values = rng.integers(
        0, 6 if coarse else 256, (int(rng.integers(1, 4)), layers[0].inputs, int(rng.integers(3, 12)))
    )
    values = np.where(rng.random(values.shape) < 0.3, 0, values)
    assert isinstance(layers[0], Delta)
    return Network(tuple(layers)), values.astype(np.uint8)
