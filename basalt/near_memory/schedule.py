"""A step of any layer, by walking through its cycles and by the closed formula."""

import numpy as np

from basalt.near_memory.conv_walk import ConvWalk
from basalt.near_memory.convolution import Reached, reached_by
from basalt.near_memory.core import Core
from basalt.near_memory.formula import Cost, cost
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.walk import Events, Step, Walk


def schedule(core: Core, sizes: Sizes, events: Events) -> Step:
    """The whole step."""
    if sizes.conv is not None:
        return ConvWalk(core, sizes, sizes.conv, events).step()
    return Walk(core, sizes, events).step()


def step_cost(core: Core, sizes: Sizes, events: Events) -> Cost:
    """The same step by the formula: arrays with one value."""
    reached = None
    if sizes.conv is not None:
        found = reached_by(sizes.conv, core, np.array(events.features, dtype=np.int64))
        reached = Reached(*(np.atleast_1d(part) for part in found))
    spikes = np.array([events.spikes])
    return cost(core, sizes, spikes, events.recurrent, events.fired, events.refresh, reached)
