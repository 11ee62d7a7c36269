"""The command, as a user calls it, on a task of seconds: trainings, measurements, the page, prices that come later."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import tomli_w
from typer.testing import CliRunner

from basalt.cli import build
from basalt.errors import BasaltError
from basalt.study import runner
from basalt.study.lif_roles import observe, tasks
from basalt.study.lif_roles.variants import LANDSCAPES, LSTM
from basalt.train import data
from tests.train.helpers import content, splits

DEPTH = replace(
    observe.QUICK, attacked=8, iterations=2, eps=(0.1,), events=(0.05, 0.2), samples=8, line=3, plane=3, landscape=8
)
VARIANTS = (*LANDSCAPES, "learnable-none-none", "learnable-soft-none", "fixed-hard-diagonal")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command on a tiny task in a folder of its own."""
    tiny = content()
    tiny["network"]["layers"] = [{"kind": "lif", "units": 10, "threshold": 1.0}, {"kind": "readout"}]
    (tmp_path / "tiny.toml").write_text(tomli_w.dumps(tiny))
    task = replace(tasks.TASKS["camera-5"], recipe=str(tmp_path / "tiny.toml"), settings={}, quick={})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    monkeypatch.setitem(tasks.TASKS, "camera-5", replace(task, recordings=False, quick_lengths=(5, 10)))
    monkeypatch.setattr(observe, "QUICK", DEPTH)
    runner._splits.cache_clear()

    def call(*arguments: str) -> str:
        given = ["study", "lif-roles", "--quick", "--tasks", "camera-5", "--epochs", "2", *arguments]
        result = CliRunner().invoke(build(), given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    yield call
    runner._splits.cache_clear()


def test_a_whole_study(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    output = call("--variants", ",".join(VARIANTS))
    folder = Path("studies/lif-roles-quick")
    written = json.loads((folder / "results.json").read_text())
    assert written["failures"] == {}
    assert set(written["outcomes"]) == {f"camera-5-{variant}-s1" for variant in VARIANTS}
    for verdict in written["verdicts"]:
        label = verdict["verdict"] + " (provisional)" * verdict["provisional"]
        assert f"{label}: {verdict['claim']}" in output
    for name, outcome in written["outcomes"].items():
        assert set(outcome["attacks"]["curves"]) == {"fgsm", "pgd", "events"}
        assert bool(outcome["rates"]) == (LSTM not in name)
        assert ("plane" in outcome["landscape"]) == any(variant in name for variant in LANDSCAPES)
        assert set(outcome["lengths"]) == {"5", "10"}
        assert outcome["lengths"]["5"] == outcome["clean"]
        assert outcome["total_operations"] > 0
    page = (folder / "report.html").read_text()
    assert "http" not in page
    assert page.count("<svg") == 12  # rates, two attacks, a line, three planes, five changes (one jitter alone)
    for figure in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + figure.split("</svg>")[0] + "</svg>")
    monkeypatch.setattr("basalt.train.loop.fit", None)  # nothing is trained twice
    assert "6 trainings, 6 of them done" in call("--variants", ",".join(VARIANTS), "--dry-run")
    prices = {"machines": {"loihi1-davies": {"joule": 12.3e-9}}}
    (folder / "runs" / f"camera-5-{VARIANTS[0]}-s1" / "prices.json").write_text(json.dumps(prices))
    call("--variants", ",".join(VARIANTS))
    assert "Loihi 1 (Davies)" not in page
    assert "Loihi 1 (Davies)" in (folder / "report.html").read_text()


def test_mistakes_are_named(call: Any) -> None:
    with pytest.raises(BasaltError, match="learnable-hard-none"):
        call("--variants", "learnable-hrd-none")
    with pytest.raises(BasaltError, match=r"'headlin' is not one of headline, all, none-hard-none, .*'headline'"):
        call("--variants", "headlin")
    with pytest.raises(BasaltError, match="did you mean 'camera-5'"):
        call("--tasks", "camera5")


def test_the_plan_is_shown_and_nothing_written(call: Any, tmp_path: Path) -> None:
    output = call("--dry-run")
    assert "12 trainings" in output
    assert "13 trainings" in call("--dry-run", "--variants", "headline, none-none-none,lstm")
    assert "learnable-hard-diagonal" in output
    assert not (tmp_path / "studies").exists()
