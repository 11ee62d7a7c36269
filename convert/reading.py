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
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.synapses import Spiking

TRAINING = "training"
LAVA = "lava"

READINGS: dict[str, Callable[[int], int]] = {
    TRAINING: lambda order: 1,
    "unshifted": lambda order: 1 + order,
    LAVA: lambda order: 0,
}
"""Reading → the step from which the bias of the layer of that order acts: as SLAYER's blocks train by default, as they
train with `delay_shift=False`, and as stock netx has it."""


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
    layers = tuple(
        started(layer, READINGS[reading](order), reading, path) if layer.name in unsaid else layer
        for order, layer in enumerate(network.layers)
    )
    found = {layer.name: layer.start for layer in layers if isinstance(layer, Spiking) and layer.name in unsaid}
    return replace(network, layers=layers, notices=(*network.notices, *notice(found, reading)))


def started(layer: Layer, start: int, reading: str, path: Path) -> Layer:
    """A layer whose bias acts from a step on."""
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
