"""NIR's Delay: neurons that pass on each spike, a whole number of steps later."""

from math import prod

import numpy as np
from jaxtyping import Int

from basalt.convert.nir.mapped import Mapped
from basalt.convert.nir.operators import Kernel, UnsaidError, value
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.synapses import Block
from basalt.records.synapses import DELAY_MAX

WEIGHT = 2.0
"""Of a spike, in thresholds."""
CLOSE = 1e-4
"""How far from whole a number of steps may be, in single precision."""


def steps_of(stage: Stage, step: float) -> Int[np.ndarray, "neurons"]:
    """The delay of each neuron in steps.

    Raises:
        UnsaidError: it is not whole, or too long; or it is of sums of weights, not of spikes.
    """
    assert stage.neuron is not None
    if stage.real or not stage.row:
        raise UnsaidError(
            "delays what operators make of spikes, where spikes are delayed here; put it right after the neuron"
        )
    found, neurons = value(stage.neuron, "delay").reshape(-1) / step, prod(stage.sends)
    if found.size not in (1, neurons):
        raise UnsaidError(f"has {found.size} delays for {neurons} neurons; write one for each")
    near = np.rint(found)
    if not np.all(np.abs(found - near) <= CLOSE * np.maximum(1, near)) or near.min() < 0:
        worst = found[np.argmax(np.abs(found - near))]
        raise UnsaidError(
            f"delays by {worst:.6g} steps of {1000 * step:g} ms, not by a whole number; give another --dt, or round it"
        )
    if near.max() > DELAY_MAX:
        raise UnsaidError(
            f"delays by {near.max():.0f} steps, and neurons here by {DELAY_MAX} at most; write it as several in a row"
        )
    return np.broadcast_to(near.astype(np.int64), neurons).copy()


def map_delay(stage: Stage, name: str, step: float) -> Mapped:
    """The layer: all neurons have one weight, a kernel of 1 over a row of them.

    Raises:
        UnsaidError: it cannot be said.
    """
    neurons, one = prod(stage.sends), np.ones((1, 1, 1, 1))
    none = np.zeros(1)
    return Mapped(
        name=name,
        weight=np.full((1, 1), WEIGHT),
        blocks=(Block(stage.sources[0], (1, 1, neurons), Kernel(one, (1, 1), (0, 0), (1, 1), 1)),),
        alpha=none,
        beta=none,
        shape=stage.sends,
        drive=none,
        delay=steps_of(stage, step),
        passes=True,
    )
