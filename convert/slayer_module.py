"""A live SLAYER module as a network, without a file of the user's: its blocks export themselves into a temporary one.

What lava-dl's export leaves out is known here, and said in that file: from which step biases act (`delay_shift` of each
block), thresholds of changes between multiples of 1/64, biases that `set_bias` gave. What the integers cannot hold is
refused by name.
"""

import copy
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from jaxtyping import Int, Num

from basalt.convert import netx
from basalt.errors import BasaltError
from basalt.records.delta import STATE_BITS, VALUE_BITS
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.rehearsal import trust

if TYPE_CHECKING:
    import torch

STEPS = 4
"""Of the input that blocks are run on once, so that they know their shapes."""


def from_slayer(module: Any, input_shape: Sequence[int]) -> Network:
    """The network of a SLAYER module: one with its blocks in `blocks`, or the blocks themselves in order.

    Args:
        module: stays as it is.
        input_shape: of a sample without its steps: (features,) or (channels, height, width).

    Raises:
        BasaltError: it has no blocks, runs them in another way than one after the other, or a block cannot be exported
            or holds what integers do not.
    """
    name, blocks = copied(module)
    places = [f"{name}, block {index} ({type(block).__name__})" for index, block in enumerate(blocks)]
    check_neurons(blocks, places)
    outputs = run_blocks(blocks, sample(input_shape))
    check_neurons(blocks, places)  # some know their thresholds now
    notices = around(module, blocks, input_shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.net"
        with h5py.File(path, "w") as file:
            shifts = 0
            for index, (block, output) in enumerate(zip(blocks, outputs, strict=True)):
                group = file.create_group(f"layer/{index}")
                write_block(group, block, places[index], output)
                complete(group, block, places[index])
                if "neuron" in group and "bias" in group:
                    group["neuron/start"] = computing(file, index) + 1 - shifts
                shifts += bool(getattr(block, "delay_shift", False))
        trust(path)
        shape = tuple(input_shape) if len(input_shape) == 3 else None
        try:
            network = netx.read(path, input_shape=shape)  # type: ignore[arg-type]
        except BasaltError as error:
            raise BasaltError(str(error).replace(str(path), name)) from error
    reading = network.reading if own_quantiser(blocks[0]) else None
    return replace(network, name=name, reading=reading, notices=(*network.notices, *notices))


def activity(
    module: Any, network: Network, values: Num[np.ndarray, "samples features steps"], input_shape: Sequence[int]
) -> dict[str, Int[np.ndarray, "samples neurons steps"]]:
    """What each layer of the module sends of these values, at the steps and in the units of the network.

    Args:
        module, input_shape: as of `from_slayer`, which gave the network.
    """
    _, blocks = copied(module)
    import torch

    single = np.asarray(values, dtype=np.float32)  # as a module is given them, which rounds them once more
    x = torch.as_tensor(single.astype(np.float64)).reshape(len(values), *input_shape, values.shape[-1])
    found, shifts, order = {}, 0, 0
    layers = {layer.name: layer for layer in network.layers}
    for index, output in enumerate(run_blocks([exact(block) for block in blocks], x)):
        shifts += bool(getattr(blocks[index], "delay_shift", False))
        layer = layers.get(f"layer{index}")
        if layer is None:
            continue
        order += 1
        late = order - shifts
        sent = np.rint(output.numpy().reshape(len(values), -1, output.shape[-1]) * getattr(layer, "unit", 1))
        if isinstance(layer, Readout) and layer.every_step is None:
            sent = sent.cumsum(axis=-1)
        pad = ((0, 0), (0, 0), (max(late, 0), 0))
        found[layer.name] = np.pad(sent, pad)[..., : values.shape[-1]].astype(np.int64)
    return found


def copied(module: Any) -> tuple[str, list[Any]]:
    """A name, and copies of the blocks, as they are for evaluation."""
    import torch

    given = getattr(module, "blocks", module)
    name = "network" if given is module and not isinstance(module, torch.nn.Module) else type(module).__name__
    blocks = list(given) if isinstance(given, list | tuple | torch.nn.ModuleList | torch.nn.Sequential) else []
    if not blocks or not all(callable(getattr(block, "export_hdf5", None)) for block in blocks):
        raise BasaltError(
            f"{type(module).__name__} has no SLAYER blocks that export themselves, in order, in `blocks`; give them "
            f"as a list."
        )
    for block in blocks:
        for part in block.modules():
            for held in (vars(part), part._buffers):
                held.update(
                    {key: value.detach() for key, value in held.items() if torch.is_tensor(value) and value.grad_fn}
                )
    return name, [block.eval() for block in copy.deepcopy(blocks)]


def exact(block: Any) -> Any:
    """A block of changes in float64: float32 holds their sums up to ±64 alone."""
    return block.double() if getattr(getattr(block, "neuron", None), "sigma", None) is not None else block


def sample(input_shape: Sequence[int]) -> "torch.Tensor":
    """One sample of a few steps."""
    import torch

    shape = (1, *input_shape, STEPS)
    return torch.as_tensor(np.random.default_rng(0).integers(0, 2, shape).astype(np.float32))


def run_blocks(blocks: Sequence[Any], x: "torch.Tensor") -> list["torch.Tensor"]:
    """What each block gives, one after the other."""
    import torch

    found = []
    with torch.no_grad():
        for index, block in enumerate(blocks):
            try:
                given = block(x.to(next(iter(block.parameters()), x).dtype))
            except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, IndexError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise BasaltError(
                    f"Block {index} ({type(block).__name__}) does not take what comes before it, of the shape "
                    f"{tuple(x.shape)} ({reason}); look at input_shape."
                ) from error
            x = given[0] if isinstance(given, tuple) else given
            found.append(x)
    return found


def around(module: Any, blocks: Sequence[Any], input_shape: Sequence[int]) -> list[str]:
    """What a `forward` of the module's own does around its blocks, a sentence each.

    Raises:
        BasaltError: it does not run them one after the other, each once, or not on one tensor.
    """
    import torch

    if not hasattr(module, "blocks"):
        return []
    whole = copy.deepcopy(module).eval()
    met: list[tuple[int, torch.Tensor, torch.Tensor]] = []

    def heard(index: int) -> Any:
        def hook(_: Any, given: Any, sent: Any) -> None:
            met.append((index, given[0].detach().clone(), (sent[0] if isinstance(sent, tuple) else sent).detach()))

        return hook

    for index, block in enumerate(whole.blocks):
        block.register_forward_hook(heard(index))
    x = sample(input_shape)
    try:
        with torch.no_grad():
            whole_output = whole(x)
    except Exception as error:
        raise BasaltError(
            f"{type(module).__name__} does not run on one tensor alone ({type(error).__name__}: {error}); give its "
            f"`blocks`, if it runs them one after the other."
        ) from error
    in_turn = [index for index, *_ in met] == list(range(len(blocks)))
    chained = all(torch.equal(before[2], after[1]) for before, after in pairwise(met))
    if not in_turn or not chained:
        raise BasaltError(
            f"{type(module).__name__} does not run its {len(blocks)} blocks one after the other, each on what the one "
            f"before gave: networks with branches cannot be deployed."
        )
    sent = whole_output[0] if isinstance(whole_output, tuple) else whole_output
    said = []
    if not torch.equal(met[0][1], x):
        said.append(f"{type(module).__name__} changes its input before the first block: give what that block takes.")
    if not (torch.is_tensor(sent) and torch.equal(sent, met[-1][2])):
        said.append(f"What {type(module).__name__} makes of its last block's output is not in the network.")
    return said


def write_block(group: h5py.Group, block: Any, place: str, output: "torch.Tensor") -> None:
    """What the block exports of itself."""
    neuron = getattr(block, "neuron", None)
    if neuron is not None and getattr(neuron, "shape", ()) is None:  # lava-dl's Affine without dynamics
        neuron.shape = output.shape[1:-1]
    try:
        block.export_hdf5(group)
    except Exception as error:
        raise BasaltError(
            f"{place} cannot be exported by lava-dl ({type(error).__name__}: {error}), so that nothing says what it "
            f"computes."
        ) from error


def check_neurons(blocks: Sequence[Any], places: Sequence[str]) -> None:
    """Raise for what neither the file nor the integers can say."""
    for block, place in zip(blocks, places, strict=True):
        delta = getattr(getattr(block, "neuron", None), "delta", None)
        if delta is None:
            continue
        if delta.cum_error:
            raise BasaltError(f"{place} accumulates its errors (cum_error), which no layer here does.")
        if delta.threshold.numel() > 1:
            count = delta.threshold.numel()
            raise BasaltError(f"{place} has {count} thresholds, and changes of a layer share one here.")


def complete(group: h5py.Group, block: Any, place: str) -> None:
    """Add what sigma-delta blocks leave out: the threshold to the last bit, and a bias that was set."""
    neuron: Any = getattr(block, "neuron", None)
    delta = getattr(neuron, "delta", None)
    if delta is None or "neuron" not in group:
        return
    scale = 1 << (VALUE_BITS + STATE_BITS)
    group["neuron/threshold"] = math.ceil(float(delta.threshold) * scale)
    if not neuron.bias_is_set or "neuron/sigma_output" in group or group["type"][0] == b"input":
        return
    bias = neuron.bias.detach().cpu().numpy().astype(np.float64) * neuron.w_scale
    if not np.array_equal(bias, np.rint(bias)):
        raise BasaltError(f"{place} has a bias that is no multiple of 1/{neuron.w_scale}, which integers do not hold.")
    shape = tuple(neuron.shape or ())
    whole = np.broadcast_to(bias.reshape(bias.shape or (1,)), shape).reshape(-1)
    if "bias" in group:
        norm = np.asarray(group["bias"][()]).reshape(-1)
        whole = whole + np.repeat(norm, whole.size // norm.size)
        del group["bias"]
    group["bias"] = whole


def computing(file: h5py.File, index: int) -> int:
    """How many layers before this one compute anything."""
    kinds = ((file[f"layer/{before}"]["type"][0], "neuron" in file[f"layer/{before}"]) for before in range(index))
    return sum(neurons or kind not in (b"input", b"flatten") for kind, neurons in kinds)


def own_quantiser(block: Any) -> bool:
    """Whether an input rounds its values as SLAYER's input blocks do, which a network remembers by its reading."""
    neuron, fx = getattr(block, "neuron", None), getattr(block, "pre_hook_fx", None)
    if type(block).__name__ != "Input" or neuron is None:
        return True
    return getattr(fx, "__func__", None) is type(neuron).quantize_8bit
