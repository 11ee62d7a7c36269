"""A report that is written: the part that stays, and the rest anew from the files beside it.

What a run alone knows (predictions, traces, rates) stands between two marks in the page and is taken over as it is;
accuracies, verification, energies and provenance are laid out again from result.json, counts.json, energy.json,
metrics.json and verify.json. So `basalt price` and `basalt verify` renew a report without running anything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basalt.deploy.report.build import MEASURED, render_around
from basalt.documents import understood
from basalt.files import atomic, read_object
from basalt.opening import MIB, read_text
from basalt.published import results

REPORT = "report.html"
PAGE_MOST = 256 * MIB
NEEDED = ("result", "counts", "energy")


def known_beside(
    folder: Path, file: Path, result: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Contents of metrics.json beside a .net file, and of verify.json in the result folder or else beside the file.

    A verification of another network than the run's (the file has been written anew between the two) is none of it.
    """
    metrics = file.parent / "metrics.json"
    places = (folder / "verify.json", results(file) / "verify.json")
    verified = [found for found in (read_object(path) for path in places if path.is_file()) if same_file(found, result)]
    return read_object(metrics) if metrics.is_file() else None, verified[0] if verified else None


def same_file(verify: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether a verification and a run are of the same .net file, as far as both say."""
    digests = {entry.get("file_digest") for entry in (verify, result)} - {None}
    return len(digests) < 2


def renew(folder: Path) -> str | None:
    """Lay out the report in a result folder again; a sentence that says so, or why it could not be; None without one.

    Raises:
        BasaltError: a file beside it is damaged, or the report cannot be written.
    """
    path = folder / REPORT
    missing = [f"{name}.json" for name in NEEDED if not (folder / f"{name}.json").is_file()]
    if not path.is_file():
        return None
    measured = between(read_text(path, PAGE_MOST))
    if measured is None or missing:
        why = f"there is no {missing[0]} beside it" if missing else "it is from an older version of Basalt"
        return f"{path} is as it was, as {why}: run the network again to renew it."
    result, counts, energy = (read_object(folder / f"{name}.json") for name in NEEDED)
    with understood(f"A file beside {path} (result, counts, energy, metrics or verify.json)", "remove or renew it"):
        metrics, verify = known_beside(folder, file_of(folder, result), result)
        page = render_around(measured, result, counts, energy, metrics, verify)
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return f"Report renewed: {path}"


def renew_for(file: Path, *folders: Path) -> list[str]:
    """Renew the reports of all runs of a .net file: those in the folders beside it, and in these folders."""
    beside = (path.parent for path in sorted(results(file).glob(f"*/{REPORT}")))
    mine = [folder for folder in dict.fromkeys((*beside, *folders)) if runs_file(folder, file)]
    return [told for told in map(renew, mine) if told is not None]


def runs_file(folder: Path, file: Path) -> bool:
    """Whether the result in a folder is of this .net file."""
    path = folder / "result.json"
    if not path.is_file():
        return False
    result = read_object(path)
    with understood(str(path), "run the network again"):
        return file_of(folder, result).resolve() == file.resolve()


def file_of(folder: Path, result: Mapping[str, Any]) -> Path:
    """The .net file of a result; beside the folder, if it is not where the run found it."""
    named = Path(result.get("file", "model.net"))
    return named if named.is_file() else folder.parent / named.name


def between(page: str) -> str | None:
    """What stands between the marks of a page; None without them."""
    begin, end = MEASURED
    _, mark, rest = page.partition(begin)
    measured, closing, _ = rest.partition(end)
    return measured.strip() if mark and closing else None
