"""What every layer has."""

from typing import ClassVar


class Layer:
    """A record of a layer."""

    kind: ClassVar[str]
    name: str

    @property
    def since(self) -> int:
        """Version of the file format that has all that the layer has."""
        return 1

    @property
    def inputs(self) -> int:
        """Size of the input."""
        raise NotImplementedError

    @property
    def neurons(self) -> int:
        """Size of the output."""
        raise NotImplementedError
