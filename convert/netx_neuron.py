"""Reader of the neurons of a .net layer."""

import numpy as np

from basalt.convert.netx_reader import Reader
from basalt.errors import BasaltError
from basalt.records.neuron import RESETS, Neuron, axis

SPIKING_NEURONS = ("CUBA", "LOIHI")


def read_neuron(reader: Reader, shape: tuple[int, ...]) -> Neuron:
    """The group `neuron` of a spiking layer."""
    kind = reader.neuron_type
    if kind is None:
        raise reader.fail("neuron", "is missing")
    if kind not in SPIKING_NEURONS:
        raise BasaltError(
            f"{reader.place}: the neuron type {kind!r} is not known here in such a layer; CUBA and LOIHI are."
        )
    reset = reader.string("neuron/reset") if "neuron/reset" in reader.group else "hard"
    if reset not in RESETS:
        raise reader.fail("neuron/reset", f"is {reset!r}, not one of {', '.join(RESETS)}")
    refused = {
        "neuron/refDelay": (1, "neurons rest for one step here"),
        "neuron/gradedSpike": (0, "spikes are not graded here"),
        "neuron/wgtExp": (0, "weights carry no exponent here: fold it into them"),
    }
    for key, (only, why) in refused.items():
        if key in reader.group and np.any(reader.integers(key, (0, 1)) != only):
            raise BasaltError(f"{reader.place}: {key!r} is not {only}, and {why}.")
    decays = [reader.spread(f"neuron/{key}", shape) for key in ("iDecay", "vDecay")]
    for key, value in zip(("iDecay", "vDecay"), decays, strict=True):
        if value is None:
            raise reader.fail(f"neuron/{key}", "is missing")
    current, voltage = (axis(value[0] if shared(value) else value) for value in decays if value is not None)
    return Neuron(reader.integer("neuron/vThMant"), current, voltage, reset)


def shared(value: np.ndarray) -> bool:
    """Whether all neurons have the same value."""
    return bool(np.all(value == value[:1])) and value.size > 0
