"""How long near-memory cores take that begin each step together, when the slowest of them has ended the one before."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, Num

from basalt.deploy.energy.activity import Sent, known, pieces, refreshes, total
from basalt.kernels.bits import pack, planes_of
from basalt.kernels.events import reach_block
from basalt.near_memory.convolution import Reached
from basalt.near_memory.core import Core
from basalt.near_memory.formula import cost
from basalt.near_memory.sizes import Sizes, sizes_of
from basalt.records.network import Network
from basalt.records.synapses import Spiking

Steps = Int[np.ndarray, "samples steps"]


def cycles_of_steps(
    core: Core,
    network: Network,
    spikes: Num[np.ndarray, "samples features steps"],
    sent: Mapping[str, Num[np.ndarray, "samples neurons steps"]],
    fired: Mapping[str, Steps],
    bits: int,
) -> dict[str, Steps]:
    """Cycles of each layer's core in each step, by the schedule's formula.

    Args:
        sent: what each spiking layer sent, by name.
        fired: by name, how many neurons of a delayed layer fired in each step.
        bits: of the input's values; 1 for spikes.
    """
    arriving, found = spikes, {}
    for layer in network.layers:
        sizes = sizes_of(layer, bits if layer is network.layers[0] else 1)
        heard = np.concatenate([np.zeros_like(arriving[:, :, :1]), arriving[:, :, :-1]], axis=2)
        firing = np.zeros(spikes.shape[::2], dtype=np.int64)
        if isinstance(layer, Spiking):
            firing = Sent(sent[layer.name], layer.delay, fired.get(layer.name)).fired
            arriving = sent[layer.name]
        own = np.concatenate([0 * firing[:, :1], firing[:, :-1]], axis=1) if sizes.hears_itself else 0
        refresh = refreshes(sizes.update_interval, spikes.shape[2]).astype(bool)
        found[layer.name] = cost(
            core,
            sizes,
            spikes=total(heard != 0),
            recurrent=own,
            fired=firing,
            refresh=refresh,
            reached=met(core, sizes, heard),
        ).cycles
    return found


def met(core: Core, sizes: Sizes, heard: Num[np.ndarray, "samples features steps"]) -> Reached | None:
    """What the events of a convolution's steps meet."""
    if sizes.conv is None:
        return None
    planes = planes_of(heard)
    packed = pack(heard.transpose(2, 0, 1), planes)
    found = np.zeros((4, *packed.shape[:2]), dtype=np.int64)
    tables = sizes.conv.event_rows(core), sizes.conv.event_synapses
    reach_block(packed, planes, len(packed), *tables, core.event_buffer, *found)
    return Reached(*(part.T for part in found))


def slowest(
    core: Core,
    network: Network,
    spikes: Num[np.ndarray, "samples features steps"],
    sent: Mapping[str, Any],
    fired: Mapping[str, Steps],
    bits: int,
) -> Int[np.ndarray, "samples"] | None:
    """Σ over steps of the cycles of the slowest core; None where not all spikes are known."""
    if not known(network, sent):
        return None
    return np.concatenate(
        [
            np.max(list(cycles_of_steps(core, network, *piece, bits).values()), axis=0).sum(axis=1)
            for piece in pieces(len(spikes), spikes, sent, fired)
        ]
    )
