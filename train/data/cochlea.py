"""A cochlea: from sound to spikes of 700 channels, low tones first.

    E[c, k] = Σ_f mel[c, f] |STFT[f, k]|²           32 ms Hann window, zero-padded to 0.5 s, every 5 ms
    L[c, k] = clip(1 + 10 log10(E / max E) / R, 0, 1)    the upper R = 60 dB of the recording's range
    I[c, k] = clip(D L + (L - L̄), 0, 1),  L̄ = L smoothed by a Gaussian over the channels (sd 60)
    v[c, k] = a v[c, k-1] + (1 - a) I[c, k],  a = exp(-5 ms / τ);   spike and v = 0 when v > ϑ

The filters are triangles, equally wide in mel from 50 to 4,000 Hz, each overlapping its neighbours. Levels are relative
to the recording's loudest channel, since speakers differ by 40 dB. Subtracting the neighbourhood, as lateral inhibition
does, brings out formants and takes away the colour of a voice or microphone. docs/data.md has the comparison with other
front ends, by what a linear read-out makes of counts per channel and time.
"""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int16, Int64, UInt16

from basalt.errors import BasaltError

CHANNELS = 700
LOWEST_HZ, HIGHEST_HZ = 50.0, 4000.0
WINDOW_S, HOP_S, PADDED_S = 0.032, 0.005, 0.512
RANGE_DB = 60.0
NEIGHBOURHOOD = 60.0
DIRECT = 0.4
TAU_S = 0.010
THRESHOLD = 0.2


def spikes(audio: Int16[np.ndarray, "samples"], rate: int) -> tuple[Int64[np.ndarray, "k"], UInt16[np.ndarray, "k"]]:
    """Times in µs (multiples of 5 ms) and channels of the spikes of one recording, in order of time.

    Raises:
        BasaltError: `rate`, in Hz, is too low for the highest channel.
    """
    current = currents(levels(audio, rate))
    leak = np.exp(-HOP_S / TAU_S)
    voltage = np.zeros(CHANNELS, np.float32)
    fired = np.zeros(current.shape, np.bool_)
    for k, now in enumerate(current.T):
        voltage = leak * voltage + (1 - leak) * now
        fired[:, k] = voltage > THRESHOLD
        voltage[fired[:, k]] = 0
    step, channel = np.nonzero(fired.T)
    return step.astype(np.int64) * round(HOP_S * 1e6), channel.astype(np.uint16)


def currents(level: Float[np.ndarray, "channels frames"]) -> Float[np.ndarray, "channels frames"]:
    """I, what drives the channels' neurons, in [0, 1]: the level and what it is above its neighbourhood's."""
    around = _neighbourhood() @ level
    return np.clip(DIRECT * level + (level - around), 0, 1)


def levels(audio: Int16[np.ndarray, "samples"], rate: int) -> Float[np.ndarray, "channels frames"]:
    """L, the loudness of each channel every 5 ms in [0, 1]; silence is 0 everywhere.

    Raises:
        BasaltError: as `spikes`.
    """
    from scipy.fft import rfft

    window, hop = round(WINDOW_S * rate), round(HOP_S * rate)
    padded = np.pad(audio.astype(np.float32), (window // 2, window // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    spectrum = rfft(frames * np.hanning(window).astype(np.float32), round(PADDED_S * rate), axis=1)
    energy = _bank(rate) @ (np.abs(spectrum) ** 2).T
    loudest = energy.max()
    if loudest == 0:
        return np.zeros_like(energy)
    return np.clip(1 + 10 / RANGE_DB * np.log10(energy / loudest + 1e-12), 0, 1)


@cache
def _bank(rate: int) -> Any:
    """The mel filters, sparse: (channels, frequencies)."""
    from librosa.filters import mel
    from scipy.sparse import csr_matrix

    if rate < 2 * HIGHEST_HZ:
        raise BasaltError(
            f"Sound at {rate} Hz lacks the highest tones: the cochlea needs {2 * HIGHEST_HZ:g} Hz or more."
        )
    filters = mel(sr=rate, n_fft=round(PADDED_S * rate), n_mels=CHANNELS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, norm=None)
    return csr_matrix(filters)


@cache
def _neighbourhood() -> Float[np.ndarray, "channels channels"]:
    """The Gaussian smoothing over channels, as a matrix: many times faster than filtering each frame."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(CHANNELS, dtype=np.float32), NEIGHBOURHOOD, axis=0, mode="nearest")
