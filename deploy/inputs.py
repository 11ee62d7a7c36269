"""Spikes to run, from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Int, Integer

from basalt.arrays import archive, read_arrays
from basalt.convert import netx
from basalt.convert.reading import LAVA, TRAINING
from basalt.deploy.options import RecordingOptions
from basalt.deploy.recorded import holds_events, refuse_asked, seen_by
from basalt.deploy.values import take
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.records.layer import Layer
from basalt.records.network import Network


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network is run on.

    Attributes:
        spikes: events, 0 or 1, or graded up to 255; bytes as the network's first layer reads them, or the integers of
            32 bits that sigma-delta layers take.
        labels: the true classes, None when they are not known.
        layer: the network's first layer for these values; None if nothing is known of it.
        notices: what became of the values that were given, one sentence per change.
    """

    spikes: Integer[np.ndarray, "samples features steps"]
    labels: Int[np.ndarray, "samples"] | None
    layer: Layer | None = None
    notices: tuple[str, ...] = ()

    def first(self, samples: int | None) -> "Inputs":
        """The first `samples`; all of them for None."""
        return replace(
            self, spikes=self.spikes[:samples], labels=None if self.labels is None else self.labels[:samples]
        )


def load_inputs(
    path: Path,
    features: int,
    classes: int | None = None,
    first: Layer | None = None,
    as_trained: bool = False,
    samples: int | None = None,
) -> Inputs:
    """Read an .npz file with `spikes` (samples × features × steps) and, if known, `labels` (samples).

    Images may be samples × channels × height × width × steps, as lava-dl has them. Values are integers 0 … 255, and
    those of an affine input real numbers, as `deploy.values.take` has it; `fraction` is how many bits of integers are
    fraction bits.

    Args:
        features: inputs of the network.
        classes: that it distinguishes; labels must be below; None where labels are not looked at.
        first, as_trained: as of `take`.
        samples: only this many are read; all for None.

    Raises:
        BasaltError: the file is missing or damaged, or its arrays do not fit the network.
    """
    if not there(path):
        raise BasaltError(f"{path} does not exist; name an .npz file with `spikes` (samples × features × steps).")
    check_spikes(path, features)
    arrays = read_arrays(path, ("spikes", "labels", "fraction"), {"spikes": samples, "labels": samples})
    return inputs_of(arrays, path, classes, first, as_trained)


def inputs_of(
    arrays: Mapping[str, np.ndarray],
    path: Path | str,
    classes: int | None = None,
    first: Layer | None = None,
    as_trained: bool = False,
) -> Inputs:
    """Arrays of an input file, or of a caller, whose shapes fit; `path` is what they are called in errors.

    Raises:
        BasaltError: the network cannot take a value, or a label is of no class.
    """
    spikes = arrays["spikes"]
    spikes = spikes.reshape(len(spikes), -1, spikes.shape[-1])
    taken = take(first, spikes, fraction_of(arrays, path), as_trained, path)
    labels = arrays.get("labels")
    if labels is not None and labels.dtype.kind not in "ui":
        raise BasaltError(f"{path}: `labels` must be {len(spikes)} integers, and is {labels.dtype}.")
    if labels is not None and classes is not None and not 0 <= labels.min() <= labels.max() < classes:
        raise BasaltError(
            f"{path}: `labels` are {labels.min()} … {labels.max()}, the network has the classes 0 … {classes - 1}; "
            f"name another input, or leave `labels` out."
        )
    return Inputs(taken.values, None if labels is None else labels.astype(np.int64), taken.first, taken.notices)


def fraction_of(arrays: Mapping[str, np.ndarray], path: Path | str) -> int | None:
    """`fraction`, if it is there."""
    found = arrays.get("fraction")
    if found is not None and (found.size != 1 or found.dtype.kind not in "ui"):
        raise BasaltError(f"{path}: `fraction` must be one integer, and is {found.dtype} {found.shape}.")
    return None if found is None else int(found.reshape(()))


def check_spikes(path: Path, features: int) -> None:
    """Hold the shapes of `spikes` and `labels` against what the network takes, before a value is read.

    Raises:
        BasaltError: there are other features, or not a label for each sample.
    """
    with archive(path) as found:
        if "spikes" not in found.names:
            raise BasaltError(f"{path} has no array `spikes` (samples × features × steps).")
        shape = found.header("spikes").shape
        labels = found.header("labels").shape if "labels" in found.names else shape[:1]
    check_shapes(shape, labels, features, path)


def check_shapes(shape: tuple[int, ...], labels: tuple[int, ...], features: int, path: Path | str) -> None:
    """The same for arrays whose shapes are known.

    Raises:
        BasaltError: as of `check_spikes`.
    """
    if len(shape) not in (3, 5) or not prod(shape):
        raise BasaltError(
            f"{path}: `spikes` has the shape {shape}, not (samples, features, steps) or (samples, channels, "
            f"height, width, steps)."
        )
    if prod(shape[1:-1]) != features:
        raise BasaltError(f"{path}: `spikes` has {prod(shape[1:-1])} features, the network takes {features}.")
    if labels != shape[:1]:
        raise BasaltError(f"{path}: `labels` must be {shape[0]} integers, and has the shape {labels}.")


def image_shape(path: Path) -> tuple[int, int, int] | None:
    """(channels, height, width) of an input file's `spikes`, where it has them; read from its header alone."""
    try:
        with archive(path) as found:
            shape = found.header("spikes").shape
    except BasaltError:
        return None  # what is wrong with it, is said when it is read
    return (shape[1], shape[2], shape[3]) if len(shape) == 5 else None


def read_both(
    file: Path,
    input_: Path | None,
    bias_start: str = TRAINING,
    input_shape: str | None = None,
    labels: bool = True,
    samples: int | None = None,
    recording: RecordingOptions = RecordingOptions(),  # noqa: B008 frozen
    step_ms: float | None = None,
) -> tuple[Network, Inputs]:
    """A .net file and what it is run on: the named input, or the test.npz beside the file.

    Args:
        bias_start: as of `basalt.convert.netx.read`.
        input_shape: "C,H,W", or None for what the files say.
        labels: they are looked at.
        samples: only this many are read; all for None.
        recording: how an input that is a recording is looked at.
        step_ms: how long a step lasts, where the network does not say it.

    Raises:
        BasaltError: either cannot be read, or they do not fit.
    """
    path = input_ or file.parent / "test.npz"
    if there(path) and holds_events(path):
        network = netx.read(file, bias_start, parse_shape(input_shape))
        return with_inputs(network, recorded(path, file, network, recording, step_ms))
    refuse_asked(recording, path)
    network = netx.read(file, bias_start, parse_shape(input_shape) or image_shape(path))
    first = network.layers[0]
    classes = network.layers[-1].neurons if labels else None
    as_trained = network.reading not in (None, LAVA)
    return with_inputs(network, load_inputs(path, network.inputs, classes, first, as_trained, samples))


def recorded(path: Path, file: Path, network: Network, options: RecordingOptions, step_ms: float | None) -> Inputs:
    """A recording as an input.

    Raises:
        BasaltError: as of `basalt.deploy.recorded.seen_by`.
    """
    spikes, told = seen_by(path, file, network, options, step_ms)
    taken = take(network.layers[0], spikes, None, network.reading not in (None, LAVA), path)
    return Inputs(taken.values, None, taken.first, (told, *taken.notices))


def with_inputs(network: Network, inputs: Inputs) -> tuple[Network, Inputs]:
    """The network with the first layer that takes the input, and the input."""
    first, *others = network.layers
    return replace(network, layers=(inputs.layer or first, *others)), inputs


def parse_shape(named: str | None) -> tuple[int, int, int] | None:
    """Channels, height and width of "C,H,W".

    Raises:
        BasaltError: it is something else.
    """
    if named is None:
        return None
    words = named.replace("x", ",").split(",")
    if len(words) != 3 or not all(word.strip().isdecimal() and int(word) for word in words):
        raise BasaltError(f"--input-shape {named!r} is not channels,height,width, as 2,34,34.")
    return (int(words[0]), int(words[1]), int(words[2]))
