"""Draw .npz, TOML and JSON files: valid ones, in which a few things are changed."""

import copy
import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.hdf5 import TEXTS, pick

NUMBERS = [0, -1, 1, 2.5, 1e308, 5e-324, -0.0, 2**40, 2**63, 10**40, True, False, None, "1", "inf", [], {}]
RAW = [
    "inf", "nan", "-inf", "1e999", "NaN", "Infinity", "[" * 3000, "[" * 3000 + "]" * 3000, "[" * 36 + "]" * 36,
    "{" * 50,
    "9" * 5000, "0x", '"', "'''", "1_000", "1979-05-27", '"\\u001b[31m"',
]  # fmt: skip
KEYS = ["[bold]", "\x1b[31m", "a.b", "", "\u202e", "x" * 3000, "value", "name", "tables", "samples"]
LABELS = [
    np.zeros(3, int), np.array(["a", "b"]), np.zeros((2, 2), int), np.array([-1, 5]), np.zeros(0, int),
    np.array([2**63, 1], np.uint64), np.array([0.5, 1]),
]  # fmt: skip
HEADERS = [
    "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2, 3), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (True, 2, 3), }",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (-1, 2, 3), }",
    "{'descr': '<f8', 'fortran_order': 7, 'shape': (1, 1073741824, 64), }",
    "{'descr': '<i4', 'fortran_order': True, 'shape': 5, }",
    "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1, 2, 3), }",
    "{'descr': ('<i4', (3,)), 'fortran_order': False, 'shape': (1, 2, 3), }",
    "{'descr': '<i4' * 9, 'fortran_order': False, 'shape': (1,), }",
    "{'descr': " + "(" * 90 + ")" * 90 + ", 'fortran_order': False, 'shape': (1,), }",
    "{'descr': " + "[" * 4000 + "]" * 4000 + ", 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<U9', 'fortran_order': False, 'shape': (2, 3, 4), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2, 3, 4), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1e9, 2, 3), }",
    "{'shape': (1,)}", "[]", "", "\x00" * 64, "1" * 9000, "__import__('os').system('touch owned')",
]  # fmt: skip


def npz(path: Path, rng: np.random.Generator, features: int, arrays: dict[str, Any] | None = None) -> None:
    """Write an input file for a network with this many features, or one of these arrays, changed."""
    spikes = (rng.random((2, features, 5)) < 0.3).astype(pick(rng, ["u1", "i8", "f4", "?", "i2", "f8", "c8", "S1"]))
    choice = int(rng.integers(8))
    if arrays is None:
        arrays = {"spikes": spikes, "labels": np.zeros(2, np.int64)}
    elif rng.random() < 0.5:
        name = pick(rng, list(arrays))
        arrays[name] = arrays[name].astype(pick(rng, ["f4", "i8", "S3", "c8"]))
    if choice == 0 and spikes.dtype.kind in "if":
        spikes.reshape(-1)[0] = pick(rng, [-1, 2, 100, 255, 256])
    elif choice == 1:
        arrays["labels"] = pick(rng, LABELS)
    elif choice == 2:
        shape = pick(rng, [(0, 0, 0), (2,), (1, features, 0), (1, 1, 1, features, 5), (features, 5)])
        arrays["spikes"] = np.zeros(shape, np.uint8)
    elif choice == 3:
        arrays["fraction"] = pick(rng, [np.array(3), np.array(-1), np.array([1, 2]), np.array(0.5), np.array(2**40)])
    elif choice == 4:
        arrays = {pick(rng, KEYS): spikes}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", pick(rng, [0, 8, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])) as file:
        for name, array in arrays.items():
            inner = io.BytesIO()
            np.lib.format.write_array(inner, np.asarray(array), allow_pickle=False)
            data = inner.getvalue()
            if rng.random() < 0.3:
                data = damaged_array(data, rng)
            entry = (name or "x") + pick(rng, [".npy"] * 8 + ["", ".txt"])
            file.writestr(entry, data)
            if rng.random() < 0.05:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that the name is there already
                    file.writestr(entry, data)
        if rng.random() < 0.05:
            for index in range(6000):
                file.writestr(f"{index}", b"", zipfile.ZIP_STORED)
        if rng.random() < 0.1:
            file.writestr(pick(rng, ["../up.npy", "spikes.npy/", "zeros.npy"]), bytes(1 << 24))
    data = bytearray(content.getvalue())
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 12))):
            data[rng.integers(len(data))] = rng.integers(256)
    if rng.random() < 0.05:
        data = data[: rng.integers(len(data))]
    path.write_bytes(data)


def damaged_array(data: bytes, rng: np.random.Generator) -> bytes:
    """Another header, version or length."""
    choice = int(rng.integers(4))
    if choice == 0:
        header = pick(rng, HEADERS).encode("latin1")
        version = pick(rng, [b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"])
        size = len(header).to_bytes(2 if version == b"\x01\x00" else 4, "little")
        return b"\x93NUMPY" + version + size + header + bytes(64)
    if choice == 1:
        return data[: rng.integers(len(data))]
    if choice == 2:
        return data + bytes(int(rng.integers(1, 1 << 16)))
    return rng.bytes(50)


def places(content: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All values of a document: where they are, and under which key."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in items:
        found.append((content, key))
        places(part, found)
    return found


def changed(content: Any, rng: np.random.Generator) -> Any:
    """A document with a few values or keys that are others."""
    content = copy.deepcopy(content)
    for _ in range(int(rng.integers(1, 4))):
        found = places(content, [])
        if not found:
            return content
        parent, key = found[int(rng.integers(len(found)))]
        choice = int(rng.integers(4))
        if choice == 0:
            del parent[key]
        elif choice == 1 and isinstance(parent, dict):
            parent[pick(rng, KEYS)] = parent.pop(key)
        elif choice == 2:
            parent[key] = pick(rng, TEXTS)
        else:
            parent[key] = copy.deepcopy(pick(rng, NUMBERS))
    return pick(rng, NUMBERS) if rng.random() < 0.03 else content


def raw(text: str, rng: np.random.Generator) -> bytes:
    """Some characters of a document that are others."""
    if rng.random() < 0.3:
        index = int(rng.integers(len(text) + 1))
        text = text[:index] + pick(rng, RAW) + text[index + int(rng.integers(8)) :]
    if rng.random() < 0.05:
        text += "\n" + ".".join(["a"] * int(rng.integers(2, 20_000))) + " = 1\n"
    content = text.encode("utf-8", "surrogateescape")
    return content[: rng.integers(len(content) + 1)] + b"\xff\x00" if rng.random() < 0.05 else content


def document(path: Path, content: Any, rng: np.random.Generator) -> None:
    """Write a changed JSON file."""
    found = changed(content, rng) if rng.random() < 0.9 else content
    path.write_bytes(raw(json.dumps(found), rng))


def table(path: Path, content: dict[str, Any], rng: np.random.Generator) -> None:
    """Write a changed TOML file."""
    import tomli_w

    try:
        text = tomli_w.dumps(changed(content, rng))
    except (TypeError, ValueError, AttributeError):
        text = tomli_w.dumps(content)
    path.write_bytes(raw(text, rng))
