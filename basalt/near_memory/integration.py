"""How a core adds the spikes of steps up, in closed form: dense layers row after row, convolutions position by
position."""

from dataclasses import dataclass

import numpy as np

from basalt.near_memory.arrival import bubbles, last_arrival
from basalt.near_memory.convolution import ConvSizes, Reached
from basalt.near_memory.core import Core
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.steps import Flags, Steps


@dataclass(frozen=True, eq=False)
class Integration:
    """The sums of steps, each entry an array with a value for every step.

    Attributes:
        active: whether anything is added up.
        first: the cycle from which the neuron bank can take the first group, where something is.
        slope: cycles from each group's sum to that of the next.
        work: cycles at work.
        stalls: cycles in which the sender waited at a full buffer.
        accesses: by "memory_reads" and "memory_writes".
    """

    active: Flags
    first: Steps
    slope: int
    work: Steps
    stalls: Steps
    accesses: dict[str, Steps]


def dense(core: Core, sizes: Sizes, spikes: Steps, own: Steps) -> Integration:
    """G rows an event; without stationarity those of all inputs, group by group."""
    groups, total = sizes.groups(core), spikes + own
    none = np.zeros_like(spikes)
    if core.heterogeneous_stationarity:
        arrival = last_arrival(core, spikes, (spikes - core.event_buffer) * groups)
        accesses = {
            "event_buffer_writes": spikes,
            "event_buffer_reads": spikes * (2 if sizes.states or sizes.pathway else 1),
            "input_weights_reads": spikes * groups,
            **({"recurrent_weights_reads": own * groups, "output_spikes_reads": own} if sizes.recurrent else {}),
            "accumulators_writes": total * groups,
            "accumulators_reads": total * groups,
        }
        stalls = np.where(spikes > 0, arrival - (spikes - 1), 0)
        first = (total - 1) * groups + 1 + bubbles(core, spikes)
        return Integration(total > 0, first, 1, total * groups, stalls, accesses)
    inputs = sizes.inputs + (sizes.neurons if sizes.recurrent else 0)
    accesses = {
        "input_weights_reads": none + sizes.inputs * groups,
        **({"recurrent_weights_reads": none + sizes.neurons * groups} if sizes.recurrent else {}),
        "accumulators_writes": none + groups,
        "accumulators_reads": none + groups,
    }
    return Integration(none == 0, none + inputs, inputs, none + inputs * groups, none, accesses)


def convolution(core: Core, conv: ConvSizes, spikes: Steps, reached: Reached) -> Integration:
    """n rows an event, each added to a row of sums that is read two cycles before it is written; the sweep over the
    neurons begins when all is written."""
    none = np.zeros_like(spikes)
    if core.heterogeneous_stationarity:
        rows, slots, active = reached.rows, reached.slots, spikes > 0
        stalls = np.where(active, last_arrival(core, spikes, reached.entered) - (spikes - 1), 0)
        accesses = {"event_buffer_writes": spikes, "event_buffer_reads": spikes}
        sums = rows
    else:
        heard = conv.heard_rows(core)
        rows, slots, active = none + heard.sum(), none + np.maximum(heard, 1).sum(), none == 0
        stalls, accesses = none, {}
        sums = none + len(heard)
    if not conv.pool:
        accesses["kernel_weights_reads"] = rows
    accesses |= {"accumulators_writes": sums, "accumulators_reads": sums}
    return Integration(active, slots + 2 + bubbles(core, spikes), 0, slots, stalls, accesses)


def integration(core: Core, sizes: Sizes, spikes: Steps, own: Steps, reached: Reached | None) -> Integration:
    """Of a layer's kind of synapses."""
    if sizes.conv is None:
        return dense(core, sizes, spikes, own)
    assert reached is not None
    return convolution(core, sizes.conv, spikes, reached)
