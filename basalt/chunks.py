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

FILTERS = ((h5z.FILTER_DEFLATE,), (h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE))
"""What a chunk went through, the second with its bytes of each place beside each other (shuffle)."""

Piece = tuple[slice, ...]
T = TypeVar("T")


class DamagedChunkError(ValueError):
    """A chunk is not what its data set says."""


def unpacks(item: h5d.DatasetID) -> bool:
    """Whether `pieces` takes a data set: large, of plain numbers, all of its chunks packed by one of `FILTERS`."""
    properties = item.get_create_plist()
    if properties.get_layout() != h5d.CHUNKED or item.dtype.kind not in "iuf" or prod(item.shape) < LARGE:
        return False
    if tuple(properties.get_filter(index)[0] for index in range(properties.get_nfilters())) not in FILTERS:
        return False
    shape, chunk = item.shape, properties.get_chunk()
    return item.get_num_chunks() == prod(-(-whole // part) for whole, part in zip(shape, chunk, strict=True))


def pieces(item: h5py.Dataset, make: Callable[[np.ndarray], T]) -> Iterator[tuple[Piece, T]]:
    """What `make` makes of each chunk's values, in threads; with the chunk's place.

    Raises:
        DamagedChunkError: a chunk is damaged, or unpacks to more or less than it should.
    """
    chunk, shape, kind = item.chunks, item.shape, item.dtype
    size = prod(chunk) * kind.itemsize
    shuffled = len(FILTERS[1]) == item.id.get_create_plist().get_nfilters()

    def unpacked(content: bytes, mask: int, place: Piece) -> T:
        if not mask >> shuffled & 1:
            content = inflated(content, size)
        if len(content) != size:
            raise DamagedChunkError(f"has a chunk of {len(content):,} bytes where {size:,} belong")
        if shuffled and not mask & 1:
            places = np.frombuffer(content, np.uint8).reshape(kind.itemsize, -1)
            content = np.ascontiguousarray(places.T).tobytes()
        values = np.frombuffer(content, kind)
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
