"""Spiking layers beside a hierarchically gated recurrent memory (HGRN), one unit per neuron.

Training form, in floats on the integer grid and with the deployed tables for σ and tanh:

    a_f[t] = W_f s[t−1] + b_f,  a_c and a_g likewise
    λ[t]   = γ + (1 − γ)·σ(a_f[t]),   γ the level's lower bound
    h[t]   = λ[t]·h[t−1] + (1 − λ[t])·tanh(a_c[t])           a parallel scan over time (`basalt.train.dynamics.scan`)
    memory[t] = gain·σ(a_g[t])·h[t]

The variant "gated" hears its squashed state k = tanh(h), and is a loop over time:

    a_f += R_f k[t−1],  a_u += R_u k[t−1]
    h[t] = σ(a_f)·h[t−1] + σ(a_u)·tanh(a_c),   memory[t] = gain·k[t]

The exact integers (`train.dynamics.memories.hgrn`) round h in every step; with `exact` the training form computes them,
with the gradient of the form above.

Lower bounds: with one row Γ_k of parameters for each such layer of the network, P = softmax(Γ) over the rows and
γ_k = P_1 + … + P_{k−1}: none for the first, rising with the level.

Source: Qin, Yang, Zhong, NeurIPS 2023 (arXiv 2311.04823); the variant: arXiv 2603.08730.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Num, UInt8
from pydantic import Field

from basalt.errors import BasaltError
from basalt.records import tables
from basalt.records.hgrn import Hgrn as HgrnRecord
from basalt.train.dynamics import events, grid
from basalt.train.dynamics.grid import WEIGHT_MAX, eight_bits
from basalt.train.dynamics.lookup import COARSEST, index_shift, look
from basalt.train.dynamics.memories import hgrn as integer_hgrn
from basalt.train.dynamics.scalars import STATE_SCALE, WEIGHT_SCALE
from basalt.train.dynamics.scan import scan
from basalt.train.dynamics.straight import instead, rounded, within
from basalt.train.layers.config import PathwayConfig
from basalt.train.layers.spiking import Spiking

STATE_SHIFT = 8
"""log₂ of the units of h, 2⁻²⁰, over those of u, 2⁻¹²."""


class HgrnConfig(PathwayConfig):
    """Leaky integrate-and-fire neurons beside a hierarchically gated recurrent memory, a unit per neuron.

    Attributes:
        variant: "published" (element-wise over time; a lower bound of the forget gate rises from one such layer of the
            network to the next) or "gated" (forget and update gates hear the squashed state, densely).
        gate_scale: size of the activations of gates and candidates that a fully active input starts with.
        forget_bias: initial biases of the forget gate, spread over the units from low to high.
        memory_scale: the memory current that a full state starts with, in thresholds.
    """

    kind: Literal["hgrn"] = "hgrn"
    variant: Literal["published", "gated"] = "published"
    gate_scale: float = Field(4.0, gt=0)
    forget_bias: tuple[float, float] = (0.0, 4.0)
    memory_scale: float = Field(0.5, ge=0)


class HgrnMemory(torch.nn.Module):
    """Parameters, training form and integers of one layer's memory.

    Args:
        config: of the layer.
        inputs: of the layer.

    Attributes:
        level: its row of Γ.
        peers: the memories of the network that share Γ, by level.
    """

    index_shift: torch.Tensor

    def __init__(self, config: HgrnConfig, inputs: int) -> None:
        super().__init__()
        units = config.units
        self.variant = config.variant
        self.weight = torch.nn.Parameter(config.gate_scale / inputs**0.5 * torch.randn(3 * units, inputs))
        low, high = config.forget_bias
        start = torch.zeros(3, units)
        start[0] = torch.linspace(low, high, units)
        self.bias = torch.nn.Parameter(start)
        self.level = torch.nn.Parameter(torch.zeros(units), requires_grad=False)
        self.unit = config.memory_scale * config.threshold
        self.gain = torch.nn.Parameter(torch.full((units,), self.unit))
        self.recurrent: torch.nn.Parameter | None = None
        if self.variant == "gated":
            self.recurrent = torch.nn.Parameter(torch.randn(2 * units, units) / units**0.5)
        self.register_buffer("index_shift", torch.tensor(COARSEST))
        self.peers: tuple[HgrnMemory, ...] = (self,)
        self.watching, self.exact, self.peak = False, False, 0.0

    def join(self, peers: Sequence["HgrnMemory"]) -> None:
        """Share Γ with the other published memories of a network."""
        if self.variant == "published":
            self.peers = tuple(peer for peer in peers if peer.variant == "published")
            self.level.requires_grad_(len(self.peers) > 1)

    def low(self) -> Float[torch.Tensor, "units"]:
        """γ, the lower bound of the forget gate, on the grid of the tables."""
        position = self.peers.index(self)
        shares = torch.softmax(torch.stack([peer.level for peer in self.peers]), 0)
        return rounded(shares[:position].sum(0), 1 / tables.UNITY)

    def activations(
        self, sums: Float[torch.Tensor, "batch steps {3*len(self.gain)}"]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """a_f, a_c and a_g of W s[t−1], without what the state adds."""
        forget, candidate, gate = (sums + grid.bias(self.bias).reshape(-1)).chunk(3, -1)
        if self.watching:
            self.peak = max(self.peak, float((sums + self.bias.reshape(-1)).detach().abs().max()))
        return forget, candidate, gate

    def forgetting(self, forget: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
        """λ of the forget gate's activations."""
        low = self.low()
        return low + rounded((1 - low) * look("sigmoid", forget, self.index_shift), 1 / tables.UNITY)

    def forward(
        self,
        sums: Float[torch.Tensor, "batch steps {3*len(self.gain)}"],
        recurrent: Float[torch.Tensor, "{2*len(self.gain)} units"] | None,
    ) -> Float[torch.Tensor, "batch steps units"]:
        """The memory current from W s[t−1]; `recurrent` is R_f over R_u after quantisation."""
        forget, candidate, gate = self.activations(sums)
        entering = look("tanh", candidate, self.index_shift)
        if recurrent is None:
            kept = self.forgetting(forget)
            out = look("sigmoid", gate, self.index_shift) * scan(kept, (1 - kept) * entering)
        else:
            out = self._gated(forget, entering, gate, recurrent)
        current = rounded(eight_bits(self.gain)[0] * out, 1 / STATE_SCALE)
        return instead(current, self.deployed(sums, recurrent)) if self.exact else current

    def _gated(
        self, forget: torch.Tensor, entering: torch.Tensor, gate: torch.Tensor, recurrent: torch.Tensor
    ) -> Float[torch.Tensor, "batch steps units"]:
        h = k = torch.zeros_like(entering[:, 0])
        shift, squashing, out = self.index_shift, torch.full_like(self.index_shift, COARSEST), []
        for t in range(entering.shape[1]):
            # k is a multiple of 1/128, and what it adds one of a weight unit.
            of_forget, of_update = rounded(k @ recurrent.t(), 1 / WEIGHT_SCALE).chunk(2, -1)
            kept = self.forgetting(forget[:, t] + of_forget)
            h = kept * h + look("sigmoid", gate[:, t] + of_update, shift) * entering[:, t]
            k = rounded(look("tanh", h, squashing), 1 / 128)
            k = within(k, -WEIGHT_MAX / 128, WEIGHT_MAX / 128)
            out.append(k)
        return torch.stack(out, 1)

    @torch.no_grad()
    def deployed(
        self,
        sums: Float[torch.Tensor, "batch steps {3*len(self.gain)}"],
        recurrent: Float[torch.Tensor, "{2*len(self.gain)} units"] | None,
    ) -> Float[torch.Tensor, "batch steps units"]:
        """The exact memory current, in float units."""
        none = np.zeros((len(self.weight), 0), np.int64)
        record = self.record(none, None if recurrent is None else grid.integers(recurrent))
        current = integer_hgrn.integer_current(record, (sums.double() * WEIGHT_SCALE).round().long())
        return (current.double() / STATE_SCALE).to(sums.dtype)

    def calibrate(self) -> None:
        """Set the tables' index shift from the largest activation seen while `watching`."""
        self.index_shift.fill_(index_shift(self.peak))

    def record(
        self,
        weight: Int[np.ndarray, "{3*len(self.gain)} inputs"],
        recurrent: Int[np.ndarray, "{2*len(self.gain)} units"] | None,
    ) -> HgrnRecord:
        """The memory as it is deployed; `weight` and `recurrent` after the layer's quantisation."""
        gain, e = eight_bits(self.gain)
        weights, biases = np.split(weight, 3), grid.integers(grid.bias(self.bias))
        fed = (None, None) if recurrent is None else np.split(recurrent, 2)
        low = self.low().detach().cpu().double().numpy() * tables.UNITY
        return HgrnRecord(
            variant=self.variant,
            forget_weight=weights[0],
            candidate_weight=weights[1],
            gate_weight=weights[2],
            forget_bias=biases[0],
            candidate_bias=biases[1],
            gate_bias=biases[2],
            low=np.rint(low).astype(np.int64),
            gain=np.rint(gain.detach().cpu().double().numpy() * 2.0 ** int(e)).astype(np.int64),
            output_shift=STATE_SHIFT + int(e),
            index_shift=int(self.index_shift),
            forget_recurrent=fed[0],
            update_recurrent=fed[1],
        )


class Hgrn(Spiking):
    """A spiking layer whose current gains that of a hierarchically gated recurrent memory of its input."""

    plain: ClassVar[bool] = False
    config: HgrnConfig
    memory: HgrnMemory

    def __init__(self, config: HgrnConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__(config, name, inputs)
        self.memory = HgrnMemory(config, self.inputs)
        if not config.fast:
            torch.nn.init.zeros_(self.synapse.weight).requires_grad_(False)

    def meet(self, layers: Sequence[torch.nn.Module]) -> None:
        """Share the lower bounds with the other such layers.

        Raises:
            BasaltError: they have another number of units.
        """
        others = [layer for layer in layers if isinstance(layer, Hgrn) and layer.config.variant == self.config.variant]
        sizes = {layer.name: layer.units for layer in others}
        if self.config.variant == "published" and len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise BasaltError(
                f"The hgrn layers of a network share the lower bounds of their units, so give them as many ({listed})."
            )
        self.memory.join([layer.memory for layer in others])

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        own = {self.memory.weight: self.config.gate_scale, self.memory.gain: max(self.memory.unit, 1e-3)}
        return {**super().units_of(), **own}

    def gate_matrix(self) -> Float[torch.Tensor, "{3*self.units} {self.inputs}"]:
        """W_f, W_c and W_g after the quantisation hook."""
        return grid.weights(self.memory.weight)

    def recurrent_gates(self) -> Float[torch.Tensor, "{2*self.units} {self.units}"] | None:
        """R_f and R_u after the quantisation hook, if there are any."""
        return None if self.memory.recurrent is None else grid.weights(self.memory.recurrent)

    def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """W s_in[t], not yet delayed, and the memory's current."""
        sums = events.product(x.transpose(1, 2), torch.cat([self.synapse.matrix, self.gate_matrix()]))
        synaptic, gates = sums[..., : self.units], sums[..., self.units :]
        return synaptic, self.memory(events.late(gates), self.recurrent_gates())

    def memory_record(self) -> HgrnRecord:
        """The memory as it is deployed."""
        recurrent = self.recurrent_gates()
        fed = None if recurrent is None else grid.integers(recurrent)
        return self.memory.record(grid.integers(self.gate_matrix()), fed)

    @torch.no_grad()
    def time_constants(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Float[np.ndarray, "units"]:
        """−1/log of the mean λ of each unit over samples and steps of the deployed gates, in steps.

        The recurrent part of a "gated" layer's gate is left out.
        """
        memory = self.memory_record()
        sums = events.late(events.integer_sums(x, memory.forget_weight)).to(torch.int64)
        forget = sums + torch.as_tensor(memory.forget_bias, device=sums.device)
        kept = integer_hgrn.forgetting(memory, forget).double().mean((0, 1)) / tables.UNITY
        return (-1 / torch.log(kept.clamp(1e-9, 1 - 1e-9))).cpu().numpy()
