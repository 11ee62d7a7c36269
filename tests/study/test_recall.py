"""Pattern completion: what is recalled, against theory where there is one."""

import numpy as np
import pytest

from basalt.study import recall


@pytest.mark.parametrize("how", recall.CORRUPTIONS)
def test_so_many_elements_are_corrupted(how: str) -> None:
    draw = np.random.default_rng(1)
    cues = recall.patterns(draw, 400, 50)
    changed = recall.corrupted(draw, cues, 0.4, how) != cues
    expected = 0.4 if how == "flip" else 0.2
    assert changed.mean() == pytest.approx(expected, abs=0.01)
    assert changed.sum(1).max() <= 20 and (how != "flip" or changed.sum(1).min() == 20)
    assert np.array_equal(recall.corrupted(draw, cues, 0.0, how), cues)


def test_modern_completes_where_classical_no_longer_does() -> None:
    few = recall.completion(recall.classical(), 5, 100, draws=4)
    assert [score.recalled for score in few.values()] == sorted((s.recalled for s in few.values()), reverse=True)
    assert few[0.2].recalled > 0.9
    many = {name: recall.completion(memory, 40, 100, draws=2) for name, memory in
            {"classical": recall.classical(), "modern": recall.modern(0.5)}.items()}  # fmt: skip
    assert many["classical"][0.4].recalled < 0.2
    assert many["modern"][0.4].recalled > 0.95


@pytest.mark.parametrize(("variant", "same"), [("classical", recall.classical(3)), ("modern", recall.modern(0.25, 2))])
def test_deployed_integers_recall_the_same(variant: str, same: recall.Recall) -> None:
    draw = np.random.default_rng(2)
    stored = recall.patterns(draw, 8, 64)
    cues = recall.corrupted(draw, stored, 0.4)
    integers = recall.deployed(variant, 0.25, 3 if variant == "classical" else 2)
    assert np.array_equal(np.sign(integers(stored, cues)), np.sign(same(stored, cues)))


def test_classical_capacity_is_that_of_the_theory() -> None:
    size, memory = 400, recall.classical(diagonal=False)
    loads = {load: recall.capacity(memory, [round(load * size)], size, draws=1) for load in (0.1, 0.2)}
    below, above = (next(iter(scores.values())).elements for scores in loads.values())
    assert below > 0.98 and above < 0.9
    assert below > 0.98 > above
    counts = [round(load * size) for load in (0.05, 0.1, 0.138, 0.2)]
    held = recall.held(recall.capacity(memory, counts, size, draws=1))
    assert 0.1 * size <= held <= recall.CAPACITY * size + 1


def test_modern_capacity_grows_exponentially_with_the_size() -> None:
    """Cues of which 40 % are drawn anew, so that a fifth of the elements is wrong."""
    assert recall.modern_capacity(20) == pytest.approx(1024)
    assert recall.modern_capacity(40, 0.2) == pytest.approx(47.2, abs=0.5)
    counts, sizes = [2**k for k in range(1, 10)], (20, 30, 40)
    memory = recall.modern(0.5)
    held = [recall.held(recall.capacity(memory, counts, size, fraction=0.4, draws=3), enough=0.95) for size in sizes]
    assert held[1] >= 4 * held[0] and held[2] >= 4 * held[1]
    assert all(count >= recall.modern_capacity(size, 0.2) for count, size in zip(held, sizes))
    assert held[2] > 10 * recall.CAPACITY * 40
