"""Stand-ins for what `framework` takes of Lava, where Lava is not installed: declarations alone, and no runtime.

Each class has the name, and of the interface what Basalt's processes, models and the runtime `direct` use.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ProcessParameters = dict
"""What a process was made with, by name."""


class Member:
    """A port or variable of a process; `process` and `name` are set where it becomes one."""

    process: "AbstractProcess"
    name: str

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


class Port(Member):
    """A port: connected forwards to those that hear it, also inside the process that it belongs to."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.in_connections: list[Port] = []
        self.out_connections: list[Port] = []

    def connect(self, ports: "Port | Sequence[Port]") -> None:
        """What it sends goes to these."""
        for port in ports if isinstance(ports, Sequence) else [ports]:
            if port.shape != self.shape:
                raise ValueError(f"{self.name} sends {self.shape}, and {port.name} takes {port.shape}")
            self.out_connections.append(port)
            port.in_connections.append(self)

    def get_src_ports(self) -> "list[Port]":
        """Where what it carries comes from: ports that nothing is connected to."""
        return [source for port in self.in_connections for source in (port.get_src_ports() or [port])]


class InPort(Port):
    """What a process receives by."""


class OutPort(Port):
    """What a process sends by."""


class Var(Member):
    """A variable that a model has under the same name."""

    def __init__(self, shape: tuple[int, ...], init: Any = 0) -> None:
        super().__init__(shape)
        self.init = init

    def alias(self, other: "Var") -> None:
        """It is a variable of a part of the process, which has its value."""
        self.aliased = other


class Members:
    """The ports or variables of a process, in the order of their making, and by name."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Any]:
        return iter(self.found.values())

    def __getattr__(self, name: str) -> Any:
        if name in (found := self.__dict__.get("found", {})):
            return found[name]
        raise AttributeError(name)


class AbstractProcess:
    """A process: parameters, ports and variables."""

    def __init__(self, **parameters: Any) -> None:
        self.proc_params = parameters
        self.name: str = parameters["name"]
        self.in_ports, self.out_ports, self.vars = Members(), Members(), Members()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, Member):
            value.process, value.name = self, name
            kind = {InPort: "in_ports", OutPort: "out_ports", Var: "vars"}[type(value)]
            getattr(self, kind).found[name] = value


@dataclass(frozen=True)
class LavaPyType:
    """The type of a model's port or variable."""

    cls: type
    d_type: Any = np.int64


class PyInPort:
    """The kind of a model's port; a runtime puts its own channel there."""


class PyInPortVectorDense(PyInPort):
    """One that takes whole arrays."""

    csp_ports: Sequence[Any] = ()


class PyOutPort:
    """The kind of a model's port; a runtime puts its own channel there."""

    VEC_DENSE: type = PyInPort


class PyLoihiProcessModel:
    """A model: what a process does in each step of time."""

    time_step: int

    def __init__(self, proc_params: dict[str, Any] | None = None) -> None:
        self.proc_params: Any = proc_params


class AbstractSubProcessModel:
    """A model that is made of other processes."""

    def __init__(self, proc: AbstractProcess) -> None:
        """The subclass makes them, and connects them to the ports of `proc`."""


class LoihiProtocol:
    """The protocol of Basalt's models."""


class CPU:
    """What Basalt's models need."""


def implements(proc: type, protocol: type | None = None) -> Callable[[type], type]:
    """The decorated model is one of that process."""

    def mark(model: type) -> type:
        model.implements_process = proc  # type: ignore[attr-defined]
        return model

    return mark


def requires(*_: Any) -> Callable[[type], type]:
    """What the decorated model needs, which is not looked at."""
    return lambda model: model


def tag(*names: str) -> Callable[[type], type]:
    """The decorated model is chosen by these tags, and those of the model that it derives from."""

    def mark(model: type) -> type:
        model.tags = [*getattr(model, "tags", ()), *names]  # type: ignore[attr-defined]
        return model

    return mark
