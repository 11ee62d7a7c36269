"""Counters, batches and blocks: what all of Basalt's process models share.

A model's counters are one int64 array (samples, len(COLUMNS)). With a `meter` path among the process's parameters the
array is a memory-mapped .npy file, so that the counts of a killed run are kept and nothing is moved through ports.
"""

from typing import Literal

import numpy as np
from jaxtyping import Int, Integer

from basalt.counters import COUNTERS
from basalt.lava_procs.framework import LavaPyType, ProcessParameters, PyLoihiProcessModel
from basalt.near_memory.counters import SCHEDULED

COLUMNS = (*COUNTERS, *SCHEDULED)
"""The counters of a model's array, in order."""

COLUMN = {name: index for index, name in enumerate(COLUMNS)}

STATES = ("u", "v", "m")
"""Variables that hold the state of neurons and of a memory pathway."""


def states_file(held: str, name: str) -> str:
    """The .npy file of a state: (samples, size), what is left after the last step."""
    return f"{held}.{name}.npy"


def mapped(path: str, mode: Literal["c", "r+"] = "r+") -> np.ndarray:
    """A memory-mapped .npy file, as a plain array: a slice of a `numpy.memmap` costs ten times as much.

    With "c" nothing gets into the file; kernels are compiled once for arrays that can be written, and not again.
    """
    return np.asarray(np.load(path, mmap_mode=mode))


PREPARATION = 1
"""Lava steps ahead of the first block, in which all models make themselves ready side by side."""


class MeteredModel(PyLoihiProcessModel):
    """A process model with a batch of samples side by side, a block of time steps an exchange, and counters.

    In the first `PREPARATION` Lava steps the models prepare. Each one after moves `block` time steps of a sample (the
    last block of a sample may be shorter): a model receives the block, works through its steps in order, and sends the
    block of what came out.

    Process parameters: `batch` (samples side by side), `steps` (length of a sample; the state is cleared before every
    first step), `block`, `meter` (path of the counters' .npy file, or None), `held` (where the states after the last
    step of every sample are kept, or None), `fired` (path of the .npy file of who fires in each step, or None),
    `changed` (path of the .npy file of how often membranes change, or None).
    """

    counters: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: ProcessParameters) -> None:
        super().__init__(proc_params)
        self.batch: int = proc_params["batch"]
        self.steps: int = proc_params["steps"]
        self.block: int = proc_params["block"]

    def run_spk(self) -> None:
        """Prepare, once; then clear before each sample, and work through the block."""
        if self.time_step <= PREPARATION:
            fired, changed = self.proc_params["fired"], self.proc_params["changed"]
            self.fired_table = None if fired is None else mapped(fired)
            self.changed_table = None if changed is None else mapped(changed)
            if self.proc_params["meter"] is not None:
                self.counters = mapped(self.proc_params["meter"])
            self.prepare()
            return
        self.index = self.time_step - PREPARATION - 1
        self.round, turn = divmod(self.index, -(-self.steps // self.block))
        self.first = turn * self.block
        self.length = min(self.block, self.steps - self.first)
        if turn == 0:
            self.clear()
        self.advance()
        if self.proc_params["held"] is not None and self.first + self.length == self.steps:
            self.keep_states()

    def keep_states(self) -> None:
        """Write the states of the samples that end now to the files that there are for them."""
        for name in STATES:
            if isinstance(value := getattr(self, name, None), np.ndarray):
                mapped(states_file(self.proc_params["held"], name))[self.mine] = value

    def note_fired(self, fired: Int[np.ndarray, "length batch"]) -> None:
        """Keep how many neurons fired in each step of this block, where there is a file for it."""
        if self.fired_table is not None:
            self.fired_table[self.mine, self.first : self.first + self.length] = fired.T

    def note_changed(self, changed: Int[np.ndarray, "batch"]) -> None:
        """Add to how often a membrane changed from one step to the next, where there is a file for it."""
        if self.changed_table is not None:
            self.changed_table[self.mine] += changed

    def prepare(self) -> None:
        """Work to be done once, in the process that will run the model, before any block."""

    since: int | None = None
    """The first step that is not counted yet, where counting is deferred."""

    def defer(self) -> None:
        """Steps come one at a time from here on: they are counted when `settle` is called, where that is exact."""

    def settle(self) -> None:
        """Count the steps that were computed and are not counted yet."""

    def clear(self) -> None:
        """Set the state to what it is before the first step of a sample."""

    def advance(self) -> None:
        """Work through `length` time steps, the first of which is step `first` of the sample."""
        raise NotImplementedError

    @property
    def mine(self) -> slice:
        """The samples that run now, among all."""
        return slice(self.round * self.batch, (self.round + 1) * self.batch)

    @property
    def round_counters(self) -> Int[np.ndarray, "batch counters"]:
        """The counters of the samples that run now."""
        return self.counters[self.mine]

    def count(self, **amounts: Int[np.ndarray, "batch"] | int) -> None:
        """Add to this round's counters: a number for every sample, or an array with one for each."""
        mine = self.round_counters
        for name, amount in amounts.items():
            mine[:, COLUMN[name]] += amount


def events(values: Integer[np.ndarray, "batch neurons"]) -> Int[np.ndarray, "batch"]:
    """How many entries of each sample carry an event."""
    return np.count_nonzero(values, axis=-1)
