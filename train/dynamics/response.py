"""What spikes have added to a read-out, which is linear in them."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

from basalt.train.dynamics.scalars import DECAY_UNIT


@lru_cache(maxsize=8)
def response(steps: int, voltage_decay: int | None, device: torch.device) -> Float[torch.Tensor, "steps steps"]:
    """K[t, τ], what a spike of step τ with weight one has added to the read-out after step t.

    Sums (`voltage_decay` None): 1 where τ < t. Mean of a membrane that keeps k = 1 − voltage_decay/4096 per step:
    (1 + k + … + k^(t−τ−1))/(t + 1).
    """
    passed = np.arange(steps)[:, None] - np.arange(steps)
    if voltage_decay is None:
        return torch.as_tensor(passed > 0, dtype=torch.float32, device=device)
    held = np.cumsum((1 - voltage_decay / DECAY_UNIT) ** np.arange(steps))
    added = np.where(passed > 0, held[np.maximum(passed - 1, 0)], 0) / np.arange(1, steps + 1)[:, None]
    return torch.as_tensor(added, dtype=torch.float32, device=device)
