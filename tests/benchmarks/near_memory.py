"""Writes docs/near_memory.md: cycles of a step against its spikes, what bounds them, what optimisations are worth.

python tests/benchmarks/near_memory.py
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from basalt.deploy.cores import load_core
from basalt.files import atomic
from basalt.near_memory import mechanisms as pathways
from basalt.near_memory.area import area
from basalt.near_memory.convolution import square
from basalt.near_memory.core import SWITCHES, Core
from basalt.near_memory.formula import bound, cost
from basalt.near_memory.geometry import memories, multipliers
from basalt.near_memory.hgrn import GatedSizes
from basalt.near_memory.hopfield import AssociativeSizes
from basalt.near_memory.memory import PathwaySizes
from basalt.near_memory.sizes import WITHOUT_MEMORY, Sizes

FILE = Path(__file__).resolve().parents[2] / "docs" / "near_memory.md"
SPIKES = np.array([0, 1, 2, 5, 10, 20, 32, 100])
LAYERS = tuple(Sizes(inputs=700, neurons=neurons, states=8) for neurons in (128, 256))

INTRODUCTION = """# The near-memory core

Written by `python tests/benchmarks/near_memory.py`; a test keeps it so. A step of one layer on one core, as the backend
`near-memory` counts it and `basalt schedule` prints it. The same figures come from two implementations that tests hold
equal: a walk through every access of every cycle (`basalt/near_memory/walk.py`, to compare a register-transfer
implementation with) and a closed formula (`formula.py`, for millions of steps).

With G = ⌈N/F⌉ groups of F = 4 neurons, d slow states, S input spikes, R spikes of the layer's own (where it hears
itself), E = 32 places in the event buffer, and multipliers: F for P, F for ν beside it, d for a row of Ā per cycle, and
one for B̄ beside that:

    b      = 1 if S > 0, else 0                                               the first event enters, and is read then
    x₁     = 1 if S = 0, else max(S + 2, (S − E)·G + 4)                       the cycle from which the drive x is there
    cycles = max( G + 2,                                                      neuron bank
                  (S + R)·G + b + 3   if S + R > 0,                           spike integration, the bank behind it
                  x₁ + G + 2          on a refresh of the memory's current,   ν x, the bank behind it
                  G·d + 4             on a refresh,                           P m, the bank behind it
                  x₁ + d )                                                    memory update

An event can be read in the cycle after it has entered the buffer: there is no way past it. A sender waits
max(0, (S − E)·G + 1 − (S − 1)) cycles at a full buffer (S > E); no spike is lost, and the step takes no longer for
it. Events that carry values take as long: each lane multiplies a weight in the cycle in which it is added, on a
multiplier of its own, and the buffer is as much wider. Where each neuron hears itself alone (diagonal recurrence), R is
0 and nothing takes longer: after a step in which a neuron fired the bank reads a row of weights with each row of
membranes. A core of other widths has more terms: they are in `formula.py`. Nothing here is measured on silicon, and the
published design's cycles are not known beyond what the formula of each of its data paths says.
"""

CONVOLUTION = """## Convolutions and sum pools

The same core, event by event. Neurons lie position by position, the F lanes along the output channels of a position, so
that a position has q = ⌈channels/F⌉ rows of membranes and G = height · width · q rows are swept over in a step. The
kernel is kept once, as k·k·(input channels)·q rows of F weights. An event goes through the positions that it reaches
and their rows, one cycle each: a row of the kernel and a row of sums are read, added and written back, in a pipeline of
three cycles that forwards what is needed again. An event reaches as many positions as places of the kernel fall on its
own: fewer near the border, none where the stride leaves it out. n, the rows that an event meets, is exact for each
input (`basalt/near_memory/convolution.py`); where channels have groups, only the rows in which its group lies.

With S events, P = Σ max(n, 1) over them, P′ the same of all but the last E, and a bank that takes a group every g
cycles (1; 3 with one port):

    cycles = (G − 1)·g + 3  +  (P + 3 if S > 0)               the sweep begins when the last sum is written
    the sender waits max(0, P′ + 1 − (S − 1)) cycles          if S > E
    rows of the kernel read = rows of sums read = rows of sums written = Σ n

and cycles as before for delays. Sums are in SRAM with two ports; one bit per row tells the first event of a step that
it need not read what is there, and the sweep which rows it need not look at, so that nothing is cleared. A sum pool is
a convolution whose one weight is a constant in a register: nothing of it is read. Lanes idle where channels are no
multiple of F, or where a group has fewer: a pool's event adds in one lane of a row. Off, heterogeneous stationarity has
each row of neurons read the weights of all inputs that it hears, spike or not; without operator fusion each pass sweeps
by itself. Walked cycle by cycle in `conv_walk.py`, so that timelines show it.

What does not fit is reported as for dense layers: neurons, inputs, `kernel_weights`, `accumulators` and `membrane` of
the core's TOML file. The core `vision` holds the layers of the nmnist_* recipes (`basalt run … --core vision`, `basalt
schedule vision --image 2x34x34 --channels 12 --kernel 5 --stride 2 --padding 2`). `basalt map` splits a convolution by
its output channels, each part with the kernels of its own; one whose channels have groups, or whose positions alone are
more neurons than a core has, is not split further: its image is not cut.
"""

MEMORY = """## Gated and associative memories

They work beside the layer on the same events: `hgrn.py` and `hopfield.py` walk through every cycle, and have the closed
form, the same number by number, so that the steps of a timeline (`basalt run … --timeline`) add up to the counted
cycles of the run. With M multipliers, S events, m inputs, Gm = ⌈m/F⌉, c = ⌈F/M⌉, K patterns, I iterations and x₁ as
above, a step lasts, beside what its events and neurons take,

    gated        max(S·G + b + 1, N·G·⌈2F/M⌉ where it hears itself) + h + 1 + (G − 1)·max(h, g) + 3
                 h = max(2F, ⌈5F/M⌉), ⌈4F/M⌉ where it hears itself           a group in the gate bank
    associative  x₁ + Gm·g + 2                                               the traces, in every step
                 x₁ + Gm·max(g, K·c) + 2 + s + (I − 1)·(2·Gm·K·c + s)        on a recall: traces, keys and softmax,
                    + K·c + 1 + (G − 1)·max(K·c, g) + 3                      values, the bank behind them
                 s = K + ⌈K/M⌉ + 4                                           the softmax

A gated memory's events read a row of the weights of three gates, one from each of three macros; an associative memory
reads all its keys and values at each recall. A trace is read and written in every step. Between recalls the bank reads
the currents of the last one. Classical memories take rows of 8·F keys of a bit, ⌈8F/M⌉ cycles each (`hopfield.py`).

    basalt schedule vision --inputs 128 --hgrn published                            # or gated, which hears itself
    basalt schedule vision --inputs 128 --hopfield modern --patterns 64 --iterations 2
    basalt schedule vision --inputs 128 --hopfield modern --spikes 2 --held         # between recalls

print the figures of the table below, with the accesses; variants are named as in recipes. `pathway` as what bounds a
step is the memory's current, which the neuron bank waits for.

`basalt map` parts the units of a gated memory with their neurons. Of an associative one each part has all traces and
keys and recalls for itself, with the values of its own neurons: what was heard is the same everywhere, and nothing is
sent. Where a gated memory hears itself, or a layer with either memory has recurrence between neurons, it stays on one
core. Memories count as those of the core's file: `gate_weights`, `keys`, `values` and so on.
"""

MODEL = """## What is modelled, and what is not

Modelled: every access to every memory, one a port and cycle, with data in the cycle after; every wait of
one path for another; who fires, two bits of register per neuron, of which one is written while the spikes of the other
leave; a memory that is read and written in one cycle as one of two ports, priced as such. Not modelled: the arrival of
spikes within a step (they are offered one per cycle from its first cycle on), the network between cores, the cycles in
which a step is begun and ended by a global clock, refill of weights from elsewhere (all weights are in the core).
Spikes leave by a port of their own, one per cycle, while the next step begins.

Of gated and associative memories, not counted: registers that only one path sees. These are the sums and the states
k[t−1] of the product of a memory that hears itself, the currents of the gate bank until the neuron bank takes them, the
exponentials that wait for their sum, and the bits of a classical query.

Better than the published register-transfer design: products are shifted by fixed-point shifts, so that a contracting Ā
is represented; a full event buffer stalls its sender instead of dropping spikes; an empty step is a step; between
refreshes (update interval) the memory product is skipped; a neuron bank with two ports takes one group per cycle,
behind the last event.

Off means what a straightforward core would do:

- dependency_breaking: W_m m[k] needs m[k], which needs x[k], which needs all input spikes: the product begins after the
  update.
- operator_fusion: leak, spike current, memory current, threshold and reset are passes of their own over all neurons;
  each reads and writes every membrane, takes three cycles per group, and begins when the one before is done.
- heterogeneous_stationarity: one dataflow the other way round for each: spikes with outputs stationary read every row
  of W_f and W_x, whether its input spiked or not; the memory product with inputs stationary reads and writes its
  partial sums in a memory of one port, for each state and for x.
"""


def text() -> str:
    """The whole page."""
    core = load_core()
    lines = [INTRODUCTION, *map(table, LAYERS), "## What each optimisation is worth", ""]
    lines += [
        "N = 128, d = 8, 700 inputs: cycles per step, with one optimisation off, and with all.",
        "",
        *switches(core, LAYERS[0]),
        "",
        "The 22,400 rows of W_f that a core reads without stationarity are those of all 700 inputs: the fewer of",
        "them spike, the more it is worth, and most of what all three are worth is due to it. How the published",
        "comparison's baseline orders its loops is not known. Fusion is worth its passes, dependency breaking the",
        "length of the update, which only shows where the memory bounds the step.",
        "",
        "## Memories",
        "",
        *geometry(core),
        "",
        "Where input events carry values of 8 bits, so do the words of the event buffer.",
        "",
        "A threshold that all neurons of a layer share is a constant of its core. Where they differ, `thresholds`",
        "holds G rows of F · 17 bits in an SRAM with one port. A row is read with each group's membranes, so that no",
        "step takes longer; with passes of their own, a soft reset reads it once more. What a soft reset subtracts is",
        "kept likewise in `reset_amounts`, where it differs from neuron to neuron and is not the threshold.",
        "Refractory steps take a counter of 6 bits per neuron, `rest`, read and written with the membranes.",
        "",
        "## Multipliers and area",
        "",
        *silicon(core),
        "",
        CONVOLUTION,
        *convolutions(load_core("vision")),
        "",
        MEMORY,
        *remembering(load_core("vision")),
        "",
        MODEL,
    ]
    return "\n".join(lines)


def table(layer: Sizes) -> str:
    """Cycles against spikes."""
    core = load_core()
    found = cost(core, layer, SPIKES)
    held = cost(core, layer, SPIKES, refresh=False)
    one_port = cost(replace(core, membrane_ports=1), layer, SPIKES)
    limits = bound(found)
    rows = layer.groups(core)
    head = f"N = {layer.neurons}, d = {layer.states}, {layer.inputs} inputs, {core.fused} fused neurons"
    formula = f"max({rows * layer.states + 4}, {rows}·S + 4)"
    lines = [
        f"## {head}",
        "",
        f"G = {rows}: cycles = {formula}; between refreshes {rows + 2} if S = 0, else {rows}·S + 4.",
        "",
        "| spikes S | cycles | bounded by | between refreshes | one port | sender waits | × faster than 1 ms |",
        "| ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for index, spikes in enumerate(SPIKES):
        faster = 1e-3 * core.clock_mhz * 1e6 / found.cycles[index]
        path = str(limits[index]).replace("_", " ")
        lines.append(
            f"| {spikes} | {found.cycles[index]:,} | {path} | {held.cycles[index]:,} "
            f"| {one_port.cycles[index]:,} | {found.stalls[index]:,} | {faster:,.0f} |"
        )
    clock = f"At {core.clock_mhz:g} MHz, which is assumed: the published design states no clock."
    return "\n".join([*lines, "", clock, ""])


def switches(core: Core, layer: Sizes) -> Iterator[str]:
    """Cycles with optimisations off."""
    off = {"all on": (), **{f"without {name.replace('_', ' ')}": (name,) for name in SWITCHES}, "all off": SWITCHES}
    found = {title: cost(replace(core, **dict.fromkeys(names, False)), layer, SPIKES) for title, names in off.items()}
    yield "| spikes S | " + " | ".join(found) + " |"
    yield "| ---: |" + " ---: |" * len(found)
    for index, spikes in enumerate(SPIKES):
        yield f"| {spikes} | " + " | ".join(f"{entry.cycles[index]:,}" for entry in found.values()) + " |"


def geometry(core: Core) -> Iterator[str]:
    """The memories of both layers."""
    small, large = (memories(core, layer) for layer in LAYERS)
    yield "| memory | N = 128: words × bits | KiB | N = 256: words × bits | KiB | ports | made of |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for name, memory in small.items():
        other = large[name]
        kind = "registers" if memory.registers else "SRAM" + (f", {other.banks} macros" if other.banks > 1 else "")
        cells = (f"{entry.words:,} × {entry.bits} | {entry.kib:.2f}" for entry in (memory, other))
        ports = "all" if name == "slow_state" else memory.ports
        yield f"| {name.replace('_', ' ')} | {' | '.join(cells)} | {ports} | {kind} |"
    sums = (sum(memory.kib for memory in entry.values()) for entry in (small, large))
    yield "| all | | " + " | | ".join(f"{total:.2f}" for total in sums) + " | | |"


def silicon(core: Core) -> Iterator[str]:
    """The multipliers of the first layer, and the area of both; values of graded events beside them."""
    layer = LAYERS[0]
    plain, graded = (multipliers(core, replace(layer, value_bits=bits)) for bits in (1, 8))
    yield "| multipliers, N = 128 | how many | widths |"
    yield "| --- | ---: | ---: |"
    for path, entry in graded.items():
        note = "" if path in plain else ", values of 8 bits"
        yield f"| {path.replace('_', ' ')}{note} | {entry.count} | {entry.bits[0]} × {entry.bits[1]} |"
    yield f"| all, for spikes | {sum(entry.count for entry in plain.values())} | |"
    yield ""
    yield "µm² in 22 nm, stated and not laid out (`basalt/near_memory/area.py`, with its sources):"
    yield ""
    yield "| | SRAM | registers | multipliers | adders | all |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    sizes = {f"N = {layer.neurons}": layer for layer in LAYERS}
    sizes["N = 128, values of 8 bits"] = replace(layer, value_bits=8)
    for title, entry in sizes.items():
        found = area(core, entry)
        cells = " | ".join(f"{part:,.0f}" for part in (*astuple(found), found.total))
        yield f"| {title} | {cells} |"
    share = 100 * area(core, layer).sram / area(core, layer).total
    yield ""
    yield (f"SRAM is {share:.0f} % of it; of the published core, whose states and products are narrower, it is 87 %.")


VISION = {
    "conv1: 2×34×34 to 12×17×17, kernel 5, stride 2": square((2, 34, 34), 12, 5, 2, 2),
    "conv2: 12×17×17 to 24×9×9, kernel 3, stride 2": square((12, 17, 17), 24, 3, 2, 1),
}
"""The convolutions of the nmnist_* recipes."""


def convolutions(core: Core) -> Iterator[str]:
    """Cycles and memories of those, with events spread evenly over the image."""
    yield "Events spread evenly over the image:"
    yield ""
    yield "| layer | rows G | n, at most | n, mean | " + " | ".join(f"S = {spikes}" for spikes in SPIKES) + " |"
    yield "| --- |" + " ---: |" * (3 + len(SPIKES))
    layers = {
        title: Sizes(math.prod(conv.input_shape), math.prod(conv.output_shape), passes=WITHOUT_MEMORY, conv=conv)
        for title, conv in VISION.items()
    }
    for title, layer in layers.items():
        rows = VISION[title].event_rows(core)
        cycles = " | ".join(f"{value:,}" for value in cost(core, layer, SPIKES).cycles)
        yield f"| {title} | {layer.groups(core)} | {rows.max()} | {rows.mean():.2f} | {cycles} |"
    yield ""
    yield (
        "| memory | "
        + " | ".join(f"{title.split(':')[0]}: words × bits | KiB" for title in layers)
        + " | ports | made of |"
    )
    yield "| --- |" + " ---: | ---: |" * len(layers) + " ---: | --- |"
    found = [memories(core, layer) for layer in layers.values()]
    for name, memory in found[0].items():
        cells = " | ".join(f"{entry[name].words:,} × {entry[name].bits} | {entry[name].kib:.2f}" for entry in found)
        kind = "registers" if memory.registers else "SRAM"
        yield f"| {name.replace('_', ' ')} | {cells} | {'all' if name == 'touched' else memory.ports} | {kind} |"


PATHWAYS: dict[str, PathwaySizes] = {
    "HGRN": GatedSizes(128, 128, gated=False),
    "HGRN that hears itself": GatedSizes(128, 128, gated=True),
    "Hopfield, 64 patterns": AssociativeSizes(128, 128, 64, 1, modern=True),
    "the same, two iterations": AssociativeSizes(128, 128, 64, 2, modern=True),
    "classical Hopfield, 64 patterns": AssociativeSizes(128, 128, 64, 1, modern=False),
}
"""Memories of 128 neurons that hear 128; those of the nmnist_* recipes among them."""


def remembering(core: Core) -> Iterator[str]:
    """Cycles and memories of those."""
    yield f"128 neurons that hear 128, on the core `vision` (F = {core.fused}, M = {core.macs}):"
    yield ""
    shown = [0, 1, 2, 5, 10, 32]
    yield (
        "| memory | " + " | ".join(f"S = {spikes}" for spikes in shown) + " | between recalls, S = 2 | KiB | of which |"
    )
    yield "| --- |" + " ---: |" * (len(shown) + 2) + " --- |"
    for title, pathway in PATHWAYS.items():
        layer = Sizes(pathway.inputs, pathway.neurons, pathway=pathway)
        cycles = " | ".join(f"{value:,}" for value in cost(core, layer, np.array(shown)).cycles)
        held = int(cost(core, layer, np.array(2), refresh=False).cycles)
        between = f"{held:,}" if isinstance(pathway, AssociativeSizes) else "–"
        mine = [memory for name, memory in memories(core, layer).items() if name in pathways.OWNER]
        largest = sorted(mine, key=lambda memory: -memory.size)[:2]
        parts = ", ".join(f"{memory.name.replace('_', ' ')} {memory.kib:.2f}" for memory in largest)
        yield f"| {title} | {cycles} | {between} | {sum(memory.kib for memory in mine):.2f} | {parts} |"


def main() -> None:
    """Write the page."""
    with atomic(FILE) as temporary:
        temporary.write_text(text())
    print(FILE)


if __name__ == "__main__":
    main()
