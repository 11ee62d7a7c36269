"""The picture of docs/holding.md: `python study/holding/picture.py holding.json docs/holding.svg`."""

import sys
from html import escape
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import typer

from basalt.cli import run_app
from basalt.documents import read_json
from basalt.files import atomic
from basalt.study.figures import LEFT, TOP, Axis, Series, chart

COLOURS = ("#2c6fae", "#c8671b", "#2a8a70", "#8c5aa8")
STYLE = (
    "text{fill:#1e2326}path{fill:none!important;stroke-width:1.8;stroke-linejoin:round}"
    "path.grid{stroke:#e9eae8;stroke-width:1}"
    + "".join(f".c{k}{{fill:{colour}}}path.c{k}{{stroke:{colour}}}" for k, colour in enumerate(COLOURS))
)


def picture(
    measured: Annotated[Path, typer.Argument(help="What study/holding/measure.py wrote.")],
    output: Annotated[Path, typer.Argument(help="SVG file.")],
) -> None:
    """Draw the accuracy of each network against the steps by which its refreshes come early."""
    series = []
    for colour, row in enumerate(read_json(measured)[: len(COLOURS)]):
        moved = {int(step): accuracy for step, accuracy in row["moved"].items()}
        at = sorted(moved)
        series.append(Series(row["network"], at, [moved[step] for step in at], colour))
    ends = [step for one in series for step in one.x]
    drawn = chart(
        Axis("steps by which refreshes come early", min(ends), max(ends)),
        Axis("accuracy %", 0, 1, percent=True),
        series,
    )
    drawn = drawn[: drawn.index("</svg>")].replace("<svg ", "<svg xmlns='http://www.w3.org/2000/svg' ", 1)
    start = drawn.index(">") + 1
    names = "".join(
        f"<text class='c{one.colour}' x='{LEFT + 8}' y='{TOP + 16 + 16 * k}'>{escape(one.name)}</text>"
        for k, one in enumerate(series)
    )
    with atomic(output) as temporary:
        temporary.write_text(
            f"{drawn[:start]}<style>{STYLE}</style><rect width='100%' height='100%' fill='#ffffff'/>"
            f"<g font-family='sans-serif' font-size='11.5'>{drawn[start:]}{names}</g></svg>\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    run_app(lambda: typer.run(picture))
