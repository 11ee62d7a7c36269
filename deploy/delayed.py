"""Axonal delays of sigma-delta and resonate-and-fire layers on stock processes: messages sent some steps later.

Stock netx delays what arrives at sigma-delta neurons, by 62 steps at most, and leaves delays of convolutions and of
resonators out. So it is given files without delays, and the models of these neurons hold back what they send.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from jaxtyping import Int

from basalt.deploy.wide import wide_model
from basalt.records.delta import Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.sigma_delta import SigmaDelta

if TYPE_CHECKING:
    from lava.magma.core.run_configs import RunConfig

DELAYED = ("SDNN", "RF_PHASE", "RF_IZHIKEVICH")
"""Neurons whose messages are held back here."""

DELAYS = "delays"
"""The parameter of a process that its model finds its delays in."""


class DelayLine:
    """An output port that sends each value as many steps later as its neuron's delay.

    Args:
        port: what it sends through.
        delays: a number of steps for each neuron.
    """

    def __init__(self, port: Any, delays: Int[np.ndarray, "*shape"]) -> None:
        self.port, self.delays = port, delays
        self.sent: list[np.ndarray] = []
        self.places = np.indices(delays.shape)

    def send(self, values: np.ndarray) -> None:
        """Keep what a step sends, and send what is due."""
        depth = int(self.delays.max()) + 1
        step = len(self.sent)
        self.sent.append(np.array(values))
        if step >= depth:
            self.sent[step - depth] = self.sent[step - depth][:0]
        due = np.zeros_like(self.sent[step])
        for late in np.unique(self.delays):
            if step >= late:
                mine = self.delays == late
                due[mine] = self.sent[step - late][mine]
        self.port.send(due)


def late_model(model: type) -> type:
    """The process model, with a delay line behind what it sends."""

    def run_spk(self: Any) -> None:
        if not isinstance(self.s_out, DelayLine):
            self.s_out = DelayLine(self.s_out, self.proc_params[DELAYS])
        model.run_spk(self)  # type: ignore[attr-defined]

    return type(f"Late{model.__name__}", (model,), {"run_spk": run_spk})


def late_config(tag: str) -> "RunConfig":
    """The stock run configuration, which takes wide models for such layers, late ones where they delay."""
    from lava.magma.core.run_configs import Loihi2SimCfg

    class LateSimCfg(Loihi2SimCfg):
        """Chooses models by tag."""

        def select(self, process, proc_models):  # type: ignore[no-untyped-def]
            chosen = wide_model(process, super().select(process, proc_models))
            return chosen if process.proc_params.get(DELAYS) is None else late_model(chosen)

    return LateSimCfg(select_tag=tag)


def delays_of(layer: Layer) -> Int[np.ndarray, "*shape"] | None:
    """The delay of each neuron, in the layer's shape; None where there are none, or where stock netx has them."""
    if not isinstance(layer, Foreign | SigmaDelta | DeltaInput):
        return None
    found = layer.numbers.get("delay") if isinstance(layer, Foreign) else layer.delay
    if found is None or not np.any(found):
        return None
    return np.repeat(found.reshape(-1), layer.neurons // found.size).reshape(layer.shape)


def set_delays(network: Network, blocks: Mapping[str, Any]) -> None:
    """Hand the delays of its layers to the neurons' processes, whose axes are in reverse order."""
    for layer in network.layers:
        delays = delays_of(layer)
        if delays is not None:
            neuron = blocks[layer.name].neuron
            neuron.proc_params[DELAYS] = delays.transpose().reshape(neuron.s_out.shape)


def without_delays(file: Path, network: Network, folder: Path) -> Path:
    """A copy of the file whose layers of these kinds have no delays; the file itself where none has."""
    if not any(isinstance(layer, Foreign | Delta) for layer in network.layers):
        return file
    path = folder / "undelayed.net"
    path.write_bytes(Path(file).read_bytes())
    with h5py.File(path, "a") as content:
        for group in content["layer"].values():
            kind = np.asarray(group["neuron/type"][()]).reshape(-1)[0] if "neuron/type" in group else b""
            if "delay" in group and (kind.decode() if isinstance(kind, bytes) else str(kind)) in DELAYED:
                del group["delay"]
    return path
