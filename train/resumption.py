"""What a checkpoint says beside its tensors, and what resuming needs of both."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import torch
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from basalt.train import moments
from basalt.train.layers.config import Strict
from basalt.train.recipe import explain
from basalt.train.tensors import DamagedError, Spec

if TYPE_CHECKING:
    from basalt.train.networks import Network

LARGEST = 1 << 53
NOT_FINITE = ("nan", "inf", "-inf")
"""How a loss that overflowed is written, which JSON has no number for."""


def _number(value: Any) -> int | float:
    if isinstance(value, str) and value in NOT_FINITE:
        return float(value)
    if type(value) not in (int, float) or (type(value) is int and abs(value) > LARGEST):
        raise ValueError("what a number was expected for")
    return value


def _plain(value: int | float) -> int | float | str:
    return value if math.isfinite(value) else str(float(value))


Number = Annotated[int | float, BeforeValidator(_number), PlainSerializer(_plain)]
Row = dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=128)], Number]
Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Size = Annotated[int, Field(strict=True, gt=0, le=LARGEST)]


class Part(Strict):
    """A part of what a checkpoint says."""

    model_config = ConfigDict(allow_inf_nan=True)


class LastSaid(Part):
    """Finished epochs and steps, the seconds that they took, and a row of log.csv for each epoch."""

    epoch: Count
    step: Count
    seconds: float = Field(strict=True, ge=0, allow_inf_nan=False)
    history: tuple[Row, ...]


class Said(Part):
    """All that a checkpoint says but its recipe; see `basalt.train.checkpoint`."""

    inputs: Size
    classes: Size
    sensor: tuple[Size, ...] = Field((), max_length=8)
    best: Row = Field(default_factory=dict)
    last: LastSaid | None

    @model_validator(mode="after")
    def _fits(self) -> "Said":
        if self.sensor and math.prod(self.sensor) != self.inputs:
            raise ValueError(f"a sensor of {self.sensor} does not have {self.inputs} inputs")
        if self.best and not {"epoch", "validation_loss", "validation_accuracy_float"} <= self.best.keys():
            raise ValueError("the best weights have no epoch, loss or accuracy")
        return self

    @classmethod
    def of(cls, tree: Any) -> "Said":
        """What a tree of plain values says.

        Raises:
            DamagedError: it lacks something, or says what there cannot be.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            key, text = explain(error.errors()[0], cls)
            raise DamagedError(f"{key}: {text}" if key else text) from error

    def plain(self) -> dict[str, Any]:
        """The tree."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, eq=False)
class Progress:
    """The state of training after its last finished epoch.

    Attributes:
        model: the weights. moments: of the optimiser, see `basalt.train.moments`. random: torch's random state.
        epoch, step: finished ones. seconds: of training. history: a row for each epoch, as in log.csv.
        average: the averaged weights, see `basalt.train.averages`, if the recipe has them.
    """

    model: Mapping[str, torch.Tensor]
    moments: Mapping[str, torch.Tensor]
    random: torch.Tensor
    epoch: int
    step: int
    seconds: float
    history: tuple[Mapping[str, Any], ...]
    average: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def said(self) -> LastSaid:
        """All but the tensors."""
        rows = tuple(dict(row) for row in self.history)
        return LastSaid(epoch=self.epoch, step=self.step, seconds=self.seconds, history=rows)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors, by the names that `specs` gives them."""
        parts = {"model": self.model, "moments": self.moments, "average": self.average}
        named = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
        return {**named, "random": self.random}

    @classmethod
    def of(cls, said: LastSaid, tensors: Mapping[str, torch.Tensor]) -> "Progress":
        """The inverse of `said` and `tensors`."""
        model, kept, average = (
            {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
            for part in ("model.", "moments.", "average.")
        )
        return cls(model, kept, tensors["random"], said.epoch, said.step, said.seconds, said.history, average)

    @staticmethod
    def specs(network: "Network", found: Mapping[str, Spec], averaged: bool) -> dict[str, Spec]:
        """What the tensors of a network's progress are like; `found` says which parameters have moments yet."""
        parts = ("model", "average") if averaged else ("model",)
        wanted = {f"{p}.{name}": Spec.of(value) for p in parts for name, value in network.state_dict().items()}
        for of_parameter in moments.specs(network):
            named = {f"moments.{name}": spec for name, spec in of_parameter.items()}
            if any(name in found for name in named):
                wanted |= named
        return wanted | {"random": Spec.of(torch.get_rng_state())}
