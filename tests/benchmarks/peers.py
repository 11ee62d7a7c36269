"""The networks that a training step is measured beside: stock SLAYER's blocks, and a plain PyTorch loop over time.

Both take over the weights of one of our networks. They have no recurrence and no delays.
"""

import torch
from jaxtyping import Float

from basalt.train.layers.dmp import SlowMemory
from basalt.train.networks import Network
from basalt.train.slayer import slayer


class StockLayer(torch.nn.Module):
    """A spiking layer of stock SLAYER, with the slow memory of ours (in FFT form) where it has one."""

    def __init__(self, ours: torch.nn.Module) -> None:
        super().__init__()
        config = ours.config
        neuron = {
            "threshold": config.threshold,
            "current_decay": 1.0,
            "voltage_decay": 1.0,
            "tau_grad": config.tau_grad,
            "scale_grad": config.scale_grad,
        }
        self.block = slayer.block.cuba.Dense(neuron, ours.inputs, config.units, delay_shift=False)
        self.block.neuron.current_decay.data = ours.neuron.current_decay.data.clone()
        self.block.neuron.voltage_decay.data = ours.neuron.voltage_decay.data.clone()
        for name in ("current_decay", "voltage_decay"):
            getattr(self.block.neuron, name).requires_grad = False
        self.block.synapse.load_state_dict(ours.synapse.state_dict())
        self.memory, self.bias = ours.memory, ours.bias
        if self.bias is not None:
            self.block.neuron.norm = lambda current: current + self.bias[:, None]  # where SLAYER has room for one

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.pad(x, (1, 0))[..., :-1]
        current = self.block.synapse(x)
        if self.memory is not None:
            drive = self.block.neuron.quantize_8bit(self.memory.drive_weight)
            current = current + self.memory((drive @ x)[:, 0]).transpose(1, 2)
        return self.block.neuron(current)


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, voltage, threshold, tau, scale):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(voltage)
        ctx.shape = threshold, tau, scale
        return (voltage > threshold).to(voltage.dtype)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        threshold, tau, scale = ctx.shape
        (voltage,) = ctx.saved_tensors
        return grad * scale / 2 / tau * torch.exp(-(voltage - threshold).abs() / tau), None, None, None


class PlainLayer(torch.nn.Module):
    """A spiking layer as one would write it: floats, one step at a time, gradients by autograd, reset to zero."""

    def __init__(self, ours: torch.nn.Module) -> None:
        super().__init__()
        self.constants = ours.neuron.constants
        self.weight = torch.nn.Parameter(ours.synapse.weight.detach().flatten(1).clone())
        self.bias = ours.bias
        self.memory: SlowMemory | None = ours.memory
        self.register_buffer("keep_u", 1 - torch.as_tensor(self.constants.current_decay / 4096).float())
        self.register_buffer("keep_v", 1 - torch.as_tensor(self.constants.voltage_decay / 4096).float())
        if self.memory is not None:
            scale = 2.0**-self.memory.coefficient_shift
            self.register_buffer("transition", self.memory.transition.t().float() * scale)
            self.register_buffer("into", self.memory.drive_input.float() * scale)

    def forward(self, x: Float[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        late = torch.nn.functional.pad(x, (1, 0))[..., :-1].transpose(1, 2)
        synaptic = late @ self.weight.t()
        u = v = synaptic.new_zeros(len(x), len(self.weight))
        if self.memory is not None:
            drive = torch.relu(late @ self.memory.drive_weight.t() + self.memory.drive_bias)
            projections, m = self.memory.projections()[0].t(), drive.new_zeros(len(x), len(self.into))
        sent, constants = [], self.constants
        for t in range(x.shape[2]):
            current = synaptic[:, t]
            if self.memory is not None:
                if t % self.memory.update_interval == 0:
                    held = torch.cat([m, drive[:, t]], 1) @ projections
                current = current + held
                m = m @ self.transition + drive[:, t] * self.into
            u = self.keep_u * u + current
            v = self.keep_v * v + (u if self.bias is None else u + self.bias)
            spike = _Spike.apply(v, constants.threshold, constants.tau, constants.scale)
            v = v * (1 - spike.detach())
            sent.append(spike)
        return torch.stack(sent, 2)


class Peer(torch.nn.Module):
    """Layers of a kind made from ours, in front of our read-out."""

    def __init__(self, ours: Network, kind: type[torch.nn.Module]) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(*(kind(layer) for layer in ours.hidden), ours.readout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.float())
