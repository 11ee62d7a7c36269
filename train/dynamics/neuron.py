"""SLAYER's CUBA neuron with the fused time loop, three resets, a bias and recurrence."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from basalt.records.adaptive import Adaptive
from basalt.records.neuron import Neuron as NeuronRecord
from basalt.train.dynamics import cpu as dynamics
from basalt.train.dynamics import torch_loop as loop
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu import feed_forward as fused
from basalt.train.dynamics.leak import Leak
from basalt.train.dynamics.scalars import DECAY_UNIT, STATE_SCALE, WEIGHT_SCALE
from basalt.train.slayer import slayer

cuba = slayer.neuron.cuba
leaky_integrator = cuba.leaky_integrator
Spike = cuba.Spike


class Neuron(slayer.neuron.cuba.Neuron):
    """`slayer.neuron.cuba.Neuron` whose time loop is compiled on the CPU, with identical spikes and gradients.

    On a GPU a layer is one operation where there is a kernel for it (`train.dynamics.choose`), and this is not called.
    Where it is, SLAYER's CUDA kernels run the hard reset; other resets, recurrence and learned leakage run as a loop of
    torch operations, correct and slow.

    Args:
        neurons: their number.
        current_decay, voltage_decay: fraction lost per step, one for all or a range spread evenly over the channels.
        reset: "hard" (to zero), "soft" (subtract the threshold) or "none".
        channels: equal parts of the neurons, each of which shares its decays; as many as neurons if None.
        learn: whether the voltage decay of each channel is learned.
        adaptation: of a threshold that rises with each spike: its step, its decay, and that of the refractory state.
        parameters: of `slayer.neuron.cuba.Neuron` (threshold, tau_grad, scale_grad).

    Attributes:
        leak: of the membrane, where that is learned.
    """

    def __init__(
        self,
        neurons: int,
        current_decay: float | tuple[float, float],
        voltage_decay: float | tuple[float, float],
        reset: str = "hard",
        channels: int | None = None,
        learn: bool = False,
        adaptation: tuple[float, float | tuple[float, float], float | tuple[float, float]] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(current_decay=1.0, voltage_decay=1.0, requires_grad=False, **parameters)
        self.reset = reset
        self.num_neurons = neurons
        self.shape = torch.Size([neurons])
        channels = neurons if channels is None else channels
        self.current_decay = torch.nn.Parameter(_spread(current_decay, channels, neurons), requires_grad=False)
        self.voltage_decay = torch.nn.Parameter(_spread(voltage_decay, channels, neurons), requires_grad=False)
        self.adaptation = np.zeros((3, 0), np.int64)
        if adaptation is not None:
            with torch.device("cpu"):  # of constants, whatever device the parameters are made on
                keeps = [DECAY_UNIT - _spread(decay, channels, neurons).long().numpy() for decay in adaptation[1:]]
            step = round(adaptation[0] * WEIGHT_SCALE) * (STATE_SCALE // WEIGHT_SCALE)
            self.adaptation = np.stack([np.broadcast_to(row, neurons) for row in (*keeps, np.array(step))])
        self.leak: Leak | None = None
        if learn:
            each = torch.broadcast_to(self.voltage_decay.data, [neurons])[:: neurons // channels] / DECAY_UNIT
            self.leak = Leak(each, neurons // channels)
        self._cached: tuple[Any, tuple[Constants, fused.Decays]] | None = None

    @property
    def constants(self) -> Constants:
        """Present decays, threshold and surrogate as the kernels take them; not what is learned of the decays."""
        return self._known()[0]

    @property
    def decays(self) -> fused.Decays:
        """The decays on the neurons' device."""
        return self._known()[1]

    @property
    def keep(self) -> Float[torch.Tensor, "neurons"] | None:
        """The fraction of the membrane that each neuron keeps, where that is learned."""
        return None if self.leak is None else self.leak.keep()

    @property
    def cx_voltage_decay(self) -> Any:
        """The voltage decay as deployed: one number, or one per neuron."""
        return super().cx_voltage_decay if self.leak is None else self.leak.decay().cpu().numpy()

    def _known(self) -> tuple[Constants, fused.Decays]:
        """Constants and decays, worked out once as long as nobody writes the decays."""
        tensors = (self.current_decay, self.voltage_decay)
        key = tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)
        if self._cached is None or self._cached[0] != key:
            constants = self._constants()
            self._cached = (key, (constants, fused.Decays.of(constants, self.current_decay.device)))
        return self._cached[1]

    def _constants(self) -> Constants:
        return Constants(
            current_decay=np.broadcast_to(self.cx_current_decay, self.shape).astype(np.int64),
            voltage_decay=np.broadcast_to(super().cx_voltage_decay, self.shape).astype(np.int64),
            threshold=self.threshold,
            tau=self.tau_rho * cuba.TAU_RHO_MULT,
            scale=self.scale_rho * cuba.SCALE_RHO_MULT,
            reset=self.reset,
            adaptation=self.adaptation,
        )

    def record(self) -> NeuronRecord:
        """The neurons as they are deployed."""
        shared: dict[str, Any] = {
            "threshold": int(self.v_th_mant),
            "current_decay": self.constants.current_decay,
            "voltage_decay": np.broadcast_to(self.cx_voltage_decay, self.shape).astype(np.int64),
            "reset": self.reset,
        }
        if not self.adaptation.size:
            return NeuronRecord(**shared)
        keep_b, keep_r, step = self.adaptation
        return Adaptive(
            **shared,
            threshold_step=int(step[0]) * WEIGHT_SCALE // STATE_SCALE,
            threshold_decay=DECAY_UNIT - keep_b,
            refractory_decay=DECAY_UNIT - keep_r,
        )

    def forward(
        self,
        input: Float[torch.Tensor, "batch neurons steps"],
        bias: Float[torch.Tensor, "neurons"] | None = None,
        recurrent: Float[torch.Tensor, "neurons ..."] | None = None,
    ) -> Float[torch.Tensor, "batch neurons steps"]:
        """Spikes of the neurons driven by the current `input`; `recurrent` is a matrix, or one weight per neuron."""
        if input.is_cuda and self.reset == "hard" and recurrent is None and self.leak is None:
            return self._slayer(input, bias)
        implementation = loop.lif if input.is_cuda else dynamics.lif
        spikes, _ = implementation(input.transpose(1, 2), self.constants, bias, recurrent, self.keep)
        return spikes.transpose(1, 2)

    def _slayer(self, input: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        zero = torch.zeros(input.shape[:-1], device=input.device)
        current = leaky_integrator.dynamics(input, self.current_decay.round(), zero, self.s_scale)
        if bias is not None:
            current = current + bias[:, None]
        threshold = self.threshold + self.threshold_eps
        voltage = leaky_integrator.dynamics(current, self.voltage_decay.round(), zero, self.s_scale, threshold)
        tau, scale = self.tau_rho * cuba.TAU_RHO_MULT, self.scale_rho * cuba.SCALE_RHO_MULT
        return Spike.apply(voltage, threshold, tau, scale, False, zero, 1)


def _spread(decay: float | tuple[float, float], channels: int, neurons: int) -> Float[torch.Tensor, "decays"]:
    """Decays in units of 1/4096: one value for all neurons, or evenly spaced ones in a range, one per channel."""
    if isinstance(decay, (int, float)):
        return torch.tensor([4096.0 * decay]).round()
    each = torch.linspace(4096.0 * decay[0], 4096.0 * decay[1], channels).round()
    return each.repeat_interleave(neurons // channels)
