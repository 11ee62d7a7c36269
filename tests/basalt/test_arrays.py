"""Files of arrays of strangers: headers and sizes are looked at before values."""

import io
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from basalt.arrays import archive, read_arrays
from basalt.errors import BasaltError


def member(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """The bytes of an array with a header of one's own."""
    content = header.encode("latin1")
    size = len(content).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + size + content + data


def written(path: Path, content: bytes, name: str = "spikes.npy", packing: int = zipfile.ZIP_DEFLATED) -> Path:
    """A file with one member."""
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr(name, content)
    return path


def header(shape: str, kind: str = "'<i4'") -> str:
    """A header of NumPy's."""
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"


BAD = {
    "no array": b"hello",
    "empty": b"",
    "truth values in the shape": member(header("(True, 2, 3)"), bytes(24)),
    "a negative size": member(header("(-1, 2, 3)"), bytes(24)),
    "a real size": member(header("(1e3, 2)"), bytes(24)),
    "no shape": member("{'descr': '<i4', 'fortran_order': False}"),
    "more values than bytes": member(header("(1, 2, 3)"), bytes(20)),
    "more bytes than values": member(header("(1, 2, 3)"), bytes(28)),
    "objects": member(header("(1,)", "'|O'"), bytes(8)),
    "texts": member(header("(1,)", "'<U2'"), bytes(8)),
    "records": member(header("(1,)", "[('a', '<i4')]"), bytes(4)),
    "arrays of arrays": member(header("(1,)", "('<i4', (2,))"), bytes(8)),
    "times": member(header("(1,)", "'<M8[s]'"), bytes(8)),
    "complex": member(header("(1,)", "'<c8'"), bytes(8)),
    "a deep header": member(header("(1,)", "(" * 95 + ")" * 95)),
    "a deeper header": member(header("(1,)", "[" * 3000 + "]" * 3000)),
    "a long header": member(header("(1,)") + " " * 60_000, bytes(4)),
    "code": member("__import__('os').system('touch owned')"),
    "many axes": member(header("(1," * 1 + "1," * 40 + ")"), bytes(4)),
    "an unknown version": member(header("(1,)"), bytes(4), (9, 0)),
    "a version 3": member(header("(1, 2"), bytes(4), (3, 0)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_member_that_is_no_array_of_numbers(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BasaltError, match=r"x\.npz"):
        read_arrays(written(tmp_path / "x.npz", BAD[name]))
    assert not (tmp_path / "owned").exists()


def test_a_large_array_of_nothing_is_refused_before_it_is_read(tmp_path):
    """640 MB of zeros, 3 MB packed."""
    head = member(header("(640, 1048576)", "'|u1'"))
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("spikes.npy", "w", force_zip64=True) as out,
    ):
        out.write(head)
        for _ in range(640):
            out.write(bytes(1 << 20))
    content = (tmp_path / "x.npz").read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BasaltError):
        read_arrays(tmp_path / "x.npz")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert len(content) < 1 << 24


def test_the_sum_of_arrays_is_limited(tmp_path, monkeypatch):
    monkeypatch.setenv("BASALT_FILE_MIB", "2")
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(1 << 20, "u1"), b=np.zeros(1 << 20, "u1"), c=np.zeros(9, "u1"))
    with pytest.raises(BasaltError, match="BASALT_FILE_MIB"):
        read_arrays(tmp_path / "x.npz")
    assert set(read_arrays(tmp_path / "x.npz", ("a", "c"))) == {"a", "c"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(packing, tmp_path):
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    with pytest.raises(BasaltError, match="packed"):
        read_arrays(written(tmp_path / "x.npz", content.getvalue(), packing=packing))


def test_two_members_of_one_name_are_refused(tmp_path):
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file, pytest.warns(UserWarning):
        file.writestr("a.npy", content.getvalue())
        file.writestr("a.npy", content.getvalue())
    with pytest.raises(BasaltError, match="the same name"):
        read_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize("dtype", ["?", "u1", ">i8", "f2", "f8"])
def test_arrays_are_read_as_numpy_reads_them(dtype, tmp_path):
    """Whatever the order of their axes; a part of their rows where that is asked for."""
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    np.savez_compressed(tmp_path / "x.npz", a=values, b=np.asfortranarray(values), c=values[0, 0, 0], d=values[:0])
    found = read_arrays(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as stored:
        for name in stored.files:
            assert found[name].dtype == stored[name].dtype and np.array_equal(found[name], stored[name])
            assert found[name].flags.writeable
    with archive(tmp_path / "x.npz") as file:
        assert np.array_equal(file.read("a", 1), values[:1])
        assert file.header("a").shape == (2, 3, 4)


def test_damage_beyond_the_header_is_found(tmp_path):
    """By the checksum."""
    np.savez(tmp_path / "x.npz", a=np.arange(1000))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[1000] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(BasaltError, match="not a readable"):
        read_arrays(tmp_path / "x.npz")
