"""What becomes of a framework's network: refused by name, or imported, and how much of it is equal to the framework."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from basalt.convert.nir.account import lengthened, run_integers
from basalt.convert.nir.asked import understand
from basalt.convert.nir.chain import Notes, chain
from basalt.convert.nir.joined import records
from basalt.convert.nir.map import map_stages
from basalt.convert.nir.mapped import run_layers
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from basalt.convert.nir.scales import quantise
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.convert.nir.frameworks.case import Case


@dataclass(frozen=True, eq=False)
class Judged:
    """An import beside the framework.

    Attributes:
        drawn: what the framework sends, (samples, outputs, steps).
        meant: what the import takes the file to mean. mapped: in Basalt's equations. integers: as it is deployed.
        refused: node → why, without `--nearest`.
    """

    drawn: np.ndarray
    meant: np.ndarray
    mapped: np.ndarray
    integers: np.ndarray
    refused: Mapping[str, str]

    def equal_counts(self, sent: np.ndarray) -> float:
        """Share of samples and outputs with as many spikes as the framework sends."""
        return float(np.mean(sent.sum(axis=2, dtype=int) == self.drawn.sum(axis=2, dtype=int)))


def judge(case: Case, path: Path, spikes: np.ndarray) -> Judged:
    """Draw, export, import and run a network; where its reset is refused, with the nearest.

    Its integers have to be those of the records, whatever they are worth.
    """
    drawn = case.draw(path, spikes)
    graph = read(path)
    meaning = understand(graph, ImportOptions(path, **case.options)).meaning
    stages, refused = chain(graph)
    map_stages(stages, meaning, refused, Notes())
    stages, none = chain(graph)
    layers = map_stages(stages, replace(meaning, nearest=True), none, Notes())
    assert not none, none
    integers = quantise(layers, "max", None)
    sent, trace = run_integers(integers, spikes)
    network = Network(records(integers))
    found = simulate(network, lengthened(spikes, len(network.layers)))
    assert all(np.array_equal(found[name], trace[name]) for name in trace)
    last = [list(one.values())[-1] for one in (run_meant(stages, meaning, spikes), run_layers(layers, spikes), sent)]
    return Judged(drawn, *last, refused)
