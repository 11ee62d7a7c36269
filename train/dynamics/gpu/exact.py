"""A layer's deployed integers on a GPU, from the record of the layer: for scoring thousands of samples between epochs.

Integers travel as float32 where sums stay within 2^24, which those of graded inputs need not, and else as float64; both
are exact. The neurons are those of `gpu.triton_lif`, `triton_recurrent` and `triton_diagonal`. Sums or memory currents
past 2^23, which wrap, would be rounded there: the processor does such a batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from basalt.kernels.neuron import RESET
from basalt.records.arithmetic import STATE_MAX
from basalt.records.synapses import Conv, Spiking
from basalt.train.dynamics import exact
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.delay import gathered
from basalt.train.dynamics.events import integer_sums
from basalt.train.dynamics.gpu import diagonal, feed_forward, recurrent
from basalt.train.dynamics.memories import CURRENTS
from basalt.train.dynamics.scalars import STATE_SCALE, WEIGHT_SCALE


def _dense(layer: Spiking, x: torch.Tensor) -> Float[torch.Tensor, "batch steps neurons"]:
    return integer_sums(x, layer.weight)


def _conv(layer: Conv, x: torch.Tensor) -> Float[torch.Tensor, "batch steps neurons"]:
    kind = torch.float64 if int(x.max()) > 1 else torch.float32
    images = x.transpose(1, 2).reshape(-1, *layer.input_shape).to(kind)
    weight = torch.as_tensor(layer.weight, dtype=kind, device=x.device)
    sums = torch.nn.functional.conv2d(images, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return sums.reshape(len(x), -1, layer.neurons).round()


SUMS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {Spiking.kind: _dense, Conv.kind: _conv}
"""Kind of a record → W s_in[t] in weight units, not yet delayed."""


def spikes(layer: Spiking, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch neurons steps"]:
    """What a layer that `choose` knows sends, after its delays; x may be graded."""
    synaptic = SUMS[layer.kind](layer, x)
    memory = None if layer.memory is None else CURRENTS[layer.memory.kind](layer.memory, x)
    neurons, device = layer.neurons, x.device
    if synaptic.abs().max() > STATE_MAX >> 6 or (memory is not None and memory.abs().max() > STATE_MAX):
        return exact.spikes(layer, x)
    current = None if memory is None else (memory.double() / STATE_SCALE).float().contiguous()
    synaptic = (synaptic / WEIGHT_SCALE).float().contiguous()
    constants = Constants(layer.neuron.current_decay, layer.neuron.voltage_decay, 1.0, 1.0, 1.0)
    decays = feed_forward.Decays.of(constants, device, neurons)
    bias = decays.zero if layer.bias is None else torch.as_tensor(layer.bias << 6, device=device).to(torch.int32)
    sent = FIRED[layer.recurrence](layer, synaptic, current, bias, decays).to(torch.uint8)
    if layer.delay is not None:
        sent = gathered(sent, torch.as_tensor(layer.delay, device=device))
    return sent.transpose(1, 2)


def _fed_forward(
    layer: Spiking,
    synaptic: torch.Tensor,
    current: torch.Tensor | None,
    bias: torch.Tensor,
    decays: feed_forward.Decays,
) -> Float[torch.Tensor, "batch steps neurons"]:
    from basalt.train.dynamics.gpu.triton_lif import forward_kernel

    (batch, steps, neurons), device = synaptic.shape, synaptic.device
    block, warps = feed_forward.BLOCK, feed_forward.WARPS
    sent = torch.empty(batch, steps, neurons, dtype=torch.float32, device=device)
    codes = torch.empty(batch, steps, neurons, dtype=torch.int16, device=device)
    counts = torch.empty(batch, neurons, device=device)
    forward_kernel[(batch, -(-neurons // block))](
        synaptic, synaptic, synaptic if current is None else current, bias / STATE_SCALE, decays.keep_u, decays.keep_v,
        int(layer.neuron.threshold) << 6, 0, sent, codes, counts, steps, neurons, neurons, LEAK=decays.leak,
        SINGLE=False, MEMORY=current is not None, RESET=RESET[layer.neuron.reset], SEND=True, BLOCK=block,
        num_warps=warps,
    )  # fmt: skip
    return sent


def _fed_back(
    layer: Spiking,
    synaptic: torch.Tensor,
    current: torch.Tensor | None,
    bias: torch.Tensor,
    decays: feed_forward.Decays,
) -> Float[torch.Tensor, "batch steps neurons"]:
    assert layer.recurrent_weight is not None and current is None
    weight = torch.as_tensor(layer.recurrent_weight, dtype=synaptic.dtype, device=synaptic.device)
    parts = (recurrent.matrix(weight / WEIGHT_SCALE), bias, decays, int(layer.neuron.threshold) << 6, 1.0)
    return recurrent.fire(synaptic, None, *parts, layer.neuron.reset, synaptic.dtype)[0]


def _fed_own(
    layer: Spiking,
    synaptic: torch.Tensor,
    current: torch.Tensor | None,
    bias: torch.Tensor,
    decays: feed_forward.Decays,
) -> Float[torch.Tensor, "batch steps neurons"]:
    own = torch.as_tensor(np.asarray(layer.recurrent_weight) << 6, device=synaptic.device).to(torch.int32)
    parts = (own, bias, decays, int(layer.neuron.threshold) << 6, layer.neuron.reset, 0, synaptic.dtype)
    return diagonal.launch(synaptic, current, *parts)[0]


FIRED: dict[str, Callable[..., torch.Tensor]] = {"none": _fed_forward, "full": _fed_back, "diagonal": _fed_own}
"""Recurrence → spikes (batch, steps, neurons) from currents in float units, the bias and the decays."""
