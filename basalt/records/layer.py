"""What every layer has."""

from typing import ClassVar


class Layer:
    """A record of a layer."""

    kind: ClassVar[str]
    name: str

    @property
    def inputs(self) -> int:
        """Size of the input."""
        raise NotImplementedError

    @property
    def neurons(self) -> int:
        """Size of the output."""
        raise NotImplementedError
