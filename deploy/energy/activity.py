"""What every part of a network does in each step of a run, and the distinct steps of it: what decides its time.

Totals do not say how long steps last where cores wait for each other: the slowest may be another one in every step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Num

from basalt.records.counts import graded_counts
from basalt.records.delta import MESSAGE_BITS, DeltaInput
from basalt.records.network import Foreign, Network
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking

LIMIT = 1 << 20
"""The most steps that are looked at, those of the first samples."""
LARGEST = 1 << 62
"""Numbers that 64 bits hold, with room to spare."""
UNSEEN = ("saturations",)
"""Counters that spikes do not tell."""

Steps = Int[np.ndarray, "samples steps"]
PerStep = dict[str, Steps]
"""Counter → its value in each step; `packets_out` is that of spikes sent, once for each layer that hears them."""


@dataclass(frozen=True, eq=False)
class Sent:
    """What left a layer or the input.

    Attributes:
        values: (samples, neurons, steps), 0 for no spike.
        delay: steps after which each neuron's spikes leave, None for none.
        counted: where they are delayed, how many neurons fired in each step.
    """

    values: Num[np.ndarray, "samples neurons steps"]
    delay: Int[np.ndarray, "neurons"] | None = None
    counted: Steps | None = None

    @cached_property
    def heard(self) -> Bool[np.ndarray, "samples neurons steps"]:
        """Spikes by the step in which they fired, of those that the next layer hears within the sample: a step after
        they have left."""
        there = self.values != 0
        there[:, :, -1] = False
        if self.delay is None:
            return there
        early, steps = np.zeros_like(there), there.shape[2]
        for late in np.unique(self.delay):
            early[:, self.delay == late, : max(steps - late, 0)] = there[:, self.delay == late, late:]
        return early

    @property
    def fired(self) -> Steps:
        """How many neurons fire in each step."""
        return total(self.values != 0) if self.counted is None else self.counted.astype(np.int64)


def total(there: Bool[np.ndarray, "samples neurons steps"], weight: Int[np.ndarray, "neurons"] | None = None) -> Steps:
    """How many neurons in each step, or the sum of their weights."""
    if weight is None:
        return np.count_nonzero(there, axis=1)
    return np.stack([weight.astype(np.float64) @ sample for sample in there]).astype(np.int64)


def steps_of_network(
    network: Network,
    spikes: Num[np.ndarray, "samples features steps"],
    sent: Mapping[str, Num[np.ndarray, "samples neurons steps"]],
    fired: Mapping[str, Steps],
    bits: int,
) -> Iterator[tuple[str, str, PerStep]]:
    """Layer, part and counters of each step, in which a layer hears what is sent in that very step.

    That is how machines pass packets on whose steps end when all are received. Counters add up to those of a run, in
    which a layer hears it in the next step; what would be heard after the last step is left out.

    Args:
        sent: what each spiking layer sent, by name.
        fired: by name, how many neurons of a delayed layer fired in each step: some spikes still wait for their delay
            at the end.
        bits: of the input's values; 1 for spikes.
    """
    before = Sent(spikes)
    last = len(network.layers) - 1
    for number, layer in enumerate(network.layers):
        after = sent_by(layer, sent, fired)
        found = PARTS[layer.kind](layer, before, after, bits)
        if after is not None:
            mine = next(iter(found.values()))
            mine["packets_out"] = total(after.heard) if number < last else np.zeros_like(mine["spikes_out"])
            if getattr(layer, "recurrent_weight", None) is not None:
                mine["packets_out"] += own_events(after)
            before, bits = after, MESSAGE_BITS if layer.graded else 1
        for part, counters in found.items():
            shape = spikes.shape[::2]
            yield (
                layer.name,
                part,
                {
                    name: np.broadcast_to(np.asarray(value, dtype=np.int64), shape)
                    for name, value in counters.items()
                    if name not in UNSEEN
                },
            )


def sent_by(layer: Any, sent: Mapping[str, np.ndarray], fired: Mapping[str, Steps]) -> Sent | None:
    """What left a layer as events; None of one that sends sums."""
    return Sent(sent[layer.name], layer.delay, fired.get(layer.name)) if layer.emits else None


def own_events(after: Sent) -> Steps:
    """Spikes that the layer itself hears a step later: without the delay, and not those of the last step."""
    events = after.fired.copy()
    events[:, -1] = 0
    return events


def refreshes(interval: int, steps: int) -> Int[np.ndarray, "steps"]:
    """1 in steps in which a memory's current is computed anew."""
    return (np.arange(steps) % interval == 0).astype(np.int64)


def dense_parts(layer: Spiking, before: Sent, after: Sent, bits: int) -> dict[str, dict[str, Any]]:
    """A dense layer, and its memory pathway."""
    events, neurons = total(before.heard), layer.neurons
    own = 0 if layer.recurrent_weight is None else own_events(after)
    reach = 1 if layer.recurrence == "diagonal" else neurons
    counts = layer.neuron.counts(events + own, events * neurons + own * reach, after.fired, 0, neurons)
    found = {"spiking": counts | graded_counts(events * neurons, bits)}
    if layer.memory is not None:
        refresh = refreshes(layer.memory.interval, events.shape[1])
        found[layer.memory.kind] = layer.memory.counts(events, 0, 1, refresh, bits)
    return found


def sparse_parts(layer: Conv | Encoder, before: Sent, after: Sent, bits: int) -> dict[str, dict[str, Any]]:
    """A convolution or an affine input, whose events do not all reach as many neurons."""
    synapses = total(before.heard, layer.reach)
    counts = layer.neuron.counts(total(before.heard), synapses, after.fired, 0, layer.neurons)
    return {"spiking": counts | graded_counts(synapses, bits)}


def message_parts(layer: SigmaDelta | DeltaInput, before: Sent, after: Sent, bits: int) -> dict[str, dict[str, Any]]:
    """A layer that sends messages."""
    synapses = total(before.heard, layer.reach)
    return {"messages": layer.counts(total(before.heard), synapses, after.fired, 0, layer.neurons, bits)}


def readout_parts(layer: Readout, before: Sent, after: None, bits: int) -> dict[str, dict[str, Any]]:
    """A read-out."""
    return {"readout": layer.counts(total(before.heard), 0, 1, bits)}


PARTS: dict[str, Callable[[Any, Sent, Any, int], dict[str, dict[str, Any]]]] = {
    Spiking.kind: dense_parts,
    Conv.kind: sparse_parts,
    Encoder.kind: sparse_parts,
    SigmaDelta.kind: message_parts,
    DeltaInput.kind: message_parts,
    Readout.kind: readout_parts,
    SigmaOutput.kind: readout_parts,
}
"""Record kind → part → counters in each step, from what arrives, what is sent, and the bits of an arriving value."""


CHUNK = 256
"""Samples that are looked at together, so that no copy of all spikes is made."""


def known(network: Network, sent: Mapping[str, Any]) -> bool:
    """Whether all layers are ours, and the events of all are there."""
    ours = not any(isinstance(layer, Foreign) for layer in network.layers)
    return ours and all(layer.name in sent for layer in network.emitting)


def pieces(
    samples: int, spikes: np.ndarray, sent: Mapping[str, np.ndarray], fired: Mapping[str, np.ndarray]
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """The first `samples` of these, a few at a time."""
    for first in range(0, samples, CHUNK):
        mine = slice(first, min(first + CHUNK, samples))
        few = ({name: each[mine] for name, each in values.items()} for values in (sent, fired))
        yield spikes[mine], next(few), next(few)


def activity(
    network: Network,
    spikes: Num[np.ndarray, "samples features steps"],
    sent: Mapping[str, Num[np.ndarray, "samples neurons steps"]],
    fired: Mapping[str, Steps],
    bits: int,
) -> dict[str, Any] | None:
    """The distinct steps of a run, as counts.json has them.

    Returns:
        `samples`, how many of the first were counted; `steps`, each distinct step as numbers in a row, of which the
        first says how often it occurs; and `series`: value = base + factor · number `column` of the row, by process,
        part and counter (without a column: base). None where not all spikes are known.
    """
    if not known(network, sent):
        return None
    samples = max(1, min(len(spikes), LIMIT // spikes.shape[2]))
    every: dict[tuple[str, str, str], list[Steps]] = {}
    for piece in pieces(samples, spikes, sent, fired):
        for process, part, counters in steps_of_network(network, *piece, bits):
            for counter, values in counters.items():
                every.setdefault((process, part, counter), []).append(values)
    columns: dict[bytes, int] = {}
    numbers: list[np.ndarray] = []
    series = []
    for (process, part, counter), chunks in every.items():
        values = np.concatenate(chunks).reshape(-1)
        base = int(values.min())
        factor = int(np.gcd.reduce(values - base))
        entry = {"process": process, "part": part, "counter": counter, "base": base}
        if factor:
            column = (values - base) // factor
            key = column.tobytes()
            if key not in columns:
                columns[key] = len(numbers)
                numbers.append(column)
            entry |= {"factor": factor, "column": columns[key] + 1}
        if factor or base:
            series.append(entry)
    rows, times = distinct(numbers, samples * spikes.shape[2])
    steps = [" ".join(map(str, (count, *row))) for count, row in zip(times.tolist(), rows.tolist())]
    return {"samples": samples, "series": series, "steps": steps}


def distinct(
    columns: list[Int[np.ndarray, "steps"]], steps: int
) -> tuple[Int[np.ndarray, "rows columns"], Int[np.ndarray, "rows"]]:
    """The distinct rows of these columns, and how often each occurs: a row is a number whose digits they are."""
    key, size = np.zeros(steps, dtype=np.int64), 1
    for column in columns:
        span = int(column.max()) + 1
        if size * span >= LARGEST:
            known, key = np.unique(key, return_inverse=True)
            size = len(known)
        key, size = key * span + column, size * span
    _, first, times = np.unique(key, return_index=True, return_counts=True)
    return np.stack([np.zeros_like(first), *(column[first] for column in columns)], axis=1)[:, 1:], times
