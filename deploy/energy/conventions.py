"""How the energy of an inference is stated: two conventions, the words for them, and what each assumes of time.

    in real time     E = dynamic + leakage power · max(steps · step duration, seconds that the machine computes)
    at full speed    E = dynamic + leakage power · seconds that the machine computes

In real time, input arrives step by step and the machine leaks between the steps: what a deployed sensor pays. At full
speed, inferences follow each other without a pause: what a benchmark measures. The first is the headline everywhere, as
it is defined for every run and price table; the second needs a machine whose time is modelled.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from basalt.deploy.energy.counts import parse_counts
from basalt.errors import BasaltError

REAL_TIME, FULL_SPEED = "in real time", "at full speed"
HEADLINE = REAL_TIME

StepFrom = Literal["file", "option", "table"]
"""Who says how long a step lasts: the network's file, `--step-ms`, or nobody, so that the price table assumes it."""

STEP_FROM: dict[str, str] = {
    "file": "given by the network",
    "option": "given by --step-ms",
    "table": "assumed; --step-ms sets it",
}
"""The same for people."""

NO_TIME = "neither the price table nor the backend models time (the backend near-memory does)"


@dataclass(frozen=True)
class Stated:
    """The energy of an inference by one convention.

    Attributes:
        convention: `REAL_TIME` or `FULL_SPEED`.
        joule: the sum.
        dynamic_joule: of what was counted.
        leakage_joule: of all memories and logic for `seconds`; None where no static power is known.
        seconds: that leakage lasts.
    """

    convention: str
    joule: float
    dynamic_joule: float
    leakage_joule: float | None
    seconds: float

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)


def real_time(table: Mapping[str, Any]) -> Stated:
    """The headline of a price table's entry in energy.json."""
    return Stated(**table["real_time"])


def full_speed(table: Mapping[str, Any]) -> Stated | None:
    """The other convention; None where the machine's time is not modelled."""
    found = table["full_speed"]
    return None if found is None else Stated(**found)


def stated(table: Mapping[str, Any]) -> dict[str, Any]:
    """What result.json and comparison.json say of an entry in energy.json: both conventions, and what a step lasts."""
    keys = ("real_time", "full_speed", "steps", "step_seconds", "step_seconds_from", "keeps_up")
    return {"headline": HEADLINE, **{key: table[key] for key in keys}}


def result_entries(energy: Mapping[str, Any], counted: bool) -> dict[str, Any]:
    """What result.json says of the tables of an energy.json; None for each where nothing was counted."""
    tables = energy["tables"].items()
    return {
        "energy_per_inference_joule": {
            name: table["real_time"]["joule"] if counted else None for name, table in tables
        },
        "energy_per_inference": {name: stated(table) if counted else None for name, table in tables},
    }


def parts_in_words(found: Stated) -> str:
    """Of what the sum is made: "1.33 µJ dynamic + 15.6 µJ leakage"."""
    from basalt.deploy.report.format import si

    if found.leakage_joule is None:
        return "dynamic alone, as no static power is known"
    return f"{si(found.dynamic_joule, 'J')} dynamic + {si(found.leakage_joule, 'J')} leakage"


def steps_in_words(table: Mapping[str, Any]) -> str:
    """How long the steps of an inference last, and who says so: "60 steps of 5 ms, given by the network"."""
    from basalt.deploy.report.format import si_plain

    late = "" if table["keeps_up"] else f", which the machine exceeds: it needs {si_plain(table['delay_seconds'], 's')}"
    return (
        f"{table['steps']:,} {'step' if table['steps'] == 1 else 'steps'} of {si_plain(table['step_seconds'], 's')}, "
        f"{STEP_FROM[table['step_seconds_from']]}{late}"
    )


def in_words(table: Mapping[str, Any]) -> tuple[str, str]:
    """The headline and the other convention, each a sentence without its full stop."""
    from basalt.deploy.report.format import si, si_plain

    slow, fast = real_time(table), full_speed(table)
    joined = ";" if slow.leakage_joule is None else ","
    headline = f"{si(slow.joule, 'J')} {REAL_TIME} ({parts_in_words(slow)}{joined} over {steps_in_words(table)})"
    if fast is None:
        return headline, f"{FULL_SPEED} not known, as {NO_TIME}"
    return headline, f"{si(fast.joule, 'J')} {FULL_SPEED} ({parts_in_words(fast)}, in {si_plain(fast.seconds, 's')})"


def with_step(counts: dict[str, Any], step_ms: float | None) -> dict[str, Any]:
    """The content of a counts.json with the duration of a step that a user gave.

    Raises:
        BasaltError: the network's file gives another, or the counts are faulty.
    """
    if step_ms is None:
        return counts
    checked = parse_counts(counts)
    given = checked.step_seconds if checked.step_seconds_from == "file" else None
    return {**counts, **step_entries(given, step_ms)}


def step_entries(given: float | None, step_ms: float | None) -> dict[str, Any]:
    """`step_seconds` of counts.json and where it is from.

    Args:
        given: by the network's file, None if it gives none.
        step_ms: by the user, None if not.

    Raises:
        BasaltError: both, and they differ.
    """
    if given is None:
        if step_ms is None:
            return {"step_seconds": None}
        return {"step_seconds": step_ms / 1000, "step_seconds_from": "option"}
    if step_ms is not None and abs(step_ms / 1000 - given) > 1e-9 * given:
        raise BasaltError(
            f"The network says itself that a step lasts {1000 * given:g} ms, and --step-ms says {step_ms:g}: leave "
            f"--step-ms out, which is for files that do not say."
        )
    return {"step_seconds": given, "step_seconds_from": "file"}
