"""A slice of the fuzzer: files drawn at random, through the commands that read them."""

import pytest

from tests.fuzz import fuzz

EACH = 5


@pytest.fixture(scope="module", autouse=True)
def ready():
    """What commands need is imported once, in the process that is forked for each file."""
    import basalt.deploy.commands.verify
    import basalt.train.main

    before = basalt.deploy.commands.verify.run_with_bar, basalt.train.main._train
    fuzz.prepare()
    yield
    basalt.deploy.commands.verify.run_with_bar, basalt.train.main._train = before


@pytest.mark.parametrize("name", fuzz.KINDS)
def test_files_drawn_at_random_end_in_a_result_or_a_sentence(name):
    for index in range(EACH):
        ending = fuzz.one(name, 1, index)
        assert ending.fault is None, f"python tests/fuzz/fuzz.py --seed 1 --only {name}:{index}"


def test_the_fuzzer_finds_what_is_wrong(tmp_path):
    """A traceback, a character that acts, another exit code."""
    assert fuzz.faults(tmp_path, 1, "Traceback (most recent call last)")
    assert fuzz.faults(tmp_path, 1, "error: \x1b[31m")
    assert fuzz.faults(tmp_path, 1, "error: \u202e")
    assert fuzz.faults(tmp_path, 3, "")
    assert fuzz.faults(tmp_path, 1, "error: a sentence.\n") is None
