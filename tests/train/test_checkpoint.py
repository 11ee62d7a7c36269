"""Checkpoints: what is written is read again, exactly; what is no checkpoint is refused before it is believed."""

import json
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from basalt.errors import BasaltError
from basalt.train import checkpoint, tensors
from basalt.train.checkpoint import NAME, Checkpoint, load, read
from basalt.train.moments import moments
from basalt.train.networks import Network
from basalt.train.recipe import parse
from basalt.train.resumption import Progress
from basalt.train.stepper import optimizer as make_optimizer
from tests import shapes
from tests.train.helpers import content, recipe


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """What is wrong is to be seen by the code that refuses it, not by the checks of shapes before that."""
    with shapes.unchecked():
        yield


WEIGHT = "model.layers.readout.synapse.weight"


def trained() -> Checkpoint:
    """A run after two epochs, with the numbers that are hardest to keep."""
    torch.manual_seed(1)
    network = Network.of(recipe(), (1, 4, 4), 2)
    optimizer = make_optimizer(network, recipe().training, torch.device("cpu"))
    for _ in range(2):
        optimizer.zero_grad()
        sum((parameter**2).sum() for parameter in network.parameters()).backward()
        optimizer.step()
    history = (
        {"epoch": 1, "loss": 0.1 + 0.2, "learning_rate": 1e-320, "seconds": 4.0},
        {"epoch": 2, "loss": 2 / 3, "validation_loss": float("inf"), "seconds": 1e22},
    )
    last = Progress(network.state_dict(), moments(network, optimizer), torch.get_rng_state(), 2, 12, 1 / 3, history)
    best = {
        "epoch": 2, "validation_loss": float("nan"), "validation_accuracy_float": 2 / 3,
        "validation_accuracy_integer": -0.0,
    }  # fmt: skip
    return Checkpoint(recipe(), 16, 2, network.state_dict(), best, last, (1, 4, 4))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / NAME
    trained().write(path)
    return path


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header and the values of a file, with the tree of plain values as a tree."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = json.loads(header["__metadata__"]["basalt"])
    return header, data[8 + length :]


def joined(header: Any, values: bytes) -> bytes:
    """The inverse; the tree is written as JSON unless it is something else already."""
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        header = {**header, "__metadata__": {"basalt": json.dumps(header["__metadata__"])}}
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def refused(folder: Path, data: bytes, match: str = "damaged") -> str:
    """The one sentence with which a file is refused."""
    (folder / NAME).write_bytes(data)
    with pytest.raises(BasaltError, match=match) as caught:
        read(folder)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 600, message
    return message


def test_what_is_written_is_read_again(whole: Path) -> None:
    before, after = trained(), read(whole)
    assert before.last is not None and after.last is not None
    wrote, found = ({**c.model, **c.last.tensors()} for c in (before, after))
    assert wrote.keys() == found.keys() and any(name.startswith("moments.") for name in wrote)
    for name, value in wrote.items():
        assert value.dtype == found[name].dtype and value.shape == found[name].shape
        assert value.detach().numpy().tobytes() == found[name].numpy().tobytes(), name
    # repr tells every float, 1 from 1.0, −0.0 from 0.0, and what is no number from itself
    assert repr(after.last.said) == repr(before.last.said)
    assert repr(dict(after.best)) == repr(dict(before.best))
    assert after.recipe.plain() == before.recipe.plain()
    assert (after.inputs, after.classes, after.sensor) == (16, 2, (1, 4, 4))


def test_the_file_is_what_others_read_and_is_the_same_every_time(whole: Path, tmp_path: Path) -> None:
    trained().write(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == whole.read_bytes()
    with safe_open(whole, "np") as file:
        assert np.array_equal(file.get_tensor(WEIGHT), trained().model[WEIGHT.removeprefix("model.")].numpy())
    data = whole.read_bytes()

    def strict(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    tree = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]], parse_constant=strict)["__metadata__"]["basalt"]
    json.loads(tree, parse_constant=strict)


def test_reading_draws_no_random_numbers(whole: Path) -> None:
    before = torch.get_rng_state()
    read(whole)
    assert torch.equal(before, torch.get_rng_state())


def test_a_published_network_has_nothing_of_its_training(tmp_path: Path) -> None:
    replace(trained(), last=None).write(tmp_path / NAME)
    assert read(tmp_path).last is None
    with safe_open(tmp_path / NAME, "np") as file:
        names = list(file.keys())
    assert names and all(name.startswith("model.") for name in names)


FILES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "seven bytes": lambda data: data[:7],
    "truncated": lambda data: data[: len(data) // 2],
    "without its last byte": lambda data: data[:-1],
    "with a byte more": lambda data: data + b"\0",
    "flipped": lambda data: data[:60] + bytes(byte ^ 0xFF for byte in data[60:400]) + data[400:],
    "text": lambda data: b"hello, this is no checkpoint",
    "a pickle": lambda data: pickle.dumps({"format": "basalt-checkpoint"}),
    "a header of 2^63 bytes": lambda data: struct.pack("<Q", 1 << 63) + data[8:],
    "a header of nothing": lambda data: joined(b"", b""),
    "a header that is no table": lambda data: joined([1], b""),
    "a number too long": lambda data: joined(b'{"a": ' + b"9" * 10_000 + b"}", b""),
    "nested 100,000 deep": lambda data: joined(b"[" * 100_000, b""),
    "nested 900 deep": lambda data: joined(b"[" * 900 + b"]" * 900, b""),
    "not UTF-8": lambda data: joined(b'{"\xff": 1}', b""),
    "a key twice": lambda data: joined(b'{"__metadata__": {}, "__metadata__": {}}', b""),
    "somebody else's": lambda data: joined({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
}


@pytest.mark.parametrize("damage", FILES)
def test_what_is_no_checkpoint_is_one_sentence(damage: str, whole: Path, tmp_path: Path) -> None:
    refused(tmp_path, FILES[damage](whole.read_bytes()), r"checkpoint\.safetensors is damaged or not a checkpoint")


def entry(name: str = WEIGHT, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change what a header says of a tensor."""
    return lambda header: header[name].update(changes)


def tree(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change plain values."""
    return lambda header: header["__metadata__"].update(changes)


def layer(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change the second layer of the recipe."""
    return lambda header: header["__metadata__"]["recipe"]["network"]["layers"][1].update(changes)


def resumption(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change what is said of resuming."""
    return lambda header: header["__metadata__"]["last"].update(changes)


HEADERS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another type": (entry(dtype="I32"), "is int32"),
    "an unknown type": (entry(dtype="F8_E4M3"), "is of type"),
    "a type that is a list": (entry(dtype=["F32"]), "is of type"),
    "another shape": (entry(shape=[8, 2, 1, 1, 1]), "in its network"),
    "too large a shape": (entry(shape=[1 << 47, 1 << 47]), "does not take"),
    "a negative shape": (entry(shape=[-2, -8]), "has the shape"),
    "a shape of floats": (entry(shape=[2.0, 8]), "has the shape"),
    "a shape of truth": (entry(shape=[True, True]), "has the shape"),
    "overlapping": (entry(data_offsets=[0, 64]), "overlap"),
    "backwards": (entry(data_offsets=[64, 0]), "does not take"),
    "more keys": (entry(link="/etc/passwd"), "is not described"),
    "a tensor that is text": (lambda header: header.update({WEIGHT: "x"}), "is not described"),
    "a tensor renamed": (lambda header: header.update({"model.\x1b[2J\n": header.pop(WEIGHT)}), "it lacks"),
    "no metadata": (lambda header: header.pop("__metadata__"), "nothing in it is Basalt's"),
    "metadata that is a list": (lambda header: header.update(__metadata__=[1]), "is not a table"),
    "another format": (tree(format="pt"), "nothing in it is a checkpoint"),
    "no inputs": (lambda header: header["__metadata__"].pop("inputs"), "missing"),
    "no progress": (lambda header: header["__metadata__"].pop("last"), "missing"),
    "progress without its tensors": (tree(last=None), "is not part of its network"),
    "more said": (tree(code="import os"), "unknown key"),
    "inputs as text": (tree(inputs="16"), "inputs"),
    "inputs as truth": (tree(inputs=True), "inputs"),
    "inputs as a float": (tree(inputs=16.0), "inputs"),
    "no inputs at all": (tree(inputs=0, sensor=[]), "inputs"),
    "endless inputs": (tree(inputs=1 << 60, sensor=[]), "inputs"),
    "many inputs": (tree(inputs=1 << 40, sensor=[]), "larger than any"),
    "many classes": (tree(classes=1 << 40), "larger than any"),
    "other inputs": (tree(inputs=17, sensor=[]), "in its network"),
    "other classes": (tree(classes=3), "in its network"),
    "another sensor": (tree(sensor=[1, 4, 5]), "does not have 16 inputs"),
    "a sensor of nine axes": (tree(sensor=[1] * 8 + [16]), "sensor"),
    "best of text": (tree(best={"epoch": "rm -rf"}), "best"),
    "best without a loss": (tree(best={"epoch": 1}), "no epoch, loss or accuracy"),
    "best without integers": (
        tree(best={"epoch": 1, "validation_loss": 1.0, "validation_accuracy_float": 1.0}), "best integers",
    ),
    "epochs below zero": (resumption(epoch=-1), "epoch"),
    "epochs without end": (resumption(epoch=10**400), "epoch"),
    "seconds without end": (resumption(seconds="inf"), "seconds"),
    "a history of text": (resumption(history="abc"), "history"),
    "a history of lists": (resumption(history=[[1]]), "history"),
    "a history with other names": (resumption(history=[{"a\n\x1b[2J": 1}]), "history"),
    "a history of huge numbers": (resumption(history=[{"loss": 10**30}]), "history"),
    "more neurons": (layer(units=65536), "in its network"),
    "wide recurrence": (layer(units=65536, recurrent="full"), "not part of its network|in its network|it lacks"),
    "another kind": (layer(kind="conv"), "its recipe: network.layers.1..channels: this key is missing"),
    "no moments of one": (
        lambda header: header.pop("last.moments.layers.readout.synapse.weight.exp_avg"), "holes|lacks",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", HEADERS)
def test_what_a_header_says_is_not_believed(change: str, whole: Path, tmp_path: Path) -> None:
    header, values = parts(whole)
    apply, match = HEADERS[change]
    apply(header)
    refused(tmp_path, joined(header, values), match)


def test_another_version_says_which_is_read(whole: Path, tmp_path: Path) -> None:
    for version in (1, 3, True, "2", [2] * 1000):
        header, values = parts(whole)
        header["__metadata__"]["version"] = version
        refused(tmp_path, joined(header, values), "this Basalt reads version 2")


def test_a_long_header_is_not_read(whole: Path, tmp_path: Path) -> None:
    """Spaces may end it."""
    header, values = parts(whole)
    header["__metadata__"] = {"basalt": json.dumps(header["__metadata__"])}
    text = json.dumps(header).encode()
    (tmp_path / NAME).write_bytes(joined(text + b" " * 8, values))
    read(tmp_path)
    refused(tmp_path, joined(text + b" " * (17 << 20), values), "its header has")


@pytest.mark.parametrize("sensor, padding", [((1, 1 << 20, 1 << 20), 0), ((1, 1, 1), 4096)])
def test_neurons_without_end_are_refused(sensor: tuple[int, ...], padding: int, whole: Path, tmp_path: Path) -> None:
    """A convolution has few weights, however many neurons it has."""
    header, values = parts(whole)
    wide = {"kind": "conv", "channels": 1, "kernel": 1, "padding": padding}
    narrow = {"kind": "conv", "channels": 1, "kernel": 1, "stride": 4096}
    layers = [wide, narrow, {"kind": "readout"}]
    header["__metadata__"]["recipe"] = parse({**content(), "network": {"layers": layers}}, "wide").plain()
    header["__metadata__"].update(inputs=int(np.prod(sensor)), sensor=sensor)
    refused(tmp_path, joined(header, values), "larger than any")


def test_hundreds_of_slow_memories_are_not_calculated(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system of each takes up to a second."""
    from basalt.train.layers import dmp

    def never(*_: Any) -> None:
        raise AssertionError("calculated")

    header, values = parts(whole)
    layers: list[Any] = [{"kind": "dmp", "units": 1, "states": 256, "window": 40.0 + i} for i in range(300)]
    header["__metadata__"]["recipe"] = parse(
        {**content(), "network": {"layers": [*layers, {"kind": "readout"}]}}, "many"
    ).plain()
    header.update({f"more{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(300)})
    monkeypatch.setattr(dmp, "quantised", never)
    refused(tmp_path, joined(header, values), "in its network")


@pytest.mark.parametrize("number", [float("nan"), float("-inf"), 3e38])
def test_weights_that_are_no_numbers_are_refused(number: float, tmp_path: Path) -> None:
    saved = trained()
    weights = {name: value.clone() for name, value in saved.model.items()}
    weights[WEIGHT.removeprefix("model.")].view(-1)[0] = number
    replace(saved, model=weights).write(tmp_path / NAME)
    with pytest.raises(BasaltError, match="holds no finite weights"):
        load(tmp_path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_changed_anywhere_are_a_sentence_or_another_network(data: Any, whole: Path, tmp_path: Path) -> None:
    original = whole.read_bytes()
    content = bytearray(original)
    head = 8 + struct.unpack("<Q", original[:8])[0]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, head + 200))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    (tmp_path / NAME).write_bytes(content)
    try:
        load(tmp_path)
    except BasaltError as error:
        assert str(error).isprintable(), error


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_tree_is_a_sentence_or_a_checkpoint(data: Any, whole: Path, tmp_path: Path) -> None:
    """Some value of the plain tree is replaced by any other."""
    header, values = parts(whole)
    place: Any = header["__metadata__"]
    key: Any = data.draw(st.sampled_from(sorted(place)))
    while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    place[key] = data.draw(st.recursive(leaf, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    (tmp_path / NAME).write_bytes(joined(header, values))
    try:
        load(tmp_path)
    except BasaltError as error:
        assert "\n" not in str(error)


def test_views_of_one_buffer_are_written_as_tensors_of_their_own(tmp_path: Path) -> None:
    """As weights and moments lie in training on a GPU; one number of steps is all parameters'."""
    saved = trained()
    assert saved.last is not None
    buffer = torch.cat([value.reshape(-1) for value in saved.last.moments.values() if value.dim()])
    views, step, start = {}, torch.tensor(2.0), 0
    for name, value in saved.last.moments.items():
        views[name] = buffer[start : start + value.numel()].view_as(value) if value.dim() else step
        start += value.numel() * bool(value.dim())
    replace(saved, last=replace(saved.last, moments=views)).write(tmp_path / "views")
    saved.write(tmp_path / "own")
    assert (tmp_path / "views").read_bytes() == (tmp_path / "own").read_bytes()


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BasaltError, match="not a regular file"), tensors.opened(tmp_path / "pipe"):
        pass
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(BasaltError, match="No checkpoint at"):
        read(tmp_path)


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained().write(tmp_path / NAME)
    before = (tmp_path / NAME).read_bytes()
    for limit in ("HEADER_BYTES", "TENSORS"):
        with monkeypatch.context() as patch, pytest.raises(BasaltError, match=r"What was there before is kept"):
            patch.setattr(tensors, limit, 3)
            trained().write(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == before


def test_no_checkpoint_says_how_to_make_one_and_an_old_one_how_to_convert_it(tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"No checkpoint at .*basalt train"):
        load(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    for named in (tmp_path, tmp_path / "checkpoint.pt"):
        with pytest.raises(BasaltError, match=rf"convert it once by `basalt upgrade {tmp_path}`"):
            load(named)


def test_the_newest_run_may_be_of_an_earlier_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BasaltError, match="No trained run found"):
        checkpoint.newest_run()
    (tmp_path / "runs/old").mkdir(parents=True)
    (tmp_path / "runs/old/checkpoint.pt").write_bytes(b"")
    with pytest.raises(BasaltError, match="basalt upgrade runs/old"):
        checkpoint.newest_run()
    trained().write(tmp_path / "runs/new" / NAME)
    assert checkpoint.newest_run() == Path("runs/new") / NAME


def test_more_than_a_file_may_hold_is_refused_unread(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network as large as its file, which is all holes on the disk."""
    monkeypatch.setenv("BASALT_FILE_MIB", "1")
    header, _ = parts(whole)
    units = 1 << 16
    header = {"__metadata__": header["__metadata__"]}
    header["t"] = {"dtype": "F64", "shape": [units, 1 << 20], "data_offsets": [0, units << 23]}
    path = tmp_path / "holes"
    path.write_bytes(joined(header, b""))
    os.truncate(path, path.stat().st_size + (units << 23))
    with tensors.opened(path) as file, pytest.raises(BasaltError, match=r"needs 524288 MiB.*BASALT_FILE_MIB=524288"):
        file.tensors()


@pytest.mark.parametrize("place", ["pipe", "folder", "zero"])
def test_only_a_regular_file_is_a_checkpoint(place: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    {"pipe": os.mkfifo, "folder": os.mkdir, "zero": lambda path: path.symlink_to("/dev/zero")}[place](path)
    for place_named in (tmp_path, path):
        with pytest.raises(BasaltError, match=r"No checkpoint|not a regular file"):
            read(place_named)
