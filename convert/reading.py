"""From which step biases act where a .net file does not say: lava-dl's export leaves it out.

SLAYER's blocks delay their output by a step (`delay_shift`), Lava's layers their input. So the step 0 of a trained
block, from which its bias acts, is step 1 of the same layer here; stock netx lets biases act from step 0, a step early.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from basalt.errors import BasaltError
from basalt.records.arithmetic import DECAY_MAX
from basalt.records.delta import STATE_BITS, Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.sigma_delta import SigmaDelta
from basalt.records.synapses import Spiking

LEAST = 1 << STATE_BITS
"""1/4096, in units of a threshold."""
TRAINING = "training"
LAVA = "lava"

READINGS: dict[str, Callable[..., int]] = {
    TRAINING: lambda order, graded=False, late=0: 1 + order if graded else 1,
    "unshifted": lambda order, graded=False, late=0: 1 + order,
    LAVA: lambda order, graded=False, late=0: late,
}
"""Reading → the step from which the bias of the layer of that order acts: as SLAYER's blocks train by default (those of
sigma-delta neurons, which send graded messages, with `delay_shift=False`), as they train with `delay_shift=False`, and
as stock netx has it, where a network is `late` by its input here."""


def late_input(first: Layer) -> int:
    """Steps by which a network is later here than on stock netx, whose sigma-delta inputs take no step."""
    return int(isinstance(first, DeltaInput))


def check_reading(reading: str) -> str:
    """The name of a reading.

    Raises:
        BasaltError: there is none of that name.
    """
    if reading not in READINGS:
        raise BasaltError(f"--bias-start {reading!r} is not known; choose from {', '.join(READINGS)}.")
    return reading


def with_starts(network: Network, unsaid: Sequence[str], reading: str, path: Path) -> Network:
    """The network with the step from which the biases of the layers `unsaid` act, and a notice of it.

    Raises:
        BasaltError: a block of SLAYER's keeps the normalisation in its current, and that outlives a step.
    """
    step, late = READINGS[reading], late_input(network.layers[0])
    layers = tuple(
        started(layer, step(order, layer.graded, late), reading, path) if layer.name in unsaid else layer
        for order, layer in enumerate(network.layers)
    )
    biased = (layer for layer in layers if isinstance(layer, Spiking | SigmaDelta))
    found = {layer.name: layer.start for layer in biased if layer.name in unsaid}
    return replace(network, layers=layers, notices=(*network.notices, *notice(found, reading)))


def with_thresholds(network: Network, reading: str) -> Network:
    """The network with the least threshold of SLAYER's sigma-delta neurons, 1/4096, where the file cuts it to 0."""
    cut = [layer.name for layer in network.layers if isinstance(layer, Delta) and layer.threshold == 0]
    if reading == LAVA or not cut:
        return network
    layers = tuple(
        replace(layer, threshold=LEAST) if isinstance(layer, Delta) and layer.name in cut else layer
        for layer in network.layers
    )
    said = f"Thresholds of {', '.join(cut)} are below 1/64, which the file cuts to 0: SLAYER's least, 1/4096, is taken"
    other = "--bias-start lava takes 0, as Lava does."
    return replace(network, layers=layers, notices=(*network.notices, f"{said}; {other}"))


def started(layer: Layer, start: int, reading: str, path: Path) -> Layer:
    """A layer whose bias acts from a step on."""
    if isinstance(layer, SigmaDelta):
        return replace(layer, start=start)
    assert isinstance(layer, Spiking)
    outlives = bool(np.any(layer.neuron.current_decay != DECAY_MAX))
    if reading != LAVA and layer.recurrence != "none" and outlives:
        raise BasaltError(
            f"{path}: SLAYER's recurrent block {layer.name!r} adds its bias, a normalisation, to a current that "
            f"outlives the step, and no process here does; --bias-start lava adds it to the membrane, as Lava would, "
            f"which are not the spikes of training."
        )
    if outlives and layer.neuron.norm_in_current:
        raise BasaltError(
            f"{path}: SLAYER's {layer.neuron.file_type} block {layer.name!r} adds its bias, a normalisation, to what "
            f"enters a current that outlives the step, and no process here does; it cannot be deployed as it was "
            f"trained."
        )
    return replace(layer, start=start)


def notice(starts: dict[str, int], reading: str) -> list[str]:
    """The sentence about the biases, if there are any."""
    if not starts:
        return []
    steps = sorted(set(starts.values()))
    when = f"step {steps[0]}" if len(steps) == 1 else "steps " + ", ".join(map(str, starts.values()))
    whose = "stock Lava's" if reading == LAVA else "SLAYER's training"
    other = "--bias-start training is SLAYER's" if reading == LAVA else "--bias-start lava is Lava's, step 0"
    return [f"The biases of {', '.join(starts)} act from {when}, as in {whose}: the file does not say; {other}."]
