"""Samples for an import: spikes and labels of an .npz file, laid out as the network takes them."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from basalt.arrays import archive, read_arrays
from basalt.convert.nir.operators import Shape
from basalt.errors import BasaltError
from basalt.opening import memory_limit, there

LARGEST = 255
"""Of a graded input."""
LAYERS_MOST = 64
"""Silent steps that are counted beside a sample's own, when samples are taken that a file may hold."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What a network is calibrated and judged on."""

    spikes: UInt8[np.ndarray, "samples inputs steps"]
    labels: Int[np.ndarray, "samples"] | None

    def first(self, number: int) -> "Samples":
        """The first of them."""
        return Samples(self.spikes[:number], None if self.labels is None else self.labels[:number])


def read_samples(path: Path, shape: Shape, classes: int, most: int, graded: bool = True) -> Samples:
    """The first samples of a file, no more than a file may hold (`basalt.opening.memory_limit`).

    Args:
        graded: values above 1 can be taken.

    Raises:
        BasaltError: it is missing or damaged, or its arrays do not fit the network.
    """
    if not there(path):
        raise BasaltError(f"{path} does not exist; name an .npz file with `spikes` (samples × features × steps).")
    with archive(path) as found:
        if "spikes" not in found.names:
            raise BasaltError(f"{path} has no array `spikes` (samples × features × steps).")
        header = found.header("spikes")
        given = header.shape
        labelled = found.header("labels").shape if "labels" in found.names else given[:1]
    if len(given) < 3 or not prod(given) or prod(given[1:-1]) != prod(shape):
        raise BasaltError(f"{path}: `spikes` has the shape {given}, and the network takes samples × {shape} × steps.")
    if labelled != given[:1]:
        raise BasaltError(f"{path}: `labels` must be {given[0]} integers, and has the shape {labelled}.")
    most = min(most, max(1, memory_limit() // (header.dtype.itemsize * prod(shape) * (given[-1] + LAYERS_MOST))))
    arrays = read_arrays(path, ("spikes", "labels"), {"spikes": most, "labels": most})
    spikes = arrays["spikes"].reshape(len(arrays["spikes"]), prod(shape), given[-1])
    if spikes.dtype not in (np.uint8, np.bool_) and not all(whole(sample) for sample in spikes):
        raise BasaltError(
            f"{path}: `spikes` holds values that are not whole numbers 0 … {LARGEST}, which inputs here are."
        )
    if not graded and spikes.max() > 1:
        raise BasaltError(
            f"{path}: `spikes` holds values up to {int(spikes.max())}, and the network's input skips a layer by relay "
            f"neurons, which pass on 0 or 1; write the samples as 0 and 1 in finer steps."
        )
    labels = arrays.get("labels")
    if labels is not None and (labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes):
        raise BasaltError(f"{path}: `labels` are not integers 0 … {classes - 1}; leave them out, or mend them.")
    return Samples(spikes.astype(np.uint8, copy=False), None if labels is None else labels.astype(np.int64))


def whole(values: np.ndarray) -> bool:
    """Whether all are whole numbers 0 … 255."""
    return bool(np.all((values >= 0) & (values <= LARGEST) & (values == np.rint(values))))
