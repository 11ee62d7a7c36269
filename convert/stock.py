"""What stock lava-dl (netx) makes of a layer, and why it cannot run one with the same spikes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.convert import bounds
from basalt.convert.netx_write import by_channel
from basalt.convert.reading import late_input
from basalt.records.delta import VALUE_BITS, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.neuron import Neuron
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking

BYTE_MAX = 127
"""Stock convolutions keep their geometry in signed bytes."""

Reasons = Iterator[tuple[str, bool]]


def stock_weights(*parts: Int[np.ndarray, "neurons _inputs"]) -> list[Int[np.ndarray, "neurons _inputs"]] | None:
    """Weights as stock synapses apply them; `parts` (of a recurrent layer two) share an exponent. None where they fail.

    Scaled by the largest power of two 2^b at which they fit 8 bits, they are clipped by the signs of each part, and
    lose the bits below those that all of them use:

        b = ⌊log₂(256 / −min)⌋ (all below 0) | ⌊log₂(255 / max)⌋ (none) | ⌊log₂ min(127 / max, 128 / −min)⌋ + 1
        w ≥ 0: 0 … 255;  w ≤ 0: −255 … 0;  both: −256 … 255

    Source: `optimize_weight_bits` in lava-dl's netx/utils.py; `clip_weights` and `truncate_weights` in Lava's
    utils/weightutils.py, called by its dense synapses.
    """
    parts = tuple(part.astype(np.int32) if part.dtype.itemsize < 4 else part for part in parts)  # to be shifted
    low, high = min(int(part.min()) for part in parts), max(int(part.max()) for part in parts)
    if low == high == 0:
        return None
    signed = low < 0 <= high
    if high < 0:
        scale = -256 / low
    elif low >= 0:
        scale = 255 / high
    else:
        scale = min(127 / high if high else np.inf, -128 / low)
    shift = int(np.floor(np.log2(scale))) + signed
    even = next((n for n in range(8, 0, -1) if all(not np.any(part % 2**n) for part in parts)), 0)
    bits = 8 - shift - (even - signed)
    return [applied(part << shift, bits) >> shift for part in parts] if shift >= 0 else None


def applied(weight: Int[np.ndarray, "neurons inputs"], bits: int) -> Int[np.ndarray, "neurons inputs"]:
    """Scaled weights as a dense synapse clips and truncates them by their signs."""
    sign = -1 if weight.min() < 0 and weight.max() <= 0 else 1
    mixed = bool(weight.min() < 0 < weight.max())
    clipped = np.clip(sign * weight, -256 if mixed else 0, 255)
    lost = 8 - bits + mixed
    return sign * (clipped >> lost << lost) if lost >= 0 else weight * 0  # what NumPy makes of a shift below 0


def kept(*parts: Int[np.ndarray, "neurons _inputs"]) -> bool:
    """Whether stock synapses apply the weights as they are."""
    found = stock_weights(*parts)
    return found is not None and all(np.array_equal(mine, given) for mine, given in zip(found, parts, strict=True))


def of_neurons(layer: Spiking) -> Reasons:
    """What stock neurons do not have."""
    yield f"it has a memory pathway ({getattr(layer.memory, 'kind', None)})", layer.memory is not None
    neuron = layer.neuron.file_type
    yield f"it has {neuron} neurons, which Lava has no process of", neuron != Neuron.file_type
    reset = layer.neuron.reset
    yield f"it has the reset {reset!r}, stock neurons only the hard one", reset != "hard"
    yield "its neurons have a threshold each, and Lava's LIF process has one for all", layer.neuron.own_thresholds
    rests = layer.neuron.refractory
    yield f"its neurons have refractory steps ({rests}), and netx makes neurons that have none", rests > 0
    late = layer.bias is not None and layer.start > 0
    yield f"its bias acts from step {layer.start}, as in training, and those of stock layers all from step 0", late


def of_dense(layer: Spiking) -> Reasons:
    """What stock dense synapses do not have, or make of weights."""
    delayed = layer.delay is not None
    yield "stock netx has no diagonal recurrence", layer.recurrence == "diagonal"
    yield "stock netx cannot load recurrence with delays", delayed and layer.recurrent_weight is not None
    yield "stock netx delays the synapses, which differs with a bias", delayed and layer.bias is not None
    parts = [part for part in (layer.weight, layer.recurrent_weight) if part is not None]
    if layer.recurrence != "diagonal":
        yield "stock netx cannot scale weights that are all 0", not any(np.any(part) for part in parts)
        yield "stock netx rounds such weights, as −256 to −255 where none is above 0", not kept(*parts)


def of_conv(layer: Conv) -> Reasons:
    """What stock convolutions do not have."""
    yield "stock netx has no delays in convolutions", layer.delay is not None
    yield from of_synapses(layer)
    numbers = (*layer.stride, *layer.padding, *layer.dilation, *layer.weight.shape[2:], layer.groups)
    yield f"stock netx keeps strides, paddings, kernels and groups up to {BYTE_MAX}", max(numbers) > BYTE_MAX


def of_encoder(layer: Encoder) -> Reasons:
    """What stock inputs do not have."""
    yield "stock netx has no fraction bits in the input", layer.fraction > 0


KINDS: dict[str, Callable[[Any], Reasons]] = {Spiking.kind: of_dense, Conv.kind: of_conv, Encoder.kind: of_encoder}
"""Kind of a spiking layer → why stock netx cannot run it, with whether the reason holds, beside `of_neurons`."""


FINE = "stock thresholds of changes are multiples of 1/64"


def of_synapses(layer: Conv | SigmaDelta) -> Reasons:
    """What stock convolutions do not have, whatever the neurons."""
    yield "stock netx has no transposed convolutions", layer.transposed
    yield "stock netx has no rows or columns beyond the padding", layer.extra != (0, 0)


def of_sigma_delta(layer: SigmaDelta) -> Reasons:
    """What stock sigma-delta layers do not have."""
    yield from of_synapses(layer)
    yield FINE, layer.threshold % (1 << VALUE_BITS) != 0
    alone = len(layer.shape) > 1 and layer.bias is not None
    alone = alone and by_channel(layer.bias, layer.shape).size not in (1, layer.shape[0])  # type: ignore[arg-type]
    yield "stock netx shares biases in a channel", alone
    yield "stock netx cannot scale weights that are all 0", layer.dense and not np.any(layer.weight)


def of_delta_input(layer: DeltaInput) -> Reasons:
    """What stock inputs do not have."""
    yield FINE, layer.threshold % (1 << VALUE_BITS) != 0
    yield "stock inputs take multiples of 1/64", layer.weight % (1 << layer.fraction) != 0


def of_sigma_output(layer: SigmaOutput) -> Reasons:
    """What stock outputs do not have."""
    yield "stock netx cannot scale weights that are all 0", not np.any(layer.weight)


MESSAGES: dict[str, Callable[[Any], Reasons]] = {
    SigmaDelta.kind: of_sigma_delta,
    DeltaInput.kind: of_delta_input,
    SigmaOutput.kind: of_sigma_output,
}
"""Kind of a layer of a sigma-delta network → why stock netx cannot run it, with whether the reason holds."""


def reasons(layer: Spiking, value: int) -> Reasons:
    """Everything that may keep stock netx from a layer whose inputs reach `value`."""
    yield from of_neurons(layer)
    yield from KINDS[layer.kind](layer)
    each = (layer.neuron.current_decay, layer.neuron.voltage_decay, *(() if layer.bias is None else (layer.bias,)))
    alone = len(layer.shape) > 1 and any(by_channel(own, layer.shape).size not in (1, layer.shape[0]) for own in each)
    yield "stock netx shares decays and biases in a channel", alone
    yield (
        ("stock neurons wrap their current once, which does not bring every sum of these weights back into 24 bits"),
        not bounds.wraps_once(layer, value),
    )


def why_not_stock(layer: Layer, value: int = 1) -> str | None:
    """Why stock netx cannot run a layer with the same spikes, or None when it can.

    Args:
        value: the largest that reaches the layer.
    """
    if isinstance(layer, Foreign):
        return None
    if layer.kind in MESSAGES:
        return next((reason for reason, holds in MESSAGES[layer.kind](layer) if holds), None)
    if not isinstance(layer, Spiking):
        return f"stock netx has no {layer.kind} layer"
    return next((reason for reason, holds in reasons(layer, value) if holds), None)


def refusals(network: Network) -> Iterator[tuple[Layer, str]]:
    """The layers that stock netx cannot run with the same spikes, each with the reason."""
    first = late_input(network.layers[0])
    for layer in network.layers:
        reason = why_not_stock(layer, bounds.INPUT_MAX if isinstance(layer, Encoder) else 1)
        if isinstance(layer, SigmaDelta) and layer.bias is not None and layer.start != first:
            reason = (
                f"its bias acts from step {layer.start}, as in training, and those of stock layers from step {first}"
            )
        if reason is not None:
            yield layer, reason
