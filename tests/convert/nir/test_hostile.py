"""NIR files that are damaged, or hold what no writer writes: a sentence, never a traceback, never a hang."""

import h5py
import numpy as np
import pytest

from basalt.convert.nir.command import import_command
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from basalt.errors import BasaltError
from tests.convert.nir.drawn import ends, network, write_nir

SOUND = network(np.random.default_rng(5), ("LIF", "CubaLIF"), True)


def attempt(path, folder) -> bool:
    """Whether a file is imported; whatever else it raises than a sentence fails the test."""
    try:
        import_command(ImportOptions(path, None, "nir", "1ms", "soft", output=folder))
    except BasaltError as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return write_nir(tmp_path_factory.mktemp("sound") / "s.nir", *SOUND).read_bytes()


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes(seed, sound, tmp_path):
    rng = np.random.default_rng(seed)
    content = bytearray(sound)
    for place in rng.integers(0, len(content), rng.integers(1, 12)):
        content[place] = rng.integers(0, 256)
    path = tmp_path / "m.nir"
    path.write_bytes(content[: len(content) if seed % 4 else int(rng.integers(1, len(content)))])
    attempt(path, tmp_path / "run")


KINDS = ["LIF", "IF", "CubaLIF", "LI", "Conv2d", "Conv1d", "SumPool2d", "AvgPool2d", "Flatten", "Scale", "Affine",
         "Input", "Output", "Delay", "", "NIRGraph"]  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_other_numbers_shapes_types_and_edges(seed, tmp_path):
    """Graphs whose content was changed as a person or a program might."""
    rng = np.random.default_rng(1000 + seed)
    nodes = {name: dict(values) for name, values in SOUND[0].items()}
    edges = list(SOUND[1])
    for _ in range(rng.integers(1, 4)):
        name = str(rng.choice(list(nodes)))
        key = str(rng.choice(list(nodes[name])))
        change = rng.integers(0, 7)
        if change == 0:
            nodes[name]["type"] = str(rng.choice(KINDS[:-1]))
        elif change == 1 and key != "type":
            nodes[name][key] = rng.choice([0.0, -1.0, 1e300, 1e-300, np.inf, 5.0]) * np.ones(rng.integers(0, 4))
        elif change == 2 and key != "type":
            nodes[name][key] = np.zeros(tuple(rng.integers(0, 3, rng.integers(0, 5))))
        elif change == 3:
            edges.append((str(rng.choice(list(nodes))), str(rng.choice(list(nodes)))))
        elif change == 4:
            edges.pop(rng.integers(len(edges)))
        elif change == 5 and key != "type":
            del nodes[name][key]
        elif change == 6 and key != "type":
            nodes[name][key] = "same"
    if edges:
        attempt(write_nir(tmp_path / "m.nir", nodes, edges), tmp_path / "run")


def test_the_sound_file_is_imported(sound, tmp_path):
    (tmp_path / "m.nir").write_bytes(sound)
    assert attempt(tmp_path / "m.nir", tmp_path / "run")


def refused(path, match):
    with pytest.raises(BasaltError, match=match):
        read(path)


def test_a_graph_within_itself_and_too_deep(tmp_path):
    path = write_nir(tmp_path / "m.nir", *SOUND)
    with h5py.File(path, "a") as file:
        file["node/nodes/again"] = file["node"]
    refused(path, "link")


def test_a_text_as_long_as_memory(tmp_path):
    path = write_nir(tmp_path / "m.nir", *SOUND)
    with h5py.File(path, "a") as file:
        del file["node/edges"]
        file["node"].create_dataset(
            "edges", data=np.array([["n" * 100_000, "w0"]], dtype=object), dtype=h5py.string_dtype()
        )
    refused(path, "not there|letters")


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n"])
def test_no_nir_at_all(content, tmp_path):
    (tmp_path / "m.nir").write_bytes(content)
    refused(tmp_path / "m.nir", "not a readable NIR file")


def test_an_input_too_large_to_be_a_matrix(tmp_path):
    first, final = ends((1 << 12, 1 << 12), 1)
    path = write_nir(tmp_path / "m.nir", {"input": first, "n": SOUND[0]["n0"], "output": final})
    assert not attempt(path, tmp_path / "run")
