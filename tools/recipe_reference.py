"""What every key of a recipe means, docs/recipe_reference.md, from the models that check recipes.

    python tools/recipe_reference.py

A test holds that the page is current.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "recipe_reference.md"

if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from basalt.files import atomic
from basalt.train.explain import title
from basalt.train.reference import Section, sections

INTRODUCTION = """# Recipes: all keys

Written by `python tools/recipe_reference.py` from the models that check recipes; a test keeps it so. `basalt recipe
--explain KEY` says the same of one key, a table or a kind of layer, and `basalt recipe NAME` writes a recipe out with
all its defaults.
`--set training.epochs=10` of `basalt train` replaces a key; layers are numbered from 0 (`network.layers.0.units`).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *map(text, sections())])


def text(section: Section) -> str:
    """A table of a recipe."""
    head = ["| key | may be | unit | default | meaning |", "| --- | --- | --- | --- | --- |"]
    rows = []
    for key in section.keys:
        cells = (f"`{key.path.rpartition('.')[2]}`", key.values, key.unit, key.default, key.meaning)
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    heading = title(section.path).replace("[[network.layers]]", "`[[network.layers]]`")
    heading = f"`{heading}`" if heading.startswith("[") else heading
    return "\n".join([f"## {heading}", "", section.about, "", *head, *rows, ""])


def main() -> None:
    """Write the page."""
    with atomic(FILE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
