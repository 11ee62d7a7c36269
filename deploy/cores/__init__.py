"""Configurations of near-memory cores, a TOML file each, and the one way to read them."""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from basalt.documents import read_toml
from basalt.errors import BasaltError
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import OWNER
from basalt.schema import Amount, Document, Positive

FOLDER = Path(__file__).parent
DEFAULT = "default"


class Part(Document):
    """A part of a core's file: immutable, no key that we do not know, no value of another type."""

    model_config = ConfigDict(extra="forbid")


class Size(Part):
    """The largest layer that fits."""

    neurons: int = Field(gt=0, le=1 << 32)
    inputs: int = Field(gt=0, le=1 << 32)
    states: int = Field(ge=0, le=1 << 32)


class Datapath(Part):
    """How much is done in a cycle; a product with x for each of the `fused` lanes if `drive_macs` is not given."""

    fused: int = Field(gt=0, le=1 << 20)
    macs: int = Field(gt=0, le=1 << 20)
    drive_macs: int | None = Field(default=None, gt=0, le=1 << 20)
    update_macs: int = Field(gt=0, le=1 << 20)
    event_buffer: int = Field(gt=0, le=1 << 20)
    membrane_ports: Literal[1, 2]


class Widths(Part):
    """Bits."""

    weight: int = Field(gt=0, le=64)
    coefficient: int = Field(gt=0, le=64)
    state: int = Field(gt=0, le=64)
    sum: int = Field(gt=0, le=64)
    product: int = Field(gt=0, le=128)
    current: int = Field(default=32, gt=0, le=64)


class Clock(Part):
    """The clock, and where its figure comes from."""

    mhz: Positive
    source: str = Field(min_length=10)


class Optimisations(Part):
    """The switches."""

    dependency_breaking: bool
    operator_fusion: bool
    heterogeneous_stationarity: bool


class MeshSize(Part):
    """How many such cores there are, for `basalt map`."""

    rows: int = Field(gt=0, le=1 << 10)
    columns: int = Field(gt=0, le=1 << 10)


class CoreFile(Part):
    """A core as its TOML file says it."""

    format: Literal["basalt-core"]
    version: Literal[1]
    title: str = Field(min_length=3)
    node_nm: Positive
    size: Size
    datapath: Datapath
    widths: Widths
    sram: dict[str, Amount]
    clock: Clock
    optimisations: Optimisations
    mesh: MeshSize | None = None

    @model_validator(mode="after")
    def _known_memories(self) -> "CoreFile":
        for name, kib in self.sram.items():
            if name != "bank" and name not in OWNER:
                raise ValueError(f"sram.{name}: not a memory; there are bank, {', '.join(OWNER)}")
            if kib <= 0:
                raise ValueError(f"sram.{name}: {kib:g} KiB is not a size")
        if "bank" not in self.sram or self.sram["bank"] % 1:
            raise ValueError("sram.bank: the largest macro in whole KiB is missing")
        for what in ("macs", "drive_macs"):
            if (getattr(self.datapath, what) or 1) > self.datapath.fused:
                raise ValueError(f"datapath.{what}: a row has no more than `fused` weights to multiply")
        return self

    def core(self, name: str) -> Core:
        """What the schedule takes."""
        return Core(
            name=name,
            node_nm=self.node_nm,
            clock_mhz=self.clock.mhz,
            bank_kib=int(self.sram["bank"]),
            sram_kib={memory: kib for memory, kib in self.sram.items() if memory != "bank"},
            **self.size.model_dump(),
            **{**self.datapath.model_dump(), "drive_macs": self.datapath.drive_macs or self.datapath.fused},
            **{f"{what}_bits": bits for what, bits in self.widths.model_dump().items()},
            **self.optimisations.model_dump(),
        )


def available_cores() -> list[str]:
    """Names of the cores that Basalt brings."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_core(name: str = DEFAULT) -> Core:
    """The core called `name`, or the one in the file `name` if it ends in .toml.

    Raises:
        BasaltError: there is no such core, or the file does not hold one; names file and key.
    """
    return load_core_file(name).core(Path(name).stem)


def load_core_file(name: str) -> CoreFile:
    """The same as its file has it, with the mesh that it may be in."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent == FOLDER and path.stem not in available_cores():
        raise BasaltError(f"There is no core {name!r}: name one of {', '.join(available_cores())}, or a .toml file.")
    try:
        return CoreFile.model_validate(read_toml(path))
    except ValidationError as error:
        first, *more = error.errors()
        key = ".".join(str(part) for part in first["loc"])
        fault = f"{key + ': ' if key else ''}{first['msg'].removeprefix('Value error, ')}"
        raise BasaltError(f"{path}: {fault}{f' ({len(more)} more faults)' if more else ''}.") from error
