"""SLAYER's `WgtScaleBatchNorm`, folded into a layer's integers where that is exact.

Between current and membrane it adds a bias and divides by 2^e, towards 0:

    v' = decay(v[t−1], voltage_decay) + trunc((u[t] + (bias << 6)) / 2^e)

Neurons here have no such division. It can go into weights and bias, where currents do not decay or are gone in a step,
since decays round; or into the threshold, where that holds of membranes.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from basalt.errors import BasaltError
from basalt.records.arithmetic import DECAY_MAX
from basalt.records.fields import WEIGHT_MAX, WEIGHT_MIN
from basalt.records.neuron import THRESHOLD_MAX
from basalt.records.synapses import Spiking

EXPONENT_MAX = 3
"""SLAYER clamps the exponent to `weight_exp_bits`, which lava-dl's export leaves out; this is its default."""


def fold(layer: Spiking, exponent: int, place: str) -> Spiking:
    """The layer that sends the same spikes without a division by 2^exponent.

    Raises:
        BasaltError: there is none.
    """
    if abs(exponent) > EXPONENT_MAX:
        raise BasaltError(
            f"{place}: 'neuron/weight_exp' is {exponent}, which SLAYER clamped in training to the norm's "
            f"weight_exp_bits, and the file does not tell those; write the exponent that was trained with into the "
            f"file ({int(np.sign(exponent)) * EXPONENT_MAX} by default)."
        )
    forms = () if layer.neuron.norm_in_current else FORMS
    found = next(filter(None, (form(layer, exponent) for form in forms)), None) if exponent else layer
    if found is None:
        what = f"divides currents by {1 << exponent}" if exponent > 0 else f"multiplies currents by {1 << -exponent}"
        raise BasaltError(
            f"{place}: 'neuron/weight_exp' is {exponent}: WgtScaleBatchNorm {what} on their way to the membrane, and "
            f"with this layer's decays and weights no integers here do so exactly; it cannot be deployed as it was "
            f"trained."
        )
    return found


def in_weights(layer: Spiking, exponent: int) -> Spiking | None:
    """Weights and bias scaled; None where that is not exact, or they leave their range."""
    if not exact(layer.neuron.current_decay):
        return None
    parts = {"weight": layer.weight, "recurrent_weight": layer.recurrent_weight, "bias": layer.bias}
    if not all(value is None or divides(value, -exponent) for value in parts.values()):
        return None
    scaled: dict[str, Any] = {name: scale(value, -exponent) for name, value in parts.items() if value is not None}
    weights = [value for name, value in scaled.items() if name != "bias"]
    inside = all(value.min(initial=0) >= WEIGHT_MIN and value.max(initial=0) <= WEIGHT_MAX for value in weights)
    return replace(layer, **scaled) if inside else None


def in_threshold(layer: Spiking, exponent: int) -> Spiking | None:
    """Membranes and threshold 2^exponent times as large; None where that is not exact, or leaves the range."""
    whole = exact(layer.neuron.current_decay)  # currents, and with them membranes, are whole weights
    neuron, threshold = layer.neuron, layer.neuron.threshold
    if not exact(layer.neuron.voltage_decay) or (exponent > 0 and not whole):
        return None
    subtracts = neuron.reset == "soft"
    if not (divides(threshold, exponent) or whole) or (subtracts and not divides(neuron.amount, exponent)):
        return None
    scaled = {"threshold": scale(threshold, exponent)}
    if neuron.reset_amount is not None:
        scaled["reset_amount"] = scale(neuron.reset_amount, exponent)
    inside = all(np.all(level <= THRESHOLD_MAX) for level in scaled.values())
    return replace(layer, neuron=replace(neuron, **scaled)) if inside else None


FORMS: tuple[Callable[[Spiking, int], Spiking | None], ...] = (in_weights, in_threshold)
"""Ways to fold a division, the first that is exact is taken."""


def exact(decay: np.ndarray) -> bool:
    """Whether decaying rounds nothing: all of a state stays, or none of it."""
    return bool(np.isin(decay, (0, DECAY_MAX)).all())


def divides(value: int | np.ndarray, shift: int) -> bool:
    """Whether value·2^shift is whole."""
    return shift >= 0 or not np.any(value & ((1 << -shift) - 1))


def scale(value: int | np.ndarray, shift: int) -> Any:
    """value·2^shift, rounded down."""
    if isinstance(value, np.ndarray) and value.dtype == np.int8:
        value = value.astype(np.int16)
    return value << shift if shift >= 0 else value >> -shift
