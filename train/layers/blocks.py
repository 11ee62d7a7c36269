"""SLAYER blocks that hold a layer's parameters, with our neurons and synapses in place of SLAYER's."""

import torch

from basalt.train.dynamics import grid
from basalt.train.dynamics.delay import Delay
from basalt.train.dynamics.neuron import Neuron
from basalt.train.dynamics.synapse import Dense, Diagonal
from basalt.train.layers.config import DenseConfig, SpikingConfig
from basalt.train.slayer import slayer


def stock(config: SpikingConfig) -> dict[str, float]:
    """The parameters that SLAYER's blocks require of neurons, which are then replaced by ours."""
    return {"threshold": config.threshold, "current_decay": 1.0, "voltage_decay": 1.0}


def neurons(config: SpikingConfig, units: int, channels: int | None = None) -> Neuron:
    """`units` neurons of ours, in channels that share their decays, or each by itself."""
    return Neuron(
        units,
        config.current_decay,
        config.membrane_decay,
        config.membrane_reset,
        channels,
        config.leakage == "learnable",
        config.adaptation,
        threshold=config.threshold,
        tau_grad=config.tau_grad,
        scale_grad=config.scale_grad,
    )


def dense(config: DenseConfig, inputs: int) -> torch.nn.Module:
    """A SLAYER block whose neuron and synapses are ours."""
    full = config.recurrent == "full"
    kind = slayer.block.cuba.Recurrent if full else slayer.block.cuba.Dense
    block = kind(stock(config), inputs, config.units)
    block.neuron = neurons(config, config.units)
    synapses = {"input_synapse": inputs, "recurrent_synapse": config.units} if full else {"synapse": inputs}
    for name, size in synapses.items():
        setattr(block, name, Dense(size, config.units, pre_hook_fx=grid.weights))
    if config.recurrent == "diagonal":
        block.recurrent_synapse = Diagonal(config.units, grid.weights)
    if config.delay:
        block.delay = Delay(config.units, config.delay, min(config.delay_spread, config.delay), config.delay_rate)
    return block
