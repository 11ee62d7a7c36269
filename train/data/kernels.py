"""Compiled loops over events. Imported only where they are called, since numba takes a while to load."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def scatter(offsets, features, times, chosen, out):  # type: ignore[no-untyped-def]
    """out[i, feature, step] = 1 for each event of sample chosen[i]; out (batch, features, steps) starts at zero."""
    for i in range(len(chosen)):
        for k in range(offsets[chosen[i]], offsets[chosen[i] + 1]):
            out[i, features[k], times[k]] = 1


@numba.njit(cache=True, nogil=True)
def bin_samples(offsets, times, features, feature_count, steps, step_us):  # type: ignore[no-untyped-def]
    """Unique (feature, step) pairs of each sample, sorted; step = floor(time / step_us), later ones dropped."""
    count = len(offsets) - 1
    binned_offsets = np.zeros(count + 1, np.int64)
    binned_features = np.empty(len(times), np.uint16)
    binned_times = np.empty(len(times), np.uint16)
    seen = np.zeros((feature_count, steps), np.bool_)
    used = np.zeros(feature_count, np.bool_)
    filled = 0
    for i in range(count):
        for k in range(offsets[i], offsets[i + 1]):
            step = int(times[k] / step_us)
            if step < steps:
                seen[features[k], step] = True
                used[features[k]] = True
        for feature in range(feature_count):
            if not used[feature]:
                continue
            used[feature] = False
            for step in range(steps):
                if seen[feature, step]:
                    seen[feature, step] = False
                    binned_features[filled] = feature
                    binned_times[filled] = step
                    filled += 1
        binned_offsets[i + 1] = filled
    return binned_offsets, binned_features[:filled].copy(), binned_times[:filled].copy()
