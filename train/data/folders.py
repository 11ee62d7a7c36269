"""Files of one's own: a folder per class, cut into splits by file or by group.

    <path>/<class>/…                    all files of a class, cut by shares
    <path>/{train,test}/<class>/…       the split that is there already; {validation} or {valid} beside them, or a share

Classes are numbered in the order of their names; names that are all numbers in the order of those. Whatever has another
ending than the wanted files is passed over, and so is what begins with a dot.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from basalt.errors import BasaltError
from basalt.opening import there, unreadable
from basalt.shown import VALUE_LONGEST, shown
from basalt.train.data.config import DataConfig
from basalt.train.data.split import by_shares, stratified

SPLIT_SEED = 20_261_128
PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation",
    "valid": "validation", "val": "validation",
}  # fmt: skip
"""Names of folders that are splits."""
TOLD = 5


@dataclass(frozen=True, eq=False)
class Listing:
    """The files below a folder, in a fixed order.

    Attributes:
        root: the folder.
        files: of all classes.
        labels: of the files.
        classes: their names.
        parts: "train", "validation" or "test" of each file; empty where the folder has no splits.
    """

    root: Path
    files: tuple[Path, ...]
    labels: Int64[np.ndarray, "n"]
    classes: tuple[str, ...]
    parts: tuple[str, ...] = ()

    def summary(self) -> str:
        """The classes, for people."""
        return f"{len(self.classes)} classes ({told(self.classes)})"


def place(config: DataConfig, data_dir: Path) -> Path:
    """Where the files lie: `config.path`, from the working folder, or else from the data folder.

    Raises:
        BasaltError: no path is given, or nothing is there.
    """
    if config.path is None:
        raise BasaltError(
            f'The data set {config.name!r} is your own files: say where they are, as with data.path="DIR".'
        )
    named = Path(config.path).expanduser()
    for path in (named, data_dir / named):
        if there(path):
            return path
    raise BasaltError(f"{named} is neither in the working folder nor in {data_dir}: name another data.path.")


def listed(root: Path, endings: Sequence[str]) -> Listing:
    """The files of a folder with a folder per class.

    Raises:
        BasaltError: it is no such folder; the message names the folder or file that is wrong.
    """
    wanted = f"data.path is a folder with a folder of {', '.join(endings)} files per class"
    if not root.is_dir():
        raise BasaltError(f"{root} is no folder: {wanted}.")
    tops = folders(root)
    if not tops:
        loose = [path for path in children(root) if path.suffix.lower() in endings]
        what = f"holds {loose[0].name} itself" if loose else "has no folder in it"
        raise BasaltError(f"{root} {what}: {wanted}.")
    parts = {path: PARTS.get(path.name.lower(), "") for path in tops}
    split = set(parts.values()) >= {"train", "test"} and "" not in parts.values()
    owners = (
        [(part, folder) for top, part in parts.items() for folder in folders(top)]
        if split
        else [("", top) for top in tops]
    )
    names = {folder.name for part, folder in owners if part in ("train", "")}
    classes = tuple(sorted(names, key=int if all(map(is_number, names)) else str))
    if len(classes) < 2:
        raise BasaltError(f"{root} has {len(classes)} class: {wanted}, and two classes or more.")
    found: list[tuple[Path, int, str]] = []
    for part, folder in owners:
        if folder.name not in classes:
            raise BasaltError(f"The class {folder} is in no training folder: {wanted}, the same ones in each split.")
        mine = below(folder, endings)
        if not mine:
            raise BasaltError(f"The class {folder} holds no recordings: {wanted}.")
        found += [(path, classes.index(folder.name), part) for path in mine]
    first = found[0][0]
    for path, _, _ in found:
        if path.suffix.lower() != first.suffix.lower():
            raise BasaltError(f"{path} is of another format than {first}: keep one format in a data set.")
    files = tuple(path for path, _, _ in found)
    labels = np.array([label for _, label, _ in found], np.int64)
    return Listing(root, files, labels, classes, tuple(part for *_, part in found) if split else ())


def is_number(name: str) -> bool:
    """Whether a name is a whole number."""
    return name.isascii() and name.isdecimal() and len(name) < 10


def children(folder: Path) -> list[Path]:
    """What is in a folder, by name, but what begins with a dot.

    Raises:
        BasaltError: it cannot be read.
    """
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=str)
    except OSError as error:
        raise BasaltError(unreadable(folder, error)) from error


def folders(folder: Path) -> list[Path]:
    """The folders in a folder."""
    return [path for path in children(folder) if path.is_dir()]


def below(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Files with one of the endings, at any depth; links to folders are not followed."""
    found = []
    for path in children(folder):
        if path.is_dir() and not path.is_symlink():
            found += below(path, endings)
        elif path.suffix.lower() in endings:
            found.append(path)
    return found


Positions = Int64[np.ndarray, "_part"]


def divided(listing: Listing, config: DataConfig) -> tuple[Positions, Positions, Positions]:
    """Positions of training, validation and test files; classes take turns in each.

    Raises:
        BasaltError: there are too few files or groups, or a named group is not there.
    """
    groups = None if config.groups is None else grouped(listing, config.groups)
    whole = np.arange(len(listing.files))
    if not listing.parts:
        train, validation, test = cut(listing, whole, groups, (config.validation, config.test))
    else:
        part = np.array(listing.parts)
        train, validation, test = (np.flatnonzero(part == name) for name in ("train", "validation", "test"))
        if not len(validation):
            train, validation = cut(listing, train, groups, (config.validation,))
    missing = sorted(set(range(len(listing.classes))) - set(listing.labels[train].tolist()))
    if missing:
        raise BasaltError(
            f"{listing.root}: no file of the class {listing.classes[missing[0]]!r} is left to train on; hold out less."
        )
    in_turn = [some[stratified(listing.labels[some], (), SPLIT_SEED)[0]] for some in (train, validation, test)]
    return in_turn[0], in_turn[1], in_turn[2]


def cut(
    listing: Listing, some: Positions, groups: list[str] | None, shares: Sequence[float | tuple[str, ...] | None]
) -> list[Positions]:
    """What is left of some files, and a part for each share: of their groups, or of each class where there are none."""
    if groups is None:
        labels = listing.labels[some]
        numbers = [share for share in shares if isinstance(share, float)]
        least = min(np.unique(labels), key=lambda label: (labels == label).sum(), default=0)
        parts = by_shares(labels, numbers, SPLIT_SEED)
        if len(parts[0]) == 0 or (labels == least).sum() <= len(numbers):
            raise BasaltError(
                f"{listing.root} has {(labels == least).sum()} of the class {listing.classes[least]!r}: each needs "
                f"{len(numbers) + 1} files or more, one of each split."
            )
        return [some[part] for part in parts]
    mine = np.array([groups[position] for position in some])
    held = chosen(listing, sorted(set(mine.tolist())), shares)
    parts = [some[np.isin(mine, names)] for names in held]
    return [some[~np.isin(mine, [name for names in held for name in names])], *parts]


def chosen(listing: Listing, names: list[str], shares: Sequence[float | tuple[str, ...] | None]) -> list[list[str]]:
    """The groups of each share; those that are named go first, the others are drawn, fixed."""
    for share in shares:
        for name in share if isinstance(share, tuple) else ():
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise BasaltError(f"No file of {listing.root} is of the group {name!r}: {hint}There are {told(names)}.")
    taken = {name for share in shares if isinstance(share, tuple) for name in share}
    left = [name for name in names if name not in taken]
    order = [left[position] for position in np.random.RandomState(SPLIT_SEED).permutation(len(left))]
    held = []
    for share in shares:
        count = max(1, round(share * len(names))) if isinstance(share, float) else 0
        held.append(list(share) if isinstance(share, tuple) else order[:count])
        order = order[count:]
    if not order or not all(held):
        raise BasaltError(
            f"{listing.root} has {len(names)} groups ({told(names)}), too few for {len(shares) + 1} splits: give a "
            f"pattern that tells more apart, or leave data.groups out."
        )
    return held


def told(names: Sequence[str]) -> str:
    """A few names, for people and files: whatever bytes they are of on the disk."""
    few = [*names[:TOLD], *(["…", names[-1]] if len(names) > TOLD else [])]
    return ", ".join(shown(name, VALUE_LONGEST) for name in few)


def grouped(listing: Listing, pattern: str) -> list[str]:
    """The group of each file.

    Raises:
        BasaltError: the pattern is not found in a file's path.
    """
    compiled = re.compile(pattern)
    names = []
    for path in listing.files:
        found = compiled.search(path.relative_to(listing.root).as_posix())
        if found is None or found[1] is None:
            raise BasaltError(f"data.groups = {pattern!r} is not found in {path}: give a pattern that names its group.")
        names.append(found[1])
    return names
