"""Read .npz files that others made: sizes are known, and held against a limit, before a value is read."""

import os
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from basalt.errors import BasaltError
from basalt.opening import memory_limit, opened, too_large
from basalt.shown import VALUE_LONGEST, shown

DAMAGES = (
    OSError, ValueError, EOFError, KeyError, SyntaxError, NotImplementedError, RuntimeError, MemoryError, TypeError,
    AttributeError, IndexError, OverflowError, UnicodeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip
"""What NumPy, zipfile and zlib raise over damaged .npz files."""

Readable = BufferedReader | zipfile.ZipExtFile
ENDING = ".npy"
SINGLE = b"\x93NUMPY"
"""How a file with one array begins."""
MEMBERS_MOST = 4096
DIRECTORY_MOST = 1 << 20
"""Bytes of a zip file's list of members."""
HEADER_MOST = 10_000
DIMENSIONS_MOST = 8
BLOCK = 1 << 20
KINDS = "buif"
"""Kinds of values that are read: truth values and numbers; no objects, texts, records or times."""
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those of NumPy."""


@dataclass(frozen=True)
class Header:
    """What a member says of its array.

    Attributes:
        shape: of the array.
        columns: the first axis is the fastest.
        dtype: of its values.
        begin: bytes before the first value.
    """

    shape: tuple[int, ...]
    columns: bool
    dtype: np.dtype[Any]
    begin: int

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Archive:
    """An open .npz file.

    Attributes:
        path: for people.
        zip: of the open file.
        kinds: of values that are read.
        limit: bytes that an array may take.
    """

    path: Path
    zip: zipfile.ZipFile
    kinds: str
    limit: int

    @property
    def names(self) -> list[str]:
        """The names of its members, as arrays are called."""
        return [entry.filename.removesuffix(ENDING) for entry in self.zip.infolist()]

    def header(self, name: str) -> Header:
        """What an array is, without its values.

        Raises:
            BasaltError: the member is no array of numbers, or its sizes contradict each other.
        """
        with self.member(name) as file:
            return self.header_of(name, file)

    def read(self, name: str, rows: int | None = None) -> np.ndarray:
        """An array, or its first rows alone.

        Raises:
            BasaltError: as of `header`; it is larger than the limit, or damaged.
        """
        with self.member(name) as file:
            header = self.header_of(name, file)
            shape = header.shape
            if rows is not None and shape and not header.columns:
                shape = (min(rows, shape[0]), *shape[1:])
            size = prod(shape) * header.dtype.itemsize
            if size > self.limit:
                raise too_large(self.path, f"the array {shown(name, VALUE_LONGEST)!r}", size, self.limit)
            return values_in(file, replace(header, shape=shape), whole=shape == header.shape)

    @contextmanager
    def member(self, name: str) -> Iterator[zipfile.ZipExtFile]:
        """An open member; what its reading raises is a sentence."""
        with sentence(self.path):
            entry = self.zip.getinfo(name + ENDING)
            if entry.compress_type not in PACKINGS:
                raise NotImplementedError(f"{shown(name, VALUE_LONGEST)!r} is packed in a way that NumPy does not")
            with self.zip.open(entry) as file:
                assert isinstance(file, zipfile.ZipExtFile)
                yield file

    def header_of(self, name: str, file: zipfile.ZipExtFile) -> Header:
        """The header at the beginning of a member."""
        return header_in(self.path, name, file, self.zip.getinfo(name + ENDING).file_size, self.kinds)


def header_in(path: Path, name: str, file: Readable, declared: int, kinds: str) -> Header:
    """The header at the beginning of an array of `declared` bytes, header included.

    Raises:
        BasaltError: its values are of another kind.
        ValueError: it is damaged, or its sizes contradict each other.
    """
    version = np.lib.format.read_magic(file)
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"{name!r} has the unknown format version {version}")
    try:
        with warnings.catch_warnings():  # of Python's about odd literals, and of NumPy's about old headers
            warnings.simplefilter("ignore")
            shape, columns, dtype = readers[version](file, max_header_size=HEADER_MOST)
    except RecursionError as error:
        raise ValueError(f"the header of {shown(name, VALUE_LONGEST)!r} is nested too deep") from error
    sizes = [size for size in shape if type(size) is int and 0 <= size < 1 << 48]
    if len(sizes) != len(shape) or len(shape) > DIMENSIONS_MOST:
        raise ValueError(f"{shown(name, VALUE_LONGEST)!r} cannot have the shape {shown(str(shape), VALUE_LONGEST)}")
    if dtype.kind not in kinds or dtype.shape or dtype.hasobject:
        told = shown(str(dtype), VALUE_LONGEST)
        raise BasaltError(f"{path}: the array {shown(name, VALUE_LONGEST)!r} must hold numbers, not {told}.")
    header = Header(tuple(sizes), bool(columns), dtype, file.tell())
    if header.begin + header.size != declared:
        raise ValueError(
            f"{shown(name, VALUE_LONGEST)!r} needs {header.begin + header.size} bytes for its shape, and has {declared}"
        )
    return header


def values_in(file: Readable, header: Header, whole: bool = True) -> np.ndarray:
    """The values after a header.

    Args:
        whole: nothing may follow.

    Raises:
        EOFError: there are fewer, or more.
    """
    values = np.empty(header.size, dtype=np.uint8)
    view, done = values.data, 0
    while done < header.size:
        got = file.readinto(view[done : done + BLOCK])
        if not got:
            raise EOFError("it ends before its last value")
        done += got
    if whole and file.read(1):  # reading the end compares a member's checksum
        raise EOFError("it goes on after its last value")
    array = values.view(header.dtype)
    return array.reshape(header.shape[::-1]).T if header.columns else array.reshape(header.shape)


@contextmanager
def archive(path: Path, kinds: str = KINDS, limit: int | None = None) -> Iterator[Archive]:
    """An .npz file, open.

    Args:
        kinds: of values that are read.
        limit: bytes that an array may take; None for `memory_limit`.

    Raises:
        BasaltError: it cannot be read, is damaged, or is no .npz file.
    """
    with opened(path) as file:
        single = peek(file)
        if single:
            raise BasaltError(
                f"{path} holds one array without a name (.npy); write it with numpy.savez(file, spikes=array)."
            )
        with sentence(path):
            found = zipfile.ZipFile(file)
            entries = found.infolist()
            if len(entries) > MEMBERS_MOST or sum(len(entry.filename) for entry in entries) > DIRECTORY_MOST:
                raise ValueError(f"it has {len(entries)} members, more than the {MEMBERS_MOST} allowed")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ValueError("two members have the same name")
        yield Archive(path, found, kinds, memory_limit() if limit is None else limit)


def peek(file: BinaryIO) -> bool:
    """Whether an open file is one array."""
    begin = file.read(len(SINGLE))
    file.seek(0, os.SEEK_SET)
    return begin == SINGLE


def read_arrays(
    path: Path,
    names: Sequence[str] | None = None,
    rows: dict[str, int | None] | None = None,
    kinds: str = KINDS,
    limit: int | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name; only those of `names` that are there, if given.

    Args:
        rows: of some, the number of first rows that are read.
        kinds: of values that are read.
        limit: bytes that they may take together; None for `memory_limit`.

    Raises:
        BasaltError: the file cannot be read, is damaged or no .npz file, or holds more than the limit.
    """
    with archive(path, kinds, limit) as found:
        wanted = [name for name in found.names if names is None or name in names]
        total = 0
        arrays = {}
        for name in wanted:
            arrays[name] = found.read(name, (rows or {}).get(name))
            total += arrays[name].nbytes
            if total > found.limit:
                raise too_large(path, "what it holds", total, found.limit)
        return arrays


def read_array(path: Path, kinds: str = KINDS) -> np.ndarray:
    """The array of numbers of an .npy file.

    Args:
        kinds: of values that are read; "V" for records of numbers.

    Raises:
        BasaltError: the file cannot be read, is damaged or no .npy file, or holds more than `memory_limit`.
    """
    with opened(path) as file, sentence(path, ENDING):
        header = header_in(path, "values", file, os.fstat(file.fileno()).st_size, kinds)
        if header.size > memory_limit():
            raise too_large(path, "the array", header.size, memory_limit())
        return values_in(file, header)


@contextmanager
def sentence(path: Path, ending: str = ".npz") -> Iterator[None]:
    """Within the block, damage of the file is a sentence about it."""
    try:
        yield
    except DAMAGES as error:
        what = shown(str(error) or type(error).__name__, VALUE_LONGEST)
        raise BasaltError(f"{path} is not a readable {ending} file ({what}); make it again.") from error
