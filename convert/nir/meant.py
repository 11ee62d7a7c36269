"""A NIR network as its trainer means it: node by node, in float64, nothing folded; the judge of an import."""

from collections.abc import Callable
from functools import partial

import numpy as np

from basalt.convert.nir.chain import Stage
from basalt.convert.nir.graph import Node
from basalt.convert.nir.map import Meaning, of_neuron
from basalt.convert.nir.mapped import in_parts
from basalt.convert.nir.neuron import Running
from basalt.convert.nir.operators import OPERATORS, Shape


def run_meant(stages: tuple[Stage, ...], meaning: Meaning, spikes: np.ndarray) -> dict[str, np.ndarray]:
    """What every stage sends, by its name: spikes (samples, neurons, steps), or sums over all steps (steps 1)."""
    out: dict[str, np.ndarray] = {}
    for stage in stages:
        size = max(int(np.prod(shape)) for shape in shapes(stage))
        spikes = in_parts(partial(run_stage, stage, meaning), spikes, size)
        out[stage.name] = spikes
    return out


def shapes(stage: Stage) -> list[Shape]:
    """The shapes on the way through a stage."""
    found = [stage.shape]
    for node in stage.operators:
        found.append(OPERATORS[node.type].shape(node, found[-1]))
    return found


def run_stage(stage: Stage, meaning: Meaning, spikes: np.ndarray) -> np.ndarray:
    """The same of one stage."""
    samples, _, steps = spikes.shape
    frames = spikes.transpose(2, 0, 1).reshape(steps * samples, *stage.shape).astype(np.float64)
    for node in stage.operators:
        frames = OPERATORS[node.type].apply(node, frames)
    arrived = frames.reshape(steps, samples, -1)
    if stage.neuron is None:
        return arrived.sum(axis=0)[:, :, None]
    sums = stage.neuron.type in ("LI", "CubaLI")
    constants, threshold, drive = of_neuron(stage.neuron, meaning, stage.sends, sums)
    back = back_of(stage.back[0], stage.sends) if stage.back else None
    if sums:
        return integrated(arrived, *constants, drive)
    late = bool(stage.back) or stage.neuron.type == "CubaLIF"
    running = Running(constants, threshold, drive, meaning.reset, meaning.writer.reaches, back, late)
    sent = [running.step(one).astype(np.uint8) for one in arrived]
    return np.ascontiguousarray(np.stack(sent).transpose(1, 2, 0))


def integrated(
    arrived: np.ndarray, alpha: np.ndarray, beta: np.ndarray, gain: np.ndarray, drive: np.ndarray
) -> np.ndarray:
    """Membranes without a threshold, summed over all steps."""
    u = v = total = np.zeros_like(arrived[0])
    for one in arrived:
        u = alpha * u + one
        v = beta * v + gain * u + drive
        total = total + v
    return total[:, :, None]


def back_of(node: Node, shape: Shape) -> Callable[[np.ndarray], np.ndarray]:
    """What a neuron hears of its own spikes."""

    def heard(sent: np.ndarray) -> np.ndarray:
        return OPERATORS[node.type].apply(node, sent.reshape(len(sent), *shape)).reshape(len(sent), -1)

    return heard
