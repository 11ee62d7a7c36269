"""Random numbers inside compiled loops: a stream of its own for each sample, whatever the order or the thread.

Imported only by compiled loops, since numba takes a while to load. numba's cache does not see changes made here: touch
`camera_kernel.py` too.
"""

import math

import numba
import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_jit = numba.njit(cache=True, nogil=True)


@_jit
def start(seed, stream):  # type: ignore[no-untyped-def]
    """The state of a stream: an array of one uint64, which the functions below move on."""
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * _MIX_1 + np.uint64(stream) * _MIX_2
    state[0] = _bits(state)
    return state


@_jit
def _bits(state):  # type: ignore[no-untyped-def]
    """The next 64 random bits (splitmix64)."""
    state[0] += _GOLDEN
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@_jit
def uniform(state):  # type: ignore[no-untyped-def]
    """A number in (0, 1)."""
    return (float(_bits(state) >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


@_jit
def normal(state):  # type: ignore[no-untyped-def]
    """A standard normal number: Marsaglia's polar method, one of its pair."""
    while True:
        a = 2.0 * uniform(state) - 1.0
        b = 2.0 * uniform(state) - 1.0
        r = a * a + b * b
        if 0.0 < r < 1.0:
            return a * math.sqrt(-2.0 * math.log(r) / r)
