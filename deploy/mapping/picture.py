"""A mapping as a picture: the mesh, its cores in the colours of their layers, its links as wide as their loads."""

from pathlib import Path
from textwrap import fill

from basalt.deploy.mapping.mesh import PORT
from basalt.deploy.mapping.result import Mapped, name_of
from basalt.files import atomic

SIDE = 0.62
"""Of a core, in pitches of the mesh."""


PITCH = 0.95
"""Of the mesh, in inches."""
LEAST_WIDTH = 3.0
TITLE_POINTS = 8
LINE = TITLE_POINTS * 1.3 / 72
"""Height of a line of the title, in inches."""
CHARACTER = 0.62 * TITLE_POINTS / 72
"""Width of a letter, in inches, generously."""
LETTERS = 12
"""That fit into a core at 6 points."""


def title_of(mapped: Mapped, heaviest: float, width: float) -> str:
    """What is drawn, in as many lines as a picture of that width needs."""
    whole = (
        f"{mapped.network} on {name_of(mapped.mesh)} cores {mapped.core.name!r}: {mapped.hops:,.1f} hops per step, "
        f"widest link {heaviest:,.1f} spikes per step"
    )
    # matplotlib would take text between dollar signs for mathematics.
    return fill(whole, int(width / CHARACTER)).replace("$", r"\$")


def draw(path: Path, mapped: Mapped) -> None:
    """Write the picture; the suffix of `path` says in which format."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    mesh = mapped.mesh
    heaviest = max(mapped.links.values(), default=1.0) or 1.0
    width = max(1.5 + PITCH * mesh.columns, LEAST_WIDTH)
    title = title_of(mapped, heaviest, width)
    height = 1.1 + PITCH * mesh.rows + LINE * len(title.splitlines())
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for (begin, end), spikes in mapped.links.items():
        (row, column), (to_row, to_column) = mesh.place(begin), mesh.place(end)
        aside_x, aside_y = 0.07 * (to_row - row), 0.07 * (to_column - column)  # the two directions side by side
        share = spikes / heaviest
        axes.annotate(
            "",
            (column + 0.67 * (to_column - column) + aside_x, row + 0.67 * (to_row - row) + aside_y),
            (column + 0.33 * (to_column - column) + aside_x, row + 0.33 * (to_row - row) + aside_y),
            arrowprops={
                "arrowstyle": "-|>",
                "linewidth": 0.5 + 4 * share,
                "color": (0.15, 0.15, 0.15, 0.25 + 0.75 * share),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    layers = list(dict.fromkeys(piece.layer for piece in mapped.pieces))
    colours = colormaps["turbo"]
    on_core: dict[int, list[int]] = {}
    for number, core in enumerate(mapped.places.tolist()):
        on_core.setdefault(core, []).append(number)
    for core in range(mesh.cores):
        row, column = mesh.place(core)
        corner = (column - SIDE / 2, row - SIDE / 2)
        axes.add_patch(Rectangle(corner, SIDE, SIDE, facecolor="white", edgecolor="0.6", zorder=2))
        for turn, number in enumerate(on_core.get(core, ())):
            piece, height = mapped.pieces[number], SIDE / len(on_core[core])
            low = row - SIDE / 2 + turn * height
            colour = colours(0.1 + 0.8 * layers.index(piece.layer) / max(len(layers) - 1, 1))
            axes.add_patch(
                Rectangle((corner[0], low), SIDE, height, facecolor=colour, edgecolor="0.2", alpha=0.75, zorder=3)
            )
            text = f"{piece.layer}\n{piece.first}–{piece.first + piece.neurons - 1}".replace("$", r"\$")
            tall = 72 * PITCH * height / (2 * 1.3)  # at this size in points, two lines fill the part's height
            points = min(6.0, 6.0 * LETTERS / max(map(len, text.splitlines())), tall)
            axes.text(column, low + height / 2, text, ha="center", va="center", fontsize=points, zorder=4)
    row, column = mesh.place(PORT)
    axes.annotate(
        "input",
        (column - SIDE / 2, row),
        (column - 0.95, row),
        fontsize=7,
        va="center",
        arrowprops={"arrowstyle": "->"},
    )
    axes.set_xlim(-1, mesh.columns - 0.5)
    axes.set_ylim(mesh.rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(title, fontsize=TITLE_POINTS)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=140)
