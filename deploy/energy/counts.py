"""What counts.json holds, checked."""

from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Int
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from basalt.errors import BasaltError
from basalt.near_memory.counters import ROWS
from basalt.records.counts import STATE, WEIGHT
from basalt.schema import Document, Positive
from basalt.shown import VALUE_LONGEST, shown

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Size = Annotated[int, Field(gt=0, lt=1 << 40)]


class ProcessCounts(Document):
    """The counters of one part of one process, each a number per sample, and the sizes of its memories.

    Memories whose rows are counted say how wide a row is (`row_bits`), of how many macros they are made (`banks`), and
    how many ports a macro has (`ports`; one where it is not said).
    """

    name: str
    part: str
    kind: str = ""
    memory_bits: dict[str, Count] = Field(default={})
    word_bits: dict[str, Size] = Field(default={})
    row_bits: dict[str, Size] = Field(default={})
    banks: dict[str, Size] = Field(default={})
    ports: dict[str, Size] = Field(default={})
    counters: dict[str, tuple[Count, ...]] = Field(default={})

    @field_validator("counters")
    @classmethod
    def _with_widths(cls, counters: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """Counts of before products had widths, when they were all taken for those of a weight and a state."""
        products = counters.get("dense_macs")
        if products is None or "dense_mac_bits" in counters:
            return counters
        return {**counters, "dense_mac_bits": tuple(WEIGHT * STATE * count for count in products)}

    @property
    def used(self) -> tuple[str, ...]:
        """The counters that counted anything."""
        return tuple(counter for counter, values in self.counters.items() if any(values))


class Series(Document):
    """A counter in each step: base + factor · number `column` of a row of `Activity.steps`."""

    process: str
    part: str
    counter: str
    base: Count
    factor: Count = 0
    column: Count = 0


class Activity(Document):
    """The distinct steps of the first `samples` samples, each a row of numbers: how often it occurs, and what `series`
    are made of."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    samples: Size
    series: tuple[Series, ...]
    steps: Int[np.ndarray, "rows numbers"]

    @field_validator("steps", mode="before")
    @classmethod
    def _numbers(cls, rows: Any) -> Any:
        if not isinstance(rows, (list, tuple)) or not rows:
            raise ValueError("no rows")
        try:
            return np.array([str(row).split() for row in rows], dtype=np.int64)
        except OverflowError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _columns_are_there(self) -> "Activity":
        if self.steps.ndim != 2 or not self.steps.size:
            raise ValueError("its rows are no numbers")
        if self.steps.min() < 0 or any(series.column >= self.steps.shape[1] for series in self.series):
            raise ValueError("a row lacks a number, or has one below 0")
        return self

    @property
    def times(self) -> Int[np.ndarray, "rows"]:
        """How often each row occurs."""
        return self.steps[:, 0]

    def values(self, series: Series) -> Int[np.ndarray, "rows"]:
        """A counter in each row."""
        return series.base + series.factor * self.steps[:, series.column]


class Clock(Document):
    """What of a near-memory core's description makes seconds of its cycles."""

    clock_mhz: Positive


class Counts(Document):
    """All counters of a run: `samples` inferences of `steps` steps.

    `step_seconds_from` says whether the network's file or the user gave the duration of a step; `misfits` are sentences
    about what does not fit the core that was counted. `slowest_cycles` are, for each sample, the cycles of the slowest
    near-memory core of each step, all steps together.
    """

    format: Literal["basalt-counts"]
    version: Literal[1]
    samples: Size
    steps: Size
    step_seconds: Positive | None = None
    step_seconds_from: Literal["file", "option"] = "file"
    misfits: tuple[str, ...] = ()
    core: Clock | None = None
    slowest_cycles: tuple[Count, ...] | None = None
    activity: Activity | None = None
    processes: tuple[ProcessCounts, ...]

    @model_validator(mode="after")
    def _one_value_a_sample(self) -> "Counts":
        if self.slowest_cycles is not None and len(self.slowest_cycles) != self.samples:
            raise ValueError(f"slowest_cycles has {len(self.slowest_cycles)} values for {self.samples} samples")
        if self.activity is not None and sum(self.activity.times.tolist()) != self.activity.samples * self.steps:
            raise ValueError(f"activity.steps are not {self.activity.samples} samples of {self.steps} steps")
        for process in self.processes:
            for counter, values in process.counters.items():
                if len(values) != self.samples:
                    raise ValueError(
                        f"counter {counter!r} of {process.name}.{process.part} has {len(values)} values "
                        f"for {self.samples} samples"
                    )
                if counter in ROWS and any(values) and ROWS[counter][0] not in process.row_bits:
                    raise ValueError(f"counter {counter!r} of {process.name}.{process.part} has no row_bits")
        return self


def parse_counts(counts: dict[str, Any]) -> Counts:
    """Check the content of a counts.json.

    Raises:
        BasaltError: a key is missing, of the wrong type or does not fit the others.
    """
    try:
        return Counts.model_validate(counts)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = shown(first["msg"].removeprefix("Value error, "), VALUE_LONGEST)
        raise BasaltError(
            f"The counts cannot be priced: {key + ': ' if key else ''}{message}; "
            f"run the network again to write them anew."
        ) from error
