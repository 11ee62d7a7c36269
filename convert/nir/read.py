"""Read a NIR file: HDF5 as the package `nir` writes it, versions 0.1 to 1.0.

It is read by h5py alone, guarded as .net files are (`basalt/hdf5_guard.py`, `basalt/rehearsal.py`): the package would
read all values before their sizes are known, and refuses graphs whose output has another rank, as Rockpool writes.
"""

import os
from pathlib import Path

import h5py
import numpy as np

from basalt.convert.nir.graph import WITHIN, Graph, Node
from basalt.errors import BasaltError
from basalt.hdf5_guard import inspect
from basalt.opening import MIB, memory_limit, opened, there, too_large
from basalt.rehearsal import rehearse
from basalt.shown import VALUE_LONGEST, shown

BESIDE_VALUES = 64 * MIB
TEXTS_MOST = 8192
"""Of a list of edges, two for each."""
NODES_MOST = 1024
NAME_LONGEST = 256
UNBOUNDED = ("tau", "tau_mem", "tau_syn", "r", "w_in")
"""What is infinite where a writer's neuron does not leak."""


def read(path: Path) -> Graph:
    """The graph of a NIR file.

    Raises:
        BasaltError: it is not there, not HDF5, damaged, or no NIR file.
    """
    path = Path(path)
    if not there(path):
        raise BasaltError(f"{path} does not exist; name a .nir file, as nir.write(file, graph) makes it.")
    with opened(path) as plain:
        size = os.fstat(plain.fileno()).st_size
    if size > memory_limit() + BESIDE_VALUES:
        raise too_large(path, "the file", size, memory_limit())

    def load() -> Graph:
        try:
            with h5py.File(path, "r") as file:
                inspect(file, path, TEXTS_MOST)
                return read_graph(file, path)
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, SystemError, MemoryError) as error:
            why = shown(str(error), VALUE_LONGEST) or type(error).__name__
            raise BasaltError(f"{path} is not a readable NIR file ({why}); write it again.") from error

    rehearse(path, load)
    return load()


def read_graph(file: h5py.File, path: Path) -> Graph:
    """The graph of an open file."""
    group = file.get("node")
    if not isinstance(group, h5py.Group):
        raise BasaltError(f"{path} has no group `node`, as NIR files have; write it with nir.write(file, graph).")
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    add_node(group, "", path, nodes, edges)
    if not edges:
        raise BasaltError(f"{path} holds no graph: there are no edges between nodes; write it again.")
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise BasaltError(f"{path}: an edge names the node {name!r}, which is not there; write it again.")
    return Graph(nodes, tuple(dict.fromkeys(edges)))


def add_node(
    group: h5py.Group, name: str, path: Path, nodes: dict[str, Node], edges: list[tuple[str, str]]
) -> tuple[str, str]:
    """Add a node, or all of a nested graph; returns where edges into it lead, and where those out of it begin."""
    place = f"{path}, node {name!r}" if name else str(path)
    kind = text(group.get("type"), f"{place}: 'type'")
    if len(nodes) >= NODES_MOST:
        raise BasaltError(f"{path} holds more than {NODES_MOST} nodes, which no network here has; import a part of it.")
    if kind != "NIRGraph":
        nodes[name] = plain_node(group, name, kind, place)
        return name, name
    inner = group.get("nodes")
    if not isinstance(inner, h5py.Group) or not len(inner):
        raise BasaltError(f"{place}: the graph holds no nodes; write it again.")
    ways: dict[str, tuple[str, str]] = {}
    for key in inner:
        called = shown(key, NAME_LONGEST)
        if not isinstance(inner[key], h5py.Group):
            raise BasaltError(f"{place}: the node {called!r} is no group; write it again.")
        ways[key] = add_node(inner[key], f"{name}.{called}" if name else called, path, nodes, edges)
    for one, other in pairs(group.get("edges"), place):
        for end in (one, other):
            if end not in ways:
                raise BasaltError(
                    f"{place}: an edge names the node {shown(end, NAME_LONGEST)!r}, which is not there; write it again."
                )
        edges.append((ways[one][1], ways[other][0]))
    return ends(name, nodes)


def ends(name: str, nodes: dict[str, Node]) -> tuple[str, str]:
    """The input and the output of a nested graph, which only pass on; those of the whole graph stay."""
    if not name:
        return "", ""
    found = []
    for kind in ("Input", "Output"):
        own = [one for one, node in nodes.items() if one.rpartition(".")[0] == name and node.type == kind]
        if len(own) != 1:
            raise BasaltError(f"The nested graph {name!r} has {len(own)} {kind} nodes, not one; write it again.")
        nodes[own[0]] = Node(own[0], WITHIN)
        found.append(own[0])
    return found[0], found[1]


def plain_node(group: h5py.Group, name: str, kind: str, place: str) -> Node:
    """A node's numbers and texts, and its metadata; other groups beside them are left."""
    values, words = {}, {}
    for key in group:
        item = group[key]
        if key == "type" or not isinstance(item, h5py.Dataset) or item.shape is None:
            continue
        if item.dtype.kind in "biuf":
            values[key] = numbers(item, key, place)
        elif item.shape == ():
            words[key] = text(item, f"{place}: {shown(key, NAME_LONGEST)!r}")
    return Node(name, kind, values, words, metadata(group, place))


def metadata(group: h5py.Group, place: str) -> dict[str, float | str | np.ndarray]:
    """Numbers and texts of the group `metadata`."""
    found: dict[str, float | str | np.ndarray] = {}
    inner = group.get("metadata")
    for key in inner if isinstance(inner, h5py.Group) else ():
        item, name = inner[key], shown(key, NAME_LONGEST)
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            continue
        if item.dtype.kind in "biuf":
            one = numbers(item, key, place)
            found[name] = one if one.ndim else float(one)
        elif item.dtype.kind in "SO" and item.shape == ():
            found[name] = text(item, f"{place}: {name!r}")
    return found


def numbers(item: h5py.Dataset, key: str, place: str) -> np.ndarray:
    """A data set as float64."""
    found = np.asarray(item[()], dtype=np.float64)
    wrong = np.isnan(found) if key in UNBOUNDED else ~np.isfinite(found)
    if np.any(wrong):
        raise BasaltError(f"{place}: {shown(key, NAME_LONGEST)!r} holds NaN or infinity; write the file again.")
    return found


def text(item: object, place: str) -> str:
    """One text, however HDF5 keeps it."""
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "SO" or item.shape not in ((), (1,)):
        raise BasaltError(f"{place} is not one text; write the file again.")
    value = np.asarray(item[()]).reshape(-1)[0]
    word = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return shown(word, NAME_LONGEST)


def pairs(item: object, place: str) -> list[tuple[str, str]]:
    """The list of edges, read one text at a time: each may be as long as the file."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or (item.size and item.dtype.kind not in "SO"):
        raise BasaltError(f"{place}: 'edges' is no list of pairs of names; write the file again.")
    if not item.size:
        return []
    if len(item.shape) != 2 or item.shape[1] != 2:
        raise BasaltError(f"{place}: 'edges' has the shape {item.shape}, not pairs of names; write the file again.")
    found = []
    for row in range(len(item)):
        ends_ = []
        for column in (0, 1):
            value = item[row, column]
            word = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            if len(word) > NAME_LONGEST:
                raise BasaltError(f"{place}: 'edges' holds a name of {len(word):,} letters; write the file again.")
            ends_.append(word)
        found.append((ends_[0], ends_[1]))
    return found
