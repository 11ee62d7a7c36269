"""Networks to attack: a plain one that any library takes, and a spiking one."""

import torch

from basalt.train.batches import in_order
from basalt.train.networks import Network
from basalt.train.recipe import parse
from tests.train.helpers import splits


class Plain(torch.nn.Module):
    """Two dense layers on images of one channel: what independent libraries attack, too."""

    def __init__(self, seed: int = 1, size: int = 6, classes: int = 4) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        self.first = torch.nn.Parameter(torch.randn(16, size * size, generator=draw) / size)
        self.last = torch.nn.Parameter(torch.randn(classes, 16, generator=draw) / 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return torch.tanh(x.flatten(1) @ self.first.t()) @ self.last.t()


def images(count: int = 20, size: int = 6, classes: int = 4, seed: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Random images in 0 … 1, some pixels at the ends, and labels."""
    draw = torch.Generator().manual_seed(seed)
    x = (2 * torch.rand(count, 1, size, size, generator=draw) - 0.5).clamp(0, 1)
    return x, torch.randint(0, classes, (count,), generator=draw)


def spiking(seed: int = 1, **layer: object) -> Network:
    """Two spiking layers on the tiny world of tests.train.helpers."""
    torch.manual_seed(seed)
    first = {"kind": "lif", "units": 12, "threshold": 1.0, "tau_grad": 0.1, **layer}
    layers = [first, {"kind": "lif", "units": 8, "threshold": 1.0, "tau_grad": 0.1, "bias": True}, {"kind": "readout"}]
    recipe = parse({"name": "small", "data": {"steps": 12}, "network": {"layers": layers}}, "a test")
    return Network.of(recipe, (1, 4, 4), 2).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of the tiny world as floats, and labels."""
    ((x, labels),) = in_order(splits().validation)
    return x.float(), labels
