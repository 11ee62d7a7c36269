"""Writes docs/backends.md: what each backend supports, from tests/conformance/support.py and the last sweeps.

python tests/conformance/table.py
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from basalt.deploy.backends import BACKENDS
from basalt.files import atomic, read_json
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
        "of generated networks that have the feature equals the reference's (`records/simulate.py`), at every step.",
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
        "- sigma-delta layers (dense, convolutions, pools, transposed ones) are held to their reference, and that to",
        "  SLAYER and to plain loops, by tests of their own (`tests/*/test_sigma_delta.py`): `fixed`, `compiled`, and",
        "  `netx` but for what it refuses by name; `near-memory` and `float` have no processes of them.",
        "- resonate-and-fire layers have no reference of ours: stock lava-dl's processes compute them, in the same",
        "  run. What these would change in silence is exact (delays, decays) or refused by the name of a design rule.",
    ]
    lines += [
        "",
        "From training through the file to Lava: [all 36 combinations of leakage, reset and",
        "recurrence](benchmarks/switches.md), written by `python tests/conformance/matrix.py --lava`.",
    ]
    return "\n".join([*lines, "", *sweeps(held), "", *attacks(held)]) + "\n"


def attacks(held: list[str]) -> list[str]:
    """The figures of the last adversarial check."""
    lines = [
        "## At the edge of every limit",
        "",
        "`python tests/conformance/adversary/check.py`: networks whose numbers are at an end of their range, half of",
        "the time (decays of 0 and 4096, fan-ins of 4,096 weights of one sign, values of 255, delays of 62, thresholds",
        "of 0 and 131071, shifts of 0 and 30), against a judge in plain 64-bit integers that shares no code with what",
        "it judges. Every tenth breaks a rule. What a backend refuses, it refuses by name, before it runs.",
        "",
        "| backend | networks | ran | refused by name | values compared | mismatches |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    found = read_json(DOCS / "benchmarks" / "adversary.json")
    for name in held:
        of = found["backends"][name]
        figures = (found["networks"], of["ran"], sum(of["refused"].values()), of["compared"], of["mismatches"])
        lines.append(f"| `{name}` | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    return lines


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
