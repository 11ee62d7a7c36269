"""Files of tensors: safetensors, with a tree of plain values beside them, and limits that hold before a value is read.

    8 bytes  length of the header, little-endian
    header   JSON: name → {dtype, shape, data_offsets}, and __metadata__ → {"basalt": the tree, as JSON}
    values   of the tensors, one after the other, without holes

A file can thus hold no code, no reference to another file and nothing compressed, and its header says all of its sizes.
Source: https://github.com/huggingface/safetensors#format
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from basalt import opening
from basalt.errors import BasaltError
from basalt.files import atomic

HEADER_BYTES = 16 << 20
"""Of a header at most: what Python makes of it then takes some hundred megabytes at worst."""
TENSORS = 4096
DEPTH = 16
"""Of the tree's lists and tables."""
DIMENSIONS = 8
KEY = "basalt"
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8,
    "BOOL": torch.bool,
}  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """What a header says of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @classmethod
    def of(cls, tensor: torch.Tensor) -> "Spec":
        """That of a tensor at hand."""
        return cls(tensor.dtype, tuple(tensor.shape))

    @property
    def bytes(self) -> int:
        """What its values take."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} {self.shape}"


class DamagedError(ValueError):
    """Why a file is not what it should be, as a clause of a sentence; what that repeats of it is escaped and cut."""

    def __init__(self, clause: object) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(clause)[:300]).rstrip("."))


class Opened:
    """A file whose header has been checked, and whose values have not been read.

    Attributes:
        tree: the plain values.
        specs: of the tensors, by name, in the order of their values.
    """

    def __init__(self, file: BufferedReader, path: Path) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._file, self._path, prefix = file, path, file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > size - 8:
            raise DamagedError("it is not a safetensors file, or only a part of one")
        if length > HEADER_BYTES:
            raise DamagedError(f"its header has {length} bytes, more than {HEADER_BYTES}")
        content = _table(_json(file.read(length)), "header")
        self.tree = _json(_text(_table(content.pop("__metadata__", {}), "metadata").get(KEY)))
        self.specs = _specs(content, size - 8 - length)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Read the values.

        Raises:
            BasaltError: they need more memory than a file's may.
            DamagedError: another process cut the file short.
        """
        size, limit = sum(spec.bytes for spec in self.specs.values()), opening.memory_limit()
        if size > limit:
            raise opening.too_large(self._path, "what it holds", size, limit)
        return {name: self._read(spec) for name, spec in self.specs.items()}

    def _read(self, spec: Spec) -> torch.Tensor:
        """The next tensor's values."""
        values = np.empty(spec.bytes, np.uint8)
        if self._file.readinto(values.data) < spec.bytes:
            raise DamagedError("it ends before its last value")
        return torch.from_numpy(values).view(spec.dtype).reshape(spec.shape)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a file of tensors and check its header.

    Raises:
        BasaltError: it cannot be read, or is no regular file.
        DamagedError: it is no file of tensors with a tree of Basalt's, or larger than the limits; also for the block.
    """
    with opening.opened(path) as file:
        yield Opened(file, path)


def write(path: Path, tensors: Mapping[str, torch.Tensor], tree: Any) -> None:
    """Write tensors of any device and a tree of strings, finite numbers, lists and tables, atomically.

    Raises:
        BasaltError: it cannot be written, or exceeds what may be read again; the old file is untouched.
    """
    from safetensors.torch import save

    # Copies, since parameters may be views of one buffer, which this format cannot hold.
    own = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    content = save(own, {KEY: json.dumps(tree, allow_nan=False, separators=(",", ":"))})
    if int.from_bytes(content[:8], "little") > HEADER_BYTES or len(own) > TENSORS:
        raise BasaltError(
            f"{path} would hold more than {TENSORS} tensors or {HEADER_BYTES >> 20} MiB beside them: train fewer "
            "epochs or layers. What was there before is kept."
        )
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def shown(text: object) -> str:
    """What a file says, in a sentence: quoted, escaped, and not long."""
    quoted = ascii(text)
    return quoted if len(quoted) <= 100 else f"{quoted[:97]}…"


def _json(text: bytes | str) -> Any:
    """A tree without repeated keys, of limited depth.

    Raises:
        DamagedError: it is none.
    """
    try:
        whole = text if isinstance(text, str) else text.decode()
        tree = json.loads(whole, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise DamagedError(f"its header is not valid JSON: {reason}") from error
    level = [tree]
    for _ in range(DEPTH + 1):
        level = [
            inner
            for node in level
            if isinstance(node, (dict, list))
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
    if level:
        raise DamagedError(f"its header is nested more than {DEPTH} deep")
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key appears twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DamagedError(f"its {what} is not a table")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DamagedError("nothing in it is Basalt's")
    return value


def _specs(content: dict[str, Any], size: int) -> dict[str, Spec]:
    """The tensors of a header, whose values fill `size` bytes."""
    if len(content) > TENSORS:
        raise DamagedError(f"it has {len(content)} tensors, more than {TENSORS}")
    found, ranges = {}, []
    for name, entry in content.items():
        said = f"its tensor {shown(name)}"
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise DamagedError(f"{said} is not described by dtype, shape and data_offsets")
        dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise DamagedError(f"{said} is of type {shown(dtype)}, which is not one of {', '.join(DTYPES)}")
        if not _sizes(shape) or len(shape) > DIMENSIONS or not _sizes(place) or len(place) != 2:
            raise DamagedError(f"{said} has the shape {shown(shape)} and the place {shown(place)}")
        found[name] = Spec(DTYPES[dtype], tuple(shape))
        if place[1] - place[0] != found[name].bytes:
            raise DamagedError(f"{said}, {found[name]}, does not take {place[1] - place[0]} bytes")
        ranges.append((*place, name))
    end = 0
    for start, stop, _ in sorted(ranges):
        if start != end:
            raise DamagedError("its tensors overlap, or have holes between them")
        end = stop
    if end != size:
        raise DamagedError(f"it holds {size} bytes of values, not {end} as its header says")
    return {name: found[name] for _, _, name in sorted(ranges)}


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 48 for item in value)
