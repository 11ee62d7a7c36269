"""The look-up tables: what they hold, and that every machine holds the same."""

import numpy as np
import pytest

from basalt.records import tables


@pytest.mark.parametrize("shift", range(tables.SHIFT_MAX + 1))
def test_entries_are_the_functions_at_their_middles(shift):
    """Rounded, and so far from a half that the last bits of an exponential decide nothing."""
    for table, exact in (
        (tables.sigmoid(shift), 4096 / (1 + np.exp(-tables.middles(shift)))),
        (tables.tanh(shift), 4096 * np.tanh(tables.middles(shift))),
    ):
        assert np.abs(table - exact).max() <= 0.5
        half = np.abs(exact - np.floor(exact) - 0.5)
        assert half.min() > 1e-6
        assert np.all(np.diff(table) >= 0)


def test_silence_is_in_the_middle():
    assert tables.tanh(2)[128] == 0
    assert tables.sigmoid(2)[128] == 2048
    assert tables.index(np.array([0, 1, 2, -2, -3, 10**6, -(10**6)]), 2).tolist() == [128, 128, 129, 128, 127, 255, 0]


def test_exponential_and_reciprocal():
    e, r = tables.exponential(), tables.reciprocal()
    assert (e[0], e[16], e[255]) == (65535, 24109, 0)
    assert np.abs(r / 2**15 * (1 + (np.arange(256) + 0.5) / 256) - 1).max() < 1e-4
    half = np.abs(65535 * np.exp(-np.arange(256) / 16) % 1 - 0.5)
    assert half.min() > 1e-6


def test_nobody_can_write_to_a_table():
    with pytest.raises(ValueError, match="read-only"):
        tables.tanh(2)[0] = 1
