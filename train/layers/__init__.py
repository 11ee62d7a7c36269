"""Layers by kind: to add one, write its configuration and its module, and register both here."""

from dataclasses import dataclass

import torch

from basalt.train.layers.config import (
    ConvConfig,
    LayerConfig,
    LifConfig,
    LstmConfig,
    PoolConfig,
    ReadoutConfig,
    SpikingConfig,
)
from basalt.train.layers.conv import Conv, Pool
from basalt.train.layers.dmp import Dmp, DmpConfig
from basalt.train.layers.hgrn import Hgrn, HgrnConfig
from basalt.train.layers.hopfield import Hopfield, HopfieldConfig
from basalt.train.layers.lstm import Lstm
from basalt.train.layers.readout import Readout
from basalt.train.layers.spiking import Spiking


@dataclass(frozen=True)
class Kind:
    """A mechanism: what a recipe may say about it, and its module."""

    config: type[LayerConfig]
    module: type[torch.nn.Module]


LAYERS: dict[str, Kind] = {
    "lif": Kind(LifConfig, Spiking),
    "dmp": Kind(DmpConfig, Dmp),
    "hgrn": Kind(HgrnConfig, Hgrn),
    "hopfield": Kind(HopfieldConfig, Hopfield),
    "conv": Kind(ConvConfig, Conv),
    "pool": Kind(PoolConfig, Pool),
    "lstm": Kind(LstmConfig, Lstm),
    "readout": Kind(ReadoutConfig, Readout),
}

__all__ = ["LAYERS", "Kind", "LayerConfig", "SpikingConfig", "ReadoutConfig"]
