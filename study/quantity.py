"""A figure of a training, as the pages of studies show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Outcome = Mapping[str, Any]
"""What a study observed of one training."""


@dataclass(frozen=True)
class Quantity:
    """A figure of a training.

    Attributes:
        title, unit: for people.
        of: an outcome, None where it was not measured.
        digits: after the point.
        note: how it was measured.
    """

    title: str
    unit: str
    of: Callable[[Outcome], float | None]
    digits: int = 1
    note: str = ""
