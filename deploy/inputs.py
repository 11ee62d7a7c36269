"""Spikes to run, from a file."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from basalt.errors import BasaltError
from convert import netx
from convert.reading import LAVA, TRAINING
from convert.records import Layer, Network
from deploy.values import take

DAMAGES = (
    OSError, ValueError, EOFError, KeyError, SyntaxError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zipfile and zlib raise over damaged .npz files."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network is run on.

    Attributes:
        spikes: events, 0 or 1, or graded up to 255; bytes as the network's first layer reads them.
        labels: the true classes, None when they are not known.
        layer: the network's first layer for these values; None if nothing is known of it.
        notices: what became of the values that were given, a sentence each.
    """

    spikes: UInt8[np.ndarray, "samples features steps"]
    labels: Int[np.ndarray, "samples"] | None
    layer: Layer | None = None
    notices: tuple[str, ...] = ()

    def first(self, samples: int | None) -> "Inputs":
        """The first so many samples; all of them for None."""
        return replace(
            self, spikes=self.spikes[:samples], labels=None if self.labels is None else self.labels[:samples]
        )


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name; only those of `names` that are there, if given.

    Raises:
        BasaltError: the file cannot be read, is damaged, or is no .npz file.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                return {name: found[name] for name in found.files if names is None or name in names}
    except DAMAGES as error:
        raise BasaltError(f"{path} is not a readable .npz file ({error}); make it again.") from error
    raise BasaltError(f"{path} holds one array without a name (.npy); write it with numpy.savez(file, spikes=array).")


def load_inputs(
    path: Path, features: int, classes: int | None = None, first: Layer | None = None, as_trained: bool = False
) -> Inputs:
    """Read an .npz file with `spikes` (samples × features × steps) and, if known, `labels` (samples).

    Images may be samples × channels × height × width × steps, as lava-dl has them. Values are integers 0 … 255, and
    those of an affine input real numbers, as `deploy.values.take` has it; `fraction` is how many bits of integers are
    fraction bits.

    Args:
        features: inputs of the network.
        classes: that it tells apart, so that labels stay below; None where labels are not looked at.
        first, as_trained: as of `take`.

    Raises:
        BasaltError: the file is missing or damaged, or its arrays do not fit the network.
    """
    if not Path(path).exists():
        raise BasaltError(f"{path} does not exist; name an .npz file with `spikes` (samples × features × steps).")
    arrays = read_arrays(path, ("spikes", "labels", "fraction"))
    if "spikes" not in arrays:
        raise BasaltError(f"{path} has no array `spikes` (samples × features × steps).")
    spikes = flat(arrays["spikes"], path)
    if spikes.shape[1] != features:
        raise BasaltError(f"{path}: `spikes` has {spikes.shape[1]} features, the network takes {features}.")
    taken = take(first, spikes, fraction_of(arrays, path), as_trained, path)
    labels = arrays.get("labels")
    if labels is not None and (labels.shape != (len(spikes),) or labels.dtype.kind not in "ui"):
        raise BasaltError(f"{path}: `labels` must be {len(spikes)} integers, and is {labels.dtype} {labels.shape}.")
    if labels is not None and classes is not None and not 0 <= labels.min() <= labels.max() < classes:
        raise BasaltError(
            f"{path}: `labels` are {labels.min()} … {labels.max()}, the network has the classes 0 … {classes - 1}; "
            f"name another input, or leave `labels` out."
        )
    return Inputs(taken.values, None if labels is None else labels.astype(np.int64), taken.first, taken.notices)


def flat(spikes: np.ndarray, path: Path) -> np.ndarray:
    """Samples × features × steps, the channel slowest, of these or of samples × channels × height × width × steps.

    Raises:
        BasaltError: it has another shape.
    """
    if spikes.ndim not in (3, 5) or spikes.size == 0:
        raise BasaltError(
            f"{path}: `spikes` has the shape {spikes.shape}, not (samples, features, steps) or (samples, channels, "
            f"height, width, steps)."
        )
    return spikes.reshape(len(spikes), -1, spikes.shape[-1])


def fraction_of(arrays: dict[str, np.ndarray], path: Path) -> int | None:
    """`fraction`, if it is there."""
    found = arrays.get("fraction")
    if found is not None and (found.size != 1 or found.dtype.kind not in "ui"):
        raise BasaltError(f"{path}: `fraction` must be one integer, and is {found.dtype} {found.shape}.")
    return None if found is None else int(found.reshape(()))


def image_shape(path: Path) -> tuple[int, int, int] | None:
    """(channels, height, width) of an input file's `spikes`, where it has them; read from its header alone."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("spikes.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape = read(file)[0]
    except DAMAGES:
        return None  # what is wrong with it, is said when it is read
    return (shape[1], shape[2], shape[3]) if len(shape) == 5 else None


def read_both(
    file: Path, input_: Path | None, bias_start: str = TRAINING, input_shape: str | None = None, labels: bool = True
) -> tuple[Network, Inputs]:
    """A .net file and what it is run on: the named input, or the test.npz beside the file.

    Args:
        bias_start: as of `convert.netx.read`.
        input_shape: "C,H,W", or None for what the files tell.
        labels: they are looked at.

    Raises:
        BasaltError: either cannot be read, or they do not fit.
    """
    path = input_ or file.parent / "test.npz"
    network = netx.read(file, bias_start, parse_shape(input_shape) or image_shape(path))
    first, *others = network.layers
    classes = network.layers[-1].neurons if labels else None
    as_trained = network.reading not in (None, LAVA)
    inputs = load_inputs(path, network.inputs, classes, first, as_trained)
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
