"""AdamW on a single GPU in six kernels: all parameters, and their moments, lie in one buffer each."""

import torch
from jaxtyping import Float

BLOCK = 512


class Merged:
    """Takes the steps of a `torch.optim.AdamW` and shares its state, so that is saved and resumed as ever.

    Clips the gradients' norm first; where that is not finite they count as zero. The rate of a parameter is `rate`
    times its group's `unit`. A parameter that gets no gradient is treated as if that were zero.

    Args:
        optimizer: whose parameters become views of one buffer, and so do their moments.
    """

    def __init__(self, optimizer: torch.optim.AdamW) -> None:
        units = {p: group["unit"] for group in optimizer.param_groups for p in group["params"]}
        # The longest first, so that all but the shortest start where they are read fastest.
        self.parameters = sorted(units, key=lambda p: -p.numel())
        device = self.parameters[0].device
        group = optimizer.param_groups[0]
        self.logarithms = torch.tensor(group["betas"], dtype=torch.float64).log().float().to(device)
        self.fixed = (*group["betas"], group["eps"], group["weight_decay"])
        self.rate = torch.tensor(0.0, device=device)
        sizes = [p.numel() for p in self.parameters]
        self.value = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.unit = torch.cat([torch.full((p.numel(),), float(units[p]), device=device) for p in self.parameters])
        self.mean, self.square = torch.zeros_like(self.value), torch.zeros_like(self.value)
        self.step = torch.tensor(0.0, device=device)
        parts = zip(self.parameters, *(flat.split(sizes) for flat in (self.value, self.mean, self.square)))
        for p, value, mean, square in parts:
            state = optimizer.state[p]
            if state:
                mean.copy_(state["exp_avg"].reshape(-1))
                square.copy_(state["exp_avg_sq"].reshape(-1))
                self.step.copy_(state["step"])
            p.data = value.view_as(p)
            optimizer.state[p] = {
                "step": self.step,
                "exp_avg": mean.view_as(p),
                "exp_avg_sq": square.view_as(p),
            }

    def __call__(self, clip: float) -> Float[torch.Tensor, ""]:
        """A step with the gradients that the parameters have, of this norm at most; returns the norm that they had."""
        from basalt.train.triton_adamw import adamw_kernel

        with torch.no_grad():
            grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
            grad = torch.cat([g.reshape(-1) for g in grads])
            norm = torch.linalg.vector_norm(grad)
            self.step.add_(1)
            size, powers = len(grad), torch.expm1(self.step * self.logarithms)
            adamw_kernel[(-(-size // BLOCK),)](
                self.value, grad, self.mean, self.square, self.unit, self.rate, powers, norm, clip,
                *self.fixed, size, BLOCK=BLOCK,
            )  # fmt: skip
        return norm
