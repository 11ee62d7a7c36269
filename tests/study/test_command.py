"""The command, as a user calls it, on a study of seconds."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.errors import BasaltError
from basalt.study import runner
from basalt.study.dual_memory import study as dual_memory
from basalt.train import data
from basalt.train.objectives import OBJECTIVES, Objective
from tests.study.dual_memory import tiny
from tests.train.helpers import splits


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command on the tiny task in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    monkeypatch.setitem(dual_memory.TASKS, "spoken", tiny.study(tmp_path).task)
    monkeypatch.setitem(dual_memory.SIZES, ("spoken", "full"), tiny.SIZE)
    runner._splits.cache_clear()

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(build(), ["ablate", "dual-memory", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    yield call
    runner._splits.cache_clear()


def test_a_whole_study(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    output = call("--seeds", "1")
    folder = Path("studies/dual-memory-spoken")
    written = json.loads((folder / "results.json").read_text())
    assert written["failures"] == {}
    assert len(written["outcomes"]) == 13
    assert len(written["verdicts"]) == 12
    for verdict in written["verdicts"]:
        label = verdict["verdict"] + " (provisional)" * verdict["provisional"]
        assert f"{label}: {verdict['claim']}" in output
    page = (folder / "report.html").read_text()
    assert "http" not in page
    assert page.count("<svg") == 8
    for figure in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + figure.split("</svg>")[0] + "</svg>")
    assert "13 trainings, 13 of them done" in call("--seeds", "1", "--dry-run")
    monkeypatch.setattr("basalt.train.loop.fit", None)  # nothing is trained twice, and the page is made again
    (folder / "report.html").unlink()
    call("--seeds", "1")
    assert (folder / "report.html").read_text() == page
    next(folder.glob("runs/*/outcome.json")).unlink()
    call("--seeds", "1", "--report-only")
    assert "12 of 13 trainings" in (folder / "report.html").read_text()


@pytest.mark.parametrize("how", ["--dry-run", "--report-only", "--workers=1"])
def test_trainings_are_drawn_up_and_their_outcomes_read_once(
    how: str, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("--parts", "interval", "--seeds", "1")
    drawn, read = [], []
    experiments, outcome_of = dual_memory.Study.experiments, runner.outcome_of
    monkeypatch.setattr(dual_memory.Study, "experiments", lambda study: drawn.append(study) or experiments(study))
    monkeypatch.setattr(runner, "outcome_of", lambda one, place: read.append(one.name) or outcome_of(one, place))
    call("--parts", "interval", "--seeds", "1", how)
    assert len(drawn) == 1
    assert len(read) == len(set(read)) == 2


def test_dry_run_writes_nothing(call: Any, tmp_path: Path) -> None:
    output = call("--dry-run", "--parts", "interval,paths")
    assert "8 trainings" in output
    assert "dmp-d2-w8-every3" in output
    assert not (tmp_path / "studies").exists()


def test_a_failed_training_is_named_after_the_page_is_written(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Objective(lambda logits, labels, smoothing: logits.sum() * float("nan"))
    monkeypatch.setitem(OBJECTIVES, "cross_entropy", lost)
    with pytest.raises(BasaltError, match=r"2 of 2 trainings failed, the first dmp-d2-w8-s1: .*learning_rate"):
        call("--parts", "interval", "--seeds", "1")
    assert json.loads((tmp_path / "studies/dual-memory-spoken/results.json").read_text())["outcomes"] == {}
    page = (tmp_path / "studies/dual-memory-spoken/report.html").read_text()
    assert "0 of 2 trainings" in page
    assert "Failed: dmp-d2-w8-s1: The loss became nan in epoch 1" in page


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--task", "spokn"), "did you mean 'spoken'"),
        (("--parts", "grids"), "did you mean 'grid'"),
        (("--dry-run", "--accelerator", "cdua"), "'cdua' is not one of cpu, cuda, auto; did you mean 'cuda'"),
        (("--report-only",), r"No training of this study has ended in studies.*: run it without --report-only"),
        (("--dry-run", "--set", "training.epoch=3"), "training.epoch"),
        (("--dry-run", "--set", "training.epochs=3"), "give --epochs instead"),
        (("--dry-run", "--set", "seed=3"), "give --seeds instead"),
    ],
)
def test_mistakes_are_named(call: Any, arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(BasaltError, match=text):
        call(*arguments)
