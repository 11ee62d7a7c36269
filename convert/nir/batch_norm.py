"""Batch norms of a live module in eval mode, folded into the Linear or Conv2d before them, in float64.

    y = γ·(W x + b − μ)/√(σ² + ε) + β = W′x + b′,   W′ = s·W,  b′ = s·(b − μ) + β,  s = γ/√(σ² + ε)

NIR has no node for them.
"""

from typing import Any

from basalt.errors import BasaltError

NORMS = ("BatchNorm1d", "BatchNorm2d")
BEFORE = ("Linear", "Conv2d")
"""What they are folded into."""


def norms_of(net: Any) -> dict[str, Any]:
    """The batch norms of a module, by name."""
    return {name: one for name, one in net.named_modules() if type(one).__name__ in NORMS}


def fold(net: Any, zeros: Any, place: str) -> None:
    """Fold all batch norms of a module, which is changed.

    Args:
        zeros: an input, by which it is seen what each norm hears. place: of the module, for people.

    Raises:
        BasaltError: one hears something else, or what it hears is heard by another module too.
    """
    import torch

    norms = norms_of(net)
    if not norms:
        return
    leaves = {name: one for name, one in net.named_modules() if not list(one.children())}
    sent: dict[int, str] = {}
    heard: dict[str, list[Any]] = {name: [] for name in leaves}
    kept: list[Any] = []  # as long as a tensor lives, no other has its identity

    def note(name: str) -> Any:
        def hook(module: Any, given: Any, found: Any) -> None:
            kept.extend((given, found))
            heard[name] += [sent.get(id(one), "") for one in given]
            sent[id(found)] = name

        return hook

    hooks = [one.register_forward_hook(note(name)) for name, one in leaves.items()]
    with torch.no_grad():
        net(zeros)
    for one in hooks:
        one.remove()
    for name, norm in norms.items():
        sources = heard[name]
        before = leaves.get(sources[0]) if len(sources) == 1 else None
        if before is None or type(before).__name__ not in BEFORE:
            raise BasaltError(
                f"{place}: {name} is a {type(norm).__name__} that does not hear one {' or '.join(BEFORE)} alone, "
                f"into which it could be folded; put it right after one, or leave it out."
            )
        others = [other for other, found in heard.items() if other != name and sources[0] in found]
        if others:
            raise BasaltError(
                f"{place}: {name} cannot be folded into {sources[0]}, which {' and '.join(others)} hears too; give "
                f"each a {type(before).__name__} of its own."
            )
        if len(heard[sources[0]]) != 1:
            raise BasaltError(
                f"{place}: {name} cannot be folded into {sources[0]}, which computes {len(heard[sources[0]])} times in "
                f"a step; give each time a {type(before).__name__} of its own."
            )
        into(before, norm)
        parent, _, own = name.rpartition(".")
        remove(net.get_submodule(parent), own)


def remove(parent: Any, name: str) -> None:
    """A module that now does nothing, and which exporters would not know."""
    import torch

    delattr(parent, name)
    if not isinstance(parent, torch.nn.Sequential):
        parent.__dict__[name] = lambda x: x


def into(before: Any, norm: Any) -> None:
    """Change weights and bias as above."""
    import torch

    with torch.no_grad():
        scale = (norm.running_var + norm.eps) ** -0.5 * (1 if norm.weight is None else norm.weight)
        bias = 0 if before.bias is None else before.bias
        moved = scale * (bias - norm.running_mean) + (0 if norm.bias is None else norm.bias)
        weight = before.weight * scale.reshape(-1, *[1] * (before.weight.dim() - 1))
    before.weight, before.bias = (torch.nn.Parameter(one, requires_grad=False) for one in (weight, moved))
