"""NIRData, the recordings of the package `nir`: spikes by node, in steps or as events. It has no file format, so that
they are read from an object of a script; by what they hold, so that `nir` need not be installed here.

    NIRGraphData.nodes → NIRNodeData.observables → TimeGriddedData (samples, steps, neurons) | EventData (idx, time)
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from basalt.errors import BasaltError
from basalt.shown import shown

SPIKES = ("spikes", "spike")
"""Names of the observable, where a node has several."""
EARLY = 1e-6
"""Of a step: an event this little before it is in it, as products of a step's length are not exact."""


def is_data(found: Any) -> bool:
    """Whether an object is a NIRGraphData."""
    return isinstance(getattr(found, "nodes", None), dict) and not hasattr(found, "edges")


def spikes_of_nodes(data: Any, steps: int, what: str) -> dict[str, np.ndarray]:
    """Node → spikes (samples, neurons, steps); those of nested graphs as `graph.node`.

    Raises:
        BasaltError: an observable is none of these, does not have these steps, or a node has none of spikes.
    """
    return {name: gridded(one, steps, f"{what}: {shown(name)!r}") for name, one in observed(data, "", what)}


def observed(data: Any, before: str, what: str) -> Iterator[tuple[str, Any]]:
    """Each node's name, and its observable of spikes."""
    for key, node in data.nodes.items():
        name = f"{before}{key}"
        if is_data(node):
            yield from observed(node, f"{name}.", what)
            continue
        all_of = getattr(node, "observables", None)
        if not isinstance(all_of, dict) or not all_of:
            raise BasaltError(f"{what}: {shown(name)!r} holds no observables; leave it out, or record its spikes.")
        named = [one for one in SPIKES if one in all_of] or list(all_of)
        if len(named) > 1:
            raise BasaltError(
                f"{what}: {shown(name)!r} has the observables {', '.join(map(shown, all_of))}; call one spikes."
            )
        yield name, all_of[named[0]]


def gridded(one: Any, steps: int, what: str) -> np.ndarray:
    """Spikes (samples, neurons, steps) of an observable."""
    if hasattr(one, "data"):
        found = np.asarray(one.data)
        if found.ndim != 3 or found.shape[1] != steps:
            raise BasaltError(f"{what} has the shape {found.shape}, and the samples have {steps} steps.")
        return found.transpose(0, 2, 1)
    if not all(hasattr(one, part) for part in ("idx", "time", "n_neurons", "t_max")):
        raise BasaltError(f"{what} is {shown(type(one).__name__)}, neither TimeGriddedData nor EventData.")
    idx, time = np.asarray(one.idx), np.asarray(one.time, dtype=np.float64)
    there = idx >= 0
    if idx.shape != time.shape or idx.ndim != 2 or not float(one.t_max) > 0:
        raise BasaltError(f"{what} has no events (samples, events) in a time above 0; record it anew.")
    at = np.floor(np.where(there, time, 0.0) * (steps / float(one.t_max)) + EARLY).astype(np.int64)
    if np.any(there & ((idx >= int(one.n_neurons)) | (at < 0) | (at >= steps))):
        raise BasaltError(
            f"{what} has events beyond its {one.n_neurons} neurons or its t_max of {one.t_max:g}; record it anew."
        )
    found = np.zeros((len(idx), int(one.n_neurons), steps), dtype=np.uint8)
    sample = np.broadcast_to(np.arange(len(idx))[:, None], idx.shape)[there]
    np.add.at(found, (sample, idx[there], at[there]), 1)
    return found
