"""What is trained: every recipe is valid, and networks of a task differ in nothing but their layers."""

import pytest

from basalt.study.lif_roles.study import Study
from basalt.study.lif_roles.tasks import FULL, KINDS, QUICK, TASKS
from basalt.study.lif_roles.variants import LSTM, NAMES, SETS


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_networks_of_a_task_differ_in_their_switches_alone(task, quick):
    study = Study((task,), SETS["headline"], 1, quick)
    recipes = {study.runs[one.name][1]: one.read() for one in study.experiments()}
    plain = {}
    for variant, recipe in recipes.items():
        for layer in recipe.network.layers[:-1]:
            if variant == LSTM:
                assert layer.kind == "lstm"
            else:
                assert (layer.leakage, layer.reset, layer.recurrent) == tuple(variant.split("-"))
        assert recipe.training.rate_penalty == 0
        assert recipe.training.augment.drop == recipe.training.augment.steps == 0
        plain[variant] = {**recipe.plain(), "network": None, "name": None}
    first = next(iter(plain.values()))
    assert all(one == first for one in plain.values())
    layers = [
        [
            {k: v for k, v in layer.model_dump().items() if k not in ("leakage", "reset", "recurrent")}
            for layer in r.network.layers
        ]
        for variant, r in recipes.items()
        if variant != LSTM
    ]
    assert all(one == layers[0] for one in layers)


def test_every_kind_of_data_is_in_both_studies():
    for tasks in (FULL, QUICK):
        assert {TASKS[name].kind for name in tasks} == set(KINDS)


def test_runs_have_names_of_their_own_and_seeds_come_first():
    study = Study(("recall", "camera-1", "camera-10"), (*NAMES, LSTM), 3)
    experiments = study.experiments()
    assert len({one.name for one in experiments}) == len(experiments) == 3 * 37 * 3
    assert set(study.runs) == {one.name for one in experiments}
    assert study.runs["camera-10-none-hard-full-s2"] == ("camera-10", "none-hard-full")
    assert [one.settings["seed"] for one in experiments] == sorted(one.settings["seed"] for one in experiments)


def test_settings_come_last():
    study = Study(("spoken",), ("fixed-hard-none",), 1, True, 7, {"training.batch": 3, "data.limit": 11})
    recipe = study.experiments()[0].read()
    assert (recipe.training.epochs, recipe.training.batch, recipe.data.limit) == (7, 3, 11)


def test_a_quick_study_is_guessed_at_minutes_and_the_full_one_at_days_of_a_processor() -> None:
    quick, full = Study(QUICK, SETS["headline"], 1, quick=True), Study(FULL, SETS["headline"], 3)
    guess, long = (sum(study.seconds(one, "cpu") for one in study.experiments()) for study in (quick, full))
    assert 60 < guess < 600  # on two cores it took 130 s of both
    assert long > 24 * 3600
