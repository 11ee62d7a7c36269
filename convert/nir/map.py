"""From NIR's nodes to Basalt's equations: exact, or refused by name with the reason and the way out."""

import re
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from basalt.convert.nir.chain import DELAY, Notes, Refusals
from basalt.convert.nir.delays import map_delay
from basalt.convert.nir.graph import Node
from basalt.convert.nir.joined import unsaid
from basalt.convert.nir.levels import arranged
from basalt.convert.nir.mapped import Mapped
from basalt.convert.nir.operators import Shape, UnsaidError, value
from basalt.convert.nir.resets import LOWERED, After, LackingError
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.synapses import constant, recurrence, scaled, synapses_of
from basalt.convert.nir.threshold import of_threshold, reaches, reset_of, stateless
from basalt.convert.nir.writers import DELAYED_ZERO, HARD, Constants, Values, Writer


@dataclass(frozen=True)
class Meaning:
    """What the file cannot tell.

    Attributes:
        writer: how its numbers are meant. step: seconds. reset: a name of `RESETS`.
        nearest: where the neuron here lacks a reset, it takes the nearest; the account says what that costs.
    """

    writer: Writer
    step: float
    reset: str
    nearest: bool = False


def map_stages(stages: tuple[Stage, ...], meaning: Meaning, refused: Refusals, notes: Notes) -> tuple[Mapped, ...]:
    """A layer for each stage; what cannot be said is added to `refused`."""
    layers = []
    for order, stage in enumerate(stages):
        if any(node.name in refused for node in stage.nodes):
            continue
        try:
            layers.append(map_stage(stage, meaning, last=order == len(stages) - 1, notes=notes))
        except UnsaidError as why:
            refused.setdefault(stage.name, str(why))
    if not layers and not refused:
        refused["the graph"] = "holds no neurons and no weights; write the whole network"
    if not refused:
        here = arranged(layers)
        refused.update({stages[number - 1].name: why for number, why in unsaid(here).items()})
        for one in here.relays:
            if one.source >= 0:
                notes.add(stages[max(one.source - 1, 0)].name, f"exact: {one.sentence}")
    return tuple(layers)


def map_stage(stage: Stage, meaning: Meaning, last: bool, notes: Notes) -> Mapped:
    """A layer.

    Raises:
        UnsaidError: it cannot be said.
    """
    neuron = stage.neuron
    if neuron is not None and neuron.type == DELAY:
        return map_delay(stage, plain(stage.name), meaning.step)
    sums = neuron is None or neuron.type in ("LI", "CubaLI")
    if sums and not last:
        raise UnsaidError("sends a membrane, not spikes, to what follows, which no layer here hears")
    if neuron is None:
        none = np.zeros(1)
        constants, threshold, drive = Constants(none, none, np.ones(1)), np.ones(1), none
    else:
        constants, threshold, drive = of_neuron(neuron, meaning, stage.sends, sums)
    factor = constants.gain / threshold
    synapses, offset = synapses_of(stage, notes)
    offset = offset.reshape(-1) * factor
    recurrent = None
    if stage.back:
        if sums:
            raise UnsaidError("hears its own membrane; write a spiking neuron")
        recurrent, more = recurrence(stage.back[0], factor, synapses)
        offset = offset + more
    drive, shape = drive / threshold, stage.sends
    weight, blocks = scaled(synapses, factor, shape), synapses.blocks
    if not np.any(constants.alpha):
        drive, offset = (np.zeros(1), drive + offset) if sums else (drive + offset, np.zeros(1))
    if sums and np.any(drive):
        raise UnsaidError("has a v_leak beside a synapse with a time constant, which a read-out here does not have")
    if np.any(offset):
        if blocks[0].kernel is not None:
            raise UnsaidError(
                "hears a bias of a convolution through a synapse with a time constant, where a bias here acts on the "
                "membrane; write the convolution as an Affine"
            )
        weight, block = constant(weight, offset)
        blocks = (*blocks, block)
        notes.add(stage.name, "exact: its bias is the weight of a neuron that is always on")
    after = After(HARD)
    if neuron is not None and not sums:
        after = after_spike(neuron, meaning, constants, bool(stage.back), notes)
    return Mapped(
        name=plain(stage.name),
        weight=weight,
        blocks=blocks,
        alpha=shared(constants.alpha, sums),
        beta=shared(constants.beta, sums),
        shape=shape,
        drive=drive,
        threshold=None if sums else 1.0,
        reset=after.reset,
        amount=after.amount,
        rests=after.rests,
        reaches=reaches(neuron, meaning.writer),
        recurrent=recurrent,
        membranes=sums and bool(np.any(constants.alpha)),
    )


def after_spike(neuron: Node, meaning: Meaning, constants: Constants, recurrent: bool, notes: Notes) -> After:
    """What a spike of Basalt's neuron does."""
    if stateless(neuron):
        return After(reset_of(neuron, meaning.reset))
    try:
        return LOWERED[meaning.reset](neuron, constants, recurrent)
    except LackingError as lacking:
        if not meaning.nearest:
            raise
        notes.add(neuron.name, f"{lacking.why}: a {lacking.nearest} reset stands in its place")
        return After(lacking.nearest)


def plain(name: str) -> str:
    """A name of files and columns."""
    return re.sub(r"[^\w-]", "-", name)


def of_neuron(neuron: Node, meaning: Meaning, shape: Shape, sums: bool) -> tuple[Constants, Values, Values]:
    """α, β, gain, threshold and the membrane's own drive, each for all neurons or for each, flat.

    Where a membrane begins at its reset voltage c, the neuron is that of v − c: threshold θ − c, drive
    (1 − β)(v_leak − c).
    """
    if stateless(neuron):
        constants, threshold, drive = of_threshold(neuron)
        return constants, above(spread(threshold, shape, neuron), 0.0), drive
    neuron = replace(neuron, values={key: spread(found, shape, neuron) for key, found in neuron.values.items()})
    constants = Constants(*(spread(one, shape, neuron) for one in meaning.writer.constants(neuron, meaning.step)))
    constants = constants._replace(alpha=settled(constants.alpha), beta=settled(constants.beta))
    for name, rest in (("synapse", constants.alpha), ("membrane", constants.beta)):
        if not np.all((rest >= 0) & (rest <= 1)):
            raise UnsaidError(
                f"has a {name} that keeps {rest.min():.3g} of itself in a step, not 0 … 1: the step of "
                f"{1000 * meaning.step:g} ms is not the one that it was written with; give another --dt, or --writer "
                f"norse where tau holds τ·dt"
            )
    if not np.all(np.isfinite(constants.gain)):
        raise UnsaidError("has an infinite r; write a finite one, or name the --writer that means it")
    zero = np.zeros(1)
    leak, resting, begins = (
        spread(neuron.values.get(key, zero), shape, neuron) for key in ("v_leak", "v_reset", meaning.writer.begins)
    )
    rests = resting if meaning.reset in (HARD, DELAYED_ZERO) and not sums else zero
    if np.any(begins != rests):
        raise UnsaidError(
            f"resets to {worst(rests)}, and begins a sample at {worst(begins)}, where neurons here begin as they are "
            f"after a spike; name a --writer whose neurons begin there, if the file means that"
        )
    threshold = np.ones(1) if sums else above(spread(value(neuron, "v_threshold"), shape, neuron), rests)
    return constants, threshold, (1 - constants.beta) * (leak - rests)


def above(threshold: Values, rests: Values | float) -> Values:
    """A threshold above the reset voltage.

    Raises:
        UnsaidError: it is not above it.
    """
    found = threshold - rests
    if not np.all(found > 0):
        raise UnsaidError(
            f"has a threshold of {found.min():g} above its reset voltage, not above 0; look at v_threshold and v_reset"
        )
    return found


def settled(rest: Values) -> Values:
    """What a step leaves, 0 where single precision made it a little less."""
    return np.where((rest < 0) & (rest > -1e-6), 0.0, rest)


def worst(found: Values) -> str:
    """The value farthest from 0."""
    return f"{found[np.argmax(np.abs(found))]:g}"


def spread(found: Values, shape: Shape, node: Node) -> Values:
    """One value, or one per neuron, flat."""
    if found.size == 1:
        return found.reshape(1)
    if found.shape == (prod(shape),):
        return found
    try:
        return np.broadcast_to(found, shape).reshape(-1)
    except ValueError:
        raise UnsaidError(
            f"has parameters of the shape {found.shape} for neurons of {shape}; write one for each"
        ) from None


def shared(found: Values, sums: bool) -> Values:
    """One value where all are the same, which those of a read-out have to be."""
    same = found[:1] if np.all(found == found[0]) else found
    if sums and same.size > 1:
        raise UnsaidError("has a time constant per class, and a read-out here has one for all")
    return same
