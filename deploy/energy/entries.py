"""What everything in a price table is made of: values that carry their unit, source, node and kind."""

from typing import Literal

from pydantic import ConfigDict, Field

from basalt.schema import Amount, Document, Positive

Kind = Literal["measured", "post-layout", "CACTI", "scaled", "assumed"]


class Entry(Document):
    """Base of all parts of a table: immutable, and no key that we do not know."""

    model_config = ConfigDict(extra="forbid")


class Sourced(Entry):
    """Where a number comes from."""

    source: str = Field(min_length=10)
    node_nm: Positive
    kind: Kind


class Price(Sourced):
    """The energy or the duration of one action, or the static power of one KiB."""

    value: Amount
    unit: str


def one_of(unit: str, allowed: dict[str, float]) -> str:
    """The unit, if it is allowed."""
    if unit not in allowed:
        raise ValueError(f"unit {unit!r} is not one of {', '.join(allowed)}")
    return unit
