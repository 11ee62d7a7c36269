"""The base of what documents of others are held against: nothing becomes a number that is none."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST = 1e15
Positive = Annotated[float, Field(ge=1 / LARGEST, le=LARGEST)]
"""A size or a duration, in whatever unit: so bounded, no product of a few is infinite or nothing."""
Amount = Annotated[float, Field(ge=0, le=LARGEST)]
"""The same, or nothing."""


def tuples(value: Any) -> Any:
    """Lists as tuples, also those in lists and tables."""
    if isinstance(value, list):
        return tuple(map(tuples, value)) if any(isinstance(part, list | dict) for part in value) else tuple(value)
    return {key: tuples(part) for key, part in value.items()} if isinstance(value, dict) else value


class Document(BaseModel):
    """A part of a document: immutable; texts and truth values are no numbers, and no number is infinite."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, content: Any) -> Any:
        """Arrays of documents are lists, and tuples here."""
        return tuples(content)
