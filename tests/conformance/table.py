"""Writes docs/backends.md: what each backend supports, from tests/conformance/support.py and the last sweeps.

python tests/conformance/table.py
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from basalt.files import atomic, read_json
from deploy.backends import BACKENDS
from tests.conformance.support import EXCLUSIONS, FEATURES, WHOLE, exact

DOCS = Path(__file__).resolve().parents[2] / "docs"
FILE = DOCS / "backends.md"


def text() -> str:
    """The whole page."""
    held = exact()
    lines = [
        "# What each backend supports",
        "",
        "Written by `python tests/conformance/table.py`; a test keeps it so. *exact* means: every spike and sum",
        "of generated networks that have the feature equals the reference's (`deploy/reference.py`), at every step.",
        "",
        "| backend | about |",
        "| --- | --- |",
        *(f"| `{name}` | {backend.about} |" for name, backend in BACKENDS.items()),
        "",
        "| feature | " + " | ".join(f"`{name}`" for name in held) + " |",
        "| --- |" + " --- |" * len(held),
    ]
    notes: list[str] = []
    for feature in FEATURES:
        cells = []
        for name in held:
            reason = EXCLUSIONS.get((name, feature))
            if reason is not None and reason not in notes:
                notes.append(reason)
            cells.append("exact" if reason is None else f"no ({notes.index(reason) + 1})")
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{index}. {note}." for index, note in enumerate(notes, 1)), "", "Not held to the grid:", ""]
    lines += [f"- `{name}`: {reason}." for name, reason in WHOLE.items()]
    lines += [
        "- sigma-delta and resonate-and-fire layers have no reference of ours: stock lava-dl's processes compute them,",
        "  in the same run.",
    ]
    lines += [
        "",
        "From training through the file to Lava: [all 36 combinations of leakage, reset and",
        "recurrence](benchmarks/switches.md), written by `python tests/conformance/matrix.py --lava`.",
    ]
    return "\n".join([*lines, "", *sweeps(held)]) + "\n"


def sweeps(held: list[str]) -> list[str]:
    """The figures of the last sweeps."""
    lines = [
        "## The last sweeps",
        "",
        "`python tests/conformance/sweep.py --backend NAME`; the networks that do not go through Lava's own runtime",
        "step the same processes and models without it (`tests/conformance/direct.py`).",
        "",
        "| backend | networks | through Lava's runtime | models alone | values compared | mismatches |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in held:
        path = DOCS / "benchmarks" / f"conformance-{name}.json"
        if path.exists():
            found = read_json(path)
            figures = (found[key] for key in ("networks", "through_lava", "models_alone", "compared", "mismatches"))
            lines.append(f"| `{name}` | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    return lines


def main() -> None:
    """Write the page."""
    with atomic(FILE) as temporary:
        temporary.write_text(text())
    print(FILE)


if __name__ == "__main__":
    main()
