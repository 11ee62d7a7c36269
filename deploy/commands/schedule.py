"""The designer's calculator: what a step of a layer costs on a near-memory core, before anything is run."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basalt.deploy.commands.memory_options import MemoryOptions
from basalt.documents import dumps
from basalt.errors import BasaltError
from basalt.options import opened
from basalt.shown import say

if TYPE_CHECKING:
    from basalt.near_memory.convolution import ConvSizes
    from basalt.near_memory.core import Core
    from basalt.near_memory.sizes import Sizes

SPIKES = (0, 1, 2, 5, 10, 20, 32, 100)
"""Numbers of spikes to give the costs of, where none is named."""


@dataclass(frozen=True)
class StepOptions:
    """A core, and what a step of a layer brings it."""

    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORE.toml", help="A core's TOML file, or the name of one of ours; the default core if none."
        ),
    ] = None
    spikes: Annotated[
        list[str] | None, typer.Option(metavar="S …", help="Input spikes of a step, one number or more: 0 1 2 5.")
    ] = None
    inputs: Annotated[int, typer.Option(min=1, help="Inputs of the layer.")] = 700
    neurons: Annotated[int, typer.Option(min=1, help="Neurons of the layer.")] = 128


@dataclass(frozen=True)
class LayerOptions:
    """What the layer has beside a memory, and what the core does without."""

    image: Annotated[
        str | None,
        typer.Option(
            metavar="CHANNELSxHEIGHTxWIDTH",
            help="The layer is a convolution of an image of this size, in place of --inputs and --neurons, and has no "
            "memory; its events are spread evenly over the image.",
        ),
    ] = None
    channels: Annotated[int, typer.Option(min=1, help="Output channels of a convolution.")] = 8
    kernel: Annotated[int, typer.Option(min=1, help="Height and width of its kernel.")] = 3
    stride: Annotated[int, typer.Option(min=1, help="Its stride.")] = 1
    padding: Annotated[int, typer.Option(min=0, help="Its padding.")] = 0
    recurrent: Annotated[
        int | None,
        typer.Option(min=0, help="The layer hears itself: this many of its own spikes arrived in the step before."),
    ] = None
    diagonal: Annotated[
        bool, typer.Option("--diagonal", help="With --recurrent: each neuron hears its own spike alone.")
    ] = False
    delay: Annotated[int | None, typer.Option(min=0, help="Its spikes are delayed, by at most this many steps.")] = None
    fired: Annotated[int, typer.Option(min=0, help="Spikes that it fires in the step; they cost where delayed.")] = 0
    current: Annotated[
        bool, typer.Option("--current", help="Its synaptic current outlives a step, and has a memory of its own.")
    ] = False
    value_bits: Annotated[
        int,
        typer.Option(min=1, max=8, help="Input events carry values of this many bits; 1 for spikes, which carry none."),
    ] = 1
    held: Annotated[
        bool,
        typer.Option("--held", help="A step between two refreshes of the slow memory's current, or two recalls."),
    ] = False
    off: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTIMISATION",
            help="Turn dependency_breaking, operator_fusion or heterogeneous_stationarity off; may be repeated.",
        ),
    ] = None


@opened
def schedule(step: StepOptions, memory: MemoryOptions, layer: LayerOptions) -> None:
    """What one step of a layer costs on a near-memory core: cycles, and accesses to each memory.

    Prints JSON, a list with an entry for each number of input [cyan]spikes[/cyan]: [cyan]cycles[/cyan] of the step,
    what [cyan]bounds[/cyan] them, [cyan]stalls[/cyan] of the sender at a full event buffer, [cyan]paths[/cyan] (cycles
    of work by data path), [cyan]accesses[/cyan] (rows read and written by memory), [cyan]products[/cyan] of weights
    with the values of graded events, and [cyan]multipliers[/cyan] by data path. The models of the backend near-memory
    count with the same functions. What does not fit into the core is reported on stderr, and by how much.

    A core's file to begin with: deploy/cores/default.toml.
    """
    numbers, named = arranged(step.spikes or [], step.arguments or [])
    if len(named) > 1:
        raise BasaltError(f"Name one core, not {' and '.join(named)}.")
    from basalt.near_memory.geometry import misfits
    from basalt.near_memory.sizes import WITHOUT_MEMORY, Sizes

    core = core_of(named[0] if named else None, layer.off or [])
    if layer.diagonal and layer.recurrent is None:
        raise BasaltError("--diagonal says how a layer hears itself: give --recurrent, too.")
    inputs, neurons, conv = step.inputs, step.neurons, None
    if layer.image is not None:
        if layer.recurrent is not None:
            raise BasaltError("A convolution hears no spikes of its own: leave out --recurrent or --image.")
        for option in (*memory.named, *(["--held"] if layer.held else [])):
            raise BasaltError(f"A convolution has no memory: leave out {option} or --image.")
        conv = convolution_of(layer.image, layer.channels, layer.kernel, layer.stride, layer.padding)
        inputs, neurons = math.prod(conv.input_shape), math.prod(conv.output_shape)
        memory = replace(memory, states=0)
    memory.check(inputs, neurons, layer.held)
    sizes = Sizes(
        inputs=inputs,
        neurons=neurons,
        states=memory.slow,
        recurrent=layer.recurrent is not None and not layer.diagonal,
        diagonal=layer.diagonal,
        longest_delay=layer.delay,
        current=layer.current,
        passes=Sizes.passes if memory.any else WITHOUT_MEMORY,
        pathway=memory.pathway(inputs, neurons),
        conv=conv,
        value_bits=layer.value_bits,
    )
    numbers = numbers or [number for number in SPIKES if number <= inputs]
    check(numbers, inputs, layer.recurrent, layer.fired, neurons)
    for misfit in misfits(core, sizes):
        say(f"The layer does not fit into the core {core.name!r}: {misfit}.", err=True)
    typer.echo(dumps(entries(core, sizes, numbers, layer.recurrent or 0, layer.fired, not layer.held)))


def core_of(named: str | None, off: list[str]) -> "Core":
    """A core, with these of its optimisations turned off."""
    from basalt.deploy.cores import DEFAULT, load_core
    from basalt.near_memory.core import SWITCHES

    unknown = sorted(set(off) - set(SWITCHES))
    if unknown:
        raise BasaltError(f"There is no optimisation {unknown[0]!r} to turn off: choose from {', '.join(SWITCHES)}.")
    switched: dict[str, Any] = dict.fromkeys(off, False)
    return replace(load_core(named or DEFAULT), **switched)


def arranged(spikes: list[str], arguments: list[str]) -> tuple[list[int], list[str]]:
    """Numbers of spikes, in whichever of their forms, and names of cores: an option takes one word, the rest follow."""
    others = [entry for entry in arguments if not entry.replace(",", " ").replace(" ", "").isdecimal()]
    counts = (*spikes, *(entry for entry in arguments if entry not in others))
    words = [word for entry in counts for word in entry.replace(",", " ").split()]
    numbers = [int(word) for word in words if word.isdecimal()]
    wrong = [word for entry in spikes for word in entry.replace(",", " ").split() if not word.isdecimal()]
    if wrong:
        raise BasaltError(f"--spikes {wrong[0]!r} is not a number of spikes; give one or more, as in --spikes 0 1 2 5.")
    return numbers, others


def convolution_of(image: str, channels: int, kernel: int, stride: int, padding: int) -> "ConvSizes":
    """A convolution of an image of CHANNELSxHEIGHTxWIDTH."""
    from basalt.near_memory.convolution import square

    words = image.lower().split("x")
    if len(words) != 3 or not all(word.isdecimal() and int(word) for word in words):
        raise BasaltError(f"--image {image!r} is not CHANNELSxHEIGHTxWIDTH, as 2x34x34.")
    conv = square((int(words[0]), int(words[1]), int(words[2])), channels, kernel, stride, padding)
    if math.prod(conv.output_shape) == 0:
        raise BasaltError(f"A kernel of {kernel} does not fit into --image {image}: take a smaller one, or --padding.")
    return conv


def check(spikes: list[int], inputs: int, recurrent: int | None, fired: int, neurons: int) -> None:
    """No more events than there can be."""
    if max(spikes) > inputs:
        raise BasaltError(f"There are {inputs} inputs, of which {max(spikes)} cannot spike in a step; raise --inputs.")
    for option, value in (("--recurrent", recurrent or 0), ("--fired", fired)):
        if value > neurons:
            raise BasaltError(f"There are {neurons} neurons, of which {value} ({option}) cannot spike in a step.")


def entries(
    core: "Core", layer: "Sizes", spikes: list[int], recurrent: int, fired: int, refresh: bool
) -> list[dict[str, Any]]:
    """The list that is printed."""
    import numpy as np

    from basalt.near_memory.formula import bound, cost
    from basalt.near_memory.geometry import multipliers

    found = cost(core, layer, np.array(spikes), recurrent, fired, refresh)
    limits = bound(found)
    return [
        {
            "spikes": count,
            "cycles": int(found.cycles[index]),
            "bound": str(limits[index]),
            "stalls": int(found.stalls[index]),
            "seconds": float(found.cycles[index] / (core.clock_mhz * 1e6)),
            "paths": {path: int(work[index]) for path, work in found.paths.items()},
            "accesses": {memory: int(times[index]) for memory, times in found.accesses.items()},
            "products": int(found.products[index]),
            "multipliers": {path: entry.count for path, entry in multipliers(core, layer).items()},
        }
        for index, count in enumerate(spikes)
    ]
