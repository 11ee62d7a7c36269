"""Compiled loops of `basalt.train.data.images`; they list events by image, then pixel, then step."""

import numba
import numpy as np

from basalt.train.data.splitmix import start, uniform

_jit = numba.njit(cache=True, nogil=True)


@_jit
def latency(pixels, steps):  # type: ignore[no-untyped-def]
    """One spike for every pixel that is not black, the brighter the earlier."""
    count, size = pixels.shape
    offsets = np.zeros(count + 1, np.int64)
    for i in range(count):
        offsets[i + 1] = offsets[i] + np.count_nonzero(pixels[i])
    features = np.empty(offsets[count], np.uint16)
    times = np.empty(offsets[count], np.uint16)
    for i in range(count):
        place = offsets[i]
        for n in range(size):
            if pixels[i, n]:
                features[place] = n
                times[place] = int((1.0 - pixels[i, n] / 255.0) * (steps - 1) + 0.5)
                place += 1
    return offsets, features, times


@_jit
def rate(pixels, steps, peak, seed, stream):  # type: ignore[no-untyped-def]
    """In every step a spike with the probability peak·pixel/255; black pixels take no random numbers."""
    count, size = pixels.shape
    offsets = np.zeros(count + 1, np.int64)
    most = np.int64(0)
    for i in range(count):
        most += np.count_nonzero(pixels[i]) * steps
    features = np.empty(most, np.uint16)
    times = np.empty(most, np.uint16)
    place = 0
    for i in range(count):
        state = start(seed, stream[i])
        for n in range(size):
            if pixels[i, n]:
                probability = peak * pixels[i, n] / 255.0
                for t in range(steps):
                    if uniform(state) < probability:
                        features[place] = n
                        times[place] = t
                        place += 1
        offsets[i + 1] = place
    return offsets, features[:place].copy(), times[:place].copy()
