"""What is seen of a recording, against the plain loop over its events."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.opening import VARIABLE
from basalt.recordings.events import Events, events
from basalt.recordings.view import POLARITIES, View, look, spikes, steps_of
from tests.basalt.recordings.writers import drawn

PATH = Path("a.bin")


def plainly(given: Events, view: View, steps: int, step_us: float) -> np.ndarray:
    """One event after the other."""
    width, height = view.size or given.size or (0, 0)
    left, top, wide, tall = view.crop or (0, 0, width, height)
    rows, columns = -(-tall // view.pool), -(-wide // view.pool)
    out = np.zeros((POLARITIES[view.polarity], rows, columns, steps), np.uint8)
    start = given.t.min() if view.start_us is None else view.start_us
    for t, x, y, on in zip(given.t, given.x, given.y, given.on, strict=True):
        near = (
            abs(other.x - x) + abs(other.y - y) == 1 and 0 <= t - other.t <= view.denoise_us
            for other in before(given, t, x, y, on)
        )
        if view.denoise_us and not any(near):
            continue
        if view.polarity in ("on", "off") and on != (view.polarity == "on"):
            continue
        column, row, step = (x - left) // view.pool, (y - top) // view.pool, int((t - start) // step_us)
        if 0 <= x - left < wide and 0 <= y - top < tall and t >= start and step < steps:
            out[int(on) if view.polarity == "both" else 0, row, column, step] = 1
    return out.reshape(-1, steps)


class One:
    def __init__(self, t: int, x: int, y: int) -> None:
        self.t, self.x, self.y = t, x, y


def before(given: Events, t: int, x: int, y: int, on: bool) -> list[One]:
    """The events that come before one in the order of time (and of the file, where times are equal)."""
    order = sorted(range(len(given)), key=lambda k: (given.t[k], k))
    found = []
    for k in order:
        if (given.t[k], given.x[k], given.y[k], given.on[k]) == (t, x, y, on):
            return found
        found.append(One(given.t[k], given.x[k], given.y[k]))
    return found


@pytest.mark.parametrize(
    ("polarity", "crop", "pool", "denoise", "start"),
    [
        *((polarity, None, 1, 0.0, None) for polarity in POLARITIES),
        *product(("both", "off"), ((3, 2, 7, 5), (0, 0, 12, 9)), (1, 2, 5), (0.0,), (None, 5000)),
        ("both", None, 1, 3000.0, None),
        ("merge", (1, 1, 6, 6), 2, 20_000.0, 100),
    ],
)
def test_what_is_seen_is_what_the_loop_sees(
    polarity: str, crop: tuple[int, int, int, int] | None, pool: int, denoise: float, start: int | None
) -> None:
    given = drawn(300, seed=8, width=12, height=9, end=50_000)
    given = events(given.t + 200, given.x, given.y, given.on, (12, 9))
    view = View(None, polarity, crop, pool, denoise, start)
    seen = look(given, view, PATH)
    wanted = plainly(given, view, 20, 2000.0)
    assert np.array_equal(spikes(seen, 20, 2000.0, PATH), wanted) and wanted.any()
    assert spikes(seen, None, 2000.0, PATH).sum() >= wanted.sum()
    assert view.shape((12, 9)) == seen.shape


def test_an_order_that_is_not_of_time_changes_nothing() -> None:
    given = drawn(200, seed=9, width=6, height=6, end=9000)
    which = np.random.default_rng(0).permutation(200)
    mixed = Events(given.t[which], given.x[which], given.y[which], given.on[which])
    view = View((6, 6), denoise_us=100)
    assert np.array_equal(*(spikes(look(each, view, PATH), 9, 1000.0, PATH) for each in (given, mixed)))


@pytest.mark.parametrize(
    ("size", "view", "text"),
    [
        (None, View(), "does not say how large its sensor is"),
        ((20, 20), View((34, 34)), r"of a sensor of 20 × 20 pixels, not 34 × 34"),
        (None, View((5, 34)), r"events outside of 5 × 34 pixels \(up to x = \d+"),
        ((34, 34), View(crop=(30, 0, 8, 8)), "The crop 30,0,8,8"),
        (None, View((1 << 20, 1 << 14)), "more than 4,294,967,296 inputs"),
    ],
)
def test_sensors_that_do_not_fit_are_refused(size: tuple[int, int] | None, view: View, text: str) -> None:
    given = drawn(100)
    with pytest.raises(BasaltError, match=text):
        look(Events(given.t, given.x % 20, given.y % 20, given.on, size), view, PATH)


def test_a_filter_of_noise_asks_for_memory_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(BasaltError, match=r"a time for each of 1280 × 720 pixels needs 8 MiB"):
        look(drawn(10), View((1280, 720), denoise_us=1.0), PATH)


def test_times_of_any_size_are_exact() -> None:
    given = events(np.array([3, 0, 7]) + (1 << 60), np.zeros(3), np.zeros(3), np.ones(3))
    assert look(given, View((1, 1)), PATH).times.tolist() == [3, 0, 7]


def test_spikes_ask_for_memory_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    seen = look(drawn(10), View((1280, 720)), PATH)
    with pytest.raises(BasaltError, match=r"1,843,200 inputs × 1 steps need 2 MiB"):
        spikes(seen, 1, 1000.0, PATH)


@pytest.mark.parametrize("step", [0.1, 0.3, 0.7, 1.1, 7.0, 10.0])
def test_a_number_of_steps_as_a_duration_is_that_number(step: float) -> None:
    assert [steps_of(count * step, step) for count in range(1, 500)] == list(range(1, 500))
    assert steps_of(step / 3, step) == 1 and steps_of(2.01 * step, step) == 3
