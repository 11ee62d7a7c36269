"""Which networks the study trains."""

import pytest

from basalt.study.dual_memory.study import PARTS, PIXELS, SIZES, TASKS, Study, Variant
from basalt.study.plan import Experiment, unique
from basalt.train.recipe import read
from tests.study.dual_memory.tiny import study


@pytest.mark.parametrize("architecture", ["fsnn", "rsnn", "dsnn", "dmp"])
def test_architectures_made_from_one_recipe_are_those_of_the_recipes(architecture: str) -> None:
    whole = Study(TASKS["spoken"], SIZES["spoken", "full"], tuple(PARTS))
    variant = whole.base if architecture == "dmp" else Variant(architecture)
    expected = read(f"spoken_{architecture}")
    made = whole.experiment(variant, 1).read()
    assert made.network == expected.network
    assert made.training == expected.training
    assert made.data == expected.data


@pytest.mark.parametrize(("task", "size"), SIZES)
def test_every_experiment_is_a_valid_recipe_of_its_own(task: str, size: str) -> None:
    whole = Study(TASKS[task], SIZES[task, size], tuple(PARTS))
    first = [experiment for experiment in whole.experiments() if experiment.name.endswith("-s1")]
    recipes = [experiment.read() for experiment in first]
    assert len({str(recipe.network) for recipe in recipes}) == len(recipes)
    assert {recipe.training.epochs for recipe in recipes} == {whole.size.epochs}
    assert all(whole.base in whole.variants(part) for part in PARTS)
    assert len(whole.experiments()) == len(first) * whole.size.seeds
    if whole.task.like == PIXELS:
        assert all(784 % interval == 0 for interval in whole.size.intervals)
    for d in whole.size.states:
        for window in whole.size.windows:
            assert Variant("dmp", d, window) in whole.variants("grid")


def test_what_parts_share_is_trained_once(tmp_path) -> None:  # type: ignore[no-untyped-def]
    tiny = study(tmp_path)
    names = [experiment.name for experiment in tiny.experiments()]
    assert len(names) == len(set(names))
    assert names.index("fsnn-s2") > names.index("dmp-d2-w8-delays-s1")
    separately = sum(len(tiny.variants(part)) for part in tiny.parts) * 2
    assert len(names) < separately


def test_unique_keeps_the_first() -> None:
    a, b = Experiment("a", "x"), Experiment("b", "y")
    assert unique([a, b, a]) == (a, b)
