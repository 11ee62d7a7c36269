"""The compiled kernel of layers that take messages: sigma-delta layers, their inputs and outputs.

As in `basalt/kernels/conv.py`, each event adds a piece of the kernel to the neurons that it reaches, which lie with the
channel innermost. Sums of a step are in float64, exact below 2⁵³, which the design rule `sum_width` keeps them within.
"""

import numpy as np
from jaxtyping import Int, Int32, UInt64
from numba import njit

from basalt.kernels.bits import unpack
from basalt.kernels.conv import rows_of, spread, ways_of
from basalt.kernels.dense import Workers
from basalt.kernels.events import OPTIONS
from basalt.records.counts import Counts
from basalt.records.delta import MESSAGE_BITS, STATE_BITS, VALUE_BITS, Delta, DeltaInput
from basalt.records.readout import SUM_MAX
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput

SUMS, INPUT, RECTIFIED = 0, 1, 2
"""What a layer does with what arrives: sum it and send the sums; take it for the value; sum and rectify it."""
MODES = {SigmaOutput.kind: SUMS, DeltaInput.kind: INPUT, SigmaDelta.kind: RECTIFIED}
MOST = SUM_MAX


@njit(**OPTIONS)
def message_block(  # type: ignore[no-untyped-def]
    low, high, first, length, arrived, before, size, output, vertical, horizontal, rows, place, mode, scale, level,
    bias, start, delay, state, coming, out, counts, fired_steps,
):  # fmt: skip
    """Samples low … high of a layer through the `length` steps of a block that begins at step `first`.

    `before` holds the input of the step before, `state` (batch, 2, neurons) what is summed up and what was sent last,
    `coming` (depth, batch, neurons) what the next steps send, `place` the position of each neuron in the output. Counts
    are added for each sample: events, synapses, messages, saturations.
    """
    inputs, neurons, depth = arrived.shape[2], state.shape[2], coming.shape[0]
    total = np.empty(neurons, np.float64)
    for b in range(low, high):
        held, sent = state[b, 0], state[b, 1]
        for k in range(length):
            now = first + k
            total[:] = 0.0
            heard = arrived[k - 1, b] if k > 0 else before[b]
            for feature in range(inputs):
                if heard[feature] != 0:
                    counts[b, 0] += 1
                    counts[b, 1] += spread(
                        float(heard[feature]), feature, size, output, vertical, horizontal, rows, total
                    )
            messages = 0
            slot = now % depth
            biased = now >= start
            for n in range(neurons):
                value = int(total[n] * scale)
                if mode != INPUT:
                    whole = held[n] + value
                    value = min(max(whole, -MOST), MOST)
                    counts[b, 3] += value != whole
                held[n] = value
                if mode == SUMS:
                    out[k, b, place[n]] = value
                    continue
                if biased:
                    value += bias[n]
                if mode == RECTIFIED:
                    whole = max(value, 0)
                    value = min(whole, MOST)
                    counts[b, 3] += value != whole
                else:
                    held[n] = value
                change = value - sent[n]
                if abs(change) >= level:
                    sent[n] = value
                    message = change >> STATE_BITS
                    messages += message != 0
                    coming[(now + delay[n]) % depth, b, place[n]] = message
            if mode != SUMS:
                out[k, b] = coming[slot, b]
                coming[slot, b] = 0
            counts[b, 2] += messages
            fired_steps[b, k] = messages
        before[b] = arrived[length - 1, b]


class MessageLayer:
    """A layer that takes messages, ready for the kernel: what its `compiled` model holds.

    Args:
        batch, block: samples side by side, time steps a call.
        layer: the record.
        planes: bit planes of the input; 0 where messages arrive.
        steps: of a sample; what is delayed by more never arrives.
    """

    def __init__(self, batch: int, block: int, layer: Delta | SigmaOutput, planes: int, steps: int) -> None:
        assert isinstance(layer, SigmaDelta | DeltaInput | SigmaOutput)
        self.layer, self.planes, self.block = layer, planes, block
        conv = layer.convolution
        self.neurons, self.inputs = layer.neurons, layer.inputs
        self.place = np.arange(self.neurons).reshape(conv.image).transpose(1, 2, 0).reshape(-1)
        unit, rows = rows_of(conv.weight, conv.groups)
        size = tuple(int(n) for n in conv.input_shape)
        self.synapses = (size, tuple(int(n) for n in conv.image), *ways_of(conv), rows, self.place)
        delay = getattr(layer, "delay", None)
        late = np.zeros(self.neurons, dtype=np.int64) if delay is None else np.minimum(self.inside(delay), steps)
        bias, start = self.bias()
        self.values = (MODES[layer.kind], self.scale(unit), getattr(layer, "threshold", 0), bias, start, late)
        self.state = np.zeros((batch, 2, self.neurons), dtype=np.int64)
        self.before = np.zeros((batch, self.inputs), dtype=np.int32)
        self.coming = np.zeros((int(late.max()) + 1, batch, self.neurons), dtype=np.int32)
        self.out = np.zeros((block, batch, self.neurons), dtype=np.int32)
        self.counts = np.zeros((batch, 4), dtype=np.int64)
        self.fired_steps = np.zeros((batch, block), dtype=np.int32)
        self.workers = Workers(batch)

    def scale(self, unit: int) -> float:
        """What one unit of weights times values is, in units of a sum."""
        layer = self.layer
        return unit * (2.0 ** (VALUE_BITS - layer.fraction) if isinstance(layer, DeltaInput) else 1.0)

    def bias(self) -> tuple[Int[np.ndarray, "neurons"], int]:
        """What is added to the sums, and the first step at which it is."""
        layer = self.layer
        if isinstance(layer, DeltaInput):
            return np.full(self.neurons, layer.offset << VALUE_BITS), 1
        if isinstance(layer, SigmaDelta) and layer.bias is not None:
            return self.inside(layer.bias) << VALUE_BITS, layer.start
        return np.zeros(self.neurons, dtype=np.int64), 0

    def inside(self, value: Int[np.ndarray, "#neurons"]) -> Int[np.ndarray, "neurons"]:
        """A value per neuron in the order of the network → in the kernel's, with the channel innermost."""
        return np.broadcast_to(value, self.neurons)[self.place].astype(np.int64)

    def clear(self) -> None:
        """The state before the first step of a sample."""
        for state in (self.state, self.before, self.coming):
            state[:] = 0

    def received(
        self, arrived: UInt64[np.ndarray, "block batch words"] | Int32[np.ndarray, "block batch inputs"]
    ) -> Int32[np.ndarray, "block batch inputs"]:
        """A block's values: messages as they are, bytes out of their planes."""
        if self.planes == 0:
            return arrived
        values = unpack(arrived, self.inputs, self.planes)
        return (self.layer.received(values) if isinstance(self.layer, Delta) else values).astype(np.int32)

    def advance(
        self,
        arrived: UInt64[np.ndarray, "block batch words"] | Int32[np.ndarray, "block batch inputs"],
        first: int,
        length: int,
    ) -> Int32[np.ndarray, "longest batch neurons"]:
        """What `length` steps send that begin at step `first` of the sample; the rest of `out` is 0."""
        heard = self.received(arrived)
        self.out[length:] = 0
        self.workers.run(
            lambda low, high: message_block(
                low, high, first, length, heard, self.before, *self.synapses, *self.values,
                self.state, self.coming, self.out, self.counts, self.fired_steps,
            )
        )  # fmt: skip
        return self.out

    def variables(self) -> dict[str, Int[np.ndarray, "batch neurons"]]:
        """What is summed up and what was sent, in the order of the network."""
        states = np.empty_like(self.state)
        states[:, :, self.place] = self.state
        return {"u": states[:, 0], "v": states[:, 1]}

    def take_counts(self, length: int) -> Counts:
        """What the layer did since the last call, in `length` steps."""
        events, synapses, messages, saturations = self.counts.T.copy()
        self.counts[:] = 0
        bits = self.planes or MESSAGE_BITS
        if isinstance(self.layer, SigmaOutput):
            return self.layer.counts(events, saturations, length, bits)
        return self.layer.counts(events, synapses, messages, saturations, length * self.neurons, bits)


def warm_messages() -> None:
    """Run the kernel once on the smallest layers, for even weights and for odd ones; starts no thread."""
    for weight in (2, 1):
        ones = np.full((1, 1, 1, 1), weight, dtype=np.int64)
        layer = SigmaDelta(name="warm", threshold=1, weight=ones, input_shape=(1, 1, 1))
        MessageLayer(1, 1, layer, 0, 1).advance(np.zeros((1, 1, 1), dtype=np.int32), 0, 1)
