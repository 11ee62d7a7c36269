"""One layer's group of a .net file, read key by key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py
import numpy as np

from basalt.chunks import DamagedChunkError, pieces, unpacks
from basalt.errors import BasaltError
from basalt.kept import Kept
from basalt.opening import memory_limit, too_large

NEURONS_MAX = 1 << 24
"""Of a layer: what no memory holds is refused before it is asked for."""

AXES_MAX = 8
BLOCK = 1 << 20
"""Values that are read at once."""
NARROW = (np.dtype(np.int8), np.dtype(np.int16))
LARGEST = 1 << 62
"""What integers stay below, so that they can be added and compared in 64 bits."""


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Parts of an array along its first axis, of about `BLOCK` values each; all of one that has no axis."""
    if not shape:
        yield ()
        return
    rows = max(1, BLOCK // max(1, prod(shape[1:])))
    for first in range(0, shape[0], rows):
        yield (slice(first, first + rows),)


@dataclass(frozen=True)
class Reader:
    """One layer's group, with errors that name file, layer and key.

    Attributes:
        group: in the open file.
        place: file and layer, for people.
        name: of the layer.
        before: shape of what the layer before sends, channels first; None if this is the first and nothing tells.
        file, index: where the group is.
        given: shape of the network's input, where it was named and this is the first layer that computes.
        kept: where large matrices are put, or were put by a process that read the file before.
    """

    group: h5py.Group
    place: str
    name: str
    before: tuple[int, ...] | None
    file: Path
    index: int
    given: tuple[int, int, int] | None = None
    kept: Kept | None = None

    def fail(self, key: str, what: str) -> BasaltError:
        """The error to raise about a key."""
        return BasaltError(f"{self.place}: {key!r} {what}; export the network again.")

    def dataset(self, key: str, kinds: str, what: str) -> h5py.Dataset:
        """What is under a key: an array of values of one of these kinds; none of them is read."""
        if key not in self.group:
            raise self.fail(key, "is missing")
        item = self.group[key]
        if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in kinds:
            raise self.fail(key, f"is not {what}")
        return item

    def integers(self, key: str, dimensions: Sequence[int], most: int | None = None) -> np.ndarray:
        """An int64 array with one of the given numbers of dimensions (trailing axes of length 1 are dropped).

        Its shape is looked at before its values are; they are read block by block.

        Args:
            most: values that it may hold.
        """
        item = self.dataset(key, "iufb", "a numeric array")
        shape = item.shape
        while len(shape) > max(dimensions) and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) not in dimensions:
            raise self.fail(key, f"has {len(shape)} dimensions, not {' or '.join(map(str, dimensions))}")
        if most is not None and item.size > most:
            raise self.fail(key, f"holds {item.size:,} values, more than the {most:,} that belong there")
        found = np.empty(item.shape, dtype=np.int64)
        for block in blocks(item.shape):
            found[block] = self.whole(key, np.asarray(item[block]))
        return found.reshape(shape)

    def matrix(self, key: str, dimensions: Sequence[int]) -> np.ndarray:
        """Integers of 8 or 16 bits, as few as hold them, and of 64 where those do not; the first axis is innermost.

        That is how kernels take weights. A large one is unpacked by several threads.
        """
        item = self.dataset(key, "iufb", "a numeric array")
        if item.ndim == 2 and 2 in dimensions and unpacks(item.id):
            known = None if self.kept is None else self.kept.get(item.name)
            found = self.unpacked(key, item) if known is None else known.T
            if found is not None and found.shape == item.shape:
                return found
        values = self.integers(key, dimensions)
        kind = next((kind for kind in NARROW if fits(values, kind)), None)
        return values if kind is None else np.asfortranarray(values.astype(kind))

    def unpacked(self, key: str, item: h5py.Dataset) -> np.ndarray | None:
        """A large matrix; None where 16 bits do not hold its values."""
        empty = np.empty if self.kept is None else self.kept.empty
        columns: np.ndarray | None = None

        def narrowed(values: np.ndarray) -> np.ndarray:
            if values.dtype.kind == "f":
                values = self.whole(key, values)
            kind = next((kind for kind in NARROW if fits(values, kind)), values.dtype)
            return np.ascontiguousarray(values.T, dtype=kind)

        try:
            for place, piece in pieces(item, narrowed):
                if piece.dtype not in NARROW:
                    return None
                if columns is None:
                    columns = empty(item.shape[::-1], piece.dtype)
                elif columns.dtype.itemsize < piece.dtype.itemsize:
                    before, columns = columns, empty(item.shape[::-1], piece.dtype)
                    columns[:] = before
                columns[place[::-1]] = piece
        except DamagedChunkError as error:
            raise self.fail(key, str(error)) from error
        if self.kept is not None and columns is not None:
            self.kept.keep(item.name, columns)
        return None if columns is None else columns.T

    def whole(self, key: str, value: np.ndarray) -> np.ndarray:
        """The same values as integers."""
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise self.fail(key, "holds NaN or infinity")
        if value.size and (value.max() >= LARGEST or value.min() <= -LARGEST):
            raise self.fail(key, "holds a value beyond 62 bits")
        whole = value.astype(np.int64)
        if not np.array_equal(whole, value):
            odd = float(value.reshape(-1)[np.flatnonzero(whole.reshape(-1) != value.reshape(-1))[0]])
            raise BasaltError(
                f"{self.place}: {key!r} holds fractions, as {odd:g}, where integers belong: the block was not trained "
                f"with SLAYER's quantisation; train it with pre_hook_fx=neuron.quantize_8bit, the block's default."
            )
        return whole

    def integer(self, key: str, default: int | None = None) -> int:
        """One integer; `default`, if given, where the key is absent."""
        if default is not None and key not in self.group:
            return default
        size = self.dataset(key, "iufb", "a numeric array").size
        if size != 1:
            raise self.fail(key, f"holds {size} values, not one")
        value = self.integers(key, (0, 1))
        return int(value.reshape(()))

    def pair(self, key: str, default: int) -> tuple[int, int]:
        """(vertical, horizontal), from two integers or one for both."""
        if key not in self.group:
            return (default, default)
        size = self.dataset(key, "iufb", "a numeric array").size
        if size not in (1, 2):
            raise self.fail(key, f"holds {size} values, not one or two")
        value = self.integers(key, (0, 1)).reshape(-1)
        return (int(value[0]), int(value[-1]))

    def optional(self, key: str, dimensions: Sequence[int]) -> np.ndarray | None:
        """An array that may be absent."""
        return self.integers(key, dimensions) if key in self.group else None

    def string(self, key: str) -> str:
        """A string, however HDF5 keeps it."""
        item = self.dataset(key, "SO", "a string")
        if not item.size:
            raise self.fail(key, "is not a string")
        value = np.asarray(item[()]).reshape(-1)[0]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def shape(self) -> tuple[int, ...]:
        """`shape`, channels first."""
        found = tuple(int(size) for size in self.integers("shape", (0, 1), AXES_MAX).reshape(-1))
        if not found or min(found) < 1:
            raise self.fail("shape", f"is {found}, and needs a size of at least 1 per axis")
        if prod(found) > NEURONS_MAX:
            raise self.fail("shape", f"is {found}, more than the {NEURONS_MAX:,} neurons that a layer can have")
        return found

    def spread(self, key: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """One value per neuron, from one for all, one per channel or one per neuron; None if the key is absent."""
        if key not in self.group:
            return None
        value = self.integers(key, (0, 1, *range(2, len(shape) + 1)), prod(shape)).reshape(-1)
        if not value.size or value.size not in (1, shape[0], prod(shape)):
            raise self.fail(key, f"has {value.size} values for {prod(shape)} neurons in {shape[0]} channels")
        return np.repeat(value, prod(shape) // value.size)

    @property
    def neuron_type(self) -> str | None:
        """Type of the neurons; None where there are none."""
        return self.string("neuron/type") if "neuron" in self.group else None

    def expanded(self, values: int) -> None:
        """Raise where what a layer stands for takes more memory than a file may, however short it is written."""
        size = values * np.dtype(np.int64).itemsize
        if size > memory_limit():
            raise too_large(self.file, f"layer {self.index}", size, memory_limit())


def fits(values: np.ndarray, kind: np.dtype) -> bool:
    """Whether integers of a kind hold the values."""
    limits = np.iinfo(kind)
    return not values.size or (values.min() >= limits.min and values.max() <= limits.max)
