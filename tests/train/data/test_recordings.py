"""Own recordings: every format of a folder, splits by file and group, .npz files, data sets of torch and tonic."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from basalt.errors import BasaltError
from basalt.recordings.view import View, look, spikes
from basalt.train.data import DataConfig, cache, load, nmnist, recordings
from basalt.train.data.sets import Shape, shape
from basalt.train.device_events import held
from tests.basalt.recordings import writers
from tests.basalt.recordings.writers import WRITERS, drawn

CLASSES = ("2", "10", "9")
"""In the order of their folders; 2, 9, 10 in that of their numbers."""


def folder(root: Path, name: str = "bin", each: int = 5, parts: tuple[str, ...] = ("",)) -> Path:
    """Recordings of a few people, `each` of each class."""
    ending, write = WRITERS[name]
    for part in parts:
        for position, label in enumerate(CLASSES):
            (root / part / label / "deep").mkdir(parents=True)
            for number in range(each):
                given = drawn(80, seed=100 * position + number + 10 * len(part))
                write(root / part / label / "deep" / f"{'abcdefg'[number % 5]}_{number}{ending}", given)
    (root / parts[0] / CLASSES[0] / "notes.txt").write_text("no recording")
    (root / parts[0] / CLASSES[0] / ".hidden.bin").write_text("no recording")
    return root


def config(root: Path, **given: Any) -> DataConfig:
    return DataConfig(**{"name": "events", "path": str(root), "sensor": (34, 34), "duration_ms": 300, **given})


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_becomes_the_same_spikes(name: str, tmp_path: Path) -> None:
    root = folder(tmp_path / "d", name, each=3)
    given = config(root, sensor={"aedat2": (128, 128)}.get(name, (34, 34)), crop=(0, 0, 34, 34))
    splits = load(given)
    assert splits.classes == 3 and shape(given) == Shape((2, 34, 34), 3)
    files = sorted(root.rglob(f"*{WRITERS[name][0]}"), key=str)
    files = [path for path in files if not path.name.startswith(".")]
    for part in (splits.train, splits.validation, splits.test):
        assert len(part) == 3 and part.features.dtype == np.uint16
        for row, index, label in zip(part.dense(), part.index, part.labels, strict=True):
            position = CLASSES.index(files[index].parts[-3])
            wanted = drawn(80, seed=100 * position + int(files[index].stem[-1]))
            assert ["2", "9", "10"][label] == CLASSES[position]
            assert np.array_equal(row, spikes(look(wanted, View((34, 34)), files[index]), 60, 5000.0, files[index]))


def test_nmnist_as_a_plain_folder_is_nmnist_but_for_its_first_step(tmp_path: Path) -> None:
    """With `start_ms = 0` the recorder's clock counts, as it does for `nmnist`."""
    for part in ("Train", "Test"):
        for digit in range(10):
            (tmp_path / "NMNIST" / part / str(digit)).mkdir(parents=True)
            for number in range(3):
                at = 1 + number + 3 * digit
                given = drawn(60, seed=at)
                writers.to_bin(tmp_path / "NMNIST" / part / str(digit) / f"{at:05}.bin", given)
    own = load(config(tmp_path / "NMNIST", start_ms=0.0)).test
    theirs = load(DataConfig(name="nmnist"), tmp_path).test
    order = np.argsort(theirs.labels, kind="stable")
    assert nmnist._CLASSES == 10
    mine = np.lexsort((own.index, own.labels))
    assert (
        np.array_equal(own.dense(mine), theirs.dense(order))
        and own.labels[mine].tolist() == theirs.labels[order].tolist()
    )


def test_shares_of_files_are_disjoint_fixed_and_of_every_class(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", each=10)
    splits = load(config(root, test=0.3, validation=0.2))
    parts = (splits.train, splits.validation, splits.test)
    assert [Counter(part.labels.tolist()) for part in parts] == [Counter({0: n, 1: n, 2: n}) for n in (5, 2, 3)]
    assert sorted(np.concatenate([part.index for part in parts])) == list(range(30))
    assert splits.train.labels[:3].tolist() == [0, 1, 2]
    again = load(config(root, test=0.3, validation=0.2, limit=6))
    assert again.train.index.tolist() == splits.train.index[:6].tolist()
    assert "30 recordings (.bin) of 3 classes (2, 9, 10), split by file" in splits.provenance


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"test": 0.4, "validation": 0.2}, [2, 1, 2]),
        ({"test": ["c"], "validation": 0.2}, [3, 1, 1]),
        ({"test": ["c", "a"], "validation": ["b"]}, [2, 1, 2]),
    ],
)
def test_nobody_is_in_two_splits(given: dict[str, Any], counts: list[int], tmp_path: Path) -> None:
    root = folder(tmp_path / "d", each=10)
    splits = load(config(root, groups=r"/([a-z])_\d+\.bin$", **given))
    files = recordings.listed(root, [".bin"]).files
    who = [{files[index].name[0] for index in part.index} for part in (splits.train, splits.validation, splits.test)]
    assert [len(names) for names in who] == counts and len(set.union(*who)) == 5 == sum(counts)
    if given["test"] == ["c"]:
        assert who[2] == {"c"}


@pytest.mark.parametrize("parts", [("Train", "test"), ("training", "VAL", "Testing")])
def test_a_split_that_is_there_is_kept(parts: tuple[str, ...], tmp_path: Path) -> None:
    root = folder(tmp_path / "d", each=10, parts=parts)
    splits = load(config(root))
    files = recordings.listed(root, [".bin"]).files
    names = [{files[index].relative_to(root).parts[0] for index in part.index} for part in
             (splits.train, splits.validation, splits.test)]  # fmt: skip
    assert names == [{parts[0]}, {parts[0] if len(parts) == 2 else "VAL"}, {parts[-1]}]
    assert len(splits.train) == (27 if len(parts) == 2 else 30) and len(splits.test) == 30


def test_what_is_seen_follows_the_recipe(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", each=3)
    given = config(root, polarity="off", crop=(4, 2, 20, 30), group=3, denoise_ms=40.0, start_ms=20.0, step_ms=10.0)
    splits = load(given)
    assert splits.train.sensor == (1, 10, 7) == shape(given).sensor and splits.train.steps == 30
    files = recordings.listed(root, [".bin"]).files
    view = View((34, 34), "off", (4, 2, 20, 30), 3, 40_000.0, 20_000)
    for row, index in zip(splits.test.dense(), splits.test.index, strict=True):
        seed = 100 * CLASSES.index(files[index].parts[-3]) + int(files[index].stem[-1])
        assert np.array_equal(row, spikes(look(drawn(80, seed=seed), view, files[index]), 30, 10_000.0, files[index]))


def test_a_second_time_is_from_the_cache_until_a_file_or_the_view_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "d", each=3)
    first = load(config(root)).train
    read: list[Path] = []
    whole = recordings.reading.read
    monkeypatch.setattr(recordings.reading, "read", lambda path: read.append(path) or whole(path))
    assert np.array_equal(load(config(root)).train.dense(), first.dense()) and not read
    load(config(root, polarity="merge"))
    assert len(read) == 9
    writers.to_bin(next(root.rglob("a_0.bin")), drawn(50, seed=77))
    load(config(root))
    assert len(read) == 18


def test_a_sensor_of_two_million_inputs_is_binned_sparsely_and_cached(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(3):
            given = drawn(500, seed=number, width=1280, height=720, end=8000)
            writers.to_evt3(tmp_path / "d" / label / f"{number}.raw", given, "% format EVT3;height=720;width=1280\n")
    given = DataConfig(name="events", path=str(tmp_path / "d"), step_ms=2.0, steps=4)
    for _ in range(2):
        splits = load(given)
        assert splits.train.features.dtype == np.uint32 and splits.train.features_count == 1_843_200
        wanted = spikes(look(drawn(500, seed=splits.train.index[0] % 3, width=1280, height=720, end=8000),
                             View((1280, 720)), tmp_path), 4, 2000.0, tmp_path)  # fmt: skip
        assert np.array_equal(splits.train.dense([0])[0], wanted)
        assert (held(splits.train, torch.device("cpu")).features.numpy().view(np.uint32) == splits.train.features).all()
    assert splits.train.features.max() > 1 << 20


def test_an_npz_of_spikes_and_labels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values, labels = (rng.random((30, 2, 5, 4, 7)) < 0.2).astype(np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", spikes=values, labels=labels)
    np.savez(tmp_path / "b.npz", spikes=values.reshape(30, 40, 7), labels=labels)
    for name, sensor, axes in (("a", None, (2, 5, 4)), ("b", None, (1, 1, 40)), ("b", (4, 5), (2, 5, 4))):
        given = DataConfig(name="events", path=str(tmp_path / f"{name}.npz"), sensor=sensor, steps=6)
        splits = load(given)
        assert shape(given) == Shape(axes, 3) and splits.train.sensor == axes
        assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [21, 3, 6]
        for part in (splits.train, splits.validation, splits.test):
            assert np.array_equal(part.dense(), values.reshape(30, 40, 7)[part.index][:, :, :6])
            assert np.array_equal(part.labels, labels[part.index])


class Tensors(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 20

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        values = torch.from_numpy(drawn(40, seed=position).t.reshape(2, 4, 5) % 2)
        return values.reshape(2, 4, 5, 1).repeat(1, 1, 1, 3), position % 2


class Tonic:
    sensor_size = (34, 34, 2)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, position: int) -> tuple[np.ndarray, int]:
        return writers.records(drawn(90, seed=position)), position % 2


def test_data_sets_of_torch_and_tonic_stand_in_place_of_a_path() -> None:
    given = DataConfig(name="events", duration_ms=300)
    splits = recordings.from_datasets(given, Tonic(), Tonic())
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [18, 2, 20] and splits.classes == 2
    for position in range(20):
        wanted = spikes(look(drawn(90, seed=position), View((34, 34)), Path("x")), 60, 5000.0, Path("x"))
        assert np.array_equal(splits.test.dense(position)[0], wanted)
    splits = recordings.from_datasets(given.model_copy(update={"steps": 3}), Tensors(), Tensors(), Tensors())
    assert splits.test.sensor == (2, 4, 5) and len(splits.train) == 20
    for position in range(20):
        assert np.array_equal(splits.test.dense(position)[0], Tensors()[position][0].reshape(40, 3).numpy())
    with pytest.raises(BasaltError, match="sample 0 of the data set is neither"):
        recordings.from_dataset(given, [(np.zeros(3), 0)])
    with pytest.raises(BasaltError, match="the data set mixes samples"):
        recordings.from_dataset(given, [(np.zeros((3, 4), int), 0), (np.zeros((4, 4), int), 0)])
    with pytest.raises(BasaltError, match="the data set holds no samples"):
        recordings.from_dataset(given, [])


def test_names_may_be_of_any_bytes(tmp_path: Path) -> None:
    root = folder(tmp_path / "d")
    (root / "9").rename(root / "caf\udcff")
    (root / "2" / "deep" / "a_0.bin").rename(root / "2" / "deep" / "\x1b[31m\udcfe\n.bin")
    splits = load(config(root))
    assert splits.provenance.encode() and "caf\\udcff" in splits.provenance
    with pytest.raises(ValidationError, match="it is not all UTF-8"):
        config(root / "caf\udcff")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no path": (lambda root: None, {"path": None}, "say where they are, as with data.path"),
    "nothing there": (lambda root: None, {"path": "nowhere"}, r"nowhere is neither in the working folder nor in"),
    "flat": (
        lambda root: [path.rename(root / path.name) for path in root.rglob("*.bin")]
        and [path.rename(root.parent / path.name) for path in root.glob("[0-9]*")],
        {}, r"d holds .*\.bin itself: data.path is a folder with a folder of",
    ),
    "one class": (lambda root: [(root / name).rename(root.parent / name) for name in ("2", "9")], {}, "has 1 class"),
    "an empty class": (lambda root: (root / "11").mkdir(), {}, r"The class .*/11 holds no recordings"),
    "an empty file": (lambda root: emptied(root / "9/deep/b_1.bin"), {}, r"9/deep/b_1\.bin has no events"),
    "a cut file": (lambda root: (root / "9/deep/b_1.bin").write_bytes(b"123456"), {}, r"b_1\.bin is damaged \(it ends"),
    "mixed": (
        lambda root: (root / "9/deep/b_1.bin").rename(root / "9/deep/b_1.dat"), {},
        r"b_1\.dat is of another format than .*a_0\.bin",
    ),
    "too few": (lambda root: [(root / f"9/deep/{n}.bin").unlink() for n in ("a_0", "b_1", "c_2")], {},
                r"has 2 of the class '9': each needs 3 files or more"),
    "a smaller sensor": (lambda root: None, {"sensor": (20, 34)}, r"\.bin has events outside of 20 × 34 pixels"),
    "no sensor": (lambda root: None, {"sensor": None}, r"a_0\.bin does not say .*data\.sensor = \[WIDTH, HEIGHT\]"),
    "a crop outside": (lambda root: None, {"crop": (30, 0, 9, 9)}, "The crop 30,0,9,9 .* is not inside a sensor"),
    "nobody": (lambda root: None, {"groups": "([a-z])_", "test": ("aa",)}, "the group 'aa': did you mean 'a'"),
    "no match": (lambda root: None, {"groups": "/([b-z])_"}, r"is not found in .*a_0\.bin"),
    "one group": (lambda root: None, {"groups": "([dD])eep"}, r"has 1 groups \(d\), too few for 3 splits"),
    "a class gone": (
        lambda root: [path.rename(path.with_name(f"z_{path.name}")) for path in (root / "9/deep").iterdir()],
        {"groups": "/([a-z])_", "test": ("z",)}, "no file of the class '9' is left to train on",
    ),
    "a folder": (lambda root: [emptied(root / "9/deep/b_1.bin") or (root / "9/deep/b_1.bin").unlink(),
                               (root / "9/deep/b_1.bin").mkdir()][:0], {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence_that_names_it(name: str, tmp_path: Path) -> None:
    change, given, text = WRONG[name]
    root = folder(tmp_path / "d")
    change(root)
    if not text:
        load(config(root, **given))
        return
    with pytest.raises(BasaltError, match=text) as found:
        load(config(root, **given))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("arrays", "given", "text"),
    [
        ({"labels": [0, 1]}, {}, "has no array `spikes`"),
        ({"spikes": np.zeros((6, 3, 4))}, {}, "has no array `labels`"),
        ({"spikes": np.zeros((6, 3)), "labels": [0] * 6}, {}, r"has the shape \(6, 3\)"),
        ({"spikes": np.zeros((6, 3, 0)), "labels": [0] * 6}, {}, r"has the shape \(6, 3, 0\)"),
        ({"spikes": np.full((6, 3, 4), 2), "labels": [0, 1] * 3}, {}, "other values than 0 and 1"),
        ({"spikes": np.zeros((6, 3, 4)), "labels": [0, 1]}, {}, "`labels` must be 6 integers"),
        ({"spikes": np.zeros((6, 3, 4)), "labels": [0, 0, 0, 0, 2, 2]}, {}, "has 0 samples of the class 1 of 3"),
        ({"spikes": np.zeros((6, 3, 4)), "labels": [0, 1] * 3}, {"sensor": (2, 2)}, "which no sensor of 2 × 2 has"),
        ({"spikes": np.zeros((6, 3, 4)), "labels": [0, 1] * 3}, {"crop": (0, 0, 1, 1)}, "data.crop is for recordings"),
        ({"spikes": np.zeros((6, 3, 4)), "labels": [0, 1] * 3}, {"group": 2}, "data.group is for recordings"),
    ],
)
def test_an_npz_that_does_not_fit_is_one_sentence(
    arrays: dict[str, Any], given: dict[str, Any], text: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **{key: np.asarray(value) for key, value in arrays.items()})
    with pytest.raises(BasaltError, match=text) as found:
        load(DataConfig(name="events", path=str(tmp_path / "a.npz"), **given))
    assert re.search(r"a\.npz", str(found.value))


def test_a_bar_is_there_for_what_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from basalt.train.data import progress

    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    shown: list[str] = []
    whole = progress._bar
    monkeypatch.setattr(progress, "_bar", lambda title, total: shown.append(title) or whole(title, total))
    load(config(folder(tmp_path / "d", each=3)))
    assert shown == ["Reading d"]
    assert cache.cache_dir().exists()
