"""Draw recordings, sounds and folders of them: valid ones, of which a few bytes or files are changed."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.basalt.recordings.writers import WRITERS, drawn
from tests.fuzz.hdf5 import pick

Change = Callable[[bytearray, np.random.Generator], None]
CHANGES: list[Change] = []
WORDS = [
    b"\x00" * 4,
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\xff" * 8,
    b"\xff" * 7 + b"\x7f",
    b"% ",
    b"#",
]
TEXTS = [
    b"% evt 3.0\n", b"% evt 2.1\n", b"% end\n", b"% geometry 99999999999x1\n", b"% format EVT3;height=0;width=0\n",
    b"% Version 1\n", b"#!AER-DAT3.1\r\n", b"#!AER-DAT2.0\r\n", b"#!END-HEADER\r\n", b"# AEChip: Davis240C\n",
    b"<!ENTITY", b"EVTS", b"\x1b[31m", b"\n" * 9, b"% " + b"9" * 5000,
]  # fmt: skip


def change(function: Change) -> Change:
    """Register a change of a file's bytes."""
    CHANGES.append(function)
    return function


def at(body: bytearray, rng: np.random.Generator) -> int:
    """A place in a file: half of them at its beginning, where headers are."""
    most = min(len(body), 300) if rng.random() < 0.5 else len(body)
    return int(rng.integers(most + 1))


@change
def flipped(body: bytearray, rng: np.random.Generator) -> None:
    """Bits turned over."""
    for _ in range(int(rng.integers(1, 9))):
        place = at(body, rng)
        if place < len(body):
            body[place] ^= 1 << int(rng.integers(8))


@change
def word(body: bytearray, rng: np.random.Generator) -> None:
    """Numbers at the end of their range."""
    place, value = at(body, rng), pick(rng, WORDS)
    body[place : place + len(value)] = value


@change
def cut(body: bytearray, rng: np.random.Generator) -> None:
    """The end is missing."""
    del body[at(body, rng) :]


@change
def removed(body: bytearray, rng: np.random.Generator) -> None:
    """Something from the middle is missing."""
    place = at(body, rng)
    del body[place : place + int(rng.integers(1, 40))]


@change
def text(body: bytearray, rng: np.random.Generator) -> None:
    """A line of another file's header."""
    place = at(body, rng) if rng.random() < 0.5 else 0
    body[place:place] = pick(rng, TEXTS)


@change
def again(body: bytearray, rng: np.random.Generator) -> None:
    """A part comes twice, or very often."""
    place = at(body, rng)
    body[place:place] = body[place : place + int(rng.integers(1, 200))] * int(pick(rng, [1, 3, 500]))


@change
def noise(body: bytearray, rng: np.random.Generator) -> None:
    """Bytes at random."""
    place, size = at(body, rng), int(rng.integers(1, 400))
    body[place : place + size] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()


def mutate(path: Path, rng: np.random.Generator) -> None:
    """Change what a file holds."""
    body = bytearray(path.read_bytes())
    for _ in range(int(rng.integers(0, 4))):
        pick(rng, CHANGES)(body, rng)
    path.write_bytes(body)


def recording(folder: Path, stem: str, rng: np.random.Generator, name: str | None = None) -> Path:
    """A recording of a format, as it should be."""
    ending, write = WRITERS[name or pick(rng, list(WRITERS))]
    path = folder / f"{stem}{ending}"
    write(path, drawn(int(rng.integers(1, 120)), int(rng.integers(1000)), 34, 34, int(pick(rng, [1, 9000, 10**6]))))
    return path


KINDS = [(".wav", "PCM_16"), (".wav", "FLOAT"), (".flac", "PCM_16"), (".wav", "ULAW")]


def sound(folder: Path, stem: str, rng: np.random.Generator, how: tuple[str, str]) -> Path:
    """A sound, as it should be."""
    ending, kind = how
    path = folder / f"{stem}{ending}"
    audio = rng.normal(0, 0.1, (int(rng.integers(1, 400)), int(rng.integers(1, 3))))
    soundfile.write(path, audio, int(pick(rng, [8000, 16000, 44100])), subtype=kind)
    return path


def odd(folder: Path, rng: np.random.Generator) -> None:
    """Change which files are in a folder, and of what kind."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=str)
    path = pick(rng, files) if files else folder / "a.bin"
    choice = int(rng.integers(9))
    if choice == 0:
        path.unlink()
    elif choice == 1:
        path.write_bytes(b"")
    elif choice == 2:
        path.rename(path.with_suffix(pick(rng, [".bin", ".raw", ".npz", ".h5", ".wav", ".txt", ".aedat4", ""])))
    elif choice == 3:
        path.unlink()
        path.mkdir()
    elif choice == 4:
        path.unlink()
        path.symlink_to(pick(rng, ["/dev/zero", "nowhere", ".", str(folder)]))
    elif choice == 5:
        path.unlink()
        os.mkfifo(path)
    elif choice == 6:
        (folder / pick(rng, ["empty", "train", "test", "9" * 200, "[bold]x", "a\x1b[31mb", "\u202edlrow"])).mkdir(
            exist_ok=True
        )
    elif choice == 7:
        path.rename(folder / path.name)
    else:
        path.rename(
            path.with_name(pick(rng, ["[red].bin", "a\x1b[31mb.bin", "new\nline.bin", "caf\udcff.bin", "x" * 200]))
        )


def classes(folder: Path, rng: np.random.Generator, make: Callable[[Path, str, np.random.Generator], Path]) -> None:
    """A folder per class, of which a file and a few names are changed."""
    tops = [folder / part for part in ("train", "test")] if rng.random() < 0.3 else [folder]
    labels = pick(rng, [("0", "1"), ("a", "b", "c"), ("0", "1"), ("x",)])
    made = []
    for top in tops:
        for label in labels if rng.random() < 0.9 else ("a", "1"):
            (top / label).mkdir(parents=True)
            made += [
                make(top / label, f"{'ab'[number % 2]}_{number}", rng) for number in range(int(rng.integers(3, 6)))
            ]
    if rng.random() < 0.7:
        mutate(pick(rng, made), rng)
    for _ in range(int(pick(rng, [0, 0, 1, 1, 3]))):
        odd(folder, rng)
