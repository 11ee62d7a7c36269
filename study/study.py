"""What a study is to the command that conducts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from basalt.study.basis import Basis
from basalt.study.plan import Experiment
from basalt.study.runner import Finished


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes:
        page: report.html.
        lines: the verdicts, one a line.
        plain: what results.json holds besides failures and outcomes.
    """

    page: str
    lines: list[str]
    plain: dict[str, Any]


@runtime_checkable
class Study(Protocol):
    """Trainings, what is measured in each, and what is said of them all. Studies travel to other processes."""

    @property
    def quick(self) -> bool:
        """Whether trainings are cut short, to see that all runs."""

    def own_epochs(self, name: str) -> int:
        """Epochs of that training in the full study."""

    def experiments(self) -> tuple[Experiment, ...]:
        """All trainings, those that matter most first."""

    def plan(self) -> list[str]:
        """What is trained, in words, a line each; the first sums it up."""

    def seconds(self, experiment: Experiment, device: str) -> float:
        """A guess of what it takes to train and measure it on "cpu" or "cuda"; those that took longer scale it."""

    def observe(self, finished: Finished) -> dict[str, Any]:
        """What is measured in a trained network besides its metrics; JSON."""

    def supplement(self, outcome: Mapping[str, Any], run: Path, data_dir: Path | None) -> dict[str, Any]:
        """What an outcome lacks because it could not be measured where the network was trained, and can be here."""

    def report(self, outcomes: Mapping[str, Mapping[str, Any]], basis: Basis) -> Report:
        """Of the outcomes by the name of their experiment; some may be missing. `basis` is what they stand on."""
