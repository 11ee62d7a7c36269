"""A live snnTorch module: checked, exported by snnTorch itself, and run."""

import contextlib
import copy
import io
from pathlib import Path
from typing import Any

import numpy as np

from basalt.convert.nir.batch_norm import NORMS, fold, norms_of
from basalt.convert.nir.operators import Shape
from basalt.convert.nir.writers import AT_ONCE, DELAYED_SUBTRACT, DELAYED_ZERO, HARD, NO
from basalt.errors import BasaltError
from basalt.shown import VALUE_LONGEST, shown

NEURONS = ("Leaky", "Synaptic", "RLeaky", "RSynaptic")
RESETS = {
    ("subtract", True): DELAYED_SUBTRACT,
    ("zero", True): DELAYED_ZERO,
    ("none", True): NO,
    ("subtract", False): AT_ONCE,
    ("zero", False): HARD,
    ("none", False): NO,
}
"""Reset and `reset_delay` → reset."""
COMPARED = 20
"""Steps on which a module is compared with what its batch norms were folded into."""
PLAIN = ("Linear", "Conv2d", "AvgPool2d", "Flatten")
"""What else the exporter knows."""


class Live:
    """A copy of a module in float64, without hidden states.

    Raises:
        BasaltError: it has what the exporter would drop, or its neurons reset in several ways.
    """

    def __init__(self, module: Any, place: str) -> None:
        self.place = place
        forget(module)  # hidden states of its training, which cannot be copied
        self.net = copy.deepcopy(module).double().eval()
        neurons = {name: one for name, one in self.net.named_modules() if type(one).__name__ in NEURONS}
        inner = {id(part) for one in neurons.values() for part in one.modules() if part is not one}
        refused = [
            f"{name or 'the module'} is {type(one).__name__}, which its exporter does not write"
            for name, one in self.net.named_modules()
            if not list(one.children()) and id(one) not in inner and name not in neurons
            and type(one).__name__ not in (*PLAIN, *NORMS)
        ]  # fmt: skip
        refused += [f"{name} {why}" for name, one in self.net.named_modules() for why in lost(one)]
        resets = {name: RESETS[one.reset_mechanism, bool(one.reset_delay)] for name, one in neurons.items()}
        if len(set(resets.values())) > 1:
            refused.append(f"its neurons reset in several ways ({resets}), where an import has one")
        if not neurons:
            refused.append(f"it has none of the neurons {', '.join(NEURONS)}")
        if refused:
            raise BasaltError(f"{place} cannot be imported: {'; '.join(refused)}.")
        self.neurons = neurons
        self.reset = next(iter(resets.values()))
        for one in self.net.modules():
            one.register_forward_pre_hook(in_float64)

    def export(self, path: Path, shape: Shape) -> None:
        """Write NIR by snnTorch's own exporter, with parameters that all neurons share written for each."""
        import nir
        import torch
        from snntorch.export_nir import export_to_nir

        forget(self.net)
        written = copy.deepcopy(self.net)  # what is run stays as the user made it
        zeros = torch.zeros(1, *shape, dtype=torch.float64)
        try:
            fold(written, zeros, self.place)
            self.compare(written, zeros)
            with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
                self.spread(written, zeros)
                graph = export_to_nir(written, zeros, ignore_dims=[0])
            nir.write(path, graph)
        except BasaltError:
            raise
        except Exception as error:  # of an exporter that asserts, and of a module that is the user's
            why = shown(f"{type(error).__name__}: {error}", VALUE_LONGEST)
            raise BasaltError(
                f"{self.place}: snnTorch's exporter cannot write it ({why}); make it compute one step per call, with "
                f"init_hidden=True in its neurons."
            ) from error

    def compare(self, folded: Any, zeros: Any) -> None:
        """Raise where a module with its batch norms folded sends anything else than before."""
        import torch

        if not norms_of(self.net):
            return
        generator = torch.Generator().manual_seed(0)
        steps = [torch.rand(zeros.shape, generator=generator).round().double() for _ in range(COMPARED)]
        one, other = (self.heard(net, steps) for net in (self.net, folded))
        if not all(torch.allclose(*both) for both in zip(one, other, strict=True)):
            raise BasaltError(
                f"{self.place}: its batch norms cannot be folded into what they follow, as its neurons then hear "
                f"something else; apply each right after one Linear or Conv2d that nothing else hears."
            )

    def heard(self, net: Any, steps: list[Any]) -> list[Any]:
        """What the neurons of a copy hear in some steps."""
        import torch

        found: list[Any] = []
        hooks = [
            one.register_forward_pre_hook(lambda _, given: found.append(given[0].clone()))
            for name, one in net.named_modules()
            if name in self.neurons
        ]
        forget(net)
        with torch.no_grad():
            for step in steps:
                net(step)
        forget(net)
        for hook in hooks:
            hook.remove()
        return found

    def spread(self, net: Any, zeros: Any) -> None:
        """Decays and thresholds as vectors, since nir takes their shape for that of the layer."""
        import torch

        neurons = {name: one for name, one in net.named_modules() if name in self.neurons}
        sizes: dict[str, tuple[int, ...]] = {}
        hooks = [
            one.register_forward_pre_hook(lambda _, given, name=name: sizes.update({name: tuple(given[0].shape[1:])}))
            for name, one in neurons.items()
        ]
        net(zeros)
        forget(net)
        for hook in hooks:
            hook.remove()
        for name, one in neurons.items():
            for key in ("alpha", "beta", "threshold"):
                value = getattr(one, key, None)
                if isinstance(value, torch.Tensor) and value.numel() == 1 and name in sizes:
                    spread = value.detach().reshape(()).expand(sizes[name]).clone().double()
                    if isinstance(value, torch.nn.Parameter):
                        spread = torch.nn.Parameter(spread, requires_grad=False)
                    setattr(one, key, spread)

    def run(self, spikes: np.ndarray) -> np.ndarray:
        """What it sends itself: (samples, …, steps) of its own output."""
        import torch

        forget(self.net)
        sent = []
        with torch.no_grad():
            for step in torch.as_tensor(spikes).double().unbind(-1):
                sent.append(first_of(self.net(step)))
        return np.asarray(torch.stack(sent, -1).numpy())


def first_of(found: Any) -> Any:
    """What a module sends, without the states that it may give beside."""
    return found[0] if isinstance(found, tuple) else found


def forget(net: Any) -> None:
    """Hidden states begin anew."""
    for one in net.modules():
        if callable(getattr(one, "reset_mem", None)):
            one.reset_mem()


def in_float64(module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Spikes come in float32 whatever the module is in."""
    return tuple(
        one.double() if hasattr(one, "is_floating_point") and one.is_floating_point() else one for one in given
    )


def lost(one: Any) -> list[str]:
    """What the exporter would leave out without a word."""
    kind = type(one).__name__
    found = []
    if kind in NEURONS:
        if one.inhibition:
            found.append("has inhibition=True")
        if one.state_quant:
            found.append("has a state_quant")
        if float(one.graded_spikes_factor.max()) != 1:
            found.append("has a graded_spikes_factor")
        if kind == "RSynaptic" and not one.reset_delay:
            found.append("has reset_delay=False, which snnTorch 1.0 does not compute for RSynaptic")
    elif kind in NORMS and one.running_mean is None:
        found.append("has track_running_stats=False, so that it depends on the batch")
    elif kind == "AvgPool2d" and (one.padding not in (0, (0, 0)) or one.ceil_mode or one.divisor_override):
        found.append("is padded, or rounds up")
    elif kind == "Conv2d" and one.padding_mode != "zeros":
        found.append(f"is padded with {one.padding_mode!r}")
    return found
