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

    @property
    def graded(self) -> bool:
        """It sends messages with a value, which not every layer can take."""
        return False

    @property
    def emits(self) -> bool:
        """What it sends are events, at each of which the next layer does something."""
        return False

    @property
    def state_names(self) -> dict[str, str]:
        """Variable that holds a state of its neurons → what the record calls it; none where the output says it."""
        return {}
