"""The compiled event camera. Imported only where it is called, since numba takes a while to load.

No parallel regions: they would start an OpenMP pool, which does not survive the forks that Lava makes later in the
same process. The kernel releases the interpreter lock instead and `basalt.train.data.camera` runs it in threads.
"""

import math

import numba
import numpy as np

from basalt.train.data.splitmix import normal, start, uniform

PHASES = 4
"""Sub-pixel positions at which the blurred digit is sampled; between them it is interpolated linearly."""

_jit = numba.njit(cache=True, nogil=True)


@_jit
def _log_digit(image, profile, contrast, frame):  # type: ignore[no-untyped-def]
    """Log luminance of the blurred digit on the fine grid, as PHASES x PHASES interleaved frames.

    image: (rows, columns) ink in [0, 1]; profile: (fine, 28) weight of an image row (or column) at a fine position.
    frame[a, b, i, j] = log(1 + contrast * ink at fine position (i * PHASES + a, j * PHASES + b)).
    """
    fine, size = profile.shape
    low = np.zeros(size, np.int64)
    high = np.zeros(size, np.int64)
    for u in range(size):
        low[u] = fine
        for q in range(fine):
            if profile[q, u] > 0:
                low[u] = min(low[u], q)
                high[u] = q + 1
    half = np.zeros((size, fine), np.float32)
    for u in range(size):
        for v in range(size):
            ink = image[u, v]
            if ink > 0:
                for q in range(low[v], high[v]):
                    half[u, q] += ink * profile[q, v]
    blurred = np.zeros((fine, fine), np.float32)
    for u in range(size):
        if image[u].max() > 0:
            for q in range(low[u], high[u]):
                weight = profile[q, u]
                for r in range(fine):
                    blurred[q, r] += weight * half[u, r]
    for q in range(fine):
        for r in range(fine):
            ink = blurred[q, r]
            value = np.float32(0.0)
            if ink > 0:
                value = np.float32(math.log(np.float32(1.0) + contrast * ink))
            frame[q % PHASES, r % PHASES, q // PHASES, r // PHASES] = value


@_jit
def _look(frame, half, x, y, out):  # type: ignore[no-untyped-def]
    """out[row, column] = the digit's log luminance with its centre at sensor position (x, y)."""
    rows, columns = out.shape
    fine_y = (half - y) * PHASES
    fine_x = (half - x) * PHASES
    base_y = math.floor(fine_y)
    base_x = math.floor(fine_x)
    b = np.float32(fine_y - base_y)
    a = np.float32(fine_x - base_x)
    one = np.float32(1.0)
    w00, w01, w10, w11 = (one - b) * (one - a), (one - b) * a, b * (one - a), b * a
    y0, x0, y1, x1 = base_y // PHASES, base_x // PHASES, (base_y + 1) // PHASES, (base_x + 1) // PHASES
    p00 = frame[base_y % PHASES, base_x % PHASES]
    p01 = frame[base_y % PHASES, (base_x + 1) % PHASES]
    p10 = frame[(base_y + 1) % PHASES, base_x % PHASES]
    p11 = frame[(base_y + 1) % PHASES, (base_x + 1) % PHASES]
    for row in range(rows):
        r00 = p00[y0 + row, x0 : x0 + columns]
        r01 = p01[y0 + row, x1 : x1 + columns]
        r10 = p10[y1 + row, x0 : x0 + columns]
        r11 = p11[y1 + row, x1 : x1 + columns]
        line = out[row]
        for column in range(columns):
            line[column] = w00 * r00[column] + w01 * r01[column] + w10 * r10[column] + w11 * r11[column]


@_jit
def _watch(frame, half, path_x, path_y, step_ms, p, state, times, features):  # type: ignore[no-untyped-def]
    """Record one sample into times (µs) and features; return the number of events, even those that don't fit.

    p: threshold_on, threshold_off, spread, jitter, refractory_ms, low-pass factor, noise_on_hz, noise_off_hz.
    """
    rows, columns = 34, 34
    pixels = rows * columns
    on, off, spread, jitter, refractory, follow, noise_on, noise_off = p
    follow = np.float32(follow)
    rise = np.empty(pixels, np.float32)
    fall = np.empty(pixels, np.float32)
    for i in range(pixels):
        rise[i] = on * max(0.2, 1.0 + spread * normal(state))
        fall[i] = off * max(0.2, 1.0 + spread * normal(state))
    # The threshold of the next event: the pixel's own, with jitter.
    next_rise = rise.copy()
    next_fall = fall.copy()
    seen = np.empty((rows, columns), np.float32)
    _look(frame, half, path_x[0], path_y[0], seen)
    before = seen.copy().reshape(pixels)
    after = before.copy()
    reference = before.copy()
    held = np.empty(pixels, np.int64)  # pixels in reset, whose reference is NaN so that nothing exceeds it
    release = np.empty(pixels, np.float64)
    holding = 0
    waiting = np.empty(pixels, np.int64)
    since = np.zeros(pixels, np.float64)  # end of each pixel's last reset
    count = 0
    for k in range(1, len(path_x)):
        begin, end = (k - 1) * step_ms, k * step_ms
        _look(frame, half, path_x[k], path_y[k], seen)
        flat = seen.reshape(pixels)
        for i in range(pixels):
            before[i] = after[i]
            after[i] += follow * (flat[i] - after[i])
        found = 0
        kept = 0
        for j in range(holding):
            i = held[j]
            if release[i] < end:
                share = np.float32((release[i] - begin) / step_ms)
                reference[i] = before[i] + share * (after[i] - before[i])
                since[i] = release[i]
            else:
                held[kept] = i
                kept += 1
        holding = kept
        for i in range(pixels):
            change = after[i] - reference[i]
            if change > next_rise[i] or change < -next_fall[i]:
                waiting[found] = i
                found += 1
        for j in range(found):
            i = waiting[j]
            now = max(since[i], begin)
            slope = (after[i] - before[i]) / step_ms
            while True:
                change = after[i] - reference[i]
                rising = change > next_rise[i]
                if not rising and not change < -next_fall[i]:
                    break
                level = reference[i] + (next_rise[i] if rising else -next_fall[i])
                if slope != 0.0:
                    now = min(max(now, begin + (level - before[i]) / slope), end)
                if count < len(times):
                    times[count] = int(now * 1000.0)
                    features[count] = (pixels if rising else 0) + i
                count += 1
                next_rise[i] = rise[i] * max(0.2, 1.0 + jitter * normal(state))
                next_fall[i] = fall[i] * max(0.2, 1.0 + jitter * normal(state))
                if refractory == 0.0:
                    reference[i] = level
                    continue
                now += refractory
                if now < end:
                    reference[i] = before[i] + (now - begin) * slope
                else:
                    reference[i] = np.nan
                    release[i] = now
                    held[holding] = i
                    holding += 1
                    break
    # Noise of each polarity: a Poisson process over the whole sensor, by its intervals.
    length = (len(path_x) - 1) * step_ms
    for polarity in range(2):
        rate = (noise_on if polarity else noise_off) * pixels / 1000.0
        now = 0.0
        while rate > 0.0:
            now -= math.log(uniform(state)) / rate
            if now >= length:
                break
            if count < len(times):
                times[count] = int(now * 1000.0)
                features[count] = polarity * pixels + int(uniform(state) * pixels)
            count += 1
    return count


@_jit
def record(  # type: ignore[no-untyped-def]
    images,
    index,
    seed,
    profile,
    half,
    contrast,
    path_x,
    path_y,
    step_ms,
    p,
    jitter,
    counts,
    times,
    features,
):
    """Record every image. counts (n,), times and features (n, capacity); a count over the capacity means: cut off.

    path_x, path_y: the path on a grid of step_ms that starts `lead` steps early; jitter: sd of position (px) and of
    time (ms), and lead.
    """
    cells = profile.shape[0] // PHASES
    frame = np.zeros((PHASES, PHASES, cells, cells), np.float32)
    position_sd, time_sd, lead = jitter
    length = len(path_x) - 2 * int(lead)
    xs = np.empty(length, np.float64)
    ys = np.empty(length, np.float64)
    for n in range(len(images)):
        state = start(seed, index[n])
        dx = position_sd * min(max(normal(state), -5.0), 5.0)
        dy = position_sd * min(max(normal(state), -5.0), 5.0)
        late = min(max(time_sd * normal(state) / step_ms, -lead), lead - 1.0)
        for k in range(length):
            where = k + lead - late
            knot = min(int(where), len(path_x) - 2)
            share = where - knot
            xs[k] = path_x[knot] + share * (path_x[knot + 1] - path_x[knot]) + dx
            ys[k] = path_y[knot] + share * (path_y[knot + 1] - path_y[knot]) + dy
        _log_digit(images[n], profile, contrast, frame)
        counts[n] = _watch(frame, half, xs, ys, step_ms, p, state, times[n], features[n])
