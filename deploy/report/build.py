"""Put a report together and write it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt import provenance
from basalt.deploy.report import environment, palette
from basalt.deploy.report.account_view import comparison, operations_view, shortcut_view, step_view
from basalt.deploy.report.actions_view import actions_view, saturations
from basalt.deploy.report.arrays import ReportArrays
from basalt.deploy.report.energy_view import energy_views
from basalt.deploy.report.format import digits, seconds, whole
from basalt.deploy.report.views import accuracies, confusion_view, rates_view, sample_view
from basalt.files import atomic
from basalt.shown import shown

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent
TEXT_LONGEST = 4000

MEASURED = ("<!-- measured -->", "<!-- end of measured -->")
"""Marks around what a run alone knows; no name can hold them, as all text is escaped."""

# Shown where they are known.
METRICS = ("dataset", "parameters", "seed", "epochs", "best_epoch")
RESULT = ("accuracy", "seconds", "sample_steps_per_second")


def write_report(
    path: Path,
    result: Mapping[str, Any],
    counts: Mapping[str, Any],
    energy: Mapping[str, Any],
    metrics: Mapping[str, Any] | None,
    verify: Mapping[str, Any] | None,
    arrays: ReportArrays,
) -> None:
    """Write one self-contained HTML page about a run: no scripts, and nothing to load from anywhere.

    Args:
        path: the file to write, whole or not at all.
        result, counts, energy, metrics, verify: contents of the JSON files of those names. `result` may hold
            `command`, `machine`, `versions` (by package) and `date` of the run; else those of this process are shown.
        arrays: predictions, traces and rates.

    Raises:
        BasaltError: the file cannot be written.
    """
    page = render(result, counts, energy, metrics, verify, arrays)
    with atomic(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render(
    result: Mapping[str, Any],
    counts: Mapping[str, Any],
    energy: Mapping[str, Any],
    metrics: Mapping[str, Any] | None,
    verify: Mapping[str, Any] | None,
    arrays: ReportArrays,
) -> str:
    """The page that `write_report` writes."""
    return render_around(measured_part(result, counts, arrays), result, counts, energy, metrics, verify)


def measured_part(result: Mapping[str, Any], counts: Mapping[str, Any], arrays: ReportArrays) -> str:
    """Confusion, samples and rates: what a run alone knows. Time is in ms where the network's file says how long a step
    is; what a user gives may change later."""
    step_seconds = counts.get("step_seconds") if counts.get("step_seconds_from", "file") == "file" else None
    step_ms = 1000 * step_seconds if step_seconds else None
    page = _template("measured.html.j2").render(
        confusion=confusion_view(arrays),
        samples=[sample_view(trace, arrays, step_ms) for trace in arrays.samples],
        rates=rates_view(arrays, step_seconds),
        time_unit="ms" if step_ms else "steps",
    )
    return page.strip()


def render_around(
    measured: str,
    result: Mapping[str, Any],
    counts: Mapping[str, Any],
    energy: Mapping[str, Any],
    metrics: Mapping[str, Any] | None,
    verify: Mapping[str, Any] | None,
) -> str:
    """The page around a measured part, which is HTML already."""
    tables = energy_views(energy)
    used = list(dict.fromkeys(column["key"] for table in tables for column in table["columns"]))
    return _template("report.html.j2").render(
        style=(FOLDER / "style.css").read_text(encoding="utf-8") + palette.rules(used),
        marks=MEASURED,
        measured=measured,
        swatches=palette.classes(used),
        result={**dict.fromkeys(RESULT), **result},
        metrics={**dict.fromkeys(METRICS), **(metrics or {})},
        date=result.get("date") or _date(result.get("written")),
        accuracies=accuracies(result, metrics),
        verify=None if verify is None else {"pairs": [], "first_divergence": None, **verify, **_training(verify)},
        tables=tables,
        comparison=comparison(energy),
        operations=operations_view(counts),
        shortcut=shortcut_view(energy),
        actions=actions_view(counts, energy),
        step=step_view(energy),
        saturations=saturations(counts),
        notices=list(result.get("notices") or energy.get("misfits", ())),
        unpriced={table["name"]: table["unpriced"] for table in tables if table["unpriced"]},
        facts=_facts(result, counts),
    )


def _training(verify: Mapping[str, Any]) -> dict[str, Any]:
    """Whether training was among what was compared, and what is said of it."""
    training = verify.get("training") or {}
    pairs = verify.get("pairs", ())
    trained = training.get("compared", len(pairs) > 1)
    return {"trained": trained, "notes": list(training.get("notes", ()))}


def _date(written: str | None) -> str:
    """When a run was done, as people write it; now, where the result does not say."""
    try:
        done = datetime.strptime(written or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.now().astimezone().strftime("%d %B %Y, %H:%M")
    return done.strftime("%d %B %Y, %H:%M UTC")


def _facts(result: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, str]:
    """How the numbers were made."""
    machine = result.get("machine") or environment.machine()
    versions = result.get("versions") or environment.versions_of(machine) or environment.versions()
    return {
        "Backend": str(result.get("backend", counts.get("backend", ""))),
        "Network": str(result.get("network", counts.get("network", ""))),
        **({"Network file": str(result["file"])} if "file" in result else {}),
        "Command": str(result.get("command") or provenance.command()),
        **({"Commit": str(result["commit"])} if result.get("commit") else {}),
        "Machine": environment.in_words(machine),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def visible(value: Any) -> Any:
    """What a page shows of a value: escapes for characters that act, such as those that turn the direction of text."""
    return shown(value, TEXT_LONGEST, keep="\n") if type(value) is str else value


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    room = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.filters |= {"whole": whole, "digits": digits, "seconds": seconds}
    return room.get_template(name)
