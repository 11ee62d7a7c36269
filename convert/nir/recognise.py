"""Which framework wrote a NIR file, where what it writes shows it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from basalt.convert.nir.graph import Graph, Node
from basalt.convert.nir.writers import NONE, SNNTORCH_STEP, Values


@dataclass(frozen=True)
class Recognised:
    """What a file shows of its writer: its name, seconds of a step if it shows them, and by what."""

    writer: str
    step: float | None
    why: str


def snntorch(graph: Graph) -> Recognised | None:
    """snnTorch's step is 10⁻⁴ s always. SpikingJelly may write the same, in double precision and never nested."""
    neurons = leaking(graph)
    if not neurons or len(neurons) < len(spiking(graph)):
        return None
    nested = any(node.name.endswith(".lif") for node in neurons)  # of a recurrent layer, which is a graph of its own
    if not all(same(step_of(node), SNNTORCH_STEP) for node in neurons) or not (nested or all(map(single, neurons))):
        return None
    return Recognised("snntorch", None, "r = tau / 0.0001 in all neurons, in a nested graph or single precision")


def spikingjelly(graph: Graph) -> Recognised | None:
    """SpikingJelly's IF has r = 1/dt."""
    only = spiking(graph)
    if not only or leaking(graph):
        return None
    steps = np.unique(np.concatenate([1 / node.values["r"].reshape(-1) for node in only if fine(node)] or [NONE]))
    if steps.size == 1 and 0 < steps[0] <= 0.1:
        return Recognised("spikingjelly", float(steps[0]), "r = 1 / dt in all IF nodes")
    return None


def rockpool(graph: Graph) -> Recognised | None:
    """Rockpool's r = (τ/dt)·e^(−dt/τ) holds a step that is the same, and round, for all neurons."""
    neurons = leaking(graph)
    if not neurons or len(neurons) < len(spiking(graph)):
        return None
    steps = np.concatenate([rockpool_step(node) for node in neurons])
    if not steps.size or not np.all((steps > 0) & np.isfinite(steps)) or not all(plain_input(node) for node in neurons):
        return None
    step = float(f"{steps[0]:.1e}")
    if not same(steps, step, 1e-5):
        return None
    return Recognised("rockpool", step, f"r = (tau / dt) exp(-dt / tau) in all neurons, with dt = {step:g} s")


RULES: tuple[Callable[[Graph], Recognised | None], ...] = (snntorch, spikingjelly, rockpool)
"""One function per writer that can be recognised."""


def recognise(graph: Graph) -> Recognised | None:
    """The writer that a file must be of, or None: none shows, or several may have written it."""
    found = [one for one in (rule(graph) for rule in RULES) if one is not None]
    return found[0] if len(found) == 1 else None


def leaking(graph: Graph) -> list[Node]:
    """Spiking neurons with a leak."""
    return [node for node in graph.real if node.type in ("LIF", "CubaLIF")]


def spiking(graph: Graph) -> list[Node]:
    """Spiking neurons."""
    return [node for node in graph.real if node.type in ("IF", "LIF", "CubaLIF")]


def single(node: Node) -> bool:
    """Whether the time constants are numbers of single precision."""
    with np.errstate(over="ignore", invalid="ignore"):
        return all(
            np.array_equal(found, found.astype(np.float32).astype(np.float64))
            for key, found in node.values.items()
            if key in ("tau", "tau_mem", "tau_syn")
        )


def plain_input(node: Node) -> bool:
    """Whether nothing scales what a synapse takes in."""
    return bool(np.all(node.values.get("w_in", np.ones(1)) == 1))


def rockpool_step(node: Node) -> Values:
    """dt of r = (τ/dt)·e^(−dt/τ): with x = dt/τ, ln x + x + ln r = 0, by Newton's method."""
    tau = node.values.get("tau", node.values.get("tau_mem", NONE)).reshape(-1)
    r = node.values.get("r", NONE).reshape(-1)
    if tau.size != r.size or not np.all((r > 1e-6) & (r < 1e9)):
        return NONE
    part = 1 / (1 + r)
    for _ in range(50):
        part = part - (np.log(part) + part + np.log(r)) / (1 / part + 1)
    return np.asarray(part * tau)


def fine(node: Node) -> bool:
    """Whether r is there and positive."""
    return "r" in node.values and bool(np.all(node.values["r"] > 0))


def step_of(node: Node) -> Values:
    """tau / r, and that of the synapse, which snnTorch makes its step."""
    tau = node.values.get("tau", node.values.get("tau_mem", NONE)).reshape(-1)
    r = node.values.get("r", NONE).reshape(-1)
    both = [(tau, r)]
    if node.type == "CubaLIF":
        both.append((node.values.get("tau_syn", NONE).reshape(-1), node.values.get("w_in", NONE).reshape(-1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [np.where(np.isinf(one) & np.isinf(other), SNNTORCH_STEP, one / other) for one, other in both
                 if one.shape == other.shape]  # fmt: skip
    return np.concatenate(found) if len(found) == len(both) else NONE


def same(steps: Values, step: float, off: float = 1e-4) -> bool:
    """Whether all are the step, in the precision of float32."""
    return bool(steps.size) and bool(np.all(np.abs(steps - step) < off * step))
