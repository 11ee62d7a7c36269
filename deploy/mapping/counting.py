"""The hops that a run's spikes make on a mesh, for its counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from pydantic import Field, ValidationError

from basalt.deploy.mapping.partition import INPUT, populations
from basalt.errors import BasaltError
from basalt.files import read_json
from basalt.records.network import Network
from basalt.schema import Document

Hops = Mapping[str, Int[np.ndarray, "_neurons"]]
"""Hops of one spike over all its destinations: of each neuron by layer, of each feature of `INPUT`."""


HOPS_MOST = 1 << 20


class PieceHops(Document):
    """What is needed of a piece in mapping.json."""

    layer: str
    first: int = Field(ge=0)
    neurons: int = Field(gt=0)
    hops_per_spike: int = Field(ge=0, le=HOPS_MOST)


class InputHops(Document):
    """The same of the input."""

    features: int = Field(gt=0)
    hops_per_spike: int = Field(ge=0, le=HOPS_MOST)


class MappingFile(Document):
    """What is needed of mapping.json."""

    input: InputHops
    pieces: tuple[PieceHops, ...]


def load_hops(path: Path, network: Network) -> Hops:
    """The hops of spikes from a mapping.json.

    Raises:
        BasaltError: it is none, or one of another network.
    """
    content = read_json(path)
    try:
        if content["format"] != "basalt-mapping" or content["version"] != 1:
            raise ValueError
        file = MappingFile.model_validate(content)
    except (TypeError, LookupError, ValueError, ValidationError) as error:
        raise BasaltError(f"{path} is not a mapping that this version can read; write it with `basalt map`.") from error
    sizes = {INPUT: file.input.features}
    for piece in file.pieces:
        sizes[piece.layer] = sizes.get(piece.layer, 0) + piece.neurons
    if sizes != populations(network):
        raise BasaltError(f"{path} maps another network than {network.name!r}: map this one with `basalt map`.")
    found = {INPUT: np.full(file.input.features, file.input.hops_per_spike)}
    for piece in sorted(file.pieces, key=lambda piece: piece.first):
        before = found.get(piece.layer, np.zeros(0, dtype=np.int64))
        found[piece.layer] = np.concatenate([before, np.full(piece.neurons, piece.hops_per_spike)])
    return found


def counted_hops(
    hops: Hops, sent: Mapping[str, UInt8[np.ndarray, "samples _neurons steps"]]
) -> dict[str, Int[np.ndarray, "samples"]]:
    """The hops of spikes that were sent, by layer and sample: Σ over neurons of spikes · hops of one.

    Args:
        sent: the input's events under `INPUT`, and what each spiking layer sent.
    """
    return {name: np.count_nonzero(sent[name], axis=2) @ each for name, each in hops.items() if each.any()}


def add_hops(counts: dict[str, Any], hops: Hops, sent: Mapping[str, np.ndarray]) -> None:
    """Add the counter `hops` to the first part of each layer, in the content of a counts.json."""
    first = {process["name"]: process for process in reversed(counts["processes"])}
    for name, amount in counted_hops(hops, sent).items():
        first[name]["counters"]["hops"] = amount.tolist()
