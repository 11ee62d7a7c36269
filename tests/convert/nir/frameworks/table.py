"""Writes docs/nir_support.md: what `basalt import` does with each primitive of NIR, and with each framework's neurons.

    PYTHONPATH=… python tests/convert/nir/frameworks/table.py

Frameworks that are not there keep their rows. PYTHONPATH names where they are, if it is not the environment.
"""

import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[4])

from basalt.files import atomic
from tests.conformance.support import exact
from tests.convert.nir.frameworks.case import Case, inputs
from tests.convert.nir.frameworks.cases import CASES
from tests.convert.nir.frameworks.judge import judge
from tests.convert.nir.frameworks.primitives import GRAPHS, become

FILE = Path(__file__).resolve().parents[4] / "docs" / "nir_support.md"
HEAD = """# What `basalt import` does with NIR

Written by `python tests/convert/nir/frameworks/table.py`; `tests/convert/nir/test_frameworks.py` holds it.

## Primitives

*exact*: the same numbers in integers; *rounded*: weights, decays or biases on their grids; the account says by how
much. A backend that runs it computes these integers exactly; `netx` takes one scale per layer (`--scales layer`).
Each row is a small graph with a hard reset.
"""

BELOW = """
## Frameworks

Networks of two layers with random weights and time constants (8 → 7 → 5 neurons, 60 steps, 12 samples), drawn by the
framework, run by it in double precision, exported by itself, and imported. *float64*: outputs with as many spikes as
the framework sends, by Basalt's equations; *integers*: the same after rounding weights to 8 bits and decays to 12.
Where a reset is refused, the figures are those of `--nearest`. Networks with skip connections have four layers.
"""


def primitives() -> str:
    """The table of primitives."""
    backends, notes = exact(), []
    rows = ["| primitive | import | " + " | ".join(f"`{name}`" for name in backends) + " |",
            "| --- | --- |" + " --- |" * len(backends)]  # fmt: skip
    with TemporaryDirectory() as folder:
        for name in GRAPHS:
            outcome, reasons = become(name, Path(folder) / "one.nir")
            cells = []
            for backend in backends:
                why = reasons.get(backend)
                if why is not None and why not in notes:
                    notes.append(why)
                cells.append("–" if not reasons else "runs" if why is None else f"no ({notes.index(why) + 1})")
            rows.append(f"| {name} | {outcome} | " + " | ".join(cells) + " |")
    return "\n".join([*rows, "", *(f"{order}. {why}." for order, why in enumerate(notes, 1)), ""])


def row(case: Case) -> str:
    """A framework's neuron and reset."""
    with TemporaryDirectory() as folder:
        found = judge(case, Path(folder) / "drawn.nir", inputs())
    outcome = "refused" if found.refused else "exact; rounded in integers"
    shares = " | ".join(f"{100 * found.equal_counts(sent):.1f} %" for sent in (found.mapped, found.integers))
    options = " ".join(f"--{key} {value}" for key, value in case.options.items())
    return f"{key_of(case)} `{options}` | {outcome} | {shares} |"


def key_of(case: Case) -> str:
    """How a row begins."""
    return f"| {case.framework} | {case.neuron} | {case.reset} |"


def frameworks(before: str) -> str:
    """The table of frameworks; rows of those that are not there as they were."""
    rows = [
        "| framework | neuron | reset | options | | float64 | integers |",
        "| --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for case in CASES:
        if all(find_spec(name) for name in case.needs):
            rows.append(row(case))
        else:
            rows += re.findall(re.escape(key_of(case)) + ".*", before)
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write the page."""
    warnings.simplefilter("ignore")
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    found = "\n".join([HEAD, primitives(), BELOW.strip(), "", frameworks(before)])
    with atomic(FILE) as temporary:
        temporary.write_text(found, encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
