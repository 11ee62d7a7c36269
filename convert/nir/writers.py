"""What the writers of NIR files mean: no file says how long a step is, how a neuron resets, or how its equation became
steps, and each framework fills the same fields in its own way.

A neuron here is u[t] = α u[t−1] + x[t], v = β v[t−1] + gain·u[t] + drive, with x what its synapses bring. Read from
what the exporters write (snnTorch 1.0.0, Norse 1.1.0, Sinabs 3.1.3), and from NIR's equations for the others:

    snntorch      α, β = 1 − dt/τ, gain 1; dt is 10⁻⁴ s always, whatever was trained; spikes above θ
    norse         tau fields hold τ·dt: α, β = 1 − dt²/τ; gain 1 − β, so w_in = 1 means a current that is not scaled
    sinabs        tau counts steps: β = e^(−1/τ), gain 1 − β; spikes from θ on
    spikingjelly  β = 1 − dt/τ, gain (1 − β)·R, IF dt·R; hard reset only; spikes from θ on
    nir           β = 1 − dt/τ, gain (1 − α)(1 − β)·R·w_in, as NIR's equations in Euler steps; spikes above θ
    nir-exact     the same with e^(−dt/τ), which solves the equations between two inputs
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from basalt.convert.nir.graph import Graph, Node
from basalt.convert.nir.operators import UnsaidError, value

Values = Float[np.ndarray, "..."]


class Constants(NamedTuple):
    """What a step leaves of current and membrane, and what it takes in, of each neuron or of all."""

    alpha: Values
    beta: Values
    gain: Values


@dataclass(frozen=True)
class Writer:
    """How a framework's files are meant.

    Attributes:
        about: for people.
        constants: α, β and gain of a node, for a step of so many seconds.
        resets: that its neurons may have; where there is one, nobody is asked.
        reaches: a membrane at the threshold spikes, not only one above.
        needs_step: the equations depend on how long a step is.
    """

    about: str
    constants: Callable[[Node, float], Constants]
    resets: tuple[str, ...]
    reaches: bool = False
    needs_step: bool = True


NONE = np.zeros(1)


def times(node: Node) -> tuple[Values, Values]:
    """Time constants of current and membrane; infinite where there is no leak, 0 where there is no current."""
    if node.type in ("CubaLIF", "CubaLI"):
        return value(node, "tau_syn"), value(node, "tau_mem")
    if node.type in ("IF", "I"):
        return NONE, np.full(1, np.inf)
    return NONE, value(node, "tau")


def kept(rate: Callable[[Values], Values], tau: Values, unit: float) -> Values:
    """What a step leaves, from how many time constants it lasts; nothing where there is no time constant."""
    with np.errstate(divide="ignore"):
        return np.where(tau == 0, 0.0, rate(unit / tau))


def euler(part: Values) -> Values:
    """1 − dt/τ."""
    return 1.0 - part


def exact(part: Values) -> Values:
    """e^(−dt/τ)."""
    return np.exp(-part)


def literal(rate: Callable[[Values], Values]) -> Callable[[Node, float], Constants]:
    """NIR's equations, each solved for a step in one way."""

    def constants(node: Node, dt: float) -> Constants:
        tau_syn, tau_mem = times(node)
        alpha, beta = kept(rate, tau_syn, dt), kept(rate, tau_mem, dt)
        gain = value(node, "r") * node.values.get("w_in", np.ones(1)) if node.type in NEURONS else np.ones(1)
        if node.type in ("IF", "I"):
            return Constants(alpha, beta, value(node, "r"))
        return Constants(alpha, beta, (1 - alpha) * (1 - beta) * gain)

    return constants


def snntorch(node: Node, dt: float) -> Constants:
    """r and w_in undo the step, so that nothing scales what the synapses bring."""
    tau_syn, tau_mem = times(node)
    return Constants(kept(euler, tau_syn, SNNTORCH_STEP), kept(euler, tau_mem, SNNTORCH_STEP), np.ones(1))


def norse(node: Node, dt: float) -> Constants:
    """tau is dt/τ⁻¹."""
    if node.type == "IF":
        return Constants(NONE, np.ones(1), value(node, "r"))
    tau_syn, tau_mem = times(node)
    alpha, beta = kept(euler, tau_syn, dt * dt), kept(euler, tau_mem, dt * dt)
    return Constants(alpha, beta, (1 - beta) * value(node, "r"))


def sinabs(node: Node, dt: float) -> Constants:
    """tau counts steps."""
    if node.type in ("CubaLIF", "CubaLI"):
        raise UnsaidError("is no node that Sinabs writes; name another --writer")
    return literal(exact)(node, 1.0)


def spikingjelly(node: Node, dt: float) -> Constants:
    """As NIR has it, but that IF has r = 1/dt."""
    found = literal(euler)(node, dt)
    return found._replace(gain=dt * value(node, "r")) if node.type == "IF" else found


SNNTORCH_STEP = 1e-4
NEURONS = ("IF", "LIF", "CubaLIF", "LI", "CubaLI", "I")

HARD, SOFT, NO = "hard", "soft", "none"
DELAYED_SUBTRACT, DELAYED_ZERO, SEVERAL = "snntorch-subtract", "snntorch-zero", "sinabs"
RESETS: Mapping[str, str] = {
    HARD: "a spike sets the membrane to 0",
    SOFT: "a spike takes the threshold from the membrane",
    NO: "a spike leaves the membrane as it is",
    DELAYED_SUBTRACT: 'snnTorch\'s "subtract": the threshold is taken a step later, after the decay',
    DELAYED_ZERO: 'snnTorch\'s "zero" of Leaky: the membrane is 0 before the next step',
    SEVERAL: "Sinabs's: as many spikes in a step as thresholds fit into the membrane, which stays above -threshold",
}
"""Reset → what it does."""

WRITERS: Mapping[str, Writer] = {
    "snntorch": Writer("snnTorch", snntorch, (DELAYED_SUBTRACT, DELAYED_ZERO, HARD, SOFT, NO), needs_step=False),
    "norse": Writer("Norse 1.1, whose tau is τ·dt", norse, (HARD,)),
    "sinabs": Writer("Sinabs, whose tau counts steps", sinabs, (SEVERAL, SOFT, HARD), reaches=True, needs_step=False),
    "spikingjelly": Writer("SpikingJelly 2", spikingjelly, (HARD,), reaches=True),
    "nir": Writer("NIR's equations in Euler steps", literal(euler), (HARD, SOFT, NO)),
    "nir-exact": Writer("NIR's equations, solved exactly between inputs", literal(exact), (HARD, SOFT, NO)),
}
"""Name → how its files are meant."""


@dataclass(frozen=True)
class Recognised:
    """What a file shows of its writer: its name, seconds of a step if it shows them, and by what."""

    writer: str
    step: float | None
    why: str


def recognise(graph: Graph) -> Recognised | None:
    """The writer that a file must be of, or None: two writers may write the same."""
    neurons = [node for node in graph.real if node.type in ("LIF", "CubaLIF")]
    only = [node for node in graph.real if node.type == "IF"]
    if neurons and not only and all(same(step_of(node), SNNTORCH_STEP) for node in neurons):
        return Recognised("snntorch", None, "r = tau / 0.0001 in all neurons, and its step is always written so")
    if only and not neurons:
        steps = np.unique(np.concatenate([1 / node.values["r"].reshape(-1) for node in only if fine(node)] or [NONE]))
        if steps.size == 1 and 0 < steps[0] <= 0.1:
            return Recognised("spikingjelly", float(steps[0]), "r = 1 / dt in all IF nodes")
    return None


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


def same(steps: Values, step: float) -> bool:
    """Whether all are the step, in the precision of float32."""
    return bool(steps.size) and bool(np.all(np.abs(steps - step) < 1e-4 * step))
