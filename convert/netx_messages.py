"""Readers of .net layers with sigma-delta neurons (`SDNN`)."""

from typing import Any

import numpy as np

from basalt.convert.netx_reader import Reader
from basalt.errors import BasaltError
from basalt.records.delta import VALUE_BITS, DeltaInput
from basalt.records.layer import Layer
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput

NEURON = "SDNN"
"""lava-dl's type of such neurons."""


def read_input(reader: Reader) -> DeltaInput:
    """`input`."""
    return DeltaInput(
        name=reader.name,
        threshold=threshold(reader),
        features=reader.shape(),
        weight=reader.integer("weight", 64),
        offset=reader.integer("bias", 0),
        fraction=reader.integer("fraction", 6),
        signed=bool(reader.integer("signed", 0)),
        delay=reader.spread("delay", reader.shape()),
    )


def read_dense(reader: Reader, weight: np.ndarray) -> Layer:
    """`dense`, or lava-dl's `Output`, whose neurons only sum."""
    reader.expanded(weight.size)
    if "neuron/sigma_output" in reader.group:
        for key in ("bias", "delay"):
            value = reader.optional(key, (0, 1))
            if value is not None and value.any():
                raise BasaltError(
                    f"{reader.place}: {key!r} is not 0, which SLAYER's Output, a read-out, does not have."
                )
        return SigmaOutput(reader.name, weight)
    synapses = {"weight": weight[:, :, None, None], "input_shape": (weight.shape[1], 1, 1)}
    return read_layer(reader, (len(weight),), synapses)


def read_layer(reader: Reader, shape: tuple[int, ...], synapses: dict[str, Any]) -> SigmaDelta:
    """A layer of some synapses, whose output has a shape."""
    activation = reader.string("neuron/activation") if "neuron/activation" in reader.group else "relu"
    if activation != "relu":
        raise BasaltError(f"{reader.place}: 'neuron/activation' is {activation!r}, and only 'relu' is known here.")
    return SigmaDelta(
        name=reader.name,
        threshold=threshold(reader),
        delay=reader.spread("delay", shape),
        signed=bool(reader.integer("signed", 0)),
        bias=reader.spread("bias", shape),
        start=reader.integer("neuron/start", 0),
        **synapses,
    )


def threshold(reader: Reader) -> int:
    """Of the neurons, which carry no exponents here; `neuron/threshold` where 1/64 does not say it."""
    for key in ("neuron/wgtExp", "neuron/weight_exp"):
        if key in reader.group and np.any(reader.integers(key, (0, 1))):
            raise BasaltError(f"{reader.place}: {key!r} is not 0, and weights carry no exponent here.")
    if "neuron/messageBits" in reader.group and not np.all(reader.integers("neuron/messageBits", (0, 1))):
        raise BasaltError(
            f"{reader.place}: 'neuron/messageBits' is 0, with which stock lava-dl takes every message for a spike."
        )
    if "neuron/threshold" in reader.group:
        return reader.integer("neuron/threshold")
    return reader.integer("neuron/vThMant") << VALUE_BITS
