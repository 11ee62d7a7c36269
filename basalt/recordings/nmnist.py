"""Recordings of N-MNIST and N-Caltech101 (`.bin`): 40 bits per event, high bits first.

    x: 8   y: 8   on: 1   t: 23 (µs)

An event of y = 240 is none: all times from it on are 2¹³ µs later.

Source: Orchard et al., Frontiers in Neuroscience 9, 2015, and its files' description.
"""

from pathlib import Path

import numpy as np

from basalt.recordings.events import Events, affordable, content, events, words

OVERFLOW_ROW = 240
OVERFLOW_US = 1 << 13


def read(path: Path) -> Events:
    """The events of a file.

    Raises:
        BasaltError: it cannot be read, or is cut off.
    """
    rows = words(path, content(path), np.dtype((np.uint8, (5,)))).reshape(-1, 5)
    affordable(path, len(rows))
    x, y, high, middle, low = rows.T
    t = (high & 127).astype(np.int64) << 16 | middle.astype(np.int64) << 8 | low
    over = y == OVERFLOW_ROW
    t += OVERFLOW_US * np.cumsum(over)
    kept = ~over
    return events(t[kept], x[kept], y[kept], high[kept] >> 7)
