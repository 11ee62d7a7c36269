"""Accesses to memories on the grid, between its points and outside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.deploy.energy.sram import access
from basalt.deploy.energy.tables import load_table

SRAM = load_table("near-memory-22nm").sram


@pytest.mark.parametrize("which", ["read", "write"])
def test_the_points_of_the_grid_are_met_exactly(which):
    grid = getattr(SRAM, which)
    for row, kib in enumerate(SRAM.kib):
        for column, bits in enumerate(SRAM.word_bits):
            cost = access(SRAM, which, kib, bits)
            assert cost.joule == pytest.approx(grid[row][column] * 1e-12)
            assert cost.note is None


def test_half_way_in_log2_is_the_mean():
    sizes = access(SRAM, "read", 16, 64).joule  # between 8 and 32 KiB
    assert sizes == pytest.approx((1.590 + 3.786) / 2 * 1e-12)
    widths = access(SRAM, "write", 64, 64 * 2**0.5).joule
    assert widths == pytest.approx((4.427 + 7.601) / 2 * 1e-12)


def test_outside_the_grid_the_nearest_memory_is_priced_with_a_note():
    large = access(SRAM, "read", 5000, 64)
    assert large.joule == access(SRAM, "read", 1024, 64).joule
    assert "size of 5000 KiB priced as 1024 KiB, the largest" in (large.note or "")
    small = access(SRAM, "read", 0, 4)
    assert small.joule == access(SRAM, "read", 1, 8).joule
    assert "smallest" in (small.note or "")


@given(st.floats(0.01, 5000), st.floats(1, 1000))
def test_no_access_is_free_or_beyond_the_grid(kib, bits):
    values = [value for row in SRAM.read for value in row]
    joule = access(SRAM, "read", kib, bits).joule
    assert min(values) * 0.999 <= joule * 1e12 <= max(values) * 1.001
