"""Put a report together and write it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.files import atomic
from deploy.report import environment
from deploy.report.account_view import comparison, operations_view, shortcut_view
from deploy.report.arrays import ReportArrays
from deploy.report.energy_view import counts_view, energy_views, saturations
from deploy.report.format import digits, seconds, whole
from deploy.report.views import accuracies, confusion_view, rates_view, sample_view

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent

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
    step_seconds = counts.get("step_seconds")
    step_ms = 1000 * step_seconds if step_seconds else None
    tables = energy_views(energy)
    return _template().render(
        style=(FOLDER / "style.css").read_text(encoding="utf-8"),
        result={**dict.fromkeys(RESULT), **result},
        metrics={**dict.fromkeys(METRICS), **(metrics or {})},
        date=result.get("date") or datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
        accuracies=accuracies(result, metrics),
        verify=None if verify is None else {"pairs": [], "first_divergence": None, **verify},
        tables=tables,
        comparison=comparison(energy),
        operations=operations_view(counts),
        shortcut=shortcut_view(energy),
        counts=counts_view(counts),
        confusion=confusion_view(arrays),
        samples=[sample_view(trace, arrays, step_ms) for trace in arrays.samples],
        rates=rates_view(arrays, step_seconds),
        time_unit="ms" if step_ms else "steps",
        step_ms=step_ms,
        saturations=saturations(counts),
        unpriced={table["name"]: table["unpriced"] for table in tables if table["unpriced"]},
        facts=_facts(result, counts),
    )


def _facts(result: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, str]:
    """How the numbers were made."""
    versions = result.get("versions") or environment.versions()
    return {
        "Backend": str(result.get("backend", counts.get("backend", ""))),
        "Network file": str(result.get("network", counts.get("network", ""))),
        "Command": str(result.get("command") or environment.command()),
        "Machine": str(result.get("machine") or environment.machine()),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    room = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.filters |= {"whole": whole, "digits": digits, "seconds": seconds}
    return room.get_template("report.html.j2")
