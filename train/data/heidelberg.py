"""Spoken words as spikes of 700 cochlea channels: SHD and SSC (Cramer et al. 2020), read through tonic.

SHD (20 classes: the digits in English and German): validation is a fixed stratified tenth of each class of the training
recordings (SPLIT_SEED); two of its twelve speakers occur in the test recordings only. SSC (35 classes) has validation
recordings of its own. `config.group` neighbouring channels become one input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from basalt.errors import BasaltError
from basalt.train.data.cache import cached, fingerprint, key_of, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.split import stratified
from basalt.train.data.stream import Recording, binned

SPLIT_SEED = 20_261_124
CHANNELS = 700


@dataclass(frozen=True)
class Source:
    """A set of recordings: its folder (also the name of tonic's reader), classes and the reader's arguments by part."""

    folder: str
    classes: int
    parts: dict[str, dict[str, Any]]


SOURCES = {
    "shd": Source("SHD", 20, {"train": {"train": True}, "test": {"train": False}}),
    "ssc": Source("SSC", 35, {part: {"split": part} for part in ("train", "valid", "test")}),
}


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test recordings of `config.name`.

    Raises:
        BasaltError: a file is missing or damaged, or has fewer than two recordings of a class.
    """
    source = SOURCES[config.name]
    files = {part: data_dir / source.folder / f"{config.name}_{part}.h5" for part in source.parts}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise BasaltError(
            f"{source.folder} lacks {' and '.join(missing)} in {data_dir / source.folder}: unpack them there from "
            "https://zenkelab.org/datasets/ (*.h5.zip), or name the parent of that folder with --data-dir."
        )
    parts = {part: _events(part, path, config, data_dir) for part, path in files.items()}
    train, validation = _divided(parts, files["train"], source)
    return Splits(
        train=train.subset(slice(config.limit)),
        validation=validation,
        test=parts["test"],
        name=config.name,
        classes=source.classes,
        provenance=f"{source.folder}, {sum(map(len, parts.values())):,} recordings, "
        f"{CHANNELS} channels grouped by {config.group}",
    )


def _divided(parts: dict[str, EventSet], path: Path, source: Source) -> tuple[EventSet, EventSet]:
    """Training and validation recordings."""
    if "valid" in parts:
        return parts["train"], parts["valid"]
    labels = parts["train"].labels
    least = np.bincount(labels, minlength=source.classes).min()
    if least < 2:
        raise BasaltError(f"{path} has fewer than two recordings of a class: put the complete file there.")
    first, held_out = stratified(labels, (max(1, int(least) // 10),), SPLIT_SEED)
    return parts["train"].subset(first), parts["train"].subset(held_out)


def _events(part: str, path: Path, config: DataConfig, data_dir: Path) -> EventSet:
    sensor = (1, 1, -(-CHANNELS // config.group))

    def build() -> EventSet:
        try:
            reader = _tonic(part, config.name, data_dir)
            return binned(f"Reading {path.name}", _samples(reader, path, config), len(reader), config, sensor)
        except (OSError, KeyError, ValueError) as error:
            raise BasaltError(f"{path} is damaged ({error}): put it there again.") from error

    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        group=config.group,
        source=state_of([path], data_dir),
        code=fingerprint(Path(__file__)),
    )
    return cached(path.stem, key, build)


def _samples(reader: Any, path: Path, config: DataConfig) -> Iterator[Recording]:
    classes = SOURCES[config.name].classes
    for position in range(len(reader)):
        events, label = reader[position]
        channels, times = events["x"], events["t"]
        if not 0 <= label < classes or (
            len(events) and (channels.min() < 0 or channels.max() >= CHANNELS or times.min() < 0)
        ):
            raise BasaltError(
                f"Recording {position} of {path} is not one of {classes} classes on {CHANNELS} channels: "
                "put the file there again."
            )
        yield Recording(times.astype(np.int64), (channels // config.group).astype(np.uint16), int(label))


def _tonic(part: str, name: str, data_dir: Path) -> Any:
    """tonic's reader, less its demand for the zip archive (without which it downloads).

    tonic takes the folder's name from the class's, so the class keeps it.
    """
    import tonic.datasets

    source = SOURCES[name]
    reader = type(source.folder, (getattr(tonic.datasets, source.folder),), {"_check_exists": lambda self: True})
    return reader(save_to=str(data_dir), **source.parts[part])
