"""What a .net file's layers are made of, docs/records.md: equations and parameters, from the records themselves.

    python tools/records.py

A test holds that the page is current.
"""

import sys
from dataclasses import is_dataclass
from inspect import getdoc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "records.md"

if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from basalt.convert.rules import RECORDS
from basalt.files import atomic
from basalt.records.fields import Parameter, parameters

INTRODUCTION = """# Records: equations and parameters

Written by `python tools/records.py` from `basalt/records/`; a test keeps it so. A layer in a .net file becomes a frozen
record of integers. From the limits below follow the reader of files, the design rules that refuse what is beyond them,
and the networks that tests draw; a memory pathway's fields are in the file's group `memory` by these names. "weight"
as a unit is a weight unit, of which 64 are 1.0. "Even" says what training makes; odd weights run as well. Convolutions
and affine inputs have the fields of a spiking layer, too, but no recurrence and no memory.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(section(record) for record in RECORDS)])


def section(record: type) -> str:
    """A record: its docstring without what the table says, and the table."""
    title = getattr(record, "title", None) or getattr(record, "kind", "neuron")
    about, _, rest = (getdoc(record) or "").partition("Attributes:\n")
    source = rest[rest.index("Source:") :] if "Source:" in rest else ""
    inherited = {item for base in record.__mro__[1:] if is_dataclass(base) for item in parameters(base)}
    mine = [item for item in parameters(record) if item not in inherited]
    rows = [f"| `{item.name}` | {' | '.join(cells(item))} |" for item in mine]
    head = ["| field | shape | values | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    parts = [f"## {title[0].upper()}{title[1:]}", about.strip(), source, "\n".join([*head, *rows])]
    return "\n\n".join(part for part in parts if part) + "\n"


def cells(item: Parameter) -> tuple[str, ...]:
    """Shape, values, unit and meaning of a field."""
    limits = item.limits
    shape = " or ".join(" × ".join(axis.replace("#", "1 or ") for axis in axes) for axes in item.shapes)
    values = f"{limits.low:,} … {limits.high:,}".replace("-", "−") + (", even" if limits.step == 2 else "")
    values = ", ".join(limits.choices) or values
    optional = f"; {limits.only} variant only" if limits.only else "; optional" if item.optional else ""
    return shape, values, limits.unit, limits.about + optional


def main() -> None:
    """Write the page."""
    with atomic(FILE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
