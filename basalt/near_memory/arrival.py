"""When the input events of a step are there, in closed form.

Event i enters the buffer of E places one cycle after event i − 1, or when a place is free: in the cycle after the last
row of event i − E was read. It can be read in the cycle after it has entered, so that the first event's rows begin in
cycle 1, and the others follow without a gap; but where there is one place, each waits a cycle for the next to enter.
"""

import numpy as np

from basalt.near_memory.core import Core
from basalt.near_memory.steps import Steps


def bubbles(core: Core, spikes: Steps) -> Steps:
    """Cycles of a step's events in which none is read, as the next is only entering; none without a buffer."""
    if not core.heterogeneous_stationarity:
        return np.zeros_like(spikes)
    return spikes if core.event_buffer == 1 else np.minimum(spikes, 1)


def last_arrival(core: Core, spikes: Steps, entered: Steps) -> Steps:
    """The cycle in which the last of S > 0 events enters the buffer.

    Args:
        entered: cycles that the rows of all but the last E events take.
    """
    gaps = np.maximum(spikes - 2, 0) if core.event_buffer == 1 else np.zeros_like(spikes)
    return np.where(spikes > core.event_buffer, np.maximum(spikes - 1, 1 + entered + gaps), spikes - 1)
