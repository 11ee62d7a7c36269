"""The calculator's figures for layers with memories: those that the backend near-memory counts."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.deploy.commands.memory_options import ITERATIONS, PATTERNS
from basalt.deploy.job import Job
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN
from basalt.near_memory.core import SWITCHES, Core
from basalt.near_memory.counters import PARTS, SCHEDULED
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Spiking
from basalt.train.layers import HopfieldConfig
from tests.conformance.direct import run_direct
from tests.conformance.records import KINDS, even, held, pathway

INPUTS, NEURONS = 14, 14
"""As many, for classical memories."""


def calculated(*arguments):
    """What the calculator prints for one number of spikes."""
    words = ("--inputs", INPUTS, "--neurons", NEURONS, *arguments)
    result = CliRunner().invoke(build(), ["schedule", *map(str, words)], catch_exceptions=False)
    (entry,) = json.loads(result.stdout)
    return entry


def counted(memory, spikes, core):
    """What the backend counts in the step that hears this many spikes, the last of those given."""
    rng = np.random.default_rng(5)
    arriving = np.zeros((1, INPUTS, len(spikes) + 1), dtype=np.uint8)
    for t, count in enumerate(spikes):
        arriving[0, rng.permutation(INPUTS)[:count], t] = 1
    neuron = Neuron(1 << 16, axis(4096), axis(400))
    layer = Spiking("l", even(rng, (NEURONS, INPUTS), 120), neuron, memory=memory)

    def totals(steps):
        counts = run_direct(Job(Network((layer,)), arriving[:, :, :steps], "near-memory", core=core)).counts
        return {
            name: int(counts[f"l.{part}"][0, COLUMN[name]]) for name, part in parts.items() if f"l.{part}" in counts
        }

    parts = {name: PARTS[name] for name in (*SCHEDULED, "cycles")}
    before, after = totals(len(spikes)), totals(len(spikes) + 1)
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def as_counters(entry):
    """The same of a printed entry."""
    paths = {f"{path}_cycles": work for path, work in entry["paths"].items()}
    found = {"cycles": entry["cycles"], "stalls": entry["stalls"], **paths, **entry["accesses"]}
    return {name: value for name, value in found.items() if value}


def options(memory):
    """How the calculator is asked for a memory."""
    if memory.kind == "slow_memory":
        return ("--states", memory.states)
    if memory.kind == "hgrn":
        return ("--hgrn", memory.variant)
    return ("--hopfield", memory.variant, "--patterns", len(memory.keys), "--iterations", memory.iterations)


MAKERS = {
    variant or record.kind: lambda rng, record=record, variant=variant: pathway(
        rng, record, INPUTS, NEURONS, variant, **held(record, 3)
    )
    for record, variant in KINDS
}


@pytest.mark.parametrize("off", [(), SWITCHES], ids=["default", "straightforward"])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_step_of_a_memory_costs_what_the_backend_counts(kind, off):
    """Steps 1 and 2 hold what step 0 refreshed, step 3 refreshes."""
    memory = MAKERS[kind](np.random.default_rng(3))
    core = Core(**dict.fromkeys(off, False))
    refreshes, holds = counted(memory, [2, 0, 5], core), counted(memory, [2, 5], core)
    asked = (*options(memory), "--spikes", 5, *(word for switch in off for word in ("--off", switch)))
    assert as_counters(calculated(*asked)) == refreshes
    if memory.interval == 1:
        assert holds == refreshes
    else:
        assert as_counters(calculated(*asked, "--held")) == holds
        assert holds["cycles"] <= refreshes["cycles"] and holds != refreshes


def test_a_layer_with_a_memory_may_hear_itself_and_be_delayed():
    (plain, own, late) = (
        calculated("--hopfield", "modern", "--spikes", 2, "--held", *more)
        for more in ((), ("--recurrent", 3), ("--delay", 5, "--fired", 2))
    )
    assert own["accesses"]["recurrent_weights_reads"] == 3 * 4
    assert own["cycles"] > plain["cycles"]
    assert late["accesses"]["delays_reads"] == 2


def test_a_recall_not_told_about_is_that_of_recipes():
    config = HopfieldConfig(units=1)
    assert (config.patterns, config.iterations) == (PATTERNS, ITERATIONS)
    asked = ("--hopfield", "modern", "--spikes", 1)
    assert calculated(*asked) == calculated(*asked, "--patterns", PATTERNS, "--iterations", ITERATIONS)
    assert calculated(*asked)["accesses"]["values_reads"] == PATTERNS * 4
    assert "transition_reads" not in calculated(*asked)["accesses"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hgrn", "modern"], "choose published or gated"),
        (["--hopfield", ""], "choose modern or classical"),
        (["--hgrn", "gated", "--hopfield", "modern"], "one memory: leave out --hgrn or --hopfield"),
        (["--states", "4", "--hgrn", "gated"], "one memory: leave out --states or --hgrn"),
        (["--patterns", "3"], "--patterns belongs to an associative memory"),
        (["--iterations", "1", "--hgrn", "published"], "--iterations belongs to an associative memory"),
        (["--hopfield", "classical"], "not 700 and 128"),
        (["--held", "--hgrn", "published"], "leave out --held"),
        (["--held", "--states", "0"], "leave out --held"),
        (["--held", "--image", "2x9x9"], "no memory: leave out --held or --image"),
        (["--hopfield", "modern", "--image", "2x9x9"], "no memory: leave out --hopfield or --image"),
        (["--states", "4", "--image", "2x9x9"], "no memory: leave out --states or --image"),
    ],
)
def test_memories_that_cannot_be_are_said(arguments, said):
    result = CliRunner().invoke(build(), ["schedule", *arguments])
    assert isinstance(result.exception, BasaltError)
    assert said in str(result.exception)
