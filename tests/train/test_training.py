"""Runs: the same seed gives the same weights, however often a run is stopped; whatever goes wrong, nothing is lost."""

import errno
import io
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from basalt.errors import BasaltError
from basalt.train import checkpoint
from basalt.train.checkpoint import load
from basalt.train.display import Display
from basalt.train.folder import held
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import Recipe, parse
from tests import shapes
from tests.train.helpers import content, recipe, splits


def run(folder: Path, resume: bool = False, wanted: Recipe | None = None) -> Any:
    quiet = Console(file=io.StringIO())
    return fit(wanted or recipe(), splits(), folder, make_fabric("cpu", "1"), resume, quiet)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = checkpoint.read(folder)
    return {**saved.last.model, **{f"best.{name}": value for name, value in saved.model.items()}}


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, error: type[BaseException] = KeyboardInterrupt) -> None:
    """Raise `error` at the given training step."""
    seen = [0]
    original = Display.step

    def stopping(self: Display, *figures: Any) -> None:
        seen[0] += 1
        if seen[0] == step:
            raise error
        original(self, *figures)

    monkeypatch.setattr(Display, "step", stopping)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(folder)
    return folder


def test_learns_and_writes_its_files(whole: Path) -> None:
    assert {"checkpoint.safetensors", "recipe.toml", "log.csv"} <= {path.name for path in whole.iterdir()}
    assert any(path.name.startswith("events.out") for path in whole.iterdir())
    saved = checkpoint.read(whole)
    assert saved.best["validation_accuracy_integer"] >= 0.9
    assert len((whole / "log.csv").read_text().splitlines()) == 5
    network = load(whole)
    assert not network.training
    assert network.records()[0].memory.drive_shift == int(saved.model["layers.hidden1.memory.shift"])


def test_same_seed_same_weights(whole: Path, tmp_path: Path) -> None:
    run(tmp_path / "again")
    assert_same(weights(tmp_path / "again"), weights(whole))


def test_other_seed_other_weights(whole: Path, tmp_path: Path) -> None:
    run(tmp_path / "other", wanted=recipe().model_copy(update={"seed": 4}))
    first = "layers.hidden1.block.synapse.weight"
    assert not torch.equal(weights(tmp_path / "other")[first], weights(whole)[first])


@pytest.mark.parametrize("step", [1, 9, 18])  # in the first epoch, and in the middle of the second and third
def test_resume_equals_not_stopping(step: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, step)
        run(tmp_path / "run")
    assert checkpoint.read(tmp_path / "run").last.epoch == (step - 1) // 6
    load(tmp_path / "run")
    run(tmp_path / "run", resume=True)
    assert_same(weights(tmp_path / "run"), weights(whole))
    history = [
        {k: v for k, v in row.items() if k != "seconds"} for row in checkpoint.read(tmp_path / "run").last.history
    ]
    expected = [{k: v for k, v in row.items() if k != "seconds"} for row in checkpoint.read(whole).last.history]
    assert history == expected


def test_resume_equals_not_stopping_with_few_validations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = recipe(epochs=4, validate_every=3)
    run(tmp_path / "whole", wanted=wanted)
    expected = checkpoint.read(tmp_path / "whole")
    assert [row["epoch"] for row in expected.last.history if "validation_loss" in row] == [3, 4]
    for step in (8, 21):  # before the first validation, and between it and the last
        folder = tmp_path / f"stopped{step}"
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            stop_at(patch, step)
            run(folder, wanted=wanted)
        run(folder, resume=True, wanted=wanted)
        assert_same(weights(folder), weights(tmp_path / "whole"))
        assert checkpoint.read(folder).best == expected.best


def test_more_devices_than_samples_in_a_batch_are_one_sentence(tmp_path: Path) -> None:
    """One of them would have none, and what it does then stops the others without a word of why."""
    many: Any = SimpleNamespace(world_size=9)
    says = "9 devices cannot share a batch of 8 samples: take fewer --devices"
    with shapes.unchecked(), pytest.raises(BasaltError, match=says):
        fit(recipe(), splits(), tmp_path / "run", many, False, Console(quiet=True))
    assert not (tmp_path / "run").exists()


def test_every_epoch_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from basalt.train import loop

    drawn = []
    original = loop.epoch_batches

    def counting(events: Any, batch: int, augment: Any, seed: int, epoch: int, *ranks: int) -> Any:
        drawn.append((seed, epoch))
        return original(events, batch, augment, seed, epoch, *ranks)

    monkeypatch.setattr(loop, "epoch_batches", counting)
    run(tmp_path / "run", wanted=recipe(epochs=3))
    assert drawn == [(3, 0), (3, 1), (3, 2)]


def test_a_new_run_moves_the_old_one_aside(tmp_path: Path) -> None:
    short = recipe(epochs=1)
    run(tmp_path / "run", wanted=short)
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    run(tmp_path / "run", wanted=short)
    assert (tmp_path / "run.1" / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize("where", ["fsync", "write"])
def test_full_disk_keeps_the_old_checkpoint(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    run(folder, wanted=recipe(epochs=1))
    before = (folder / "checkpoint.safetensors").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full) if where == "fsync" else patch.setattr(Path, "write_bytes", full)
        with pytest.raises(BasaltError, match=r"Cannot write .*(checkpoint.safetensors|recipe.toml).*No space left"):
            run(folder, resume=True, wanted=recipe(epochs=3))
    assert (folder / "checkpoint.safetensors").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    run(folder, resume=True, wanted=recipe(epochs=3))
    assert checkpoint.read(folder).last.epoch == 3


def test_another_runs_checkpoint_is_not_resumed(tmp_path: Path) -> None:
    folder, changed = tmp_path / "run", content(epochs=1)
    changed["network"]["layers"][0]["units"] = 10
    run(folder, wanted=recipe(epochs=1))
    with pytest.raises(BasaltError, match="of another network than its run's recipe"):
        run(folder, resume=True, wanted=parse(changed, "tiny"))
    saved = checkpoint.read(folder)
    assert saved.last is not None
    replace(saved, last=replace(saved.last, random=torch.zeros_like(saved.last.random))).write(folder / checkpoint.NAME)
    with pytest.raises(BasaltError, match="random state is damaged"):
        run(folder, resume=True, wanted=recipe(epochs=2))


def test_learns_delays_recurrence_and_a_mean_membrane_over_time(tmp_path: Path) -> None:
    changed = content(objective="cross_entropy_over_time", epochs=3)
    first, second, readout = changed["network"]["layers"]
    first |= {"delay": 5, "delay_rate": 20.0}
    second |= {"recurrent": True, "threshold": 1.0}
    readout |= {"voltage_decay": 0.2, "logit_scale": 2.0}
    wanted = parse(changed, "tiny")
    state = run(tmp_path / "run", wanted=wanted)
    assert state.history[-1]["loss"] < 0.95 * state.history[0]["loss"]
    torch.manual_seed(wanted.seed)
    start = Network(wanted.network, 16, 2).hidden[0].block.delay.delay
    trained = load(tmp_path / "run").hidden[0].block.delay.delay
    assert (trained - start).abs().max() > 0.5


def test_no_checkpoint_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"No checkpoint at .*basalt train"):
        load(tmp_path)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from basalt.train.objectives import OBJECTIVES, Objective

    monkeypatch.setitem(
        OBJECTIVES, "cross_entropy", Objective(lambda logits, labels, smoothing: logits.sum() * float("nan"))
    )
    with pytest.raises(BasaltError, match=r"lower training.learning_rate and train anew\.$"):
        run(tmp_path / "run")


def test_impossible_devices_are_one_sentence() -> None:
    with pytest.raises(BasaltError, match="devices"):
        make_fabric("cuda", "64")
    with pytest.raises(BasaltError, match="accelerator 'abacus'"):
        make_fabric("abacus", "1")


@pytest.mark.parametrize("resume", [False, True])
def test_two_processes_do_not_train_into_one_folder(resume: bool, tmp_path: Path) -> None:
    """The second is refused before it moves or writes anything; the lock ends with the first."""
    folder, short = tmp_path / "run", recipe(epochs=1)
    run(folder, wanted=short)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with held(folder, afresh=False), pytest.raises(BasaltError, match=r"Another process is training into .*--name"):
        run(folder, resume, wanted=short)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    run(folder, resume, wanted=short)


def test_a_moved_run_and_the_new_one_are_both_kept(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, wanted=recipe(epochs=1))
    with held(folder, afresh=True) as moved:
        assert moved == tmp_path / "run.1"
        for place in (folder, moved):
            with pytest.raises(BasaltError, match="Another process"), held(place, afresh=False):
                pass


def test_a_resumed_run_has_no_metrics_of_its_earlier_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, wanted=recipe(epochs=1))
    (folder / "metrics.json").write_text("{}")
    run(folder, resume=True, wanted=recipe(epochs=2))
    assert not (folder / "metrics.json").exists()


def test_a_folder_that_takes_no_events_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils import tensorboard

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tensorboard, "SummaryWriter", refuse)
    with pytest.raises(BasaltError, match=r"Cannot write TensorBoard's events into .*run: Read-only"):
        run(tmp_path / "run")
