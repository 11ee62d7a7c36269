"""Records in integers that cannot wrap on the way."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any, ClassVar, no_type_check

import numpy as np
from jaxtyping import Float


@no_type_check  # at runtime: a record may be made wrong, for the design rules to refuse
class Whole:
    """A dataclass whose whole numbers are Python's integers and int64 arrays: narrower ones wrap when they are shifted.

    What is not whole is left as it is, for the design rules to refuse by name.

    Attributes:
        narrow: fields whose matrices may stay in 8 or 16 bits, since there can be very many of their numbers: what
            computes with them widens them first, or adds up in wider ones.
    """

    narrow: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Take whole numbers of any type."""
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if item.name in self.narrow and is_narrow(value):
                continue
            found = widened(value)
            if found is not value:
                object.__setattr__(self, item.name, found)

    @cached_property
    def matrices(self) -> Mapping[str, Float[np.ndarray, "rows columns"]]:
        """The matrices as integers in float64, by field, for products that need not convert them at every step."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]
        return {name: value.astype(np.float64) for name, value in found.items() if getattr(value, "ndim", 0) == 2}


def is_narrow(value: Any) -> bool:
    """Whether it is a matrix of 8 or 16 bits."""
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype in (np.int8, np.int16)


def widened(value: Any) -> Any:
    """An int or int64 array where the value is whole, else the value itself."""
    if isinstance(value, np.ndarray):
        if value.dtype == np.int64 or value.dtype.kind not in "iubf":
            return value
        with np.errstate(invalid="ignore"):
            whole = value.astype(np.int64)
        return whole if np.array_equal(whole, value) else value
    if isinstance(value, np.integer):
        return int(value)
    return int(value) if isinstance(value, float | np.floating) and float(value).is_integer() else value
