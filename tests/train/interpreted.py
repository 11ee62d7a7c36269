"""The Triton kernels without a GPU: in Triton's interpreter, in a process of their own.

Triton reads TRITON_INTERPRET when it is imported, and another test may have imported it already. Cases and results
travel as numpy arrays.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Case:
    """A layer, its input (batch, steps, inputs), and the gradients of what leaves it.

    Attributes:
        constants: of `train.layers.constants.Constants`.
        bias: (neurons,), or None.
        memory: drive_weight (1, inputs), drive_bias (1,), rows (neurons, d+1), or empty.
        system: Ā, B̄ (integers) and their shift, update interval, and k of the largest drive, 32767/2^(6 + k).
        grad: of the spikes, or None to ask for counts alone; grad_counts: of the counts, or None.
    """

    x: np.ndarray
    weight: np.ndarray
    constants: dict[str, Any]
    bias: np.ndarray | None = None
    memory: dict[str, np.ndarray] = field(default_factory=dict)
    system: tuple[np.ndarray, np.ndarray, int, int, int] | None = None
    grad: np.ndarray | None = None
    grad_counts: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What `train.layers.fused.layer` gave; `memory` is the memory current before it was rounded."""

    spikes: np.ndarray | None
    counts: np.ndarray
    grads: dict[str, np.ndarray]
    memory: np.ndarray | None


def layer(case: Case) -> Result:
    """Run `train.layers.fused.layer` forwards and backwards on the processor."""
    import torch

    from train.layers import fused
    from train.layers.chunks import chunks
    from train.layers.constants import Constants

    cpu = torch.device("cpu")
    constants = Constants(**case.constants)
    leaves = {name: torch.from_numpy(value).requires_grad_() for name, value in case.memory.items()}
    leaves |= {"x": torch.from_numpy(case.x).requires_grad_(), "weight": torch.from_numpy(case.weight).requires_grad_()}
    if case.bias is not None:
        leaves["bias"] = torch.from_numpy(case.bias).requires_grad_()
    parts = {name: leaves[name] for name in ("bias", *case.memory) if name in leaves}
    current = None
    if case.system is not None:
        transition, drive, shift, interval, drive_shift = case.system
        made = chunks(transition, drive, shift, case.x.shape[1], interval, cpu)
        parts["memory"] = fused.Memory(made, torch.tensor(drive_shift))
        with torch.no_grad():
            every = torch.nn.functional.pad(leaves["x"][:, :-1] @ leaves["drive_weight"][0], (1, 0))
            x = torch.relu(every + leaves["drive_bias"]).clamp(max=32767 / 64 / 2**drive_shift)
            current = (made.inputs(x) @ made.weights(leaves["rows"])).view(*x.shape, -1).numpy()
    spikes, counts = fused.layer(
        leaves["x"], leaves["weight"], constants, fused.Decays.of(constants, cpu), send=case.grad is not None, **parts
    )
    loss = torch.zeros(())
    if case.grad is not None:
        loss = loss + (spikes * torch.from_numpy(case.grad)).sum()
    if case.grad_counts is not None:
        loss = loss + (counts * torch.from_numpy(case.grad_counts)).sum()
    grads = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())))) if loss.requires_grad else {}
    return Result(
        None if spikes is None else spikes.detach().numpy(),
        counts.detach().numpy(),
        {name: grad.numpy() for name, grad in grads.items()},
        current,
    )


def network(config: Any, inputs: int, x: np.ndarray) -> dict[str, Any]:
    """What `whole_network` gives where layers run as one operation."""
    from train.layers import whole

    whole.DEVICES.add("cpu")
    return whole_network(config, inputs, x)


def whole_network(config: Any, inputs: int, x: np.ndarray) -> dict[str, Any]:
    """Of a network with three classes on graded input or spikes, calibrated: all that training and scoring get."""
    import torch

    from train.networks import Network

    torch.manual_seed(0)
    made = Network(config, inputs, 3)
    for layer in made.hidden:
        if layer.bias is not None:
            torch.nn.init.normal_(layer.bias, 0, 0.2)
    steps = torch.from_numpy(x)
    made.calibrate(steps)
    logits = made(steps)
    torch.nn.functional.cross_entropy(logits, torch.arange(len(x)) % 3).backward()
    trace = made.trace(steps)
    return {
        "logits": logits.detach().numpy(),
        "rates": {name: float(rate) for name, rate in made.rates.items()},
        "grads": {name: p.grad.numpy() for name, p in made.named_parameters() if p.grad is not None},
        "shifts": [int(layer.memory.shift) for layer in made.hidden if layer.memory is not None],
        "sums": trace.sums.numpy(),
        "spikes": {name: spikes.numpy() for name, spikes in trace.spikes.items()},
    }


def projections(memory: Any, grad: Any) -> tuple[np.ndarray, np.ndarray]:
    """`train.layers.device_grid.projections` of a `SlowMemory`, and what `grad` of it is for the weights."""
    import torch

    from train.layers import device_grid

    found = device_grid.projections(memory)
    return found.detach().numpy(), torch.autograd.grad(found, memory.weight, grad)[0].numpy()


def exact_spiking(layer: Any, x: np.ndarray) -> np.ndarray:
    """`train.layers.exact_device.spiking` of a `SpikingIntegers` on (batch, inputs, steps)."""
    import torch

    from train.layers import exact_device

    return exact_device.spiking(layer, torch.from_numpy(x)).numpy()


def _begin() -> None:
    """In the new process: Triton as an interpreter, with the types and products that it lacks in version 2.3."""
    import sys

    assert "triton" not in sys.modules
    os.environ["TRITON_INTERPRET"] = "1"
    import torch
    import triton.language as tl
    from triton.runtime import interpreter

    torch.set_num_threads(1)
    types = {"int1": tl.int1, "int8": tl.int8, "int16": tl.int16, "int32": tl.int32}
    for name, kind in types.items():
        if not hasattr(interpreter.Builder, f"get_{name}_ty"):
            setattr(interpreter.Builder, f"get_{name}_ty", lambda self, kind=kind: kind)
    if hasattr(interpreter, "Builder"):
        interpreter.Builder.options = SimpleNamespace(allow_fp8e4nv=False, max_num_imprecise_acc_default=0)
        interpreter.Builder.create_dot = lambda self, a, b, d, *_: interpreter.TensorHandle(
            a.data.astype(d.data.dtype) @ b.data.astype(d.data.dtype) + d.data, d.dtype
        )


@contextmanager
def interpreter() -> Iterator[Callable[..., Any]]:
    """A function that calls one of the above, by name and arguments, in the process of the interpreter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result(timeout=120)
