"""Draw .net files: small valid networks, in which a few things are changed to what HDF5 can also say."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from basalt.convert import netx
from tests.conformance.conv_strategies import make_conv_case
from tests.conformance.strategies import make_case

Change = Callable[[h5py.File, np.random.Generator], None]
CHANGES: list[Change] = []

LONG = "n" * 3000
TEXTS = [
    "\x1b[31mred\x07", "[bold]x[/bold]", "a\nb\r", "\u202edlrow", "../../etc/passwd", "<i>", "", LONG, "{}", "[" * 900,
    "caf\udcff", "dense", "conv", "pool", "average", "input", "CUBA", "SDNN", "flatten", "readout",
]  # fmt: skip
INTEGERS = [0, -1, 1, 2, 3, 7, 62, 127, 254, 4096, 2**17, 2**31, 2**40, 2**53, 2**62, -(2**62), 2**63 - 1]
FLOATS = [np.nan, np.inf, -np.inf, 1e308, 5e-324, 0.5, -0.0, 1e19]
DTYPES = ["i1", "u1", ">i2", "i4", "u8", "i8", "f2", "f4", ">f8", "f8", "?", "c8", "S5", "V3"]
SHAPES: list[tuple[int, ...]] = [
    (), (0,), (1,), (2,), (3,), (1, 1), (4, 0), (7, 5), (2, 3, 4), (1, 2, 3, 3), (2,) * 9, (1 << 20,), (1 << 33,),
    (1 << 16, 1 << 16), (1 << 40, 1 << 20), (3, 1 << 30),
]  # fmt: skip


def change(function: Change) -> Change:
    """Register a change."""
    CHANGES.append(function)
    return function


def pick(rng: np.random.Generator, values):  # type: ignore[no-untyped-def]
    """One of a list, as it is."""
    return values[int(rng.integers(len(values)))]


def place(file: h5py.File, rng: np.random.Generator, kind: type = h5py.Dataset) -> str | None:
    """The name of an object of a kind."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, kind) else None)
    return str(pick(rng, found)) if found else None


def removed(file: h5py.File, rng: np.random.Generator) -> str:
    """The name of a data set that was there, or of one that never was."""
    name = place(file, rng)
    if name is None or rng.random() < 0.1:
        return pick(rng, ["layer/0/bias", "layer/0/delay", "layer/0/stride", "layer/0/memory/keys", "extra"])
    del file[name]
    return name


@change
def value(file: h5py.File, rng: np.random.Generator) -> None:
    """Another value in a data set."""
    name = place(file, rng)
    if name is None or file[name].is_virtual or not file[name].size or file[name].dtype.kind not in "iuf":
        return  # HDF5 itself crashes where it reads a virtual data set that is made of itself
    item = file[name]
    values = np.array(item[()], dtype=pick(rng, ["i8", "f8"]))
    values.reshape(-1)[rng.integers(values.size)] = pick(rng, INTEGERS if values.dtype.kind == "i" else FLOATS)
    del file[name]
    file[name] = values


@change
def scalar(file: h5py.File, rng: np.random.Generator) -> None:
    """One number or text in place of whatever it was."""
    name = removed(file, rng)
    text = pick(rng, TEXTS).encode("utf-8", "surrogateescape")
    with contextlib.suppress(ValueError, TypeError):
        file[name] = pick(rng, [pick(rng, INTEGERS), pick(rng, FLOATS), text, np.void(b"abc"), h5py.Empty("f4")])


@change
def array(file: h5py.File, rng: np.random.Generator) -> None:
    """Another shape, type, layout, filter or fill value; nothing is stored of large ones."""
    name, shape, dtype = removed(file, rng), pick(rng, SHAPES), pick(rng, DTYPES)
    options: dict[str, object] = {}
    if len(shape) and rng.random() < 0.6:
        options["chunks"] = tuple(max(1, min(size, int(rng.integers(1, 1 << 12)))) for size in shape)
        filters = {"compression": ["gzip", "lzf", "szip"], "shuffle": [True], "fletcher32": [True], "scaleoffset": [3]}
        for key in rng.permutation(list(filters))[: rng.integers(3)]:
            options[str(key)] = pick(rng, filters[str(key)])
    if dtype not in ("c8", "S5", "V3"):
        options["fillvalue"] = pick(rng, [0, 1, 2, 64])
    try:
        item = file.create_dataset(name, shape, dtype, **options)
        if 0 < item.size < 1 << 14 and item.dtype.kind in "iuf":
            item[...] = rng.integers(0, 100, shape)
    except (ValueError, TypeError, OverflowError, OSError):
        pass


@change
def bomb(file: h5py.File, rng: np.random.Generator) -> None:
    """Zeros that are packed, and a chunk that unpacks to more than it should."""
    import zlib

    name, size = removed(file, rng), int(pick(rng, [1 << 10, 1 << 22, 1 << 24]))
    item = file.create_dataset(name, (size,), "i1", chunks=(size,), compression="gzip")
    content = zlib.compress(bytes(size * int(pick(rng, [1, 2, 9]))))
    if rng.random() < 0.3:
        content = content[: len(content) // 2]
    item.id.write_direct_chunk((0,), content)


@change
def odd_type(file: h5py.File, rng: np.random.Generator) -> None:
    """A type that NumPy has not, or not quite."""
    kind = h5py.h5t.STD_I32LE.copy()
    choice = int(rng.integers(6))
    if choice == 0:
        kind.set_size(3)
    elif choice == 1:
        kind.set_precision(11)
    elif choice == 2:
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_ebias(3)
    elif choice == 3:
        kind = h5py.h5t.STD_REF_OBJ.copy()
    elif choice == 4:
        kind = h5py.h5t.create(h5py.h5t.OPAQUE, 4)
    else:
        kind = h5py.h5t.STD_B8LE.copy()
    name = removed(file, rng).encode()
    space = h5py.h5s.create_simple((int(rng.integers(1, 5)),))
    properties = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    properties.set_create_intermediate_group(True)
    h5py.h5d.create(file.id, name, kind, space, lcpl=properties)


@change
def special_type(file: h5py.File, rng: np.random.Generator) -> None:
    """Arrays of any length, references, records, enumerations, texts."""
    name = removed(file, rng)
    kinds = [h5py.vlen_dtype("i4"), h5py.ref_dtype, h5py.string_dtype(), h5py.string_dtype(length=2000), [("a", "i4")],
             h5py.enum_dtype({"A": 1, "B": 2}, "i2"), h5py.regionref_dtype]  # fmt: skip
    file.create_dataset(name, pick(rng, [(), (1,), (3,), (1 << 14,)]), np.dtype(pick(rng, kinds)))


@change
def link(file: h5py.File, rng: np.random.Generator) -> None:
    """A soft, hard or external link in place of an object."""
    target = place(file, rng, h5py.Group if rng.random() < 0.5 else h5py.Dataset) or "/"
    name = removed(file, rng)
    links = [h5py.SoftLink("/" + target), h5py.SoftLink(name), h5py.SoftLink("/absent"), h5py.SoftLink("."),
             h5py.ExternalLink("/etc/passwd", "/"), h5py.ExternalLink(file.filename, "/" + target)]  # fmt: skip
    chosen = int(rng.integers(len(links) + 1))
    with contextlib.suppress(KeyError, ValueError, OSError, RuntimeError):
        file[name] = file[target] if chosen == len(links) else links[chosen]


@change
def external(file: h5py.File, rng: np.random.Generator) -> None:
    """Values in another file."""
    name = removed(file, rng)
    file.create_dataset(name, (8,), "i1", external=[(pick(rng, ["/etc/passwd", "other.raw", "/dev/zero"]), 0, 8)])


@change
def virtual(file: h5py.File, rng: np.random.Generator) -> None:
    """A data set made of others: absent, itself, another file's."""
    name = removed(file, rng)
    layout = h5py.VirtualLayout((2, 3), "i4")
    source = pick(rng, ["absent.h5", ".", file.filename, "/dev/stdin"])
    layout[...] = h5py.VirtualSource(source, "/" + name, (2, 3))
    file.create_virtual_dataset(name, layout)


@change
def attribute(file: h5py.File, rng: np.random.Generator) -> None:
    """An attribute of another value or kind."""
    name = pick(rng, ["version", "format", "name", "step_seconds", "origin", "name"])
    target = file if rng.random() < 0.7 else file[place(file, rng, h5py.Group) or "/"]
    text = pick(rng, TEXTS).encode("utf-8", "surrogateescape")
    options = [*INTEGERS, *FLOATS, text, text, [1, 2], np.zeros(9), True, "null", '{"a": [1, NaN]}', h5py.Empty("i4")]
    with contextlib.suppress(TypeError, ValueError, OSError):
        target.attrs[name] = pick(rng, options)


@change
def many(file: h5py.File, rng: np.random.Generator) -> None:
    """Many groups, or deep ones."""
    if rng.random() < 0.5:
        file.create_group("/".join(["g"] * int(rng.integers(2, 300))))
    else:
        for index in range(int(rng.integers(1, 400))):
            file.create_group(f"layer/{index + 1}/more")


@change
def group(file: h5py.File, rng: np.random.Generator) -> None:
    """A group in place of a data set, or none where one was."""
    name = removed(file, rng)
    if rng.random() < 0.5:
        file.require_group(name)
    else:
        inner = place(file, rng, h5py.Group)
        if inner is not None:
            del file[inner]


STOCK_INPUTS = 4


def stock(path: Path, rng: np.random.Generator) -> None:
    """Write layers that stock lava-dl computes: sigma-delta or resonate-and-fire."""
    even = lambda *shape: 2 * rng.integers(-20, 20, shape)  # noqa: E731
    with h5py.File(path, "w") as file:
        if rng.random() < 0.5:
            layers = [("input", STOCK_INPUTS, {}), ("dense", 6, {"weight": even(6, STOCK_INPUTS)})]
            layers += [("dense", 3, {"weight": even(3, 6), "delay": rng.integers(0, 9, 3), "bias": even(3)})]
            neuron = {"type": b"SDNN", "vThMant": 6, "messageBits": 16, "activation": b"relu"}
        else:
            weights = {
                "inFeatures": [STOCK_INPUTS],
                "weight/real": even(5, STOCK_INPUTS),
                "weight/imag": even(5, STOCK_INPUTS),
            }
            layers = [("dense", 5, weights)]
            kind = pick(rng, [b"RF_PHASE", b"RF_IZHIKEVICH"])
            neuron = {"type": kind, "vThMant": 60, "sinDecay": [1900], "cosDecay": [3100]}
        for index, (kind, size, arrays) in enumerate(layers):
            group = file.create_group(f"layer/{index}")
            group["type"], group["shape"] = kind.encode(), [size]
            for key, value in {**arrays, **{f"neuron/{key}": value for key, value in neuron.items()}}.items():
                group[key] = value


def draw(path: Path, rng: np.random.Generator) -> int:
    """Write one file, and give the number of its inputs; now and then its bytes are changed, or some are missing."""
    seed = int(rng.integers(40))
    inputs = STOCK_INPUTS
    if rng.random() < 0.2:
        stock(path, rng)
    else:
        case = make_case(seed) if rng.random() < 0.6 else make_conv_case(seed)
        netx.write(path, case.network)
        inputs = case.network.inputs
    with h5py.File(path, "r+") as file:
        if rng.random() < 0.4:  # as lava-dl writes: without Basalt's marks
            for name in {"format", "version"} & set(file.attrs):
                del file.attrs[name]
        for _ in range(int(rng.integers(1, 4))):
            try:
                pick(rng, CHANGES)(file, rng)
            except (KeyError, ValueError, RuntimeError, OSError, TypeError, AttributeError):
                continue  # an earlier change left nothing of the kind
    if rng.random() < 0.15:
        content = bytearray(path.read_bytes())
        for _ in range(int(rng.integers(1, 20))):
            content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content[: rng.integers(len(content))] if rng.random() < 0.2 else content)
    return inputs
