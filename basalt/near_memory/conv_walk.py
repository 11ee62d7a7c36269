"""What happens in every cycle of a step of a convolution, access by access.

As in `walk.py`, but for the sums. An event goes from one position that it reaches to the next, and at each through the
rows of its output channels: a cycle a row. With slot t counting rows from the first event on (an event that reaches
nothing takes one slot, in which it is read):

spike_integration   slot t reads a row of the kernel and a row of sums in cycle t, adds in t + 1 and writes in t + 2. A
                    row that is needed again within two cycles is forwarded. The first to touch a row of sums in this
                    step does not need what is there: one bit per row says whether it was touched, so none is cleared.
neuron_bank         sweeps over all rows once the last sum is written, and reads the sums of those that were touched.

Events enter the buffer as in `walk.py`, so that the first slot is cycle 1, and leave it with their last slot.
"""

from collections.abc import Iterator

from basalt.near_memory.convolution import ConvSizes
from basalt.near_memory.core import Core
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.walk import Events, Walk


class ConvWalk(Walk):
    """One step of one convolution."""

    def __init__(self, core: Core, sizes: Sizes, conv: ConvSizes, events: Events) -> None:
        super().__init__(core, sizes, events)
        assert len(events.features) == events.spikes, "which inputs the events are of decides what they reach"
        self.conv = conv
        first, count = conv.first_rows(core)
        self.rows_of_channel = [range(a, a + n) for a, n in zip(first.tolist(), count.tolist())]
        self.before_channel = [int(count[:channel].sum()) for channel in range(len(count))]
        self.rows_met = [sum(1 for _ in self.met(feature)) for feature in events.features]
        self.touched: set[int] = set()

    def met(self, feature: int) -> Iterator[tuple[int, int]]:
        """The row of the kernel and the row of sums of each slot of an event."""
        _, height, width = self.conv.input_shape
        channel, place = divmod(feature, height * width)
        for i in range(self.conv.kernel[0]):
            for j in range(self.conv.kernel[1]):
                found = self.position(divmod(place, width), (i, j))
                if found is None:
                    continue
                for order, row in enumerate(self.rows_of_channel[channel]):
                    tap = (i * self.conv.kernel[1] + j) * len(self.rows_of_channel[channel]) + order
                    kernel = self.before_channel[channel] * self.conv.kernel[0] * self.conv.kernel[1]
                    yield kernel + tap, found * self.conv.rows_of_position(self.core) + row

    def position(self, place: tuple[int, int], tap: tuple[int, int]) -> int | None:
        """The output position for which a place of the kernel lies on a place of the input, if there is one."""
        reached = []
        for axis in (0, 1):
            offset = place[axis] + self.conv.padding[axis] - tap[axis] * self.conv.dilation[axis]
            step, rest = divmod(offset, self.conv.stride[axis])
            if rest or not 0 <= step < self.conv.output_shape[1 + axis]:
                return None
            reached.append(step)
        return reached[0] * self.conv.output_shape[2] + reached[1]

    def slots(self, event: int) -> int:
        """Cycles that the rows of an input event take; one that reaches nothing is read all the same."""
        return max(1, self.rows_met[event])

    def integrate_events(self, arrivals: list[int]) -> None:
        """Inputs stationary: each event in turn adds a row at each slot."""
        begin = 0
        for event, feature in enumerate(self.events.features):
            begin = self.starts[event]
            assert arrivals[event] < begin, "an event is read before it is there"
            self.put(begin, "spike_integration", "event_buffer", "reads", event % self.core.event_buffer)
            for slot, (kernel, row) in enumerate(self.met(feature), begin):
                self.weigh(slot, kernel)
                self.products += self.hearing(feature, row)
                if row in self.touched:
                    self.put(slot, "spike_integration", "accumulators", "reads", row)
                self.put(slot + 2, "spike_integration", "accumulators", "writes", row)
                self.touched.add(row)
            begin += self.slots(event)
        if self.events.spikes:
            self.sums_at = [begin + 3] * self.groups

    def integrate_inputs(self) -> None:
        """Outputs stationary: each row of neurons in turn reads the rows of the kernel of all inputs that it hears."""
        heard: dict[int, list[int]] = {row: [] for row in range(self.groups)}
        for feature in range(self.sizes.inputs):
            for kernel, row in self.met(feature):
                heard[row].append(kernel)
                self.products += self.events.features.count(feature) * self.hearing(feature, row)
        begin = 0
        for row, kernels in heard.items():
            for slot, kernel in enumerate(kernels, begin):
                self.weigh(slot, kernel)
            begin += max(1, len(kernels))
            self.put(begin + 1, "spike_integration", "accumulators", "writes", row)
            self.touched.add(row)
        self.sums_at = [begin + 3] * self.groups

    def hearing(self, feature: int, row: int) -> int:
        """Neurons of a row that hear an input: the output channels of its group that lie in it."""
        channel = feature // (self.conv.input_shape[1] * self.conv.input_shape[2])
        group = channel // (self.conv.input_shape[0] // self.conv.groups)
        low = row % self.conv.rows_of_position(self.core) * self.core.fused
        heard = range(group * self.conv.reach, (group + 1) * self.conv.reach)
        return len(range(max(low, heard.start), min(low + self.core.fused, heard.stop)))

    def weigh(self, cycle: int, kernel: int) -> None:
        """Read a row of the kernel; a pool's one weight is in a register."""
        if not self.conv.pool:
            self.put(cycle, "spike_integration", "kernel_weights", "reads", kernel)

    def inputs_of(self, group: int, cycle: int, pass_: str) -> None:
        """The sums, a cycle ahead as they are in SRAM, of the rows that something was added to."""
        if pass_ == "spikes" and group in self.touched:
            self.put(cycle - 1, "neuron_bank", "accumulators", "reads", group)
