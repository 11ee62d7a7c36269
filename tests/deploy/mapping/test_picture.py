"""The picture of a mapping: its title is whole, and its names stay in their cores, whatever they are called."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from basalt.deploy.mapping.mesh import Mesh
from basalt.deploy.mapping.picture import draw
from basalt.deploy.mapping.result import map_network
from tests.deploy.mapping.nets import SMALL, drawn_rates, network

LONG = "a_network_whose_name_is_as_long_as_names_may_be_which_is_64_xyz"


def drawn(mapped, path, monkeypatch):
    """The figure as it was saved."""
    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k)))
    draw(path / "x.png", mapped)
    return kept[0]


@pytest.mark.parametrize("rows_columns", [(1, 8), (2, 4), (8, 1), (6, 6)])
@pytest.mark.parametrize("name", ["net", LONG, "cost_$x$_$y"])
def test_nothing_is_cut(rows_columns, name, tmp_path, monkeypatch):
    net = network(5, (20, False, 0), (9, True, 2), classes=3)
    mapped = map_network(replace(net, name=name), SMALL, drawn_rates(net, 0), Mesh(*rows_columns), rounds=1)
    figure = drawn(mapped, tmp_path, monkeypatch)
    (axes,), canvas, whole = figure.axes, figure.canvas.get_renderer(), figure.bbox
    shown = axes.title.get_text().replace("\\$", "$").replace("\n", "")
    assert shown.startswith(name) and shown.replace(" ", "").endswith("spikesperstep")
    for text in (axes.title, *axes.texts):
        box = text.get_window_extent(canvas)
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1, text.get_text()
        assert whole.y0 <= box.y0 and box.y1 <= whole.y1, text.get_text()
    cores = [patch.get_window_extent(canvas) for patch in axes.patches if hasattr(patch, "get_width")]
    assert not any(axes.title.get_window_extent(canvas).overlaps(core) for core in cores)
