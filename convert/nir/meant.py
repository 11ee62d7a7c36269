"""A NIR network as its trainer means it: node by node, in float64, nothing folded; the judge of an import."""

from math import prod

import numpy as np

from basalt.convert.nir.chain import DELAY
from basalt.convert.nir.delays import steps_of
from basalt.convert.nir.events import MANY, RESETS, SUMS, Before, Neurons, Ready
from basalt.convert.nir.graph import Node
from basalt.convert.nir.map import Meaning, of_neuron
from basalt.convert.nir.mapped import frames_of, spikes_of
from basalt.convert.nir.operators import KINDS, Shape, kernel_of
from basalt.convert.nir.rows import Rows, dense_rows, diagonal_rows, kernel_rows, no_rows
from basalt.convert.nir.run import run_chain
from basalt.convert.nir.stage import Places, Stage
from basalt.convert.nir.threshold import reaches, reset_of
from basalt.convert.nir.writers import Constants

Step = tuple[Rows, np.ndarray]
"""What an operator does to events, and what it adds in every step."""


def run_meant(stages: tuple[Stage, ...], meaning: Meaning, spikes: np.ndarray) -> dict[str, np.ndarray]:
    """What every stage sends, by its name: spikes (samples, neurons, steps), or sums over all steps (steps 1)."""
    chain = [ready_stage(stage, meaning) for stage in stages]
    sent = run_chain(chain, frames_of(spikes))
    return {stage.name: spikes_of(one, prod(stage.sends)) for stage, one in zip(stages, sent, strict=True)}


def ready_operators(stage: Stage) -> tuple[list[Before], Places]:
    """The operators of a stage, and the places that they end in; what only lays out anew has none of its own."""
    before: list[Before] = []
    stands: list[Places] = [(place,) for place in range(len(stage.sources))]
    for node, places, shape in stage.heard():
        hears = tuple(one for place in places for one in stands[place])
        if node.type == "Flatten":
            stands.append(hears)
            continue
        stands.append((len(stage.sources) + len(before),))
        before.append(Before(hears, *operator(node, shape)))
    return before, tuple(one for place in stage.ends for one in stands[place])


def ready_stage(stage: Stage, meaning: Meaning) -> Ready:
    """A stage, ready to run."""
    before, ends = ready_operators(stage)
    last = len(stage.sources) + len(before) - 1
    if before and ends == (last,):  # a join of its own is only where several end in the neuron
        ends, rows, offset = before.pop()
    else:
        rows, offset = diagonal_rows(np.ones(prod(stage.sends))), np.zeros(1)
    delay = None
    reset, constants, threshold, drive = SUMS, Constants(np.zeros(1), np.zeros(1), np.ones(1)), np.ones(1), np.zeros(1)
    if stage.neuron is not None and stage.neuron.type == DELAY:
        delay, reset = steps_of(stage, meaning.step), MANY  # as many as there are
    elif stage.neuron is not None:
        sums = stage.neuron.type in ("LI", "CubaLI")
        constants, threshold, drive = of_neuron(stage.neuron, meaning, stage.sends, sums)
        reset = SUMS if sums else RESETS[reset_of(stage.neuron, meaning.reset)]
    back = no_rows(len(rows.place))
    if stage.back:
        back, more = operator(stage.back[0], stage.sends)
        offset = offset + more
    late = bool(stage.back) or (stage.neuron is not None and stage.neuron.type == "CubaLIF")
    neurons = Neurons(
        offset=rows.inside(offset),
        alpha=rows.inside(constants.alpha),
        beta=rows.inside(constants.beta),
        gain=rows.inside(constants.gain),
        drive=rows.inside(drive),
        threshold=rows.inside(threshold),
        amount=rows.inside(threshold),
        reset=reset,
        rests=False,
        reaches=reaches(stage.neuron, meaning.writer),
        whole=False,
        late=late,
        floors=False,
    )
    return Ready(stage.sources, tuple(before), ends, rows, back, neurons, delay)


def operator(node: Node, shape: Shape) -> Step:
    """A node with weights as rows, and its bias, one for all outputs or one for each."""
    bias = node.values["bias"].reshape(-1) if "bias" in node.values and node.type != "Linear" else np.zeros(1)
    if node.type in KINDS:
        size = shape if len(shape) == 3 else (shape[0], 1, shape[1])
        rows = kernel_rows(kernel_of(node, shape), size)
        if bias.size > 1:
            bias = np.repeat(bias, len(rows.place) // bias.size)
        return rows, bias
    if node.type == "Scale":
        return diagonal_rows(np.broadcast_to(node.values["scale"], shape).reshape(-1)), np.zeros(1)
    return dense_rows(node.values["weight"]), bias
