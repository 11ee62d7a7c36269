"""Files that reach beyond themselves, lie about their sizes or hold what no network does are refused before a read."""

import os
import resource
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t

from basalt.convert import netx
from basalt.errors import BasaltError
from tests import shapes
from tests.conformance.strategies import make_case


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """What is wrong is to be seen by the code that refuses it, not by the checks of shapes before that."""
    with shapes.unchecked():
        yield


WEIGHT = "layer/0/weight"


def file(tmp_path: Path, change: Callable[[h5py.File], object]) -> Path:
    """A network's file in which something is changed."""
    path = tmp_path / "a.net"
    netx.write(path, make_case(3).network)
    with h5py.File(path, "r+") as content:
        change(content)
    return path


def put(content: h5py.File, key: str, *arguments: object, **options: object) -> h5py.Dataset:
    """Another data set under a key."""
    if key in content:
        del content[key]
    return content.create_dataset(key, *arguments, **options)


def link(key: str, target: object) -> Callable[[h5py.File], None]:
    """A link under a key."""

    def change(content: h5py.File) -> None:
        if key in content:
            del content[key]
        content[key] = target

    return change


def virtual(source: str) -> Callable[[h5py.File], None]:
    """A data set that is made of another one."""

    def change(content: h5py.File) -> None:
        shape = content[WEIGHT].shape
        del content[WEIGHT]
        layout = h5py.VirtualLayout(shape, "i4")
        layout[...] = h5py.VirtualSource(source, WEIGHT, shape)
        content.create_virtual_dataset(WEIGHT, layout)

    return change


def chain(content: h5py.File) -> None:
    """A soft link to a soft link."""
    content["one"] = h5py.SoftLink("/layer/0")
    content["two"] = h5py.SoftLink("/one/weight")


def tree(content: h5py.File) -> None:
    """Each of 40 groups twice in the one above it: 2^40 ways to the last."""
    below = content.create_group("g0")
    for index in range(1, 40):
        above = content.create_group(f"g{index}")
        above["a"], above["b"] = below, below
        below = above


def circle(content: h5py.File) -> None:
    """A group within itself."""
    content["layer/0/again"] = content["layer"]


def typed(kind: h5t.TypeID) -> Callable[[h5py.File], None]:
    """Values of a type that no network has."""

    def change(content: h5py.File) -> None:
        del content[WEIGHT]
        h5d.create(content.id, WEIGHT.encode(), kind, h5s.create_simple((2,)))

    return change


def three_bytes() -> h5t.TypeID:
    """Integers of 24 bits."""
    kind = h5t.STD_I32LE.copy()
    kind.set_size(3)
    return kind


def inflating(content: h5py.File) -> None:
    """A chunk of 64 bytes that unpacks to 1 MiB."""
    item = put(content, WEIGHT, (64,), "i1", chunks=(64,), compression="gzip")
    item.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 20), 9))


BEYOND = {
    "external storage": (
        lambda content: put(content, WEIGHT, (8,), "i1", external=[("/etc/passwd", 0, 8)]),
        "another file",
    ),
    "external link": (link(WEIGHT, h5py.ExternalLink("/etc/passwd", "/")), "link to another file"),
    "external link to a group": (link("layer/0", h5py.ExternalLink("other.net", "/layer/0")), "link to another file"),
    "virtual, absent": (virtual("absent.net"), "virtual"),
    "virtual, itself": (virtual("."), "virtual"),
    "link to nothing": (link("more", h5py.SoftLink("/absent")), "link to nothing"),
    "link to itself": (link("more", h5py.SoftLink("/more")), "link to a link"),
    "link to a link": (chain, "link to a link"),
    "links within links": (tree, "link to what holds another link"),
    "circle": (circle, "group that it is in"),
    "circle by a soft link": (link("layer/0/again", h5py.SoftLink("/layer")), "group that it is in"),
    "scale-offset": (lambda content: put(content, WEIGHT, (64,), "i4", chunks=(64,), scaleoffset=4), "filter"),
    "24 bits": (typed(three_bytes()), "neither numbers|unknown type"),
    "references": (lambda content: put(content, "x", (2,), h5py.ref_dtype), "neither numbers"),
    "lists": (lambda content: put(content, "x", (2,), h5py.vlen_dtype("i4")), "neither numbers"),
    "records": (lambda content: put(content, "x", (2,), [("a", "i4")]), "neither numbers"),
    "complex": (lambda content: put(content, "x", (2,), "c8"), "neither numbers"),
    "texts": (lambda content: put(content, "x", (1 << 12,), h5py.string_dtype()), "texts"),
    "an attribute of references": (
        lambda content: content.attrs.create("x", content["layer"].ref, dtype=h5py.ref_dtype),
        "neither numbers",
    ),
    "fill values": (lambda content: put(content, WEIGHT, (1 << 15, 1 << 16), "i1", fillvalue=2), "MiB|never written"),
    "fill values, chunked": (
        lambda content: put(content, WEIGHT, (1 << 15, 1 << 16), "i1", chunks=(1 << 10, 1 << 10), fillvalue=2),
        "MiB|never written",
    ),
    "one integer, 2^33 values": (lambda content: put(content, "layer/0/neuron/vThMant", (1 << 33,), "i1"), "written"),
    "a huge chunk": (
        lambda content: put(content, WEIGHT, (1,), "i1", maxshape=(None,), chunks=(1 << 31,)),
        "chunks of",
    ),
    "many chunks": (lambda content: put(content, WEIGHT, (1 << 19,), "i1", chunks=(1,)), "chunks of"),
    "a chunk that inflates": (inflating, "unpacks to more"),
    "deep groups": (lambda content: content.create_group("/".join("g" * 40)), "deeper"),
    "many groups": (
        lambda content: [content.create_group(f"g/{index}") for index in range(20_001)],
        "more than",
    ),
    "many attributes": (
        lambda content: [content.attrs.__setitem__(f"a{index}", 1) for index in range(300)],
        "attributes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_what_reaches_beyond_the_file_or_its_size_is_refused(name, tmp_path, monkeypatch):
    """By name, at once, and without the memory that it asks for."""
    change, says = BEYOND[name]
    monkeypatch.chdir(tmp_path)
    path = file(tmp_path, change)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(BasaltError, match=says) as found:
        netx.read(path)
    assert "root:" not in str(found.value) and len(str(found.value)) < 1000
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


GOOD = {
    "gzip": {"compression": "gzip"},
    "gzip, shuffled": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "chunks": {"chunks": (1, 1)},
    "big-endian": {"dtype": ">f8"},
}


@pytest.mark.parametrize("name", GOOD)
def test_plain_and_packed_data_is_read(name, tmp_path):
    """What h5py writes of weights, by whatever standard filter, is the same network."""

    def change(content: h5py.File) -> None:
        values = content[WEIGHT][()]
        put(content, WEIGHT, data=values, **{"dtype": values.dtype, **GOOD[name]})

    found = netx.read(file(tmp_path, change)).layers[0]
    assert np.array_equal(found.weight, make_case(3).network.layers[0].weight)


def test_one_level_of_links_is_followed(tmp_path):
    """A soft link, and a second name for a data set."""

    def change(content: h5py.File) -> None:
        content["kept"] = content[WEIGHT]
        del content[WEIGHT]
        content[WEIGHT] = h5py.SoftLink("/kept")

    assert netx.read(file(tmp_path, change)).layers


def test_a_link_to_a_whole_layer_is_followed_and_its_size_counts_again(tmp_path, monkeypatch):
    """Layers that are one layer, by name; as many as memory holds."""

    def change(content: h5py.File) -> None:
        content["other"] = h5py.SoftLink("/layer/0")
        for index in range(100):
            content[f"spare{index}"] = (
                content["big"] if index else content.create_dataset("big", data=np.zeros(1 << 15))
            )

    path = file(tmp_path, change)
    assert netx.read(path)
    monkeypatch.setenv("BASALT_FILE_MIB", "20")
    with pytest.raises(BasaltError, match="MiB"):
        netx.read(path)


def test_sparse_weights_that_pack_well_are_read(tmp_path):
    """A large matrix of zeros, gzip's best case."""

    def change(content: h5py.File) -> None:
        shape = content[WEIGHT].shape
        put(content, WEIGHT, data=np.zeros(shape), compression="gzip")
        put(content, "spare", data=np.zeros((2312, 512)), compression="gzip", compression_opts=9)

    assert not netx.read(file(tmp_path, change)).layers[0].weight.any()


def test_the_limit_can_be_raised_and_is_stated(tmp_path, monkeypatch):
    """A file beyond it names the variable."""
    path = file(tmp_path, lambda content: put(content, "spare", data=np.ones((1 << 18,))))
    monkeypatch.setenv("BASALT_FILE_MIB", "1")
    with pytest.raises(BasaltError, match="BASALT_FILE_MIB=3"):
        netx.read(path)
    monkeypatch.setenv("BASALT_FILE_MIB", "3")
    assert netx.read(path)
    monkeypatch.setenv("BASALT_FILE_MIB", "lots")
    with pytest.raises(BasaltError, match="whole number"):
        netx.read(path)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, "1", True, 1.5, 0, [1, 1], 10.0**300])
def test_a_version_that_is_none(value, tmp_path):
    with pytest.raises(BasaltError, match="version"):
        netx.read(file(tmp_path, lambda content: content.attrs.__setitem__("version", value)))


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e308, 5e-324, -1.0, "0.1", True, [0.1, 0.2]])
def test_a_step_length_that_is_none(value, tmp_path):
    with pytest.raises(BasaltError, match="step_seconds"):
        netx.read(file(tmp_path, lambda content: content.attrs.__setitem__("step_seconds", value)))


@pytest.mark.parametrize("value", [2**62, -(2**62), 1e300, np.nan, 2.0**63])
def test_an_integer_beyond_all_limits(value, tmp_path):
    with pytest.raises(BasaltError):
        netx.read(file(tmp_path, lambda content: put(content, "layer/0/neuron/vThMant", data=value)))


def test_an_origin_nested_too_deep(tmp_path):
    with pytest.raises(BasaltError, match="origin"):
        netx.read(file(tmp_path, lambda content: content.attrs.__setitem__("origin", "[" * 9000)))


def test_names_and_origins_are_escaped_and_cut(tmp_path):
    """What a file says reaches no terminal as it is."""

    def change(content: h5py.File) -> None:
        content.attrs["name"] = "\x1b[31m‮a\nb" + "c" * 9000
        content.attrs["origin"] = '{"seed\\u001b": "\\u001b]0;x\\u0007"}'

    network = netx.read(file(tmp_path, change))
    assert network.name.startswith("\\x1b[31m\\u202ea\\nb") and len(network.name) < 300
    assert network.origin == {"seed\\x1b": "\\x1b]0;x\\x07"}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_only_regular_files_are_opened(make, tmp_path):
    """A pipe would wait for its other end."""
    make(tmp_path / "a.net")
    began = time.monotonic()
    with pytest.raises(BasaltError, match=r"not a regular file|Cannot read"):
        netx.read(tmp_path / "a.net")
    assert time.monotonic() - began < 5


def test_a_file_with_a_hole(tmp_path):
    """1 TB that no disk holds, and that its digest would read."""
    path = file(tmp_path, lambda content: None)
    os.truncate(path, 1 << 40)
    with pytest.raises(BasaltError, match="MiB"):
        netx.read(path)


def test_a_folder_that_may_not_be_entered(tmp_path, monkeypatch):
    """As a user other than root meets it."""

    def refuse(self: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(BasaltError, match="Permission denied"):
        netx.read(tmp_path / "shut" / "a.net")


def test_a_stack_whose_sizes_would_be_searched_for_ever(tmp_path):
    """A stride of 2^40 where the input's shape is not known."""
    from tests.conformance.conv_strategies import make_conv_case

    path = tmp_path / "a.net"
    case = next(case for case in map(make_conv_case, range(99)) if case.network.layers[0].kind == "conv")
    netx.write(path, case.network)
    with h5py.File(path, "r+") as content:
        name, first = next((name, group) for name, group in content["layer"].items() if "weight" in group)
        for before in range(int(name)):
            del content[f"layer/{before}"]
        if name != "0":
            content.move(f"layer/{name}", "layer/0")
        for key in {"inputShape", "stride"} & set(first):
            del first[key]
        first["stride"] = np.array([2**40, 2**40])
    with pytest.raises(BasaltError, match="stride"):
        netx.read(path)


def test_an_average_over_more_than_memory_holds(tmp_path):
    """Two numbers that stand for a matrix of 2^38 values."""

    def change(content: h5py.File) -> None:
        last = content.create_group(f"layer/{len(content['layer'])}")
        last["type"], last["shape"] = b"average", [1 << 20]

    path = tmp_path / "a.net"
    netx.write(path, make_case(3).network)
    with h5py.File(path, "r+") as content:
        del content["layer"]
        first = content.create_group("layer/0")
        first["type"], first["shape"] = b"input", [1 << 21]
        change(content)
    with pytest.raises(BasaltError, match="MiB"):
        netx.read(path)


def test_a_text_that_claims_to_be_gigabytes_takes_none(tmp_path):
    """HDF5 takes the memory that the length of a text says before it looks for the text."""
    path = tmp_path / "a.net"
    netx.write(path, make_case(3).network)
    with h5py.File(path, "r+") as content:
        put(content, "layer/0/type", data="dense", dtype=h5py.string_dtype())
        at = content["layer/0/type"].id.get_offset()
    assert netx.read(path)
    with path.open("r+b") as raw:  # 4 bytes of length, 8 of the place, 4 of the number there
        raw.seek(at)
        assert raw.read(4) == (5).to_bytes(4, "little")
        raw.seek(at)
        raw.write((0xF0000000).to_bytes(4, "little"))
    refused(path)


def refused(path: Path) -> None:
    """A sentence, for which no process takes more than others do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BasaltError, match="not a readable"):
        netx.read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < mine + (1 << 20)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, mine) + (1 << 20) * 1.5


def test_a_crash_of_the_library_is_a_sentence(tmp_path, monkeypatch):
    """It happens to another process."""
    path = file(tmp_path, lambda content: None)
    monkeypatch.setattr(netx, "inspect", lambda *arguments: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(BasaltError, match=r"a\.net is damaged: what reads it crashes"):
        netx.read(path)
