"""Conduct a study: its trainings, then report.html and results.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic

from basalt.errors import BasaltError
from basalt.files import atomic, write_json
from basalt.progress import progress_bar
from basalt.shown import say
from basalt.study.basis import basis
from basalt.study.estimate import duration, seconds_left
from basalt.study.options import ACCELERATORS, StudyOptions
from basalt.study.plan import Experiment
from basalt.study.runner import OUTCOME, Place, known_outcomes, run_all
from basalt.study.study import S, StudyKind
from basalt.train.recipe import one_of


@dataclass(frozen=True)
class Conduct(Generic[S]):
    """A study at a place. Its trainings are drawn up, and their outcomes read, once."""

    kind: StudyKind[S]
    study: S
    place: Place

    @cached_property
    def experiments(self) -> Sequence[Experiment]:
        """All trainings."""
        return self.study.experiments()

    @cached_property
    def known(self) -> Mapping[str, dict[str, Any]]:
        """The outcomes of the trainings that had ended before, by name."""
        return known_outcomes(self.experiments, self.place)

    @property
    def left(self) -> str:
        """About how long the trainings that are left will take, in words."""
        return duration(seconds_left(self.study, self.experiments, self.known, self.place))

    def describe(self) -> None:
        """Show what would be trained, and about how long it would take; every recipe is checked."""
        first, *others = self.study.plan()
        for line in (f"{self.place.output}: {first}", *others):
            say(line)
        for experiment in self.experiments:
            experiment.read()  # a setting that is not allowed shows here
        say(
            f"{len(self.experiments)} trainings, {len(self.known)} of them done; about {self.left} to go. "
            "Nothing was trained."
        )

    def train(self) -> None:
        """Train what is not trained yet, and report.

        Raises:
            BasaltError: trainings failed; the report is written all the same, of the others.
        """
        planned, place = len(self.experiments), self.place
        say(f"{planned} trainings in {place.output}, about {self.left} to go.")
        outcomes: dict[str, Any] = {}
        failures: dict[str, str] = {}
        with progress_bar("Training") as shown:
            shown(0, planned)
            observe = partial(self.kind.observe, self.study)
            for done, ended in enumerate(run_all(self.experiments, place, observe, self.known), 1):
                shown(done, planned)
                if ended.outcome is None:
                    failures[ended.experiment.name] = ended.failure
                else:
                    outcomes[ended.experiment.name] = self._supplemented(ended.experiment, ended.outcome)
        self._report(outcomes, failures)
        if failures:
            name, reason = next(iter(failures.items()))
            raise BasaltError(f"{len(failures)} of {planned} trainings failed, the first {name}: {reason}")

    def report_so_far(self) -> None:
        """Report what is trained already.

        Raises:
            BasaltError: nothing is.
        """
        done = [experiment for experiment in self.experiments if experiment.name in self.known]
        if not done:
            raise BasaltError(
                f"No training of this study has ended in {self.place.output}: run it without --report-only."
            )
        self._report({one.name: self._supplemented(one, self.known[one.name]) for one in done}, {})

    def _supplemented(self, experiment: Experiment, outcome: dict[str, Any]) -> dict[str, Any]:
        folder = self.place.folder(experiment)
        more = self.kind.supplement(self.study, outcome, folder, self.place.data_dir)
        if not more:
            return outcome
        whole = {**outcome, **more}
        write_json(folder / OUTCOME, whole)
        return whole

    def _report(self, outcomes: dict[str, Any], failures: dict[str, str]) -> None:
        title = self.study.plan()[0].rstrip(":") + "."
        if failures:
            title += " Failed: " + " ".join(f"{name}: {reason}" for name, reason in failures.items())
        stands, folder = basis(self.study, outcomes, len(self.experiments), title), self.place.output
        report = self.kind.report(self.study, outcomes, stands)
        with atomic(folder / "report.html") as temporary:
            temporary.write_text(report.page, encoding="utf-8")
        write_json(
            folder / "results.json",
            {**report.plain, "basis": stands.plain(), "failures": failures, "outcomes": outcomes},
        )
        for line in (*stands.sentences, *report.lines):
            say(line)
        say(f"Wrote {folder}/report.html and results.json.")


def conduct(kind: StudyKind[Any], own: Any, options: StudyOptions) -> None:
    """Conduct a study, describe it, or report what is done so far, in the folder named or its own of studies/.

    `own` are the options that this study has alone.
    """
    if options.accelerator not in ACCELERATORS:
        raise BasaltError(f"--accelerator: {one_of(options.accelerator, ACCELERATORS)}.")
    folder = options.output or Path("studies") / f"{kind.name}{'-quick' if options.quick else ''}"
    place = Place(folder, options.data_dir, options.accelerator, options.workers, options.scheduler)
    conducted = Conduct(kind, kind.build(own, options), place)
    if options.dry_run:
        conducted.describe()
    elif options.report_only:
        conducted.report_so_far()
    else:
        conducted.train()
