"""What the writers of NIR files mean: no file says how long a step is, how a neuron resets, or how its equation became
steps, and each framework fills the same fields in its own way.

A neuron here is u[t] = α u[t−1] + x[t], v = β v[t−1] + gain·u[t] + drive, with x what its synapses bring. Held to what
the frameworks compute (snnTorch 1.0.0, Norse 1.1.0, Sinabs 3.1.3, Rockpool 3.1.0, SpikingJelly 2.0.0) by
tests/convert/nir/test_frameworks.py:

    snntorch      α, β = 1 − dt/τ, gain 1; dt is 10⁻⁴ s always, whatever was trained; spikes above θ
    norse         tau fields hold τ·dt: α, β = 1 − dt²/τ; gain 1 − β, so w_in = 1 means a current that is not scaled
    sinabs        tau counts steps: β = e^(−1/τ), LIF's gain 1 − β, LI's 1; spikes from θ on
    sinabs-sum    the same of layers with norm_input=False: gain 1
    rockpool      α, β = e^(−dt/τ); gain 1 of LIF, α of CubaLIF, β of LI, whose inputs decay in the step in which they
                  arrive; spikes from θ on
    spikingjelly  β = 1 − dt/τ, gain (1 − β)·R, IF dt·R; hard reset only; spikes from θ on
    nir           β = 1 − dt/τ, gain (1 − α)(1 − β)·R·w_in, as NIR's equations in Euler steps; spikes above θ
    nir-exact     the same with e^(−dt/τ), which solves the equations between two inputs
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from basalt.convert.nir.graph import Node
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
        constants: α, β and gain of a node, for a step whose length is given in seconds.
        resets: that its neurons may have; where there is one, nobody is asked.
        reaches: a membrane at the threshold spikes, not only one above.
        needs_step: the equations depend on how long a step is.
        begins: the field that holds the membrane at the beginning of a sample; "" is 0.
    """

    about: str
    constants: Callable[[Node, float], Constants]
    resets: tuple[str, ...]
    reaches: bool = False
    needs_step: bool = True
    begins: str = ""


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
    found = literal(exact)(node, 1.0)
    return found._replace(gain=np.ones(1)) if node.type == "LI" else found


def sinabs_sum(node: Node, dt: float) -> Constants:
    """The same, and nothing scales what the synapses bring."""
    return sinabs(node, dt)._replace(gain=np.ones(1))


def rockpool(node: Node, dt: float) -> Constants:
    """r is (τ/dt)·e^(−dt/τ), and scales nothing."""
    if node.type == "IF":
        raise UnsaidError("is no node that Rockpool writes; name another --writer")
    tau_syn, tau_mem = times(node)
    alpha, beta = kept(exact, tau_syn, dt), kept(exact, tau_mem, dt)
    return Constants(alpha, beta, {"CubaLIF": alpha, "LI": beta}.get(node.type, np.ones(1)))


def spikingjelly(node: Node, dt: float) -> Constants:
    """As NIR has it, but that IF has r = 1/dt."""
    found = literal(euler)(node, dt)
    return found._replace(gain=dt * value(node, "r")) if node.type == "IF" else found


SNNTORCH_STEP = 1e-4
NEURONS = ("IF", "LIF", "CubaLIF", "LI", "CubaLI", "I")
THRESHOLD = "Threshold"
FIRING = (*NEURONS, THRESHOLD)
"""Types of nodes that a stage ends in."""

HARD, SOFT, NO = "hard", "soft", "none"
DELAYED_SUBTRACT, DELAYED_ZERO, AT_ONCE = "snntorch-subtract", "snntorch-zero", "snntorch-subtract-at-once"
SEVERAL, FLOORED = "several", "sinabs"
RESETS: Mapping[str, str] = {
    HARD: "a spike sets the membrane to its reset voltage",
    SOFT: "a spike takes the threshold from the membrane",
    NO: "a spike leaves the membrane as it is",
    DELAYED_SUBTRACT: 'snnTorch\'s "subtract": the threshold is taken a step later, after the decay',
    DELAYED_ZERO: 'snnTorch\'s "zero" of Leaky: the membrane is 0 before the next step',
    AT_ONCE: 'snnTorch\'s "subtract" with reset_delay=False; its "zero" with that is hard',
    SEVERAL: "as many spikes in a step as thresholds fit into the membrane, each of which takes one",
    FLOORED: "Sinabs's with min_v_mem: the same, and the membrane stays above -threshold",
}
"""Reset → what it does."""

WRITERS: Mapping[str, Writer] = {
    "snntorch": Writer("snnTorch", snntorch, (DELAYED_SUBTRACT, DELAYED_ZERO, AT_ONCE, HARD, NO), needs_step=False),
    "norse": Writer("Norse 1.1, whose tau is τ·dt", norse, (HARD, SOFT), begins="v_leak"),
    "sinabs": Writer(
        "Sinabs, whose tau counts steps", sinabs, (SEVERAL, FLOORED, SOFT, HARD), reaches=True, needs_step=False
    ),
    "sinabs-sum": Writer(
        "Sinabs with norm_input=False", sinabs_sum, (SEVERAL, FLOORED, SOFT, HARD), reaches=True, needs_step=False
    ),
    "rockpool": Writer("Rockpool", rockpool, (SEVERAL, SOFT), reaches=True),
    "spikingjelly": Writer("SpikingJelly 2", spikingjelly, (HARD,), reaches=True, begins="v_reset"),
    "nir": Writer("NIR's equations in Euler steps", literal(euler), (HARD, SOFT, NO)),
    "nir-exact": Writer("NIR's equations, solved exactly between inputs", literal(exact), (HARD, SOFT, NO)),
}
"""Name → how its files are meant."""
