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
        constants: of `basalt.train.dynamics.constants.Constants`.
        bias: (neurons,), or None.
        memory: drive_weight (1, inputs), drive_bias (1,), rows (neurons, d+1), or empty.
        system: Ā, B̄ (integers) and their shift, update interval, and k of the largest drive, 32767/2^(6 + k).
        grad: of the spikes, or None to ask for counts alone; grad_counts: of the counts, or None.
        coarse: of the distances from the threshold; None for what float32 takes.
    """

    x: np.ndarray
    weight: np.ndarray
    constants: dict[str, Any]
    bias: np.ndarray | None = None
    memory: dict[str, np.ndarray] = field(default_factory=dict)
    system: tuple[np.ndarray, np.ndarray, int, int, int] | None = None
    grad: np.ndarray | None = None
    grad_counts: np.ndarray | None = None
    coarse: int | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What `train.dynamics.gpu.feed_forward.layer` gave; `memory` is the memory current before it was rounded."""

    spikes: np.ndarray | None
    counts: np.ndarray
    grads: dict[str, np.ndarray]
    memory: np.ndarray | None


def layer(case: Case) -> Result:
    """Run `basalt.train.dynamics.gpu.feed_forward.layer` forwards and backwards on the processor."""
    import torch

    from basalt.train.dynamics.constants import Constants
    from basalt.train.dynamics.gpu import feed_forward
    from basalt.train.dynamics.gpu.chunks import chunks

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
        parts["memory"] = feed_forward.Memory(made, torch.tensor(drive_shift))
        with torch.no_grad():
            every = torch.nn.functional.pad(leaves["x"][:, :-1] @ leaves["drive_weight"][0], (1, 0))
            x = torch.relu(every + leaves["drive_bias"]).clamp(max=32767 / 64 / 2**drive_shift)
            current = (made.inputs(x) @ made.weights(leaves["rows"])).view(*x.shape, -1).numpy()
    spikes, counts = feed_forward.layer(
        leaves["x"],
        leaves["weight"],
        constants,
        feed_forward.Decays.of(constants, cpu),
        send=case.grad is not None,
        coarse=case.coarse,
        **parts,
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
    """What `steps_of_network` gives where layers run as one operation."""
    from basalt.train.dynamics import devices

    devices.DEVICES.add("cpu")
    return steps_of_network(config, inputs, x)


def steps_of_network(config: Any, inputs: int, x: np.ndarray) -> dict[str, Any]:
    """Of a network with three classes on graded input or spikes, calibrated: all that training and scoring get."""
    import torch

    from basalt.train.networks import Network

    torch.manual_seed(0)
    made = Network(config, inputs, 3)
    for layer in made.hidden:
        if layer.bias is not None:
            torch.nn.init.normal_(layer.bias, 0, 0.2)
        if getattr(layer.config, "recurrent", "none") == "diagonal":
            torch.nn.init.normal_(layer.block.recurrent_synapse.weight, 0, 0.5)
    steps = torch.from_numpy(x)
    made.calibrate(steps)
    logits = made(steps)
    torch.nn.functional.cross_entropy(logits, torch.arange(len(x)) % 3).backward()
    trace = made.trace(steps)
    return {
        "logits": logits.detach().numpy(),
        "rates": {name: float(rate) for name, rate in made.rates.items()},
        "grads": {name: p.grad.numpy() for name, p in made.named_parameters() if p.grad is not None},
        "shifts": [int(layer.memory.shift) for layer in made.hidden if hasattr(layer.memory, "shift")],
        "sums": trace.sums.numpy(),
        "spikes": {name: spikes.numpy() for name, spikes in trace.spikes.items()},
    }


def projections(states: int, shift: int, weight: np.ndarray, grad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`dynamics.gpu.projections` for a window of 30 steps, and the weights' gradient for `grad` of it."""
    import torch

    from basalt.train.dynamics.gpu.projections import projections as by_kernels
    from basalt.train.layers.dmp import SlowMemory

    memory = SlowMemory(len(weight), 5, states, 30.0, 16, 1, 4.0, 1.0)
    memory.shift.fill_(shift)
    memory.weight.data.copy_(torch.from_numpy(weight))
    found = by_kernels(memory.weight, memory.system, memory.shift)
    return found.detach().numpy(), torch.autograd.grad(found, memory.weight, torch.from_numpy(grad))[0].numpy()


def updates(
    values: list[np.ndarray],
    units: list[float],
    state: dict[int, dict[str, np.ndarray]],
    grads: list[list[np.ndarray]],
    rates: list[float],
    clip: float,
) -> tuple[list[np.ndarray], dict[int, dict[str, np.ndarray]], list[float]]:
    """Parameters, `AdamW`'s state and the gradients' norms after `basalt.train.merged.Merged` steps."""
    from collections import defaultdict

    import torch

    from basalt.train.merged import Merged

    # In place of an optimiser: making one imports what Triton's interpreter does not survive.
    parameters = [torch.nn.Parameter(torch.from_numpy(value)) for value in values]
    fixed = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1}
    groups = [{"params": [p], "unit": unit, **fixed} for p, unit in zip(parameters, units)]
    made: Any = SimpleNamespace(param_groups=groups, state=defaultdict(dict))
    for key, entry in state.items():
        made.state[parameters[key]] = {name: torch.as_tensor(value) for name, value in entry.items()}
    merged, norms = Merged(made), []
    for step, rate in zip(grads, rates):
        merged.rate.fill_(rate)
        for p, grad in zip(parameters, step):
            p.grad = torch.from_numpy(grad)
        norms.append(float(merged(clip)))
    left = {i: {name: value.numpy() for name, value in made.state[p].items()} for i, p in enumerate(parameters)}
    return [p.detach().numpy() for p in parameters], left, norms


def delayed(spikes: np.ndarray, delay: np.ndarray, grad: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `gpu.triton_delay` sends of (batch, steps, neurons), and its gradients for that of what is sent."""
    import torch

    from basalt.train.dynamics.gpu import triton_delay

    late = torch.from_numpy(delay)
    sent = triton_delay.shifted(torch.from_numpy(spikes), late)
    grad_spikes, grad_delay = triton_delay.gradients(torch.from_numpy(grad), sent, late)
    return sent.numpy(), grad_spikes.numpy(), grad_delay.numpy()


def exact_spikes(layer: Any, x: np.ndarray) -> np.ndarray:
    """`basalt.train.dynamics.gpu.exact.spikes` of a record on (batch, inputs, steps)."""
    import torch

    from basalt.train.dynamics.gpu.exact import spikes

    return spikes(layer, torch.from_numpy(x)).numpy()


def _begin() -> None:
    """In the new process: Triton as an interpreter."""
    import sys

    assert "triton" not in sys.modules
    os.environ["TRITON_INTERPRET"] = "1"
    import torch
    from triton.runtime import interpreter

    import basalt.train.networks  # noqa: F401  (some of what this imports cannot be once a kernel has run)

    torch.set_num_threads(1)
    # `mask & (scalar > 0)` is a mask for the compiler, and an array of integers in Triton 3.9's interpreter.
    builder = interpreter.InterpreterBuilder
    builder.create_masked_load = _with_mask(builder.create_masked_load, 1)
    builder.create_masked_store = _with_mask(builder.create_masked_store, 2)


def _with_mask(method: Callable[..., Any], position: int) -> Callable[..., Any]:
    def masked(self: Any, *handles: Any) -> Any:
        handles[position].data = handles[position].data.astype(bool)
        return method(self, *handles)

    return masked


@contextmanager
def interpreter() -> Iterator[Callable[..., Any]]:
    """A function that calls one of the above, by name and arguments, in the process of the interpreter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result(timeout=120)
