"""Conduct a study: its trainings, then report.html and results.json."""

from typing import Any

from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.shown import say
from basalt.study.plan import Experiment
from basalt.study.runner import OUTCOME, Place, outcome_of, run_all
from basalt.study.study import Study


def describe(study: Study, place: Place) -> None:
    """Show what would be trained, and about how long it would take; every recipe is checked."""
    from basalt.study.estimate import duration, seconds_left

    experiments = study.experiments()
    first, *others = study.plan()
    for line in (f"{place.output}: {first}", *others):
        say(line)
    for experiment in experiments:
        experiment.read()  # a setting that is not allowed shows here
    done = sum(outcome_of(experiment, place) is not None for experiment in experiments)
    say(
        f"{len(experiments)} trainings, {done} of them done; about {duration(seconds_left(study, place))} to go. "
        "Nothing was trained."
    )


def _supplemented(study: Study, place: Place, experiment: Experiment, outcome: dict[str, Any]) -> dict[str, Any]:
    folder = place.folder(experiment)
    more = study.supplement(outcome, folder, place.data_dir)
    if not more:
        return outcome
    whole = {**outcome, **more}
    write_json(folder / OUTCOME, whole)
    return whole


def conduct(study: Study, place: Place) -> None:
    """Train what is not trained yet, and report.

    Raises:
        BasaltError: trainings failed; the report is written all the same, of the others.
    """
    from basalt.progress import progress_bar
    from basalt.study.estimate import duration, seconds_left

    experiments = study.experiments()
    say(f"{len(experiments)} trainings in {place.output}, about {duration(seconds_left(study, place))} to go.")
    outcomes: dict[str, Any] = {}
    failures: dict[str, str] = {}
    with progress_bar("Training") as shown:
        shown(0, len(experiments))
        for done, ended in enumerate(run_all(experiments, place, study.observe), 1):
            shown(done, len(experiments))
            if ended.outcome is None:
                failures[ended.experiment.name] = ended.failure
            else:
                outcomes[ended.experiment.name] = _supplemented(study, place, ended.experiment, ended.outcome)
    _report(study, place, outcomes, failures)
    if failures:
        name, reason = next(iter(failures.items()))
        raise BasaltError(f"{len(failures)} of {len(experiments)} trainings failed, the first {name}: {reason}")


def report_so_far(study: Study, place: Place) -> None:
    """Report what is trained already.

    Raises:
        BasaltError: nothing is.
    """
    outcomes = {
        experiment.name: _supplemented(study, place, experiment, outcome)
        for experiment in study.experiments()
        if (outcome := outcome_of(experiment, place)) is not None
    }
    if not outcomes:
        raise BasaltError(f"No training of this study has ended in {place.output}: run it without --report-only.")
    _report(study, place, outcomes, {})


def _report(study: Study, place: Place, outcomes: dict[str, Any], failures: dict[str, str]) -> None:
    from basalt.files import atomic
    from basalt.study.basis import basis

    planned, title = len(study.experiments()), study.plan()[0].rstrip(":") + "."
    if failures:
        title += " Failed: " + " ".join(f"{name}: {reason}" for name, reason in failures.items())
    stands = basis(study, outcomes, planned, title)
    report = study.report(outcomes, stands)
    with atomic(place.output / "report.html") as temporary:
        temporary.write_text(report.page, encoding="utf-8")
    write_json(
        place.output / "results.json",
        {**report.plain, "basis": stands.plain(), "failures": failures, "outcomes": outcomes},
    )
    for line in (*stands.sentences, *report.lines):
        say(line)
    say(f"Wrote {place.output}/report.html and results.json.")
