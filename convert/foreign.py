"""Design rules of layers that stock lava-dl computes: what it would clip, wrap, leave out or read otherwise.

Its own way is to go on, at best with a warning. Each rule yields (what, value, limit), as those of `convert/rules.py`.
"""

from collections.abc import Callable, Iterator

import numpy as np

from basalt.records.arithmetic import DECAY_MAX
from basalt.records.network import Foreign
from basalt.records.neuron import THRESHOLD_MAX
from basalt.records.reach import Sums, rows_reach

Entry = tuple[str, float | str, str]
Found = Iterator[Entry]

NUMBERS = (
    "weight/real", "weight/imag", "bias", "delay", "neuron/vThMant", "neuron/sinDecay", "neuron/cosDecay",
    "neuron/messageBits", "neuron/wgtExp", "neuron/weight_exp", "neuron/refDelay",
)  # fmt: skip
"""Keys of a layer's group whose arrays a `Foreign` keeps."""

WEIGHTS = ("weight/real", "weight/imag")
STATE_REACH = (1 << 25) - 1
"""A resonate-and-fire neuron shifts what arrives left by 6 bits, in 32."""
DELAY_MAX = 1 << 20
"""Messages of stock layers are held back by us, by any number of steps (`deploy/delayed.py`)."""


def weights(layer: Foreign) -> dict[str, np.ndarray]:
    """The weights that it has, by key, as matrices."""
    found = {key: layer.numbers[key] for key in WEIGHTS if key in layer.numbers}
    return {key: value.reshape(layer.neurons, -1) if value.size % layer.neurons == 0 else value
            for key, value in found.items()}  # fmt: skip


def left_out(layer: Foreign) -> Found:
    """What stock lava-dl leaves out of such a layer, without a word."""
    bias = layer.numbers.get("bias")
    if bias is not None and np.any(bias):
        yield "bias", float(np.max(np.abs(bias))), f"0, since stock lava-dl leaves out biases of {layer.neuron} neurons"
    for key in ("neuron/wgtExp", "neuron/weight_exp"):
        if np.any(layer.numbers.get(key, 0)):
            yield key, float(np.max(layer.numbers[key])), "0, since stock lava-dl leaves out exponents of weights"


def weights_there(layer: Foreign) -> Found:
    """Weights that stock synapses take."""
    found = weights(layer)
    if set(found) != set(WEIGHTS):
        yield "weight", ", ".join(found) or "none", "weight/real and weight/imag, which such neurons take"
    for key, weight in found.items():
        if weight.ndim != 2 or not weight.size:
            yield f"size of {key}", weight.size, f"a multiple of {layer.neurons}"
        elif not np.any(weight):
            yield key, "0 everywhere", "some other weight: stock lava-dl cannot scale zeros alone"


def reach(layer: Foreign, value: int) -> Sums:
    """What arrives at a resonator in a step, for inputs up to `value`."""
    for key, weight in weights(layer).items():
        if weight.ndim == 2:
            yield key, rows_reach(weight, value)


LIMITS: dict[str, tuple[str, int, int]] = {
    **dict.fromkeys(WEIGHTS, ("weight_range", -256, 254)),
    "neuron/vThMant": ("threshold_range", 0, THRESHOLD_MAX),
    "neuron/sinDecay": ("decay_range", 0, DECAY_MAX),
    "neuron/cosDecay": ("decay_range", 0, DECAY_MAX),
    "delay": ("delay_range", 0, DELAY_MAX),
}
"""Key → the rule that bounds it, and the ends."""


def bounded(layer: Foreign) -> Iterator[tuple[str, Entry]]:
    """Numbers outside their limits, each with its rule."""
    for key, found in layer.numbers.items():
        if key in LIMITS and found.size:
            rule, low, high = LIMITS[key]
            worst = int(found.min()) if low - found.min() > found.max() - high else int(found.max())
            if not low <= worst <= high:
                yield rule, (key, worst, f"{low} … {high}")


def sizes(layer: Foreign) -> Found:
    """Arrays that do not belong to a layer of its shape."""
    for key in ("neuron/vThMant", "neuron/messageBits"):
        if key in layer.numbers and layer.numbers[key].size != 1:
            yield f"size of {key}", layer.numbers[key].size, "1"
    delay = layer.numbers.get("delay", np.zeros(1))
    if delay.size not in (1, layer.shape[0], layer.neurons):
        yield "size of delay", delay.size, f"1, {layer.shape[0]} or {layer.neurons}: one for each neuron"


RULES: dict[str, Callable[[Foreign], Found]] = {
    "shapes": sizes,
    "stock_leaves_out": left_out,
    "stock_weights": weights_there,
}
"""Rules by name, beside those of `LIMITS`."""


def check(layer: Foreign, value: int) -> Iterator[tuple[str, Entry]]:
    """What breaks a rule, with the rule's name; `value` is the largest that reaches the layer."""
    yield from bounded(layer)
    for name, rule in RULES.items():
        yield from ((name, found) for found in rule(layer))
    for what, total in reach(layer, value):
        if total > STATE_REACH:
            yield "sum_width", (f"what {what} brings to a neuron in a step", total, f"0 … {STATE_REACH}")
