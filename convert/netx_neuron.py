"""Reader of the neurons of a .net layer."""

from typing import Any

import numpy as np

from basalt.convert.netx_reader import Reader
from basalt.errors import BasaltError
from basalt.records.fields import parameters
from basalt.records.neuron import Neuron, axis
from basalt.records.neurons import NEURONS

ALIASES = {"LOIHI": Neuron.file_type}
"""Other names of types of neurons."""


def read_neuron(reader: Reader, shape: tuple[int, ...]) -> Neuron:
    """The group `neuron` of a spiking layer."""
    kind = reader.neuron_type
    if kind is None:
        raise reader.fail("neuron", "is missing")
    record = NEURONS.get(ALIASES.get(kind, kind))
    if record is None:
        types = " and ".join(", ".join([*NEURONS, *ALIASES]).rsplit(", ", 1))
        raise BasaltError(f"{reader.place}: the neuron type {kind!r} is not known here in such a layer; {types} are.")
    reset = reader.string("neuron/reset") if "neuron/reset" in reader.group else record.reset
    known = next(item.limits.choices for item in parameters(record) if item.name == "reset")
    if reset not in known:
        raise reader.fail("neuron/reset", f"is {reset!r}, not one of {', '.join(known)}")
    refused = {
        "neuron/refDelay": (1, "neurons rest for one step here"),
        "neuron/gradedSpike": (0, "spikes are not graded here"),
        "neuron/wgtExp": (0, "weights carry no exponent here: fold it into them"),
    }
    for key, (only, why) in refused.items():
        if key in reader.group and np.any(reader.integers(key, (0, 1)) != only):
            raise BasaltError(f"{reader.place}: {key!r} is not {only}, and {why}.")
    current, voltage = (decays(reader, key, shape) for key in ("iDecay", "vDecay"))
    more: dict[str, Any] = {
        name: decays(reader, key, shape) if name.endswith("_decay") else reader.integer(f"neuron/{key}")
        for name, key in record.file_keys.items()
    }
    if "neuron/resetAmount" in reader.group:
        more["reset_amount"] = single(decays(reader, "resetAmount", shape))
    if "neuron/refractory" in reader.group:
        more["refractory"] = reader.integer("neuron/refractory")
    return record(thresholds(reader, shape), current, voltage, reset, **more)


def thresholds(reader: Reader, shape: tuple[int, ...]) -> int | np.ndarray:
    """One for all neurons, or one per neuron where they differ."""
    return single(decays(reader, "vThMant", shape))


def single(value: np.ndarray) -> int | np.ndarray:
    """A number where all neurons share it."""
    return int(value[0]) if value.size == 1 else value


def decays(reader: Reader, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """One for all neurons, or one per neuron where they differ."""
    value = reader.spread(f"neuron/{key}", shape)
    if value is None:
        raise reader.fail(f"neuron/{key}", "is missing")
    return axis(value[0] if shared(value) else value)


def shared(value: np.ndarray) -> bool:
    """Whether all neurons have the same value."""
    return bool(np.all(value == value[:1])) and value.size > 0
