"""Experiments: done once, gone on with after an interruption, to the same weights; one that fails stops no other."""

import copy
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from basalt.errors import BasaltError
from basalt.files import read_json, write_json
from basalt.study import runner
from basalt.study.plan import Experiment
from basalt.study.runner import OUTCOME, Finished, Place, outcome_of, run_all
from basalt.train import data
from basalt.train.loop import fit
from tests.study.dual_memory.tiny import recipe
from tests.train.data.test_spoken import recordings
from tests.train.helpers import splits
from tests.train.test_training import assert_same, stop_at, weights


def nothing(finished: Finished) -> dict[str, Any]:
    return {"seen": finished.run.name}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    runner._splits.cache_clear()
    yield Place(tmp_path / "study")
    runner._splits.cache_clear()


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return Experiment("one", recipe(tmp_path), {"training.epochs": 3})


def test_a_finished_experiment_is_not_trained_again(
    place: Place, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ended,) = run_all([experiment], place, nothing)
    assert ended.outcome is not None
    assert ended.outcome["seen"] == "one"
    assert [row["epoch"] for row in ended.outcome["history"]] == [1, 2, 3]
    assert ended.outcome["metrics"]["seed"] == 3
    with monkeypatch.context() as patch:
        patch.setattr("basalt.train.loop.fit", None)
        (again,) = run_all([experiment], place, nothing)
    assert again.outcome == ended.outcome == read_json(place.folder(experiment) / OUTCOME)
    earlier = copy.deepcopy(again.outcome)
    del earlier["recipe"]["training"]["augment"]["share"]  # as before there was such a key
    write_json(place.folder(experiment) / OUTCOME, earlier)
    assert outcome_of(experiment, place) == earlier
    changed = replace(experiment, settings={"training.epochs": 2})
    assert outcome_of(changed, place) is None
    (other,) = run_all([changed], place, nothing)
    assert other.outcome is not None
    assert len(other.outcome["history"]) == 2
    assert (place.output / "runs" / "one.1" / OUTCOME).is_file()


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_a_damaged_outcome_says_the_way_out(content: str, place: Place, experiment: Experiment) -> None:
    (ended,) = run_all([experiment], place, nothing)
    before = weights(place.folder(experiment))
    path = place.folder(experiment) / OUTCOME
    path.write_text(content)
    with pytest.raises(BasaltError, match=r"outcome.json is damaged: delete it, and"):
        list(run_all([experiment], place, nothing))
    path.unlink()
    (again,) = run_all([experiment], place, nothing)
    assert {**again.outcome, "took": 0} == {**ended.outcome, "took": 0}  # type: ignore[dict-item]
    assert_same(weights(place.folder(experiment)), before)


def test_an_interrupted_experiment_goes_on_to_the_same_weights(
    place: Place, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(place, output=place.output / "whole")
    list(run_all([experiment], whole, nothing))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 9)  # in the second epoch
        list(run_all([experiment], place, nothing))
    assert outcome_of(experiment, place) is None
    resumed = []

    def watching(*arguments: Any) -> Any:
        resumed.append(arguments[4])
        return fit(*arguments)

    monkeypatch.setattr("basalt.train.loop.fit", watching)
    (ended,) = run_all([experiment], place, nothing)
    assert resumed == [True]
    assert ended.outcome is not None
    assert_same(weights(place.folder(experiment)), weights(whole.folder(experiment)))


def test_one_that_fails_does_not_stop_the_others(place: Place, experiment: Experiment) -> None:
    wrong = replace(experiment, name="wrong", settings={"network.layers.0.units": -1})
    ended = list(run_all([wrong, experiment], place, nothing))
    assert [one.experiment.name for one in ended if one.outcome] == ["one"]
    assert "units" in ended[0].failure


def test_one_that_has_too_little_memory_does_not_stop_the_others(
    place: Place, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def training(recipe: Any, *others: Any) -> Any:
        if recipe.name == "wrong":
            torch.empty(1 << 60)  # raises torch's own error
        return fit(recipe, *others)

    monkeypatch.setattr("basalt.train.loop.fit", training)
    ended = list(run_all([replace(experiment, name="wrong"), experiment], place, nothing))
    assert [one.experiment.name for one in ended if one.outcome] == ["one"]
    assert ended[0].failure.startswith("There is not enough memory (")
    monkeypatch.setattr("basalt.train.loop.fit", lambda *_: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):  # a defect of ours is none of theirs
        list(run_all([replace(experiment, name="two")], place, nothing))


def test_another_process_gives_what_this_one_gives(
    tmp_path: Path, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASALT_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "spoken_digits.npz", **recordings())
    settings = {"training.epochs": 1, "data.name": "spoken", "data.steps": 10, "data.limit": 16}
    these = [replace(experiment, settings=settings)]
    alone, shared = (Place(tmp_path / name, tmp_path, workers=n) for name, n in (("alone", 1), ("shared", 2)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        list(run_all(these, alone, nothing))
    finally:
        torch.set_num_threads(threads)
    ended = list(run_all(these, shared, nothing))
    assert sorted(one.experiment.name for one in ended) == ["one"]
    assert [one.failure for one in ended] == [""]
    for one in these:
        assert_same(weights(shared.folder(one)), weights(alone.folder(one)))


def endless(*_: Any) -> None:
    time.sleep(60)


def dying(*_: Any) -> None:
    os._exit(9)


def test_a_worker_that_dies_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_prepare", lambda *_: None)
    monkeypatch.setattr(runner, "_ended", dying)
    with pytest.raises(BasaltError, match=r"A process that trained died, .* with fewer --workers"):
        list(runner._in_processes([Experiment("one", "dmp_digits")], Place(tmp_path, workers=2), nothing))


def test_data_are_made_before_workers_ask_for_them(
    place: Place, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    whole = splits()

    def part(name: str) -> Any:
        def make() -> Any:
            made.append(name)
            return getattr(whole, name)

        return make

    lazy = {name: part(name) for name in ("train", "validation", "test")}
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: replace(whole, **lazy))
    runner._prepare([experiment, experiment], place)
    assert sorted(made) == ["test", "train", "validation"]


def test_stopping_does_not_wait_for_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_prepare", lambda *_: None)
    monkeypatch.setattr(runner, "_ended", endless)
    monkeypatch.setattr(runner, "as_completed", stop)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(runner._in_processes([Experiment("one", "dmp_digits")], Place(tmp_path, workers=2), nothing))
    assert time.monotonic() - began < 30
