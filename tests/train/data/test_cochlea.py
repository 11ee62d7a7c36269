"""The cochlea: tones find their channels, loudness makes spikes, and nothing else matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.train.data import cochlea


def tone(hertz: float, seconds: float = 0.2, level: float = 5000, rate: int = 8000) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.int16)


def mel(hertz: float) -> float:
    """Slaney's mel: linear below 1,000 Hz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


@settings(deadline=None, max_examples=15)
@given(st.floats(150, 3800))
def test_a_tone_is_loudest_in_the_channel_of_its_pitch(hertz: float) -> None:
    level = cochlea.levels(tone(hertz), 8000)
    width = (mel(4000) - mel(50)) / 701
    expected = (mel(hertz) - mel(50)) / width - 1
    middle = level[:, 10:30].mean(1)
    assert abs(np.average(np.arange(700), weights=middle**40) - expected) < 12


def reference(current: np.ndarray) -> set[tuple[int, int]]:
    """The docstring's recurrence, one channel at a time."""
    leak = np.exp(-cochlea.HOP_S / cochlea.TAU_S)
    found = set()
    for channel, row in enumerate(current):
        voltage = np.float32(0)
        for step, now in enumerate(row):
            voltage = np.float32(leak) * voltage + np.float32(1 - leak) * now
            if voltage > cochlea.THRESHOLD:
                found.add((step * 5000, channel))
                voltage = np.float32(0)
    return found


def test_spikes_are_those_of_the_recurrence_in_order_of_time() -> None:
    sound = np.concatenate([tone(400), tone(1500, level=500), tone(3000, level=50)])
    times, channels = cochlea.spikes(sound, 8000)
    assert (np.diff(times) >= 0).all() and channels.dtype == np.uint16
    assert set(zip(times.tolist(), channels.tolist(), strict=True)) == reference(
        cochlea.currents(cochlea.levels(sound, 8000))
    )


def test_loudness_does_not_matter_and_silence_is_silent() -> None:
    sound = tone(700, level=8000) // 16 * 16
    loud, quiet = cochlea.spikes(sound, 8000), cochlea.spikes(sound // 16, 8000)
    assert all((one == other).all() for one, other in zip(loud, quiet, strict=True))
    assert len(cochlea.spikes(np.zeros(800, np.int16), 8000)[0]) == 0


def test_the_rate_of_the_recording_matters_little_but_must_be_high_enough() -> None:
    slow, fast = cochlea.spikes(tone(900), 8000)[1], cochlea.spikes(tone(900, rate=16_000), 16_000)[1]
    assert abs(np.median(slow) - np.median(fast)) <= 2
    with pytest.raises(BasaltError, match="needs 8000 Hz"):
        cochlea.spikes(tone(900), 6000)


def test_a_sound_that_is_equally_loud_everywhere_drives_less_than_a_peak() -> None:
    even = np.full((700, 3), 0.5, np.float32)
    assert np.allclose(cochlea.currents(even), cochlea.DIRECT * 0.5)
    peak = even.copy()
    peak[300:310] = 0.8
    assert cochlea.currents(peak)[305].min() > 0.32 + 0.2
    assert cochlea.currents(peak)[330].max() < cochlea.DIRECT * 0.5
