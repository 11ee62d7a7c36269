"""Cycles and accesses of steps in closed form, for many steps at once; equal to the walks in every number.

With all three optimisations on, G = ⌈N/F⌉ groups, d states, c = ⌈F/macs⌉, D = d·⌈d/update_macs⌉ rows of Ā, S input
events, R events of the layer's own, E > 1 places in the event buffer, b = 1 if S > 0 else 0 (the cycle in which the
first event enters), a bank that takes a group every g cycles (1; 3 with one port), e = ⌈F/drive_macs⌉, and x at x₁ = 1
if S = 0, else max(S + 2, (S − E)·G + 4):

    cycles = max( (G − 1)·g,                                            the neuron bank alone
                  (S + R − 1)·G + b + 1 + (G − 1)·g  if S + R > 0,      spikes, then the bank behind their last rows
                  x₁ + e − 1 + (G − 1)·max(e, g)     on a refresh,      ν x, then the bank
                  d·c + e + (G − 1)·max(d·c, e, g)   on a refresh,      P m, then the bank
                ) + 3
    and no less than x₁ + D                                             the memory's update

So for N = 128, F = 4, d = 8, one cycle per group: max(34, 32·(S + R) + b + 3, 260) while S ≤ E. The stalls, cycles that
the sender waits at a full buffer, are max(0, (S − E)·G + 1 − (S − 1)) where S > E. With one place in the buffer each
event waits a cycle for the next to enter (`arrival.py`). With delays, 2·fired + 1 cycles more in a step in which
a spike fired (and no fewer than the 2·⌈N/32⌉ cycles of this step's word). A diagonal recurrence takes no cycles: if a
neuron fired the step before, the bank reads a row of weights with each group's membranes, and R is 0. What changes with
an optimisation off is in the code of the paths below, each a few lines. Of other memory pathways than the slow memory,
their modules say when their currents are there.

A convolution's events take n ≥ 0 rows each (`convolution.py`), which take P = Σ max(n, 1) cycles, and the bank sweeps
over all neurons behind them; `entered` is the P of all but the last E events:

    cycles = (G − 1)·g + 3  +  (P + 3 if S > 0),          stalls = max(0, entered + 1 − (S − 1)) where S > E
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from basalt.near_memory.arrival import last_arrival
from basalt.near_memory.convolution import Reached, spread
from basalt.near_memory.core import Core
from basalt.near_memory.integration import integration
from basalt.near_memory.memory import PathwayCost, PathwaySizes
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.steps import Flags, Steps


@dataclass(frozen=True, eq=False)
class Cost:
    """What steps cost, each entry an array with a value for every step.

    Attributes:
        cycles: length of the step.
        stalls: cycles in which the sender waited.
        paths: cycles in which each data path was at work; only those that the layer has.
        accesses: by "memory_reads" and "memory_writes"; only those that there can be.
        bounds: lengths that the step would have if it were for one thing alone, the longest of which is its length.
        products: of weights with the values of graded events.
    """

    cycles: Steps
    stalls: Steps
    paths: dict[str, Steps]
    accesses: dict[str, Steps]
    bounds: dict[str, Steps]
    products: Steps


def cost(
    core: Core,
    sizes: Sizes,
    spikes: Steps,
    recurrent: Steps | int = 0,
    fired: Steps | int = 0,
    refresh: Bool[np.ndarray, "..."] | bool = True,
    reached: Reached | None = None,
) -> Cost:
    """The cost of steps.

    Args:
        spikes: input events of each step.
        recurrent: events of the layer's own spikes of the step before.
        fired: spikes of the step.
        refresh: whether the memory's current is computed anew.
        reached: what the input events of a convolution meet; if None, as much as events that are spread evenly.
    """
    spikes, own, fired, refreshed = np.broadcast_arrays(
        np.asarray(spikes, np.int64), np.asarray(recurrent, np.int64), np.asarray(fired, np.int64), np.asarray(refresh)
    )
    if sizes.conv is not None and reached is None:
        reached = spread(sizes.conv, core, spikes)
    return StepCosts(core, sizes, spikes, own, fired, refreshed, reached).cost()


class StepCosts:
    """Steps of one layer, and what their cost is put together from."""

    def __init__(
        self,
        core: Core,
        sizes: Sizes,
        spikes: Steps,
        own: Steps,
        fired: Steps,
        refresh: Flags,
        reached: Reached | None = None,
    ) -> None:
        self.core, self.sizes = core, sizes
        self.spikes, self.fired = spikes, fired
        self.alone = (own > 0) | (not core.heterogeneous_stationarity)
        self.refresh = refresh & bool(sizes.states)
        self.recall = refresh
        self.groups = sizes.groups(core)
        self.none = np.zeros_like(spikes)
        self.sparse = core.heterogeneous_stationarity
        self.sums = integration(core, sizes, spikes, self.none if sizes.diagonal else own, reached)
        self.reached = reached

    def cost(self) -> Cost:
        """All of it."""
        x_ready = self.x_ready()
        updated = x_ready + self.sizes.update_rows(self.core) if self.sizes.states else self.none
        bounds = self.fused(x_ready, updated) if self.core.operator_fusion else self.separate(x_ready, updated)
        if self.sizes.states:
            bounds["memory_update"] = updated
        pathway = None if self.sizes.pathway is None else self.pathway(self.sizes.pathway, bounds)
        slots = self.sizes.slots(self.core)
        if slots:
            bounds = {name: value + 2 * self.fired + (self.fired > 0) for name, value in bounds.items()}
            if self.sizes.states:
                bounds["memory_update"] = updated
            entered = np.where(self.fired > 0, 2 * slots + 2 * self.fired + 1, 0)
            bounds["delay_line"] = np.maximum(entered, 2 * slots)
        if pathway is not None:
            bounds |= pathway.bounds
        cycles = np.maximum.reduce(list(bounds.values()))
        paths, accesses = self.paths(), self.accesses()
        if pathway is not None:
            paths, accesses = paths | pathway.paths, accesses | pathway.accesses
        return Cost(cycles, self.sums.stalls, paths, accesses, bounds, self.products())

    def products(self) -> Steps:
        """A weight with a value for each synapse that a graded event reaches, in the memory pathway as well."""
        sizes = self.sizes
        if not sizes.graded:
            return self.none
        if self.reached is not None:
            return self.reached.synapses
        gates = 0 if sizes.pathway is None else sizes.pathway.weights_of_event
        return self.spikes * (sizes.neurons + bool(sizes.states) + gates)

    def pathway(self, sizes: PathwaySizes, bounds: dict[str, Steps]) -> PathwayCost:
        """The cost of another pathway than a slow memory; adds the length of a step that waits for its currents."""
        found = sizes.cost(self.core, self.spikes, self.x_ready(), self.recall)
        last = self.groups - 1
        if self.core.operator_fusion:
            ready = found.first + last * np.maximum(found.beat, self.core.group_cycles) + 3
        else:
            passes = self.sizes.passes
            rest = (len(passes) - passes.index("memory")) * 3 * self.groups
            ready = found.first + last * found.beat + 1 + rest
        bounds["pathway"] = ready
        return found

    def x_ready(self) -> Steps:
        """The first cycle in which x is there."""
        if not self.sparse:
            return self.none + self.sizes.inputs + 1
        entered = (self.spikes - self.core.event_buffer) * self.groups
        return np.where(self.spikes > 0, last_arrival(self.core, self.spikes, entered) + 3, 1)

    def fused(self, x_ready: Steps, updated: Steps) -> dict[str, Steps]:
        """Where a group's sums come at a + s·group, the last group enters the bank at a + (G − 1)·max(s, g)."""
        last, beat = self.groups - 1, self.core.group_cycles

        def through(first: Steps, slope: int) -> Steps:
            return first + last * max(slope, beat) + 3

        sums = self.sums
        bounds = {
            "neuron_bank": through(self.none, beat),
            "spike_integration": np.where(sums.active, through(sums.first, sums.slope), 0),
        }
        if self.sizes.states:
            each, drive_beat = self.sizes.product_cycles(self.core), self.core.drive_cycles
            if not self.sparse:
                product, drive = self.complete_at(x_ready, updated)
                bounds["memory_product"] = np.where(self.refresh, through(product - 1, 0), 0)
                bounds["drive_product"] = np.where(self.refresh, through(drive - 1, 0), 0)
            elif self.core.dependency_breaking:
                first = self.none + each + drive_beat
                bounds["memory_product"] = np.where(self.refresh, through(first, max(each, drive_beat)), 0)
                bounds["drive_product"] = np.where(self.refresh, through(x_ready + drive_beat - 1, drive_beat), 0)
            else:
                bounds["memory_product"] = np.where(self.refresh, through(updated - 1 + each, each), 0)
        return bounds

    def separate(self, x_ready: Steps, updated: Steps) -> dict[str, Steps]:
        """Passes of 3·G cycles; one that waits begins when the last group's sum is there."""
        each = 3 * self.groups
        passes = self.sizes.passes
        rest = {name: (len(passes) - passes.index(name)) * each for name in ("spikes", "memory") if name in passes}
        summed = self.sums.first + (self.groups - 1) * self.sums.slope + 1
        bounds = {
            "neuron_bank": self.none + len(passes) * each,
            "spike_integration": np.where(self.sums.active, summed + rest["spikes"], 0),
        }
        if self.sizes.states:
            product, drive = self.complete_at(x_ready, updated)
            bounds["memory_product"] = np.where(self.refresh, product + rest["memory"], 0)
            bounds["drive_product"] = np.where(self.refresh, drive + rest["memory"], 0)
        return bounds

    def complete_at(self, x_ready: Steps, updated: Steps) -> tuple[Steps, Steps]:
        """When the memory's currents of all groups are there: as the product has it, as x has it; the later one
        counts."""
        broken = self.core.dependency_breaking
        begin = self.none if broken else updated - 1
        groups = self.groups
        each, drive = self.sizes.product_cycles(self.core), self.core.drive_cycles
        if self.sparse and broken:
            return begin + each + (groups - 1) * max(each, drive) + drive + 1, x_ready + groups * drive
        if self.sparse:
            return begin + groups * each + 1, self.none
        done = begin + self.row_beat() * self.sizes.states * groups
        added = max(2, drive) * groups
        return done + (added if broken else 0), x_ready - 1 + added if broken else self.none

    def row_beat(self) -> int:
        """Cycles of a row of the memory product with inputs stationary: its sums' memory takes a read and a write."""
        return max(2, -(-self.core.fused // self.core.macs))

    def paths(self) -> dict[str, Steps]:
        """Cycles of work."""
        sizes, core, groups = self.sizes, self.core, self.groups
        passes = 1 if core.operator_fusion else len(sizes.passes)
        found = {
            "spike_integration": self.sums.work,
            "neuron_bank": self.none + passes * groups * core.group_cycles,
        }
        if sizes.states:
            each = sizes.product_cycles(core) if self.sparse else self.row_beat() * sizes.states
            found["drive"] = self.spikes if self.sparse else self.none + sizes.inputs
            found["memory_product"] = self.refresh * groups * each
            if core.dependency_breaking:
                found["drive_product"] = self.refresh * groups * max(1 if self.sparse else 2, core.drive_cycles)
            found["memory_update"] = self.none + sizes.update_rows(core)
        if sizes.longest_delay is not None:
            found["delay_line"] = 2 * sizes.slots(core) + 2 * self.fired
        return found

    def accesses(self) -> dict[str, Steps]:
        """Rows read and written."""
        sizes, core, groups = self.sizes, self.core, self.groups
        found = dict(self.sums.accesses)
        if sizes.diagonal:
            found["recurrent_weights_reads"] = found["output_spikes_reads"] = self.alone * groups
        if sizes.fires:
            found["output_spikes_writes"] = self.none + groups
        for memory, passes in sizes.kept.items():
            times = 1 if core.operator_fusion else len(passes)
            found[f"{memory}_reads"] = found[f"{memory}_writes"] = self.none + times * groups
        for memory, passes in sizes.constants:
            found[f"{memory}_reads"] = self.none + (1 if core.operator_fusion else len(passes)) * groups
        if sizes.states:
            broken = core.dependency_breaking
            added = 0 if self.sparse else sizes.states - 1 + broken
            found["drive_weights_reads"] = self.spikes if self.sparse else self.none + sizes.inputs
            found["transition_reads"] = self.none + sizes.update_rows(core)
            found["memory_weights_reads"] = self.refresh * groups * sizes.states
            if broken:
                found["drive_memory_weights_reads"] = self.refresh * groups
            found["memory_current_writes"] = self.refresh * groups * (1 + added)
            found["memory_current_reads"] = self.refresh * groups * added + groups
            if self.sparse and broken:
                found["memory_sums_writes"] = found["memory_sums_reads"] = self.refresh * groups
        if sizes.longest_delay is not None:
            found["delays_reads"] = self.fired
            found["delay_line_reads"] = found["delay_line_writes"] = sizes.slots(core) + self.fired
        return found


def bound(cost: Cost) -> Shaped[np.ndarray, "*steps"]:
    """Which path each step's length is due to, by name."""
    names = np.array(list(cost.bounds))
    return names[np.argmax(np.stack(list(cost.bounds.values())), axis=0)]
