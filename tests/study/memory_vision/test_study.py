"""Which networks the study trains."""

from itertools import combinations

import pytest

from basalt.study.memory_vision.study import MECHANISMS, MODELS, PAPER, TASKS, Study
from basalt.train.recipe import read


def test_all_combinations_once() -> None:
    every = {frozenset(chosen) for size in range(4) for chosen in combinations(MECHANISMS, size)}
    assert len(MODELS) == len(every) == 8
    assert {model.mechanisms for model in MODELS.values()} == every
    assert [MODELS[name].paper for name in PAPER] == [1, 2, 3, 4, 5]
    assert PAPER == ("lif", "scl", "hopfield", "hgrn", "full")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_its_mechanisms_and_differs_in_nothing_else(name: str) -> None:
    study = Study("digits", TASKS["digits"], settings={"training.contrastive.weight": 0.7})
    model, made = MODELS[name], study.experiment(name, 2).read()
    kinds = {layer.kind for layer in made.network.layers}
    assert kinds & {"hopfield", "hgrn"} == model.mechanisms - {"scl"}
    assert made.training.contrastive.weight == (0.7 if "scl" in model.mechanisms else 0)
    assert made.seed == 2
    other = read(model.recipe, {"training.epochs": study.epochs, "seed": 2, "name": made.name})
    assert made.network == other.network
    assert made.data == other.data
    alike = {"contrastive": other.training.contrastive}
    assert made.training.model_copy(update=alike) == other.training


def test_the_papers_models_are_the_recipes() -> None:
    study = Study("digits", TASKS["digits"], epochs_wanted=read("nmnist_lif").training.epochs)
    for name in PAPER:
        recipe = read(f"nmnist_{name}")
        made = study.experiment(name, 1).read()
        assert made.network == recipe.network
        assert made.training.model_dump(exclude={"contrastive"}) == recipe.training.model_dump(exclude={"contrastive"})
        assert made.training.contrastive.weight == recipe.training.contrastive.weight


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_every_experiment_is_a_valid_recipe(task: str, quick: bool) -> None:
    study = Study(task, TASKS[task], seeds=2, quick=quick)
    experiments = study.experiments()
    assert len({experiment.name for experiment in experiments}) == 16
    assert [experiment.name[-1] for experiment in experiments] == ["1"] * 8 + ["2"] * 8
    for experiment in experiments[:8]:
        recipe = experiment.read()
        assert recipe.data.name == task
        assert recipe.training.epochs == study.epochs
        assert recipe.data.limit == (TASKS[task].quick["data.limit"] if quick else None)
        if TASKS[task].recordings:
            assert recipe.data.exclude_first >= 500  # whose images the recordings at hand show
    share = TASKS[task].quick["data.limit"] / TASKS[task].samples if quick else 1
    assert study.seconds(experiments[0], "cpu") == pytest.approx(study.epochs * TASKS[task].seconds["cpu"] * share)
    assert len(study.plan()) == 9
