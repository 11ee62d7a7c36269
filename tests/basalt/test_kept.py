"""What a child makes, its parent has."""

import os

import numpy as np

from basalt import kept
from basalt.kept import Kept


def in_child(work):
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_arrays_of_a_child_are_there_by_name():
    room = Kept(1 << 20)

    def work():
        for name, kind, value in (("a", np.int8, -3), ("b", np.int16, 300)):
            array = room.empty((30, 50), kind)
            array[:] = value
            room.keep(name, array)

    in_child(work)
    first, second = room.get("a"), room.get("b")
    assert (first.dtype, second.dtype) == (np.int8, np.int16) and first.shape == second.shape == (30, 50)
    assert np.all(first == -3) and np.all(second == 300)
    assert room.get("c") is None


def test_beyond_its_room_arrays_are_ordinary_ones():
    room = Kept(1 << 12)
    array = room.empty((1 << 13,), np.int8)
    room.keep("a", array)
    assert array.shape == (1 << 13,) and room.get("a") is None


def test_no_memory_keeps_nothing(monkeypatch):
    def refuse(*arguments):
        raise OSError

    monkeypatch.setattr(kept.mmap, "mmap", refuse)
    room = Kept(1 << 12)
    room.keep("a", room.empty((4,), np.int8))
    assert room.get("a") is None


def test_names_beyond_the_table_are_not_kept():
    room = Kept(1 << 20)
    room.keep("a", room.empty((4,), np.int8))
    room.keep("b" * kept.TABLE_BYTES, room.empty((4,), np.int8))
    assert room.get("a") is not None and room.get("b" * kept.TABLE_BYTES) is None
