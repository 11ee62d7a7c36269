"""Values of large packed data sets, unpacked by several threads at once, and never to more than their chunks hold.

HDF5 unpacks one chunk at a time, however large the chunk says it is; so what is read here need not be unpacked before,
to look at its size (`basalt/hdf5_guard.py`).
"""

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from math import prod
from typing import TypeVar

import h5py
import numpy as np
from h5py import h5d, h5z

LARGE = 1 << 20
"""Values of a data set that several threads are worth."""

Piece = tuple[slice, ...]
T = TypeVar("T")


class DamagedChunkError(ValueError):
    """A chunk is not what its data set says."""


def unpacks(item: h5d.DatasetID) -> bool:
    """Whether `pieces` takes a data set: large, of plain numbers, in chunks of gzip that are all there."""
    properties = item.get_create_plist()
    if properties.get_layout() != h5d.CHUNKED or properties.get_nfilters() != 1 or item.dtype.kind not in "iuf":
        return False
    shape, chunk = item.shape, properties.get_chunk()
    if prod(shape) < LARGE or properties.get_filter(0)[0] != h5z.FILTER_DEFLATE:
        return False
    return item.get_num_chunks() == prod(-(-whole // part) for whole, part in zip(shape, chunk, strict=True))


def pieces(item: h5py.Dataset, make: Callable[[np.ndarray], T]) -> Iterator[tuple[Piece, T]]:
    """What `make` makes of each chunk's values, in threads; with the chunk's place.

    Raises:
        DamagedChunkError: a chunk is damaged, or unpacks to more or less than it should.
    """
    chunk, shape, kind = item.chunks, item.shape, item.dtype
    size = prod(chunk) * kind.itemsize

    def unpacked(content: bytes, mask: int, place: Piece) -> T:
        values = np.frombuffer(content if mask & 1 else inflated(content, size), kind)
        if values.size != prod(chunk):
            raise DamagedChunkError(f"has a chunk of {values.nbytes:,} bytes where {size:,} belong")
        return make(values.reshape(chunk)[tuple(slice(0, part.stop - part.start) for part in place)])

    count = len(os.sched_getaffinity(0))
    waiting: deque[tuple[Piece, Future[T]]] = deque()
    with ThreadPoolExecutor(count) as pool:
        for first in product(*(range(0, whole, part) for whole, part in zip(shape, chunk))):
            place = tuple(slice(low, min(low + part, whole)) for low, part, whole in zip(first, chunk, shape))
            mask, content = item.id.read_direct_chunk(first)
            waiting.append((place, pool.submit(unpacked, content, mask, place)))
            if len(waiting) > 2 * count:
                done, found = waiting.popleft()
                yield done, found.result()
        for done, found in waiting:
            yield done, found.result()


def inflated(content: bytes, size: int) -> bytes:
    """What is packed by gzip, which are `size` bytes.

    Raises:
        DamagedChunkError: they are not.
    """
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise DamagedChunkError(f"is damaged ({error})") from error
    if len(found) > size:
        raise DamagedChunkError(f"has a chunk that unpacks to more than its {size:,} bytes")
    return found
