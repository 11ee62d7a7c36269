"""What happens in every cycle of a step of a dense layer, access by access: what a register-transfer implementation
would be compared with.

Cycle 0 is the first of the step. A read gives its data in the cycle after; what is computed from it is stored at the
end of that cycle, and can be used in the one after that. With G = ⌈N/F⌉ groups, d states, c = ⌈F/macs⌉, S input
events, R events of the layer's own spikes of the step before, E places in the event buffer, and the three
optimisations on:

spike_integration   event e adds row g of its weights in cycle 1 + e·G + g; input events first, then those of the
                    layer (from cycle 0 on where no input came). Events are offered one per cycle; event i enters the
                    buffer when there is a place, in cycle max(i, 1 + (i − E + 1)·G), can be read in the cycle after,
                    and leaves when its last row was read (`arrival.py`). Where events carry values, each row of
                    weights is multiplied in the lanes, in the cycle in which it is added.
drive               reads one weight per input event, in the cycle after it entered; x[k] is there from cycle `x_ready`
                    on.
memory_product      P m[k−1], from cycle 0: c cycles per state, c·d per group.
drive_product       ν x[k] on multipliers of its own: a group every ⌈F/drive_macs⌉ cycles, each after x and its
                    P m[k−1]; their sum is shifted into units of u.
memory_update       m[k], a row of Ā a cycle from x on, and B̄ x beside it. P needs m[k−1] still: both are in registers.
neuron_bank         a group as soon as its sums are there: read, compute, write, the next group a cycle later (three
                    with one port). So it follows the last event's rows instead of waiting for the last one. Who fires
                    is noted as membranes are written.
delay_line          reads and clears this step's word while others work; after the bank, two cycles for each spike that
                    fired, into the word of the step at which it will leave.

The paths work side by side; nothing waits but for the data named. P, ν and W_m products wait for the next refresh
between refreshes (`refresh` False): the bank reads the memory's current of the last one. What turning an optimisation
off does is said at `Core`. The paths of other memories than a slow one are in modules of their own. Spikes leave
through a port of their own as the bank finds them, one per cycle, and are the next core's events.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from basalt.near_memory.core import Core
from basalt.near_memory.sizes import Sizes

PATHS = (
    "spike_integration",
    "drive",
    "memory_product",
    "drive_product",
    "memory_update",
    "neuron_bank",
    "delay_line",
)
"""The data paths of a core."""


@dataclass(frozen=True)
class Events:
    """What a step has to do.

    Attributes:
        spikes: S, input events.
        recurrent: R, spikes that the layer itself fired the step before.
        fired: spikes that it fires in this step.
        refresh: the memory's current is computed anew.
        features: of a convolution: the inputs that spiked, in the order of the events.
    """

    spikes: int = 0
    recurrent: int = 0
    fired: int = 0
    refresh: bool = True
    features: tuple[int, ...] = ()


class Access(NamedTuple):
    """One access: in which cycle, by which path, to which memory, "reads" or "writes", and which of its rows.

    Rows of weights are numbered by the event's place in the step, not by its neuron: (event, group) is event·G + group.
    """

    cycle: int
    path: str
    memory: str
    which: str
    row: int


@dataclass(frozen=True)
class Step:
    """The schedule of a step: its length, its accesses in no order, cycles in which the sender waited, and products of
    weights with the values of graded events."""

    cycles: int
    accesses: tuple[Access, ...]
    stalls: int
    products: int = 0

    def counts(self) -> dict[str, int]:
        """Accesses by "memory_reads" and "memory_writes"."""
        return dict(Counter(f"{access.memory}_{access.which}" for access in self.accesses))


class Walk:
    """One step of one layer."""

    def __init__(self, core: Core, sizes: Sizes, events: Events) -> None:
        self.core, self.sizes, self.events = core, sizes, events
        self.groups = sizes.groups(core)
        self.refreshes = bool(sizes.states) and events.refresh
        self.accesses: list[Access] = []
        self.starts: list[int] = []
        self.products = 0
        self.x_ready = 0
        self.updated = 0
        self.sums_at = [0] * self.groups
        self.current_at = [0] * self.groups

    def put(self, cycle: int, path: str, memory: str, which: str, row: int) -> None:
        """Note an access."""
        self.accesses.append(Access(cycle, path, memory, which, row))

    def step(self) -> Step:
        """Walk along all paths, each after those that it needs."""
        stationary = self.core.heterogeneous_stationarity
        arrivals = self.arrive()
        if stationary:
            self.integrate_events(arrivals)
        else:
            self.integrate_inputs()
        seen = [cycle + 1 for cycle in arrivals]
        if self.sizes.states:
            self.drive(seen if stationary else list(range(self.sizes.inputs)))
            self.update()
        if self.sizes.pathway is not None:
            self.updated = self.sizes.pathway.walk(self, seen)
        if self.refreshes:
            begin = 0 if self.core.dependency_breaking else self.updated - 1
            if stationary:
                self.multiply_outputs(begin)
            else:
                self.multiply_inputs(begin)
        fused = self.core.operator_fusion
        end = self.fused_pass() if fused else self.separate_passes()
        end = self.delay(end)
        stalls = max(0, arrivals[-1] - (len(arrivals) - 1)) if stationary and arrivals else 0
        return Step(max(end, self.updated), tuple(self.accesses), stalls, self.products if self.sizes.graded else 0)

    def slots(self, event: int) -> int:
        """Cycles that the rows of an input event take."""
        return self.groups

    def arrive(self) -> list[int]:
        """The cycle in which each input event enters; without stationarity, a bit each that was set the step before.

        Notes in `starts` the cycle in which the first row of each is read.
        """
        if not self.core.heterogeneous_stationarity:
            return [0] * self.events.spikes
        arrivals: list[int] = []
        free = 0
        for event in range(self.events.spikes):
            before = event - self.core.event_buffer
            place = self.starts[before] + self.slots(before) if before >= 0 else 0
            arrivals.append(max(event, place))
            self.put(arrivals[-1], "spike_integration", "event_buffer", "writes", event % self.core.event_buffer)
            self.starts.append(max(free, arrivals[-1] + 1))
            free = self.starts[-1] + self.slots(event)
        return arrivals

    def lanes(self, group: int) -> int:
        """Neurons of a group."""
        return min(self.core.fused, self.sizes.neurons - group * self.core.fused)

    def integrate_events(self, arrivals: list[int]) -> None:
        """Inputs stationary: each event in turn adds its rows."""
        total = self.events.spikes + self.own
        begin = 0
        for event in range(total):
            own = event >= self.events.spikes
            memory = "recurrent_weights" if own else "input_weights"
            number = event - self.events.spikes if own else event
            if own:
                self.put(begin, "spike_integration", "output_spikes", "reads", self.groups + number % self.groups)
            else:
                begin = self.starts[event]
                assert arrivals[event] < begin, "an event is read before it is there"
                self.put(begin, "spike_integration", "event_buffer", "reads", event % self.core.event_buffer)
            for group in range(self.groups):
                cycle = begin + group
                self.products += 0 if own else self.lanes(group)
                self.put(cycle, "spike_integration", memory, "reads", number * self.groups + group)
                if event:
                    self.put(cycle + 1, "spike_integration", "accumulators", "reads", group)
                self.put(cycle + 1, "spike_integration", "accumulators", "writes", group)
                self.sums_at[group] = cycle + 2
            begin += self.groups

    def integrate_inputs(self) -> None:
        """Outputs stationary: each group in turn reads the weights of all inputs, and of all of the layer's neurons."""
        own = self.sizes.neurons if self.sizes.recurrent else 0
        inputs = self.sizes.inputs
        self.products += self.events.spikes * self.sizes.neurons
        for group in range(self.groups):
            for index in range(inputs + own):
                memory = "input_weights" if index < inputs else "recurrent_weights"
                row = (index if index < inputs else index - inputs) * self.groups + group
                self.put(group * (inputs + own) + index, "spike_integration", memory, "reads", row)
            last = (group + 1) * (inputs + own)
            self.put(last, "spike_integration", "accumulators", "writes", group)
            self.sums_at[group] = last + 1

    def drive(self, reads: list[int]) -> None:
        """x = sat(relu(W_x s + b)): the sum is in the cycle after the last read, and goes through relu in the same."""
        buffered = self.core.heterogeneous_stationarity
        for index, cycle in enumerate(reads):
            if buffered:
                self.put(cycle, "drive", "event_buffer", "reads", index % self.core.event_buffer)
            self.put(cycle, "drive", "drive_weights", "reads", index)
        self.products += self.events.spikes
        self.x_ready = self.known(reads)

    @staticmethod
    def known(reads: list[int]) -> int:
        """The first cycle in which all that is read in these is known, and added up or noted."""
        return reads[-1] + 2 if reads else 1

    def update(self) -> None:
        """m = sat(Ā m + B̄ x), one row per cycle; the first is read ahead, so that it meets x."""
        rows = self.sizes.update_rows(self.core)
        for row in range(rows):
            self.put(self.x_ready - 1 + row, "memory_update", "transition", "reads", row)
        self.updated = self.x_ready + rows

    def multiply_outputs(self, begin: int) -> None:
        """Outputs stationary: the sums of a group stay in registers while its d rows go by."""
        each = self.sizes.product_cycles(self.core)
        beat = each // self.sizes.states
        drive = self.core.drive_cycles
        sums = "memory_sums" if self.core.dependency_breaking else "memory_current"
        follow = 0
        for group in range(self.groups):
            for state in range(self.sizes.states):
                row = group * self.sizes.states + state
                self.put(begin + row * beat, "memory_product", "memory_weights", "reads", row)
            stored = begin + (group + 1) * each
            self.put(stored, "memory_product", sums, "writes", group)
            self.current_at[group] = stored + 1
            if self.core.dependency_breaking:
                read = max(follow, self.x_ready - 1, stored)
                follow = read + drive
                self.put(read, "drive_product", "drive_memory_weights", "reads", group)
                self.put(read + drive, "drive_product", "memory_sums", "reads", group)
                self.put(read + drive, "drive_product", "memory_current", "writes", group)
                self.current_at[group] = read + drive + 1

    def multiply_inputs(self, begin: int) -> None:
        """Inputs stationary: each state, and x, in turn goes by all groups, whose sums are read and written back."""
        beat = max(2, -(-self.core.fused // self.core.macs))
        cycle = begin
        for state in range(self.sizes.states):
            for group in range(self.groups):
                self.put(cycle, "memory_product", "memory_weights", "reads", state * self.groups + group)
                if state:
                    self.put(cycle, "memory_product", "memory_current", "reads", group)
                self.put(cycle + beat - 1, "memory_product", "memory_current", "writes", group)
                cycle += beat
        if self.core.dependency_breaking:
            cycle, beat = max(cycle, self.x_ready - 1), max(2, self.core.drive_cycles)
            for group in range(self.groups):
                self.put(cycle, "drive_product", "drive_memory_weights", "reads", group)
                self.put(cycle, "drive_product", "memory_current", "reads", group)
                self.put(cycle + beat - 1, "drive_product", "memory_current", "writes", group)
                cycle += beat
        self.current_at = [cycle] * self.groups

    def inputs_of(self, group: int, cycle: int, pass_: str) -> None:
        """What a pass reads beside the neurons' own states, in the cycle in which it computes."""
        if pass_ == "spikes" and self.any_sums():
            self.put(cycle, "neuron_bank", "accumulators", "reads", group)
        if pass_ == "memory":
            pathway = self.sizes.pathway
            memory, ahead = ("memory_current", 0) if pathway is None else (pathway.current, 1)  # SRAM, a cycle ahead
            if memory is not None:
                self.put(cycle - ahead, "neuron_bank", memory, "reads", group)

    def weights_of(self, group: int, cycle: int) -> None:
        """The weights of a diagonal recurrence, read with the membranes and with who fired; outputs stationary, in
        every step."""
        if self.sizes.diagonal and (self.events.recurrent > 0 or not self.core.heterogeneous_stationarity):
            self.put(cycle, "neuron_bank", "recurrent_weights", "reads", group)
            self.put(cycle, "neuron_bank", "output_spikes", "reads", self.groups + group)

    def note_spikes(self, group: int, cycle: int) -> None:
        """Who of a group fires."""
        if self.sizes.fires:
            self.put(cycle, "neuron_bank", "output_spikes", "writes", group)

    @property
    def own(self) -> int:
        """Events of the layer's own spikes: none with a diagonal recurrence."""
        return 0 if self.sizes.diagonal else self.events.recurrent

    def any_sums(self) -> bool:
        """Whether anything was added: the accumulators of an empty step are not looked at."""
        dense = not self.core.heterogeneous_stationarity
        return dense or self.events.spikes + self.own > 0

    def fused_pass(self) -> int:
        """All passes in one."""
        cycle = -self.core.group_cycles
        for group in range(self.groups):
            cycle = max(cycle + self.core.group_cycles, self.sums_at[group] - 1, self.current_at[group] - 1)
            for memory in self.sizes.kept:
                self.put(cycle, "neuron_bank", memory, "reads", group)
                self.put(cycle + 2, "neuron_bank", memory, "writes", group)
            for memory, _ in self.sizes.constants:
                self.put(cycle, "neuron_bank", memory, "reads", group)
            self.weights_of(group, cycle)
            self.note_spikes(group, cycle + 2)
            for pass_ in self.sizes.passes:
                self.inputs_of(group, cycle + 1, pass_)
        return cycle + 3

    def separate_passes(self) -> int:
        """One after another, each when all that it adds is there."""
        begin = 0
        waits = {"spikes": self.sums_at[-1], "memory": self.current_at[-1]}
        for pass_ in self.sizes.passes:
            begin = max(begin, waits.get(pass_, 0))
            for group in range(self.groups):
                for memory in (name for name, passes in self.sizes.kept.items() if pass_ in passes):
                    self.put(begin + 3 * group, "neuron_bank", memory, "reads", group)
                    self.put(begin + 3 * group + 2, "neuron_bank", memory, "writes", group)
                for memory in (name for name, passes in self.sizes.constants if pass_ in passes):
                    self.put(begin + 3 * group, "neuron_bank", memory, "reads", group)
                self.inputs_of(group, begin + 3 * group + 1, pass_)
                if pass_ == "spikes":
                    self.weights_of(group, begin + 3 * group)
                if pass_ == "threshold":
                    self.note_spikes(group, begin + 3 * group + 2)
            begin += 3 * self.groups
        return begin

    def delay(self, bank_end: int) -> int:
        """This step's word is read and cleared at the beginning; what fired is entered after the bank."""
        slots = self.sizes.slots(self.core)
        if not slots:
            return bank_end
        for slot in range(slots):
            self.put(2 * slot, "delay_line", "delay_line", "reads", slot)
            self.put(2 * slot + 1, "delay_line", "delay_line", "writes", slot)
        begin = max(bank_end, 2 * slots)
        for spike in range(self.events.fired):
            self.put(begin + 2 * spike, "delay_line", "delays", "reads", spike)
            self.put(begin + 2 * spike + 1, "delay_line", "delay_line", "reads", spike)
            self.put(begin + 2 * spike + 2, "delay_line", "delay_line", "writes", spike)
        return begin + 2 * self.events.fired + (1 if self.events.fired else 0)
