"""What sensors do to events: noise, losses, jitter, another speed. Graded inputs are treated alike, cell by cell.

An event is a cell (feature, step) of the input that is not zero. All functions keep dtype and device, draw from a CPU
generator, and give a cell that several events reach the largest of their values.
"""

import torch
from jaxtyping import Float, Int, Num, UInt8

Spikes = UInt8[torch.Tensor, "batch features steps"] | Float[torch.Tensor, "batch features steps"]


def noise(x: Spikes, fraction: float, draw: torch.Generator) -> Spikes:
    """Events added at random cells, as many as `fraction` of the sample's own, with values of the sample's own."""
    sample, _, _, value = _events(x)
    counts = torch.bincount(sample, minlength=len(x))
    more = (counts * fraction).round().long()
    at = torch.arange(len(x)).repeat_interleave(more)
    starts = counts.cumsum(0) - counts
    taken = starts[at] + (torch.rand(len(at), generator=draw) * counts[at]).long()
    feature = torch.randint(0, x.shape[1], (len(at),), generator=draw)
    step = torch.randint(0, x.shape[2], (len(at),), generator=draw)
    return torch.maximum(x, _input(at, feature, step, value[taken], x, x.shape[2]))


def dropped(x: Spikes, fraction: float, draw: torch.Generator) -> Spikes:
    """Every event lost with that probability."""
    sample, feature, step, value = _events(x)
    kept = torch.rand(len(step), generator=draw) >= fraction
    return _input(sample[kept], feature[kept], step[kept], value[kept], x, x.shape[2])


def jittered(x: Spikes, spread: float, draw: torch.Generator) -> Spikes:
    """Every event moved in time by a normal number of steps of that standard deviation, rounded; not past the ends."""
    sample, feature, step, value = _events(x)
    moved = step + (spread * torch.randn(len(step), generator=draw)).round().long()
    return _input(sample, feature, moved.clamp(0, x.shape[2] - 1), value, x, x.shape[2])


def stretched(x: Spikes, factor: float) -> Num[torch.Tensor, "batch features stretched"]:
    """The sample in `factor` times as many steps: events move from t to ⌊factor·t⌋; graded inputs are held instead."""
    steps = max(round(x.shape[2] * factor), 1)
    if int(x.max()) > 1:
        source = (torch.arange(steps, device=x.device) / factor).long().clamp(max=x.shape[2] - 1)
        return x[..., source]
    sample, feature, step, value = _events(x)
    return _input(sample, feature, (step * factor).long().clamp(max=steps - 1), value, x, steps)


def _events(x: Spikes) -> tuple[torch.Tensor, ...]:
    """Sample, feature, step and value of every event, sample by sample, on the CPU."""
    sample, feature, step = x.nonzero(as_tuple=True)
    return sample.cpu(), feature.cpu(), step.cpu(), x[sample, feature, step].cpu()


def _input(
    sample: Int[torch.Tensor, "events"],
    feature: Int[torch.Tensor, "events"],
    step: Int[torch.Tensor, "events"],
    value: Num[torch.Tensor, "events"],
    like: Spikes,
    steps: int,
) -> Num[torch.Tensor, "batch features {steps}"]:
    batch, features, _ = like.shape
    cells = (sample * features + feature) * steps + step
    flat = torch.zeros(batch * features * steps, dtype=value.dtype, device=like.device)
    if len(value) and bool((value == value[0]).all()):
        flat[cells.to(like.device)] = value[0].item()
    else:  # the largest wins
        flat = flat.cpu().scatter_reduce_(0, cells, value, "amax").to(like.device)
    return flat.reshape(batch, features, steps)
