"""What a study is to the command that conducts it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from basalt.study.basis import Basis
from basalt.study.options import StudyOptions
from basalt.study.plan import Experiment
from basalt.study.runner import Finished


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes:
        page: report.html.
        lines: the verdicts, one per line.
        plain: what results.json holds besides failures and outcomes.
    """

    page: str
    lines: list[str]
    plain: dict[str, Any]


@runtime_checkable
class Study(Protocol):
    """What is trained."""

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


S = TypeVar("S", bound=Study)


def nothing(study: Any, outcome: Mapping[str, Any], run: Path, data_dir: Path | None) -> dict[str, Any]:
    """The supplement of a study that measures everything at once."""
    return {}


@dataclass(frozen=True)
class StudyKind(Generic[S]):
    """A study: what it trains, what is measured in each network, and what is said of them all.

    Attributes:
        name: of its folder in studies/, where none is given.
        build: what is trained, of the options that this study has alone and of those that all studies share.
        observe: what is measured in a trained network besides its metrics; JSON. Function and study travel to other
            processes.
        report: of the outcomes by the name of their experiment, of which some may be missing; the basis is what they
            stand on.
        supplement: what an outcome lacks because it could not be measured where the network was trained, and can be
            here; of its run's folder, and the folder of the data sets.
    """

    name: str
    build: Callable[[Any, StudyOptions], S]
    observe: Callable[[S, Finished], dict[str, Any]]
    report: Callable[[S, Mapping[str, Mapping[str, Any]], Basis], Report]
    supplement: Callable[[S, Mapping[str, Any], Path, Path | None], dict[str, Any]] = nothing
