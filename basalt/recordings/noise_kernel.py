"""Which events have support nearby; compiled. Imported only where it is called, since numba takes a while to load."""

import numba
import numpy as np


@numba.njit(cache=True)
def supported(t, x, y, width, height, within):  # type: ignore[no-untyped-def]
    """Whether one of the four pixels beside an event's own had one at most `within` before; times rise.

    Source: Delbruck, "Frame-free dynamic digital vision", Secure-Life Electronics 2008 (background activity filter).
    """
    last = np.full((width + 2, height + 2), np.int64(-(1 << 62)))
    kept = np.zeros(len(t), np.bool_)
    for k in range(len(t)):
        i, j = x[k] + 1, y[k] + 1
        since = t[k] - within
        kept[k] = (
            last[i - 1, j] >= since or last[i + 1, j] >= since or last[i, j - 1] >= since or last[i, j + 1] >= since
        )
        last[i, j] = t[k]
    return kept
