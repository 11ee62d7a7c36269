"""Backends: same processes, other models.

A backend is a name, the tag of the process models that it chooses, and the price table that suits it. `--place` puts
single layers on another backend of the same run.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from basalt.errors import BasaltError
from basalt.records.delta import DeltaInput
from basalt.records.layer import Layer
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput

if TYPE_CHECKING:
    from lava.magma.core.run_configs import RunConfig


def kinds_of(layer: Layer) -> tuple[str, ...]:
    """The kind of a layer, of its memory pathway, and of synapses that not all backends have."""
    memory = getattr(layer, "memory", None)
    transposed = ("transposed",) if getattr(layer, "transposed", False) else ()
    return (layer.kind, *transposed) if memory is None else (layer.kind, memory.kind)


@dataclass(frozen=True)
class Backend:
    """Where a network runs.

    Attributes:
        name: what the user types.
        tag: of the process models that it chooses.
        table: name of the price table that suits it.
        about: one line for people.
        block: the most time steps that its processes exchange at once.
        warm: called with the kinds of layers and pathways in the hosting process, before models are made.
        exact: computes the reference's integers, spike for spike.
        why_not: the reason why it cannot run here, and the way out; None when it can.
        lacks: kinds of layers and of their memory pathways that it has no process models of, each with the reason.
        stock: runs whole networks by stock lava-dl processes, which count nothing and keep no states.
        scheduled: its models count rows of a near-memory core's memories, whose geometry follows from the layer.
    """

    name: str
    tag: str
    table: str
    about: str
    block: int = 1
    warm: Callable[[Collection[str]], None] = lambda kinds: None
    exact: bool = True
    why_not: str | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)
    scheduled: bool = False
    stock: bool = False

    def lacking(self, layer: Layer) -> str | None:
        """The kind of the layer, or of its memory pathway, that it has no process model of; None where it has all."""
        return next((kind for kind in kinds_of(layer) if kind in self.lacks), None)

    def block_of(self, steps: int) -> int:
        """Time steps to exchange at once when a sample has `steps`: as few blocks as can be, of the same length."""
        return -(-steps // -(-steps // self.block))


MESSAGES = (DeltaInput.kind, SigmaDelta.kind, SigmaOutput.kind)
"""Kinds of layers that take or send messages with a value."""


def warm_kernels(kinds: Collection[str]) -> None:
    """Compile what the compiled models of these kinds share, once for all of a run's processes."""
    from basalt.kernels.warm import warm

    warm(kinds)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("fixed", "fixed_pt", "near-memory-22nm", "Loihi-style fixed point, by the reference"),
        Backend(
            "compiled",
            "compiled",
            "near-memory-22nm",
            "the same integers by compiled, event-driven kernels",
            64,
            warm_kernels,
        ),
        Backend(
            "near-memory",
            "near_memory",
            "near-memory-22nm",
            "the same integers, with the cycles and memory accesses of a near-memory core",
            64,
            warm_kernels,
            lacks={
                "encoder": "a core takes spikes, and not the values of an affine input",
                "transposed": "a core lays kernels out for plain convolutions",
                **dict.fromkeys(MESSAGES, "a core takes spikes, and not messages with a value"),
            },
            scheduled=True,
        ),
        Backend(
            "float",
            "floating_pt",
            "textbook-45nm",
            "the same equations in real numbers, without rounding",
            exact=False,
            lacks=dict.fromkeys(MESSAGES, "messages travel as integers"),
        ),
        Backend(
            "netx",
            "netx",
            "textbook-45nm",
            "stock lava-dl processes, stock layers only, one sample at a time",
            stock=True,
        ),
        Backend(
            "loihi2",
            "loihi2",
            "near-memory-22nm",
            "Intel's Loihi 2",
            why_not="it needs Intel's lava-loihi package, which members of the Intel Neuromorphic Research Community "
            "get from Intel; install it in this environment and use Lava's Loihi2HwCfg",
        ),
    )
}
"""Backends by name."""


def find(name: str) -> Backend:
    """The backend of that name.

    Raises:
        BasaltError: there is none, or it cannot run here.
    """
    if name not in BACKENDS:
        raise BasaltError(f"There is no backend {name!r}; choose one of {', '.join(BACKENDS)}.")
    backend = BACKENDS[name]
    if backend.why_not is not None:
        raise BasaltError(f"The backend {name!r} cannot run here: {backend.why_not}.")
    return backend


def run_config(default: str, places: Mapping[str, str] | None = None) -> "RunConfig":
    """The run configuration that chooses each process's model by tag.

    Args:
        default: tag of the models.
        places: other tags by layer name; parts of a layer follow their layer.
    """
    from lava.magma.core.run_configs import RunConfig

    by_layer = dict(places or {})

    class TagRunConfig(RunConfig):
        """Chooses the model with the wanted tag, and any model of a process that has but one."""

        def select(self, process, proc_models):  # type: ignore[no-untyped-def]
            wanted = by_layer.get(process.name.split(".")[0], default)
            for model in proc_models:
                if wanted in model.tags:
                    return model
            raise BasaltError(f"No process model of {process.name} carries the tag {wanted!r}.")

    return TagRunConfig()
