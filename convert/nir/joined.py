"""All layers of a level as one: neurons side by side, and a convolution or a matrix of what all of them hear."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from basalt.convert.nir.events import ALWAYS
from basalt.convert.nir.kernels import aligned, fold, folding, image, over_folded, ungrouped
from basalt.convert.nir.levels import Arranged, Level, Member, arranged, strided
from basalt.convert.nir.mapped import Mapped, rows_of
from basalt.convert.nir.operators import Kernel, Shape, UnsaidError
from basalt.convert.nir.quantise import Quantised
from basalt.convert.nir.rows import matrix
from basalt.convert.nir.synapses import WEIGHTS_MOST, Block, apart
from basalt.records.layer import Layer

WEIGHT, THRESHOLD = 2, 1
"""Of a relay neuron."""


def unsaid(here: Arranged) -> dict[int, str]:
    """Layer as it was → why its level cannot be one layer."""
    found = {}
    for below, level in steps(here):
        try:
            shared(level, here.layers)
            if not as_it_is(below, level, here.layers):
                joined(below, level, here, [layer.weight for layer in here.layers])
        except UnsaidError as why:
            found[here.of[max(level[0].source - 1, 0)]] = str(why)
    return found


def steps(here: Arranged) -> Sequence[tuple[Level, Level]]:
    """Each level, and the one below."""
    return list(pairwise(((Member(0, False),), *here.levels)))


def shared(level: Level, layers: Sequence[Mapped]) -> Mapped:
    """A layer of a level, whose reset all of them have but those that only pass on spikes, which stand for none.

    Raises:
        UnsaidError: they do not have the same.
    """
    computing = [layers[member.source - 1] for member in level if copied(member, layers) is None]
    if not computing:
        return relay_of(Member(0, True), (1,), ()).mapped
    first, *others = computing
    for other in others:
        if (other.reset, other.rests) != (first.reset, first.rests):
            raise UnsaidError(
                f"is as many neurons away from the input as {other.name!r}, so that they become one layer, of which "
                f"only one rests for a step after a spike; give both the same type of neuron"
            )
    if first.rests and len(computing) < len(level):
        raise UnsaidError(
            "rests for a step after a spike, and what follows asks for relay neurons beside it, which would rest too: "
            "for a connection that skips it, or for a bias through a synapse; give it a reset without rest"
        )
    return first


def as_it_is(below: Level, level: Level, layers: Sequence[Mapped]) -> bool:
    """Whether a level is one layer that hears the whole level below, which is one too."""
    (source, relay, _), *more = level
    return not relay and not more and len(below) == 1 and layers[source - 1].hears == (below[0].source,)


def copied(member: Member, layers: Sequence[Mapped]) -> int | None:
    """The source whose spikes a member passes on as they are; None where it does more."""
    source, relay, _ = member
    if relay:
        return source
    return layers[source - 1].hears[0] if layers[source - 1].passes else None


def joined(below: Level, level: Level, here: Arranged, weights: Sequence[np.ndarray]) -> tuple[np.ndarray, Block]:
    """The synapses of a level: a convolution where all of it is, else a matrix.

    Args:
        weights: of each layer.

    Raises:
        UnsaidError: neither.
    """
    layers, shapes = here.layers, [here.sent_by(members) for members in (level, below)]
    found = kernels_joined(below, level, layers, weights, shapes)
    if found is not None:
        return found
    rows, columns = (
        dict(zip((member.source for member in members), spans(list(map(prod, of)))))
        for members, of in zip((level, below), shapes)
    )
    sizes = [sum(map(prod, of)) for of in shapes]
    if sizes[0] * sizes[1] > WEIGHTS_MOST:
        raise UnsaidError(
            f"becomes one layer with what is beside it, a matrix of {sizes[0]:,} × {sizes[1]:,} weights, more than "
            f"{WEIGHTS_MOST:,} that are imported; give convolutions of one level one stride, and what they hear one "
            f"height and width"
        )
    weight = np.zeros(sizes)
    heard = {one.source: fold(here.shapes[one.source], one.fold) for one in below if one.source != ALWAYS}
    for member in level:
        source, copies = member.source, copied(member, layers)
        if source == ALWAYS:
            continue
        if copies is not None:
            at = fold(here.shapes[source], member.fold)
            weight[rows[source], columns[copies]] = WEIGHT * ((at[:, None] == heard[copies]) & (at[:, None] >= 0))
            continue
        for block, part in apart(weights[source - 1], layers[source - 1].blocks):
            here_ = matrix(rows_of(block, part))
            if block.source == ALWAYS:
                weight[rows[source], columns[ALWAYS].start] = here_[:, 0]
            else:
                at = heard[block.source]
                weight[rows[source], columns[block.source]] = np.where(at >= 0, here_[:, at], 0)
    return weight, Block(0, (sizes[1],), None)


def kernels_joined(
    below: Level, level: Level, layers: Sequence[Mapped], weights: Sequence[np.ndarray], shapes: list[list[Shape]]
) -> tuple[np.ndarray, Block] | None:
    """The same as a convolution of channels side by side; None where that is not exact."""
    images = [image(one) for one in shapes[1]]
    size = images[0][1:] if images[0] else ()
    if any(one is None or one[1:] != size for one in images):
        return None
    places: list[tuple[int, int]] = []
    kernels: list[Kernel | None] = []
    folds = {one.source: one.fold for one in below}
    channels = [{one.source: of[0] for one, of in zip(*both)} for both in ((level, shapes[0]), (below, shapes[1]))]
    for member in level:
        source, copies = member.source, copied(member, layers)
        if source == ALWAYS:
            continue
        if copies is not None:
            places.append((source, copies))
            by = folds[copies]
            kernels.append(folding(channels[1][copies] // prod(by), by, member.fold if member.relay else by, WEIGHT))
            continue
        for block, part in apart(weights[source - 1], layers[source - 1].blocks):
            places.append((source, block.source))
            kernels.append(kernel_over(block, part, folds[block.source]))
    known = [one for one in kernels if one is not None]
    gives = {(image(one) or ())[1:] for one in shapes[0]}
    same = aligned(known, size, gives.pop()) if len(known) == len(kernels) and len(gives) == 1 else None
    if same is None:
        return None
    rows, columns = (dict(zip(of, spans(list(of.values())))) for of in channels)
    weight = np.zeros((*(sum(of.values()) for of in channels), *same[0].weight.shape[2:]))
    for (source, heard), kernel in zip(places, same, strict=True):
        weight[rows[source], columns[heard]] = kernel.weight
    return weight, Block(0, (weight.shape[1], *size), same[0]._replace(weight=weight))


def kernel_over(block: Block, weight: np.ndarray, by: tuple[int, int]) -> Kernel | None:
    """A block as a convolution of its source's image, which may be folded; None where it is none."""
    if block.kernel is None or strided(block, by) is None:
        return None
    return over_folded(ungrouped(block.kernel._replace(weight=weight)), by)


def spans(sizes: Sequence[int]) -> list[slice]:
    """Where each of some begins and ends, side by side."""
    ends = [0, *accumulate(sizes)]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def records(layers: Sequence[Quantised]) -> tuple[Layer, ...]:
    """What is deployed: a layer for each level."""
    here = arranged([layer.mapped for layer in layers])
    parts = [replace(layers[number - 1], mapped=layer) for number, layer in zip(here.of, here.layers, strict=True)]
    found = []
    for order, (below, level) in enumerate(steps(here), 1):
        if not as_it_is(below, level, here.layers):
            weight, block = joined(below, level, here, [part.weight for part in parts])
            whole = np.rint(weight).astype(np.int64)
            one = side_by_side(level, here, parts, whole.reshape(len(whole), -1), block)
            found.append(replace(one, order=order).record())
        else:
            found.append(parts[level[0].source - 1].record())
    return tuple(found)


def side_by_side(
    level: Level, here: Arranged, layers: Sequence[Quantised], weight: np.ndarray, block: Block
) -> Quantised:
    """All of a level as one layer, with these synapses."""
    parts = [
        layers[one.source - 1] if copied(one, here.layers) is None else relay_of(one, shape, here.layers)
        for one, shape in zip(level, here.sent_by(level), strict=True)
    ]
    if parts[0].threshold is None:
        return replace(parts[0], mapped=replace(parts[0].mapped, blocks=(block,)), weight=weight)

    def each(values: Callable[[Quantised], np.ndarray | None]) -> np.ndarray:
        found = ((values(part), part.mapped.neurons) for part in parts)
        return np.concatenate([np.broadcast_to(0 if one is None else one, size) for one, size in found])

    own = any(part.amount is not None for part in parts)
    late = any(part.mapped.delay is not None for part in parts)
    neurons = sum(part.mapped.neurons for part in parts)
    recurrent = [part.recurrent for part in parts]
    return Quantised(
        mapped=replace(
            shared(level, here.layers),
            name=here.name_of(level),
            blocks=(block,),
            alpha=each(lambda part: part.mapped.alpha),
            beta=each(lambda part: part.mapped.beta),
            delay=each(lambda part: part.mapped.delay) if late else None,
            shape=(neurons,) if block.kernel is None else (len(weight), neurons // len(weight)),
        ),
        scale=np.ones(1),
        weight=weight,
        recurrent=None if all(one is None for one in recurrent) else diagonal(parts),
        drive=each(lambda part: part.drive),
        threshold=each(lambda part: part.threshold),
        order=0,
        amount=each(lambda part: part.threshold if part.amount is None else part.amount) if own else None,
    )


def relay_of(member: Member, shape: Shape, layers: Sequence[Mapped]) -> Quantised:
    """Relay neurons of what has a shape, or one that is always on; their weights are those of the level."""
    none, drive = np.zeros(1), np.zeros(prod(shape), dtype=np.int64)
    drive[:1] = WEIGHT if member.source == ALWAYS else 0
    delay = None if member.relay else layers[member.source - 1].delay
    mapped = Mapped("", none, (), none, none, shape, none, delay=delay)
    return Quantised(mapped, np.ones(1), none, None, drive, np.full(1, THRESHOLD), 0)


def diagonal(parts: Sequence[Quantised]) -> np.ndarray:
    """The recurrences of parts as one: a diagonal where all are, else a matrix."""
    sizes = [part.mapped.neurons for part in parts]
    found = np.zeros((sum(sizes),) * 2, dtype=np.int64)
    for span, part in zip(spans(sizes), parts, strict=True):
        if part.recurrent is not None:
            found[span, span] = np.diag(part.recurrent) if part.recurrent.ndim == 1 else part.recurrent
    full = any(part.recurrent is not None and part.recurrent.ndim == 2 for part in parts)
    return found if full else np.diag(found).copy()
