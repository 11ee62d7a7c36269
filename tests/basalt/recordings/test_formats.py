"""Every event of every format: as it was written, and as the formats' own libraries read it."""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.opening import VARIABLE
from basalt.recordings.events import Events, events
from basalt.recordings.read import READERS, read
from tests.basalt.recordings import writers
from tests.basalt.recordings.writers import WRITERS, drawn


def same(found: Events, wanted: Events) -> bool:
    return len(found) == len(wanted) and all(
        np.array_equal(getattr(found, name), getattr(wanted, name)) for name in ("t", "x", "y", "on")
    )


@pytest.mark.parametrize("name", WRITERS)
def test_every_event_comes_back(name: str, tmp_path: Path) -> None:
    ending, write = WRITERS[name]
    given = drawn(1500, seed=3)
    write(tmp_path / f"a{ending}", given)
    assert same(read(tmp_path / f"a{ending}"), given)


def test_there_is_a_writer_for_every_reader() -> None:
    assert {ending for ending, _ in WRITERS.values()} | {".hdf5"} == set(READERS)


@pytest.mark.parametrize("name", ["dat", "evt2", "evt3"])
def test_prophesees_formats_are_as_expelliarmus_has_them(name: str, tmp_path: Path) -> None:
    from expelliarmus import Wizard

    given, path = drawn(1500, width=1280, height=720, end=4000), tmp_path / f"a{WRITERS[name][0]}"
    records = np.zeros(len(given), [("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "u1")])
    for key, values in (("t", given.t), ("x", given.x), ("y", given.y), ("p", given.on)):
        records[key] = values
    for write in (WRITERS[name][1], lambda path, _: Wizard(encoding=name).save(fpath=path, arr=records)):
        write(path, given)
        found, theirs = read(path), Wizard(encoding=name).read(path)
        assert same(found, given)
        assert same(found, events(theirs["t"], theirs["x"], theirs["y"], theirs["p"]))
        path.unlink()


def test_nmnist_and_aedat_are_as_tonic_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tonic.datasets import NMNIST
    from tonic.io import read_davis_346, read_dvs_128, read_mnist_file

    given, path = drawn(1500, seed=1, end=20_000_000), tmp_path / "a"
    writers.to_bin(path, given)
    theirs = read_mnist_file(str(path), NMNIST.dtype)
    assert same(READERS[".bin"].load()(path), events(theirs["t"], theirs["x"], theirs["y"], theirs["p"]))
    writers.to_aedat2(path, given)
    two_of_three(monkeypatch)
    theirs = read_dvs_128(str(path))[1]
    assert same(READERS[".aedat"].load()(path), events(theirs["t"], theirs["x"], theirs["y"], theirs["p"]))
    writers.to_aedat2(path, given, davis=True)
    monkeypatch.undo()
    theirs = read_davis_346(str(path))[2]
    found = READERS[".aedat"].load()(path)
    assert same(found, events(theirs["t"], theirs["x"], theirs["y"], theirs["p"])) and found.size == (346, 260)


def test_aedat_3_is_as_tonic_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tonic.io import read_dvs_ibm

    two_of_three(monkeypatch)
    given, path = drawn(300, seed=1), tmp_path / "a.aedat"
    writers.to_aedat3(path, given)
    theirs = read_dvs_ibm(str(path))[1]
    assert same(read(path), events(theirs["t"], theirs["x"], theirs["y"], theirs["p"]))


def two_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """tonic 1.7's readers of DVS128 take two values from what gives three."""
    import tonic.io

    whole = tonic.io.read_aedat_header_from_file
    monkeypatch.setattr(tonic.io, "read_aedat_header_from_file", lambda path: whole(path)[:2])


@pytest.mark.parametrize("packing", [writers.STORED, writers.LZ4])
def test_aedat_4_is_as_aedat_has_it(packing: int, tmp_path: Path) -> None:
    aedat = pytest.importorskip("aedat")
    given, path = drawn(30_000, seed=4), tmp_path / "a.aedat4"
    writers.to_aedat4(path, given, packing)
    theirs = np.concatenate([packet["events"] for packet in aedat.Decoder(str(path)) if "events" in packet])
    assert same(read(path), events(theirs["t"], theirs["x"], theirs["y"], theirs["on"]))


@pytest.mark.parametrize("each", [5, 20_000])
def test_large_packets_of_aedat_4_come_back(each: int, tmp_path: Path) -> None:
    """Blocks of LZ4 that are full, copies from the block before, copies that overlap themselves."""
    given = drawn(60_000 if each > 5 else 40, seed=5)
    alike = events(given.t // 1000, given.x // 30, given.y * 0 + 3, given.on)
    for one in (given, alike):
        writers.to_aedat4(tmp_path / "a.aedat4", one, each=each)
        found = read(tmp_path / "a.aedat4")
        assert same(found, one) and found.size == (34, 34)


def test_zstandard_is_read_or_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, path = drawn(100), tmp_path / "a.aedat4"
    try:
        import zstandard
    except ModuleNotFoundError:
        writers.to_aedat4(path, given, 3)
        with pytest.raises(BasaltError, match=r"pip install zstandard"):
            read(path)
        return
    monkeypatch.setattr(writers, "frame", lambda content: zstandard.ZstdCompressor().compress(content))
    writers.to_aedat4(path, given, 3)
    assert same(read(path), given)


def clock(name: str, given: Events, path: Path) -> Events:
    WRITERS[name][1](path, given)
    return READERS[WRITERS[name][0]].load()(path)


@pytest.mark.parametrize(("name", "bits"), [("evt3", 24), ("evt2", 34), ("dat", 32), ("aedat2", 32)])
def test_counters_that_are_full_go_on(name: str, bits: int, tmp_path: Path) -> None:
    given = drawn(4000, seed=2, width=128, height=128, end=1 << 20)
    late = events(given.t + (1 << bits) - (1 << 19), given.x, given.y, given.on)
    assert same(clock(name, late, tmp_path / "a"), late)
    step = late.t.copy()
    step[1000] = step[1001] + 5  # a clock that steps back by a little is no full counter
    back = events(step, late.x, late.y, late.on)
    assert same(clock(name, back, tmp_path / "b"), back)


def test_overflow_of_aedat_3_is_the_times_higher_bits(tmp_path: Path) -> None:
    given = drawn(100, seed=6)
    late = events(given.t + (3 << 31), given.x, given.y, given.on)
    assert same(clock("aedat3", late, tmp_path / "a"), late)


def test_what_evt3_says_word_by_word(tmp_path: Path) -> None:
    """A vector moves its base on, also while nothing is kept; triggers and events before the clock are skipped."""
    kinds = [
        (2, 5), (0, 7), (2, 5), (8, 1), (2, 9), (6, 3), (2, 2048 | 9), (0xA, 1), (3, 2048 | 100), (4, 0b100000000001),
        (5, 0b101), (4, 1), (0xE, 3), (0, 2048 | 8), (8, 2), (2, 1),
    ]  # fmt: skip
    body = np.array([kind << 12 | value for kind, value in kinds], "<u2").tobytes()
    (tmp_path / "a.raw").write_bytes(b"% format EVT3;height=720;width=1280\n% end\n" + body)
    found = read(tmp_path / "a.raw")
    assert found.size == (1280, 720)
    assert found.x.tolist() == [9, 9, 100, 111, 112, 114, 120, 1]
    assert found.y.tolist() == [7] * 7 + [8]
    assert found.on.tolist() == [False] + [True] * 6 + [False]
    assert found.t.tolist() == [4096] + [4099] * 6 + [8192]


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("% evt 2.0\n% geometry 640x480\n", (640, 480)),
        ("% format EVT2;width=320;height=240\n", (320, 240)),
        ("% evt 2.0\n% Width 304\n% Height 240\n", (304, 240)),
        ("% evt 2.0\n% geometry 0x99999999999\n", None),
        ("% evt 2.0\n", None),
    ],
)
def test_the_sensor_that_a_header_names(head: str, size: object, tmp_path: Path) -> None:
    writers.to_evt2(tmp_path / "a.raw", drawn(20), head)
    assert read(tmp_path / "a.raw").size == size


def test_rows_and_other_names_are_events_too(tmp_path: Path) -> None:
    given = drawn(50)
    rows = np.stack([given.x, given.y, given.t, np.where(given.on, 1, -1)], 1)
    np.save(tmp_path / "a.npy", rows)
    np.save(tmp_path / "b.npy", rows.astype(np.float64))
    np.savez(tmp_path / "c.npz", writers.records(given))
    np.savez(tmp_path / "d.npz", xs=given.x, ys=given.y, timestamps=given.t, pol=given.on)
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file["x"], file["y"], file["ts"], file["polarity"] = given.x, given.y, given.t, given.on.astype(int)
    for name in ("a.npy", "b.npy", "c.npz", "d.npz", "e.h5"):
        assert same(read(tmp_path / name), given), name


def write(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A writer of a changed recording."""

    def to(path: Path) -> None:
        WRITERS[name][1](path, drawn(200))
        path.write_bytes(change(path.read_bytes()))

    return to


def saved(array: np.ndarray) -> Callable[[Path], None]:
    def to(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True)

    return to


def late(t: int) -> Events:
    return events(np.array([0, t]), np.zeros(2), np.zeros(2), np.zeros(2))


WRONG = {
    "cut.bin": (write("bin", lambda body: body[:-2]), "ends within an event of 5 bytes"),
    "cut.dat": (write("dat", lambda body: body[:-3]), "ends within an event of 8 bytes"),
    "cut.raw": (write("evt3", lambda body: body[:-1]), "ends within an event of 2 bytes"),
    "cut.aedat": (write("aedat3", lambda body: body[:-5]), "larger than what is left"),
    "cut.aedat4": (write("aedat4", lambda body: body[:-5]), "ends within a packet"),
    "cut.npy": (write("npy", lambda body: body[:-5]), "not a readable .npy"),
    "cut.npz": (write("npz", lambda body: body[:-5]), "not a readable .npz"),
    "cut.h5": (write("h5", lambda body: body[:-9000]), "no file of HDF5|is damaged"),
    "empty.bin": (write("bin", lambda body: b""), "has no events"),
    "empty.raw": (write("evt2", lambda body: body[:10]), "has no events"),
    "empty.aedat4": (write("aedat4", lambda body: b""), "does not say AEDAT 4.0"),
    "old.dat": (write("dat", lambda body: body.replace(b"Version 2", b"Version 1")), "DAT of version 1"),
    "kind.dat": (write("dat", lambda body: body.replace(b"\n\x00\x08", b"\n\x0e\x08")), "events of type 14"),
    "new.raw": (write("evt2", lambda body: body.replace(b"evt 2.0", b"evt 2.1")), "is in EVT2.1"),
    "plain.raw": (write("evt2", lambda body: body[10:]), "says which EVT format"),
    "one.aedat": (write("aedat2", lambda body: body.replace(b"DAT2.0", b"DAT1.0")), "AEDAT 1.0"),
    "none.aedat": (write("aedat2", lambda body: body[20:]), "does not name a version"),
    "bomb.aedat4": (write("aedat4", lambda body: body.replace(b"<dv ", b"<!x ")), "more than plain XML"),
    "other.aedat4": (write("aedat4", lambda body: body.replace(b">EVTS<", b">FRME<")), "no stream of events"),
    "objects.npy": (saved(np.array([{}], object)), "must hold numbers"),
    "frames.npy": (saved(np.zeros((2, 34, 34, 5))), "not events with the fields"),
    "nan.npy": (saved(np.array([[0.0, np.nan, 1, 1]])), "'y' holds numbers that are none"),
    "seconds.npy": (saved(np.array([[0, 1, 0.25, 1]])), "holds fractions in 't'"),
    "order.npy": (saved(np.array([[0, 1, 1, 700], [0, 1, 0, 800]])), "other polarities than"),
    "before.npy": (saved(np.array([[0, 0, -1, 1]])), "'t' holds numbers that are none"),
    "fields.npy": (saved(np.zeros(3, [("x", "i4"), ("y", "i4"), ("t", "i4")])), "has no 'p'"),
    "late.aedat4": (lambda path: writers.to_aedat4(path, late(1 << 62)), "time is none of a clock"),
    "early.aedat4": (lambda path: writers.to_aedat4(path, late(-5)), "time is none of a clock"),
    "a.txt": (write("bin", lambda body: body), "no recording: the names"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence_that_names_the_file(name: str, tmp_path: Path) -> None:
    make, text = WRONG[name]
    make(tmp_path / name)
    with pytest.raises(BasaltError, match=text) as found:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(found.value) and "\n" not in str(found.value)


def test_memory_is_asked_for_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    full = np.full(200_000, 4 << 12 | 0xFFF, "<u2")  # twelve events a word: 40 MB of 400 kB
    body = np.concatenate([np.array([8 << 12, 0, 3 << 12], "<u2"), full])
    (tmp_path / "a.raw").write_bytes(b"% evt 3.0\n" + body.tobytes())
    with pytest.raises(BasaltError, match=r"2,400,000 events needs 39 MiB"):
        read(tmp_path / "a.raw")
    alike = events(*(np.zeros(90_000, np.int64),) * 4)
    writers.to_aedat4(tmp_path / "c.aedat4", alike, each=30_000)  # two packets of the three are more than a MiB
    with pytest.raises(BasaltError, match=r"recording's 90,000 events needs 2 MiB|recording's 60,000 events"):
        read(tmp_path / "c.aedat4")
    zeros = struct.pack("<I", 0x184D2204) + b"\x40\x70\xc0" + struct.pack("<I", 40_000) + b"\x1f\x00\x01\x00"
    writers.to_aedat4(tmp_path / "b.aedat4", drawn(1))
    packet = zeros + b"\xff" * 39_990
    with (tmp_path / "b.aedat4").open("ab") as file:
        file.write(struct.pack("<ii", 0, len(packet) + 10) + packet + bytes(10))
    with pytest.raises(BasaltError, match=r"a packet of it needs 4 MiB"):
        read(tmp_path / "b.aedat4")
