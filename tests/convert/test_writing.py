"""How arrays are packed in a .net file: small ones tightly, large ones fast."""

import h5py
import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.netx_write import CHUNK_MOST, PACKED_FROM, write_array


def packing(path):
    with h5py.File(path, "r") as file:
        item = file["a"]
        return item.chunks, item.compression, item.compression_opts, item.shuffle, item[()]


@pytest.mark.parametrize(
    ("shape", "chunks", "level", "shuffle"),
    [
        ((PACKED_FROM // 4, 1), None, None, False),
        ((40, 60), (40, 60), 9, True),
        ((1000, 1500), (512, 1024), 4, False),
        ((100, 8000), (100, 1024), 4, False),
    ],
)
def test_arrays_are_packed_by_their_size(shape, chunks, level, shuffle, tmp_path):
    values = np.random.default_rng(0).integers(-99, 99, shape).astype(np.int16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_array(file, "a", values)
    found = packing(tmp_path / "a.h5")
    assert found[:4] == (chunks, level and "gzip", level, shuffle) and np.array_equal(found[4], values)
    assert (values.nbytes > CHUNK_MOST) == (level == 4)


def test_files_of_hdf5s_older_layout_are_read(tmp_path):
    """As those that were written before."""
    from tests.conformance.grid import case

    network = case(4).network
    netx.write(tmp_path / "new.net", network)
    with h5py.File(tmp_path / "new.net") as new, h5py.File(tmp_path / "old.net", "w", libver="earliest") as old:
        for key in new:
            new.copy(key, old)
        for key, value in new.attrs.items():
            old.attrs[key] = value
    before, after = (netx.read(tmp_path / name) for name in ("old.net", "new.net"))
    for one, other in zip(before.layers, after.layers, strict=True):
        assert np.array_equal(one.weight, other.weight)
