"""From NIR's nodes to Basalt's equations: exact, or refused by name with the reason and the way out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import NamedTuple

import numpy as np

from basalt.convert.nir.chain import Refusals, Stage
from basalt.convert.nir.graph import Node
from basalt.convert.nir.mapped import Mapped
from basalt.convert.nir.operators import OPERATORS, POOLS, Kernel, Shape, UnsaidError, extents, kernel_of, value
from basalt.convert.nir.writers import (
    AT_ONCE,
    DELAYED_SUBTRACT,
    DELAYED_ZERO,
    FLOORED,
    HARD,
    NO,
    SEVERAL,
    SOFT,
    Constants,
    Values,
    Writer,
)

LEAST_KEPT = 1 / 64
"""Of a membrane in a step, where what a spike takes is divided by it."""
WEIGHTS_MOST = 1 << 23
"""Of a layer that becomes a matrix: 8 million, 64 MB while it is mapped."""
CONVOLUTIONS = ("Conv1d", "Conv2d")


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


@dataclass
class Notes:
    """What is said of nodes: how each became what it is."""

    of: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: str, sentence: str) -> None:
        """A further sentence."""
        self.of.setdefault(node, []).append(sentence)


class After(NamedTuple):
    """What a spike of Basalt's neuron does: its reset, what it subtracts, in thresholds, where it is not one, and
    whether the membrane then rests for a step.
    """

    reset: str
    amount: Values | None = None
    rests: bool = False


Lowering = Callable[[Node, Constants, bool], After]
"""Of a reset: the neuron's node, its constants, and whether it hears itself."""


def reset_as_is(name: str) -> Lowering:
    """A reset that Basalt's neuron has."""
    return lambda node, constants, recurrent: After(name)


def delayed_subtract(node: Node, constants: Constants, recurrent: bool) -> After:
    """θ taken after the decay is θ/β taken before it."""
    if np.all(constants.beta == 1):
        return After(SOFT)
    if not np.all(constants.beta > LEAST_KEPT):
        raise LackingError(
            f"keeps {constants.beta.min():.3g} of its membrane in a step, and subtracts its threshold after that, a "
            f"reset amount beyond 1/{LEAST_KEPT:g} thresholds",
            SOFT,
        )
    return After(SOFT, 1 / constants.beta)


def delayed_zero(node: Node, constants: Constants, recurrent: bool) -> After:
    """Leaky's is a hard reset; the others ignore their input for a step too."""
    return After(HARD, rests=node.type == "CubaLIF" or recurrent)


def lacks(why: str) -> Lowering:
    """A reset that no neuron here has, to which a soft one is the nearest."""

    def lacking(node: Node, constants: Constants, recurrent: bool) -> After:
        raise LackingError(why, SOFT)

    return lacking


ONE_SPIKE = (
    "sends as many spikes in a step as thresholds fit into its membrane, and neurons here send one spike in a step"
)


class LackingError(UnsaidError):
    """A reset that the neuron does not have, and the nearest one that it has."""

    def __init__(self, why: str, nearest: str) -> None:
        super().__init__(f"{why}; see by --nearest what a {nearest} reset in its place costs")
        self.why, self.nearest = why, nearest


LOWERED: Mapping[str, Lowering] = {
    HARD: reset_as_is(HARD),
    SOFT: reset_as_is(SOFT),
    NO: reset_as_is(NO),
    SEVERAL: lacks(ONE_SPIKE),
    FLOORED: lacks(f"{ONE_SPIKE}, and have no floor at -threshold"),
    AT_ONCE: lacks(
        "subtracts its threshold again where the membrane is still above it, and gives it back without a spike, as "
        "snnTorch does with reset_delay=False; only where no membrane reaches twice its threshold is that a soft reset"
    ),
    DELAYED_SUBTRACT: delayed_subtract,
    DELAYED_ZERO: delayed_zero,
}
"""Reset of a framework → that of Basalt's neuron: the one place that says what the neuron can."""


def map_stages(stages: tuple[Stage, ...], meaning: Meaning, refused: Refusals, notes: Notes) -> tuple[Mapped, ...]:
    """The layers of a chain; what cannot be said is added to `refused`."""
    layers = []
    for order, stage in enumerate(stages):
        if any(node.name in refused for node in stage.nodes):
            continue
        blamed = stage.operators[-1] if stage.neuron is None else stage.neuron
        try:
            layers.append(map_stage(stage, meaning, last=order == len(stages) - 1, notes=notes))
        except UnsaidError as why:
            refused.setdefault(blamed.name, str(why))
    if not layers and not refused:
        refused["the graph"] = "holds no neurons and no weights; write the whole network"
    return tuple(layers)


def map_stage(stage: Stage, meaning: Meaning, last: bool, notes: Notes) -> Mapped:
    """A layer.

    Raises:
        UnsaidError: it cannot be said.
    """
    neuron = stage.neuron
    sums = neuron is None or neuron.type in ("LI", "CubaLI")
    if sums and not last:
        raise UnsaidError("sends a membrane, not spikes, to what follows; end the network with it")
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
    if np.any(offset) and np.any(constants.alpha):
        raise UnsaidError(
            "hears a bias through a synapse with a time constant, where a bias here acts on the membrane; train the "
            "Affine before it with bias=False"
        )
    drive = drive / threshold + offset
    if sums and np.any(drive):
        raise UnsaidError(
            "ends the network with a bias, which a read-out here does not have; train the last layer with bias=False, "
            "or end it in spiking neurons"
        )
    shape = stage.sends
    after = After(HARD)
    if neuron is not None and not sums:
        after = after_spike(neuron, meaning, constants, bool(stage.back), notes)
    return Mapped(
        name=plain(stage.name),
        weight=scaled(synapses, factor, shape),
        alpha=shared(constants.alpha, sums),
        beta=shared(constants.beta, sums),
        shape=shape,
        drive=drive,
        threshold=None if sums else 1.0,
        reset=after.reset,
        amount=after.amount,
        rests=after.rests,
        reaches=meaning.writer.reaches,
        recurrent=recurrent,
        kernel=synapses.kernel,
        input_shape=synapses.input_shape,
        membranes=sums and bool(np.any(constants.alpha)),
    )


def after_spike(neuron: Node, meaning: Meaning, constants: Constants, recurrent: bool, notes: Notes) -> After:
    """What a spike of Basalt's neuron does."""
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
            f"after a spike; train with one value for both"
        )
    threshold = np.ones(1) if sums else spread(value(neuron, "v_threshold"), shape, neuron) - rests
    if not np.all(threshold > 0):
        raise UnsaidError(
            f"has a threshold of {threshold.min():g} above its reset voltage, not above 0; shift the membrane so that "
            f"it rests at 0"
        )
    return constants, threshold, (1 - constants.beta) * (leak - rests)


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
        raise UnsaidError("has a time constant per class, and a read-out here has one; train them as one")
    return same


@dataclass(frozen=True, eq=False)
class Synapses:
    """Operators as one matrix, or one convolution."""

    weight: np.ndarray
    kernel: Kernel | None = None
    input_shape: Shape | None = None


def scaled(synapses: Synapses, factor: Values, shape: Shape) -> np.ndarray:
    """The weights times a factor for each neuron, which those of a channel have to share in a convolution."""
    if factor.size == 1:
        return synapses.weight * factor
    if synapses.kernel is None:
        return synapses.weight * factor[:, None]
    channels = factor.reshape(shape[0], -1)
    if np.any(channels != channels[:, :1]):
        raise UnsaidError(
            "has thresholds or gains that differ within a channel of a convolution; train one per channel"
        )
    return synapses.weight * channels[:, :1, None, None]


def recurrence(back: Node, factor: Values, synapses: Synapses) -> tuple[np.ndarray, np.ndarray]:
    """The recurrent weights, a matrix or a diagonal, and what its bias adds."""
    if synapses.kernel is not None:
        raise UnsaidError("is recurrent after a convolution, which layers here are not; put an Affine before it")
    if back.type == "Scale":
        return np.broadcast_to(value(back, "scale").reshape(-1) * factor, len(synapses.weight)).copy(), np.zeros(1)
    weight = value(back, "weight")
    bias = value(back, "bias").reshape(-1) if back.type == "Affine" else np.zeros(1)
    return weight * (factor[:, None] if factor.size > 1 else factor), bias * factor


def synapses_of(stage: Stage, notes: Notes) -> tuple[Synapses, np.ndarray]:
    """All operators of a stage as one, and the constant that they add to each neuron."""
    offset = through(stage, np.zeros((1, *stage.shape)))[0]
    real = [node for node in stage.operators if node.type != "Flatten"]
    if not real:
        if prod(stage.shape) > 1 << 11:
            raise UnsaidError(
                "hears its input without weights, too large for a matrix; put a Conv2d of size 1 before it"
            )
        notes.add(stage.name, "its input has no weights: it hears each feature once")
    folded = folded_kernel(real, stage) if real and all(node.type in KINDS for node in real) else None
    if folded is not None and stage.operators[-1].type != "Flatten":
        for node in real[:-1] if len(real) > 1 else ():
            notes.add(node.name, "exact: folded into the convolution after it")
        shape = stage.shape if len(stage.shape) == 3 else (stage.shape[0], 1, stage.shape[1])
        return Synapses(folded.weight, folded, shape), offset
    inputs, neurons = prod(stage.shape), prod(stage.sends)
    if inputs * neurons > WEIGHTS_MOST:
        raise UnsaidError(
            f"follows operators that become a matrix of {neurons:,} × {inputs:,} weights, more than {WEIGHTS_MOST:,}; "
            f"put spiking neurons between them, or pools before convolutions"
        )
    for node in real:
        if len(real) > 1 or node.type not in ("Affine", "Linear"):
            notes.add(node.name, "exact: folded into one matrix with its neighbours")
    ones = np.eye(inputs).reshape(inputs, *stage.shape)
    rows = [through(stage, ones[first : first + 256]) - offset for first in range(0, inputs, 256)]
    return Synapses(np.concatenate(rows).reshape(inputs, neurons).T.copy()), offset


KINDS = (*CONVOLUTIONS, *POOLS)


def through(stage: Stage, frames: np.ndarray) -> np.ndarray:
    """Frames after all operators of a stage."""
    for node in stage.operators:
        frames = OPERATORS[node.type].apply(node, frames)
    return frames


def folded_kernel(nodes: list[Node], stage: Stage) -> Kernel | None:
    """Pools and the convolution after them as one convolution; None where that is not exact."""
    shape = stage.shape
    whole: Kernel | None = None
    for order, node in enumerate(nodes):
        kernel = kernel_of(node, shape)
        size = shape[1:] if len(shape) == 3 else (1, shape[1])
        if whole is not None:
            if nodes[order - 1].type not in POOLS:
                return None
            before = stage.shape[1:] if len(stage.shape) == 3 else (1, stage.shape[1])
            whole = folded(whole, kernel, before, size)
            if whole is None:
                return None
        else:
            whole = kernel
        shape = OPERATORS[node.type].shape(node, shape)
    return whole


def folded(pool: Kernel, after: Kernel, before: Shape, between: Shape) -> Kernel | None:
    """A pool and what follows as one kernel, or None.

    The kernel becomes kernel ⊗ pool, stride and padding those of what follows × the pool's stride. Zeros around the
    pooled image have to be zeros around the image: so no window of the pool may reach from outside into it.
    """
    parts = []
    for axis in (0, 1):
        step, wide = pool.stride[axis], pool.weight.shape[2 + axis]
        reaches = wide > step + pool.padding[axis] or between[axis] * step - pool.padding[axis] < before[axis]
        if after.padding[axis] and reaches:
            return None
        spacing = after.dilation[axis] * step
        part = np.zeros((after.weight.shape[2 + axis], spacing * (after.weight.shape[2 + axis] - 1) + wide))
        for place in range(len(part)):
            part[place, place * spacing : place * spacing + wide] = 1
        parts.append(part)
    weight = np.einsum("ocij,iy,jx->ocyx", after.weight * pool.weight.flat[0], *parts)
    stride = (pool.stride[0] * after.stride[0], pool.stride[1] * after.stride[1])
    padding = tuple(after.padding[axis] * pool.stride[axis] + pool.padding[axis] for axis in (0, 1))
    found = Kernel(weight, stride, (padding[0], padding[1]), (1, 1), after.groups)
    return found if extents(found, before) == extents(after, between) else None
