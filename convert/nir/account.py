"""What an import costs: each step from the trainer's float network to integers, alone and together."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from basalt.convert.nir.events import ALWAYS
from basalt.convert.nir.kernels import fold
from basalt.convert.nir.levels import Arranged, Member, arranged
from basalt.convert.nir.map import Meaning
from basalt.convert.nir.mapped import Mapped, frames_of, spikes_of
from basalt.convert.nir.meant import ready_stage
from basalt.convert.nir.quantise import PARTS, Quantised
from basalt.convert.nir.run import Chain, parts, run_chain, side_by_side
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.tally import Divergence, Tally, first_of, joined, tally


@dataclass(frozen=True)
class Step:
    """One row of the account: a network, beside the float network as its trainer means it.

    Attributes:
        name: what has been done to the float network.
        alone: it is this alone; else all of the rows before too.
        accuracy: share of labels that it finds; None without labels.
        equal_decisions: share of samples with the same class.
        equal_counts: share of samples and outputs with the same number of spikes; None of a read-out.
        differing: layer → spikes that differ, for each spike of the float network; None where it sends none.
    """

    name: str
    alone: bool
    accuracy: float | None
    equal_decisions: float
    equal_counts: float | None
    differing: dict[str, float | None]


MEANT = "float, as its trainer means it"
MAPPED = "Basalt's equations, float64"
FITTED = "leaks and thresholds fitted, float64"
INTEGERS = "states and sums in integers"
TUNED = "fine-tuned"


@dataclass(frozen=True, eq=False)
class Account:
    """All rows, and what the integers send for the samples, each level a step later than the one before.

    Attributes:
        divergence: where the integers first differ from the float network, by layer and then by step; None if nowhere.
    """

    steps: tuple[Step, ...]
    divergence: dict[str, Any] | None
    trace: dict[str, np.ndarray]


Key = tuple[str, ...]
SENT: Key = ("meant",)
EQUATIONS: Key = ("mapped",)
WHOLE: Key = ("integers",)
LEARNED: Key = ("learned",)
"""Networks besides those that have some of `PARTS` rounded."""
Row = tuple[str, bool, Key]
"""Of the account: its name, whether alone, and which network it is of."""


def take_account(
    stages: tuple[Stage, ...],
    meaning: Meaning,
    mapped: tuple[Mapped, ...],
    layers: tuple[Quantised, ...],
    deployed: tuple[Quantised, ...],
    spikes: UInt8[np.ndarray, "samples inputs steps"],
    labels: Int[np.ndarray, "samples"] | None,
    traced: int,
    update: Callable[[int, int], None],
) -> Account:
    """The account of some samples; the trace is of the first of them.

    Args:
        mapped: as the equations are; `layers` may be of others, fitted to the float network.
        deployed: the layers, or what they became by fine-tuning, which the trace is of.
    """
    rows, chains = networks(stages, meaning, mapped, layers)
    learned = None if deployed is layers else tuple(layer.integers.ready() for layer in deployed)
    if learned is not None:
        rows.insert(1 + [name for name, *_ in rows].index(INTEGERS), (TUNED, False, LEARNED))
    integers = tuple(layer.integers.ready() for layer in layers)
    names = [layer.mapped.name for layer in layers]
    levels = arranged([layer.mapped for layer in layers]).levels
    steps, everything = spikes.shape[2], parts(len(spikes))
    update(0, len(everything))

    def work(part: slice) -> tuple[dict[Key, Tally], list[Divergence | None], dict[str, np.ndarray]]:
        frames = frames_of(lengthened(spikes[part], len(levels)))
        heard = np.ascontiguousarray(frames[:, :steps])
        meant = run_chain(chains[SENT], heard)
        found: dict[Key, Tally] = {SENT: tally(chains[SENT], meant, meant)}
        for key, chain in chains.items():
            if key != SENT:
                found[key] = tally(chain, run_chain(chain, heard), meant)
        sent = run_chain(integers, frames, steps)
        found[WHOLE] = tally(integers, sent, meant)
        first = first_of(integers, sent, meant, part.start)
        if learned is not None:
            sent = run_chain(learned, frames, steps)
            found[LEARNED] = tally(learned, sent, meant)
        return found, first, late(layers, [one[: max(0, traced - part.start)] for one in (frames, *sent)])

    found, divergences, traces = [], [], []
    for done, (tallies, first, trace) in enumerate(side_by_side(work, len(spikes)), 1):
        update(done, len(everything))
        found.append(tallies)
        divergences.append(first)
        traces.append(trace)
    whole = {key: joined([one[key] for one in found]) for key in found[0]}
    named = tuple(row(name, alone, names, whole[key], whole[SENT], labels) for name, alone, key in rows)
    trace = {name: np.concatenate([one[name] for one in traces]) for name in traces[0]}
    return Account(named, earliest(names, divergences), trace)


def networks(
    stages: tuple[Stage, ...], meaning: Meaning, mapped: tuple[Mapped, ...], layers: tuple[Quantised, ...]
) -> tuple[list[Row], dict[Key, Chain]]:
    """The rows, and the networks that they are of: what rounding leaves as it is is not computed again."""
    chains: dict[Key, Chain] = {SENT: tuple(ready_stage(stage, meaning) for stage in stages)}
    chains[EQUATIONS] = tuple(layer.ready() for layer in mapped)
    rows: list[Row] = [(MEANT, False, SENT), (MAPPED, False, EQUATIONS)]
    begin: Key = EQUATIONS
    if any(layer.mapped is not own for layer, own in zip(layers, mapped, strict=True)):
        begin = ()
        chains[begin] = tuple(layer.mapped.ready() for layer in layers)
        rows.append((FITTED, False, begin))
    together = [(PARTS[number - 1], False, PARTS[:number]) for number in range(1, len(PARTS) + 1)]
    for name, alone, wanted in [*together, *((name, True, (name,)) for name in PARTS)]:
        key = tuple(part for part in wanted if any(layer.changes(part) for layer in layers)) or begin
        if key not in chains:
            chains[key] = tuple(layer.part(key).ready() for layer in layers)
        rows.append((name, alone, key))
    rows.insert(len(rows) - len(PARTS), (INTEGERS, False, WHOLE))
    return rows, chains


def row(name: str, alone: bool, names: Sequence[str], found: Tally, meant: Tally, labels: np.ndarray | None) -> Step:
    """A row."""
    decided = found.scores.argmax(axis=1)
    return Step(
        name=name,
        alone=alone,
        accuracy=None if labels is None else float(np.mean(decided == labels)),
        equal_decisions=float(np.mean(decided == meant.scores.argmax(axis=1))),
        equal_counts=float(np.mean(found.scores == meant.scores)) if meant.fired[-1] is not None else None,
        differing={
            layer: wrong / fired if fired else (None if wrong == 0 else float(wrong))
            for layer, wrong, fired in zip(names, found.wrong, meant.fired, strict=True)
            if fired is not None and wrong is not None
        },
    )


def earliest(names: Sequence[str], found: Sequence[Sequence[Divergence | None]]) -> dict[str, Any] | None:
    """The first layer that differs, and of it the first step, sample and neuron."""
    for name, places in zip(names, zip(*found, strict=True), strict=True):
        there = [place for place in places if place is not None]
        if there:
            return {"layer": name, **min(there)._asdict()}
    return None


def late(layers: Sequence[Quantised], sent: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """What Basalt's layers send, each level a step later than the one before.

    Args:
        sent: the input, and what each layer sends as the float network counts steps.
    """
    trace = {}
    here = arranged([layer.mapped for layer in layers])
    for order, level in enumerate(here.levels, 1):
        last = here.layers[level[0].source - 1]
        if level[0].relay or last.threshold is not None:
            parts = [
                of_member(here, one, sent, prod(shape)) for one, shape in zip(level, here.sent_by(level), strict=True)
            ]
            found = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
            name = here.name_of(level)
            trace[name] = np.zeros_like(found)
            trace[name][:, :, order:] = found[:, :, : found.shape[2] - order]
        elif not last.membranes:
            trace[last.name] = spikes_of(sent[-1], last.neurons)[:, :, 0].astype(np.int64)
    return trace


def of_member(here: Arranged, member: Member, sent: Sequence[np.ndarray], neurons: int) -> np.ndarray:
    """What one of a level sends, as `spikes_of`; of neurons that are always on the first spikes in each step."""
    if member.source == ALWAYS:
        found = np.zeros((len(sent[0]), neurons, sent[0].shape[1]), dtype=np.uint8)
        found[:, 0] = 1
        return found
    shape, number = here.shapes[member.source], here.sends[member.source - 1] if member.source else 0
    found = spikes_of(sent[number], prod(shape))
    if member.fold == (1, 1):
        return found
    at = fold(shape, member.fold)
    return np.where((at >= 0)[:, None], found[:, at], 0)


def run_integers(
    layers: Sequence[Quantised], spikes: UInt8[np.ndarray, "samples inputs steps"]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What the integers send: as the float network counts steps, and as Basalt does, each level a step later."""
    steps, levels = spikes.shape[2], arranged([layer.mapped for layer in layers]).levels
    frames = frames_of(lengthened(spikes, len(levels)))
    sent = run_chain([layer.integers.ready() for layer in layers], frames, steps)
    found = {
        layer.mapped.name: spikes_of(one, layer.mapped.neurons)[:, :, :steps]
        for layer, one in zip(layers, sent, strict=True)
    }
    return found, late(layers, [frames, *sent])


def lengthened(spikes: UInt8[np.ndarray, "samples inputs steps"], levels: int) -> np.ndarray:
    """The input with as many silent steps after it as there are levels, each of which is a step later."""
    return np.concatenate([spikes, np.zeros((*spikes.shape[:2], levels), dtype=spikes.dtype)], axis=2)


def plain_steps(account: Account) -> list[dict[str, Any]]:
    """The rows for a file."""
    return [asdict(step) for step in account.steps]
