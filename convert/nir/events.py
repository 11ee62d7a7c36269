"""Layers of an import, compiled: sums of what events reach, and neurons in float64 or in integers; any sample alone.

An event costs what it reaches, so that a network in which few spike costs little. float64 sums are taken in the order
of the events. Integers are below 2⁵³ in float64, and exact.

    u = α u + x,  v = β v + gain·u + drive

In integers they are the neurons that are deployed (`basalt/kernels/neuron.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num, UInt8
from numba import njit

from basalt.convert.nir.rows import Rows
from basalt.convert.nir.writers import AT_ONCE, DELAYED_SUBTRACT, DELAYED_ZERO, FLOORED, HARD, NO, SEVERAL, SOFT
from basalt.kernels.events import OPTIONS
from basalt.kernels.neuron import RESET, fire_plain, fire_resting

MANY, SUBTRACT, ZERO, MANY_FLOORED, SUBTRACT_AT_ONCE = 3, 4, 5, 6, 7
"""Resets that Basalt's neuron does not have, beside `basalt.kernels.neuron.RESET`."""
RESETS = {
    HARD: RESET["hard"],
    SOFT: RESET["soft"],
    NO: RESET["none"],
    SEVERAL: MANY,
    DELAYED_SUBTRACT: SUBTRACT,
    DELAYED_ZERO: ZERO,
    FLOORED: MANY_FLOORED,
    AT_ONCE: SUBTRACT_AT_ONCE,
}
"""Reset → its number in the kernels."""
SUMS = -1
"""In place of a reset: a layer without spikes, whose membranes are summed over all steps."""


ALWAYS = -1
"""In place of a source: a neuron that spikes in each step."""


class Neurons(NamedTuple):
    """The neurons of a layer, one value per neuron, in the kernel's order.

    Attributes:
        offset: what arrives in each step beside events. threshold, drive: in units of v.
        amount: what a soft reset subtracts, likewise.
        reset: of `RESETS`, or `SUMS`. rests: a spike keeps the membrane as it is, and silent, for a step.
        reaches: a membrane at the threshold spikes. whole: in integers.
        late: "snntorch-zero" empties the membrane after the next step's input too.
        floors: whole sums count whole weights, of 64 units.
    """

    offset: Float[np.ndarray, "neurons"]
    alpha: Float[np.ndarray, "neurons"]
    beta: Float[np.ndarray, "neurons"]
    gain: Float[np.ndarray, "neurons"]
    drive: Float[np.ndarray, "neurons"]
    threshold: Float[np.ndarray, "neurons"]
    amount: Float[np.ndarray, "neurons"]
    reset: int
    rests: bool
    reaches: bool
    whole: bool
    late: bool
    floors: bool


class Before(NamedTuple):
    """An operator before the last.

    Attributes:
        hears: places of `Ready` whose sum it hears. offset: what it adds in every step.
    """

    hears: tuple[int, ...]
    rows: Rows
    offset: Float[np.ndarray, "#outputs"]


class Ready(NamedTuple):
    """A layer, ready to run. What it hears stands in places: its sources', in order, then those of `before`.

    Attributes:
        hears: its sources: 0 is the network's input, k what the k-th layer sends, or `ALWAYS`.
        before: operators before the last, each after those that it hears.
        ends: places whose sum the last hears.
        rows: of the last. back: from the layer's own spikes of the step before; without rows where it hears none.
        delay: steps that each neuron's spikes are late; None without.
    """

    hears: tuple[int, ...]
    before: tuple[Before, ...]
    ends: tuple[int, ...]
    rows: Rows
    back: Rows
    neurons: Neurons
    delay: Int[np.ndarray, "neurons"] | None = None

    @property
    def spiking(self) -> bool:
        """Whether it sends spikes, not sums."""
        return self.neurons.reset != SUMS

    def run(self, *sources: Num[np.ndarray, "samples steps _inputs"]) -> Num[np.ndarray, "samples ..."]:
        """Spikes (samples, steps, width), the width a multiple of 8 and what is beyond the neurons 0; or sums
        (samples, neurons) over all steps.
        """
        size, (samples, steps, _) = len(self.rows.place), sources[0].shape
        sent = np.zeros((samples, steps if self.spiking else 0, -(-size // 8) * 8), dtype=np.uint8)
        total = np.zeros((samples, size))
        for sample in range(samples):
            places = [frames[sample] for frames in sources]
            for hears, rows, offset in self.before:
                out = np.empty((steps, len(rows.place)))
                gather_frames(summed(places, hears, rows), *rows, out)
                places.append(out + offset)
            heard = summed(places, self.ends, self.rows)
            run_sample(heard, self.rows, self.back, self.neurons, sent[sample], total[sample])
        if self.spiking:
            return sent if self.delay is None else delayed(sent, self.delay)
        sums = np.empty_like(total)
        sums[:, self.rows.place] = total
        return sums


def summed(places: Sequence[np.ndarray], hears: tuple[int, ...], rows: Rows) -> Num[np.ndarray, "steps _inputs"]:
    """The sum of what stands in some places; what is beyond the inputs of `rows` is 0, or left out."""
    if len(hears) == 1:
        return places[hears[0]]
    inputs = len(rows.of) - 1
    return np.sum([places[place][:, :inputs].astype(np.float64) for place in hears], axis=0)


def delayed(
    sent: UInt8[np.ndarray, "samples steps width"], delay: Int[np.ndarray, "neurons"]
) -> UInt8[np.ndarray, "samples steps width"]:
    """What each neuron sent, `delay` steps later."""
    found, steps = np.zeros_like(sent), sent.shape[1]
    for late in np.unique(delay[delay < steps]):
        which = np.flatnonzero(delay == late)
        found[:, late:, which] = sent[:, : steps - late, which]
    return found


@njit(**OPTIONS)
def add(value, i, weight, of, row, base, total):  # type: ignore[no-untyped-def]
    """total += what an event of input i gives."""
    reach = weight.shape[1]
    for k in range(of[i], of[i + 1]):
        target, found = total[base[k] : base[k] + reach], weight[row[k]]
        if value == 1:
            for n in range(reach):
                target[n] += found[n]
        else:
            for n in range(reach):
                target[n] += value * found[n]


@njit(**OPTIONS)
def gather(frame, weight, of, row, base, total):  # type: ignore[no-untyped-def]
    """total += what all events of a frame give; bytes of eight inputs are looked at at once."""
    inputs = of.shape[0] - 1
    if frame.itemsize == 1 and frame.shape[0] % 8 == 0:
        eights = frame.view(np.uint64)
        for eight in range(eights.shape[0]):
            if eights[eight]:
                for i in range(8 * eight, min(8 * eight + 8, inputs)):
                    if frame[i]:
                        add(np.float64(frame[i]), i, weight, of, row, base, total)
        return
    for i in range(inputs):
        if frame[i]:
            add(np.float64(frame[i]), i, weight, of, row, base, total)


@njit(**OPTIONS)
def gather_frames(frames, weight, of, row, base, place, out):  # type: ignore[no-untyped-def]
    """out[t] = what the events of frames[t] give, in the order of the network."""
    total = np.empty(place.shape[0])
    for t in range(frames.shape[0]):
        total[:] = 0.0
        gather(frames[t], weight, of, row, base, total)
        for n in range(total.shape[0]):
            out[t, place[n]] = total[n]


@njit(**OPTIONS)
def fire_real(u, v, x, alpha, beta, gain, drive, level, amount, reset, rests, reaches, fired):  # type: ignore[no-untyped-def]
    """A step in float64, of a neuron whose reset is done before the next."""
    for n in range(u.shape[0]):
        here = alpha[n] * u[n] + x[n]
        u[n] = here
        z = beta[n] * v[n] + gain[n] * here + drive[n]
        rest = rests and fired[n] > 0
        z = v[n] if rest else z
        spike = (z > level[n] or (reaches and z == level[n])) and not rest
        fired[n] = spike
        v[n] = z if not spike or reset == 2 else (0.0 if reset == 0 else z - amount[n])


@njit(**OPTIONS)
def fire_several(u, v, x, alpha, beta, gain, drive, level, floors, fired):  # type: ignore[no-untyped-def]
    """A step of Sinabs's or Rockpool's: as many spikes as thresholds fit, and v ≥ −θ where it has a floor."""
    for n in range(u.shape[0]):
        here = alpha[n] * u[n] + x[n]
        u[n] = here
        z = beta[n] * v[n] + gain[n] * here + drive[n]
        spikes = np.trunc(max(z, 0.0) / level[n])
        fired[n] = np.uint8(np.int64(spikes))
        rest = z - spikes * level[n]
        v[n] = max(rest, -level[n]) if floors else rest


@njit(**OPTIONS)
def fire_delayed(u, v, x, alpha, beta, gain, drive, level, reset, late, reaches, fired):  # type: ignore[no-untyped-def]
    """A step of snnTorch's, whose reset is done after the next decay.

    "subtract" at once takes the threshold in the next step of a membrane that is still above it, and then takes one
    less, or gives it back.
    """
    for n in range(u.shape[0]):
        before = fired[n]
        here = alpha[n] * u[n] + x[n]
        u[n] = here
        z = beta[n] * (0.0 if before and reset == ZERO else v[n]) + gain[n] * here + drive[n]
        if before and reset == ZERO and late:
            z = 0.0
        if reset == SUBTRACT:
            z = z - before * level[n]
        owed = 1.0 if reset == SUBTRACT_AT_ONCE and v[n] > level[n] else 0.0
        z = z - owed * level[n]
        spike = z > level[n] or (reaches and z == level[n])
        fired[n] = spike
        v[n] = z - (spike - owed) * level[n] if reset == SUBTRACT_AT_ONCE else z


@njit(**OPTIONS)
def add_up(u, v, x, neurons, total):  # type: ignore[no-untyped-def]
    """A step of membranes that are summed."""
    for n in range(u.shape[0]):
        if neurons.whole:
            wide = np.trunc(u[n] * neurons.alpha[n]) + 64.0 * x[n]
            u[n] = wide - 16777216.0 * np.floor((wide + 8388607.0) * 2.0**-24)
            v[n] = min(max(np.trunc(v[n] * neurons.beta[n]) + u[n], -8388607.0), 8388607.0)
            total[n] += np.floor(v[n] / 64.0) if neurons.floors else v[n]
        else:
            u[n] = neurons.alpha[n] * u[n] + x[n]
            v[n] = neurons.beta[n] * v[n] + neurons.gain[n] * u[n] + neurons.drive[n]
            total[n] += v[n]


@njit(**OPTIONS)
def run_sample(frames, rows, back, neurons, sent, total):  # type: ignore[no-untyped-def]
    """A layer through all steps of a sample: `sent` (steps, width) in the order of the network; `total` of sums."""
    size = rows.place.shape[0]
    u, v, x, fired = np.zeros(size), np.zeros(size), np.empty(size), np.zeros(-(-size // 8) * 8, np.uint8)
    rest, none = np.zeros(size), np.zeros(0)
    eights = fired.view(np.uint64)
    reset, level, amount = neurons.reset, neurons.threshold, neurons.amount
    for t in range(frames.shape[0]):
        x[:] = neurons.offset
        gather(frames[t], rows.weight, rows.of, rows.row, rows.base, x)
        if back.weight.shape[0] > 0:
            gather(fired, back.weight, back.of, back.row, back.base, x)
        if reset < 0:
            add_up(u, v, x, neurons, total)
            continue
        if neurons.whole and neurons.rests:
            fire_resting(
                u, v, rest, x, 64.0, none, neurons.drive, neurons.alpha, neurons.beta, 0.0, level, 0.0, amount, reset,
                1, fired,
            )  # fmt: skip
        elif neurons.whole:
            fire_plain(
                u, v, rest, x, 64.0, none, neurons.drive, neurons.alpha, neurons.beta, 0.0, level, 0.0, amount, reset,
                0, fired,
            )  # fmt: skip
        elif reset in (MANY, MANY_FLOORED):
            fire_several(
                u, v, x, neurons.alpha, neurons.beta, neurons.gain, neurons.drive, level, reset == MANY_FLOORED, fired
            )
        elif reset < MANY:
            fire_real(
                u, v, x, neurons.alpha, neurons.beta, neurons.gain, neurons.drive, level, amount, reset, neurons.rests,
                neurons.reaches, fired,
            )  # fmt: skip
        else:
            fire_delayed(
                u, v, x, neurons.alpha, neurons.beta, neurons.gain, neurons.drive, level, reset, neurons.late,
                neurons.reaches, fired,
            )  # fmt: skip
        for eight in range(eights.shape[0]):
            if eights[eight]:
                for n in range(8 * eight, min(8 * eight + 8, size)):
                    if fired[n]:
                        sent[t, rows.place[n]] = fired[n]
