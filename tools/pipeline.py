"""The picture of the way from a recipe to a report, docs/pipeline.svg, from what is registered.

    python tools/pipeline.py

A test holds that the picture is current: a new layer, data set, memory, backend or price table asks for the command.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "pipeline.svg"

WIDTH, MARGIN, COLUMN, GAP = 1000, 30, 190, 60
TOP, STAGE = 60, 92
LINE, LETTER = 17, 6.6
"""Height of a line and, generously, width of a letter of the smaller text."""

STYLE = (
    ".b{fill:#22272b}.h{fill:#f2f1ee;font-weight:700;font-size:19px}.s{fill:#c9cdd0;font-size:13px}"
    ".f{fill:#b5560f;font-size:14px;font-weight:600}.l{stroke:#6d7378;stroke-width:2;fill:none}"
    ".v{fill:#1f6f54;font-size:14px;font-weight:600}.g{stroke:#1f6f54;stroke-width:2;fill:none;stroke-dasharray:5 4}"
    ".t{fill:#3c4247;font-size:13px;font-weight:600}.m{fill:#4c5358;font-size:12.5px}"
)


@dataclass(frozen=True)
class Stage:
    """A folder of the house: what it does, the file that it hands on, and what is registered there by kind."""

    name: str
    does: tuple[str, str]
    hands_on: str
    registered: dict[str, Sequence[str]]


def stages() -> tuple[Stage, ...]:
    """The way, with the names in the registries."""
    from basalt.convert.netx_write import WRITERS
    from basalt.deploy.backends import BACKENDS
    from basalt.deploy.energy.tables import available_tables
    from basalt.records.pathways import PATHWAYS
    from basalt.train.data.sets import SETS
    from basalt.train.layers import LAYERS

    backends = [name if backend.why_not is None else f"{name}*" for name, backend in BACKENDS.items()]
    return (
        Stage("train/", ("SLAYER network,", "exact integers inside"), "checkpoint.safetensors", {
            "layers": list(LAYERS), "data sets": list(SETS),
        }),
        Stage("convert/", ("records, design rules,", "quantised ranges"), "model.net", {
            "records": list(WRITERS), "memory pathways": list(PATHWAYS),
        }),
        Stage("deploy/", ("Lava processes,", "swappable models"), "spikes · counts", {"backends": backends}),
        Stage("report", ("joules per process,", "accuracy, rasters"), "report.html", {
            "price tables": available_tables(),
        }),
    )  # fmt: skip


def footnotes() -> list[str]:
    """Why a backend with an asterisk does not run everywhere, up to the first comma of its reason."""
    from basalt.deploy.backends import BACKENDS

    return [f"* {name}: {each.why_not.split(',')[0]}" for name, each in BACKENDS.items() if each.why_not]


def lines_of(stage: Stage) -> list[tuple[str, str]]:
    """What is registered at a stage, in lines that are no wider than its column: (style, text)."""
    found: list[tuple[str, str]] = []
    for kind, names in stage.registered.items():
        if found:
            found.append(("m", ""))
        found.append(("t", kind))
        found += [("m", line) for line in wrap(", ".join(names), int((COLUMN + 20) / LETTER), break_on_hyphens=False)]
    return found


def picture() -> str:
    """The picture as SVG."""
    return "\n".join(elements()) + "\n"


def elements() -> Iterator[str]:
    """The elements of the picture."""
    way = stages()
    registered = [lines_of(stage) for stage in way]
    notes = footnotes()
    floor = TOP + STAGE + 120 + LINE * max(map(len, registered))
    height = floor + LINE * len(notes) + 14
    said = (
        "A recipe is trained, exported to a .net file, run in Lava and priced; verify compares the spikes of training, "
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="ui-sans-serif, Helvetica, Arial, sans-serif" role="img" aria-labelledby="t">'
        f'<title id="t">{said}reference and backend. Made by tools/pipeline.py.</title>'
    )
    yield f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#faf9f6"/>'
    yield f"<style>{STYLE}</style>"
    yield f"<defs>{marker('a', '#6d7378')}{marker('g', '#1f6f54')}</defs>"
    middle, under = TOP + STAGE / 2, TOP + STAGE + 22
    centres = [MARGIN + COLUMN / 2 + place * (COLUMN + GAP) for place in range(len(way))]
    yield text("f", centres[0], 34, "recipe.toml")
    yield f'<path class="l" d="M{centres[0]} 40V56" marker-end="url(#a)"/>'
    for stage, x, rows in zip(way, centres, registered):
        left, right = x - COLUMN / 2 + 22, x + COLUMN / 2 - 22
        yield (
            f'<polygon class="b" points="{left},{TOP} {right},{TOP} {right + 12},{middle} {right},{TOP + STAGE} '
            f'{left},{TOP + STAGE} {left - 12},{middle}"/>'
        )
        yield text("h", x, TOP + 32, stage.name)
        for row, line in enumerate(stage.does):
            yield text("s", x, TOP + 54 + LINE * row, line)
        last = stage is way[-1]
        yield text("f", x if last else x + (COLUMN + GAP) / 2, under, stage.hands_on)
        if not last:
            yield f'<path class="l" d="M{right + 16} {middle}H{right + GAP + 28}" marker-end="url(#a)"/>'
        for row, (style, line) in enumerate(rows):
            if line:
                yield text(style, x, TOP + STAGE + 116 + LINE * row, line)
    below = TOP + STAGE + 84
    along = f"M{centres[0]} {TOP + STAGE + 6}V{below}H{centres[2]}V{TOP + STAGE + 8}"
    yield f'<path class="g" d="{along}" marker-end="url(#g)"/>'
    yield text("v", centres[1], below - 8, "verify: training = reference = backend, spike for spike")
    for row, note in enumerate(notes):
        yield text("m", WIDTH / 2, floor + LINE * row + 6, note)
    yield "</svg>"


def marker(name: str, colour: str) -> str:
    """An arrow's head."""
    return (
        f'<marker id="{name}" markerWidth="9" markerHeight="9" refX="7" refY="4" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
    )


def text(style: str, x: float, y: float, words: str) -> str:
    """Words around a point."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="middle">{escape(words)}</text>'


def main() -> None:
    """Write the picture."""
    from basalt.files import atomic

    with atomic(FILE) as temporary:
        temporary.write_text(picture(), encoding="utf-8")
    print(f"Wrote {FILE}.")


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    main()
