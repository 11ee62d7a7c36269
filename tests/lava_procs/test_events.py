"""Events that kernels find in words, against numpy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from basalt.kernels.bits import pack, planes_of
from basalt.kernels.events import any_plane, count_block, value_at


@given(seed=st.integers(0, 2**32 - 1), neurons=st.integers(1, 200), largest=st.sampled_from([1, 2, 7, 255]))
def test_words_hold_the_values(seed, neurons, largest):
    """Every value is found at its place, zeros are not, and the counts of the first frames agree."""
    rng = np.random.default_rng(seed)
    values = (rng.integers(0, largest + 1, (3, 2, neurons)) * (rng.random((3, 2, neurons)) < 0.3)).astype(np.uint8)
    planes = planes_of(values)
    packed = pack(values, planes)
    for place, value in enumerate(values[0, 0]):
        word, lowest = divmod(place, 64)
        assert (int(any_plane(packed[0, 0], planes, word)) >> lowest) & 1 == (value > 0)
        assert value_at(packed[0, 0], planes, word, np.uint64(lowest)) == value
    counts = np.zeros(2, dtype=np.int64)
    count_block(packed, planes, 2, counts)
    assert np.array_equal(counts, np.count_nonzero(values[:2], axis=(0, 2)))
