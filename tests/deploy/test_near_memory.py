"""The backend near-memory: its counts are those of the schedule, walked step by step with the reference's spikes."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from basalt.deploy.backends import BACKENDS
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.energy.tables import load_table
from basalt.deploy.job import Job, run
from basalt.deploy.on_core import fit_notices, footprint
from basalt.deploy.timeline import timeline
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN
from basalt.near_memory import mechanisms as pathways
from basalt.near_memory.core import Core
from basalt.near_memory.counters import PARTS, ROWS, SCHEDULED, WORDS
from basalt.near_memory.geometry import OWNER
from basalt.near_memory.schedule import schedule
from basalt.near_memory.sizes import sizes_of
from basalt.near_memory.walk import PATHS, Events
from basalt.records.hgrn import GATINGS
from basalt.records.hopfield import RECALLS
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from tests.conformance.direct import run_direct
from tests.conformance.grid import DENSE, PATHWAYS, case
from tests.conformance.support import kinds, supported
from tests.deploy.energy.test_pricing import counts_of, process

INDICES = (*range(0, 300, 7), *range(DENSE + PATHWAYS, DENSE + PATHWAYS + 36, 2))
CASES = [found for found in map(case, INDICES) if supported("near-memory", found)]
CORES = (
    Core(),
    Core(fused=3, macs=2, update_macs=2, event_buffer=5, membrane_ports=1, dependency_breaking=False),
    Core(operator_fusion=False, heterogeneous_stationarity=False),
)


def walked(core: Core, network: Network, spikes: np.ndarray, sample: int) -> dict[tuple[str, str, str], int]:
    """(layer, part, counter) → what the schedule of every step of a sample comes to."""
    found: Counter = Counter()
    arriving = spikes[[sample]]
    for layer in network.layers:
        sizes = sizes_of(layer)
        alone = Network((replace(layer, delay=None) if sizes.longest_delay is not None else layer,))
        fired = (
            simulate(alone, arriving)[layer.name][0] if isinstance(layer, Spiking) else np.zeros((1, spikes.shape[2]))
        )
        for t in range(spikes.shape[2]):
            events = Events(
                spikes=int(np.count_nonzero(arriving[0, :, t - 1])) if t else 0,
                recurrent=int(fired[:, t - 1].sum()) if t and sizes.hears_itself else 0,
                fired=int(fired[:, t].sum()),
                refresh=t % sizes.update_interval == 0,
                features=tuple(np.flatnonzero(arriving[0, :, t - 1]).tolist()) if t and sizes.conv else (),
            )
            step = schedule(core, sizes, events)
            for name, amount in {**step.counts(), "cycles": step.cycles, "stalls": step.stalls}.items():
                part = "readout" if layer.kind == "readout" else PARTS[name]
                found[layer.name, part, name] += amount
        arriving = simulate(Network((layer,)), arriving)[layer.name]
    return found


@pytest.mark.parametrize("core", CORES, ids=["default", "narrow", "straightforward"])
def test_counts_are_those_of_the_schedule_walked_with_the_references_spikes(core):
    every = 2 if core == Core() else 4
    for found in (found for n, found in enumerate(CASES) if n % every == 0 or "conv" in kinds(found.network)):
        spikes = found.spikes[:, :, :8]
        job = Job(found.network, spikes, "near-memory", found.batch, block=5, core=core)
        counts = run_direct(job).counts
        wanted = walked(core, found.network, spikes, sample=len(spikes) - 1)
        rows = [name for name in (*SCHEDULED, "cycles") if not name.endswith("_cycles")]
        for meter, table in counts.items():
            layer, part = meter.split(".")
            if layer == "input":
                continue
            for name in rows:
                assert table[-1, COLUMN[name]] == wanted.get((layer, part, name), 0), (found.index, meter, name)
            assert not table[:, [COLUMN[name] for name in WORDS]].any()


def test_without_dependency_breaking_the_drive_is_not_multiplied_once_more():
    found = next(found for found in CASES if found.network.layers[0].memory)
    layer = found.network.layers[0]
    job = Job(found.network, found.spikes, "near-memory", found.batch, core=CORES[1])
    with_drive = run_direct(replace(job, core=Core())).counts[f"{layer.name}.slow_memory"][:, COLUMN["dense_macs"]]
    without = run_direct(job).counts[f"{layer.name}.slow_memory"][:, COLUMN["dense_macs"]]
    refreshes = -(-found.spikes.shape[2] // layer.memory.update_interval)
    assert ((with_drive - without) == refreshes * layer.neurons).all()


def test_cases_have_what_matters():
    layers = [layer for found in CASES for layer in found.network.layers]
    spiking = [layer for layer in layers if layer.kind == "spiking"]
    assert any(layer.memory and layer.memory.update_interval > 1 for layer in spiking)
    assert any(layer.delay is not None and layer.recurrent_weight is not None for layer in spiking)
    assert any(layer.kind == "readout" for layer in layers)
    assert sum(layer.recurrence == "diagonal" and layer.memory is None for layer in spiking) > 5
    convolutions = [sizes_of(layer).conv for layer in layers if layer.kind == "conv"]
    assert {conv.pool for conv in convolutions} == {True, False}
    assert any(layer.delay is not None for layer in layers if layer.kind == "conv")


@pytest.fixture(scope="module")
def outcome():
    """A run in Lava, one layer of it elsewhere."""
    found = next(found for found in CASES if len(found.network.layers) > 1 and found.network.layers[0].memory)
    job = Job(found.network, found.spikes, "near-memory", found.batch, {found.network.layers[-1].name: "fixed"})
    return job, run(job, timeout=120)


def test_a_run_in_lava_computes_the_references_spikes(outcome):
    job, found = outcome
    for name, sent in simulate(job.network, job.spikes).items():
        assert np.array_equal(found.sent[name], sent), name


def test_counts_bring_the_geometry_that_prices_them(outcome):
    job, found = outcome
    counts = counts_file(job, found)
    assert counts["core"]["fused"] == 4
    first, elsewhere = job.network.layers[0], job.network.layers[-1]
    for entry in counts["processes"]:
        if entry["name"] == first.name:
            assert ("memory_weights" in entry["memory_bits"]) == (entry["part"] == "slow_memory")
            assert ("input_weights" in entry["memory_bits"]) == (entry["part"] == "spiking")
            assert entry["memory_bits"] == footprint(first, entry["part"], job.core)["memory_bits"]
        if entry["name"] == elsewhere.name:
            assert set(entry["memory_bits"]) == {"weights", "state"}
    priced = price(counts, available_tables(), strict=True)["tables"]
    for name, table in priced.items():
        assert table["unpriced"] == []
        if load_table(name).sram is None:
            continue  # a machine without such rows
        mine = {entry["part"]: entry["actions"] for entry in table["processes"] if entry["name"] == first.name}
        assert mine["slow_memory"]["memory_weights_reads"]["joule"] > 0
        assert not set(WORDS) & set(mine["spiking"])


def test_a_row_costs_what_its_own_memory_does():
    """A row of a memory of 87.5 KiB costs more than that of one of 1 KiB, and two macros cost what one of them does."""

    def joule(kib, row_bits=32, banks=1):
        part = process(input_weights_reads=[1]) | {
            "memory_bits": {"input_weights": int(kib * 8192)},
            "row_bits": {"input_weights": row_bits},
            "banks": {"input_weights": banks},
        }
        return price(counts_of(part), ["textbook-45nm"])["tables"]["textbook-45nm"]["dynamic_joule"]

    assert joule(1) == pytest.approx(1.324e-12)
    assert joule(64) == pytest.approx(17.804e-12)
    assert joule(128, banks=2) == joule(64)
    assert joule(1, row_bits=64) == pytest.approx(1.670e-12)
    with pytest.raises(BasaltError, match="row_bits"):
        price(counts_of(process(input_weights_reads=[1])), ["textbook-45nm"])


def test_a_row_of_two_ports_costs_more():
    """CACTI's figures of 1 KiB in words of 64 bits, with one port and with two; and of a third nothing is known."""

    def priced(ports, which="reads"):
        part = process(**{f"membrane_{which}": [1]}) | {
            "memory_bits": {"membrane": 8192},
            "row_bits": {"membrane": 64},
            "ports": ports,
        }
        return price(counts_of(part), ["textbook-45nm"])["tables"]["textbook-45nm"]

    assert priced({})["dynamic_joule"] == pytest.approx(1.670e-12)
    assert priced({"membrane": 2})["dynamic_joule"] == pytest.approx(1.989e-12)
    assert priced({"membrane": 2}, "writes")["dynamic_joule"] == pytest.approx(4.350e-12)
    assert priced({"membrane": 2})["notes"] == []
    assert priced({"membrane": 3})["notes"] == [
        "membrane of hidden1 (spiking): 3 ports priced as 2, the most that the table knows."
    ]
    layer = CASES[0].network.layers[0]
    assert footprint(layer, "spiking", Core())["ports"]["membrane"] == 2
    assert footprint(layer, "spiking", Core(membrane_ports=1))["ports"] == {}


@pytest.mark.parametrize("backend", ["fixed", "compiled", "near-memory"])
def test_a_graded_value_costs_more_than_a_spike(backend):
    """The same events with values of 1 and of 200: the same synapses, a product for each of the first layer's, a wider
    event buffer; by every table that has a multiplier, more joules."""
    indices = (index for index in INDICES if supported(backend, case(index)))
    found = next(
        found
        for found in map(case, indices)
        if found.network.layers[0].kind == "spiking"
        and found.network.layers[0].memory is not None
        and found.network.layers[0].recurrent_weight is not None
    )
    ones = (found.spikes[:2, :, :10] > 0).astype(np.uint8)
    counts = {}
    for value in (1, 200):
        job = Job(found.network, ones * np.uint8(value), backend, 2)
        counts[value] = counts_file(job, run_direct(job))
    layer = found.network.layers[0]
    for plain, graded in zip(counts[1]["processes"], counts[200]["processes"]):
        products = graded["counters"].get("graded_products", [0, 0])
        assert "graded_products" not in plain["counters"]
        heard = np.count_nonzero(ones[:, :, :-1], axis=(1, 2))
        if (graded["name"], graded["part"]) == (layer.name, "spiking"):
            assert products == (heard * layer.neurons).tolist()
            assert graded["counters"]["graded_product_bits"] == [64 * count for count in products]
        elif graded["name"] != layer.name:
            assert not any(products)
        if backend == "near-memory" and "event_buffer" in graded.get("row_bits", {}):
            wider = 8 if graded["name"] == layer.name else 0
            assert graded["row_bits"]["event_buffer"] == plain["row_bits"]["event_buffer"] + wider
    for table in ("near-memory-22nm", "textbook-45nm"):
        first = [
            sum(
                entry["actions"].get(name, {"joule": 0})["joule"] for name in ("graded_products", "graded_product_bits")
            )
            for entry in price(counts[200], [table], strict=True)["tables"][table]["processes"]
            if entry["name"] == layer.name
        ]
        assert first[0] > 0


def test_the_timeline_of_a_sample_is_the_schedule_of_its_steps(outcome):
    job, found = outcome
    trace = timeline(job.core, job.network, job.scheduled, job.spikes[0])
    json.dumps(trace)
    names = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    assert list(names.values()) == [f"core of {layer.name}" for layer in job.scheduled]
    spans = [entry for entry in trace["traceEvents"] if entry["ph"] == "X"]
    steps = [entry for entry in spans if entry["name"].startswith("step ")]
    clock = trace["otherData"]["clock_mhz"]
    for pid, name in names.items():
        mine = [entry for entry in steps if entry["pid"] == pid]
        table = found.counts[f"{name.removeprefix('core of ')}.spiking"]
        assert sum(entry["args"]["cycles"] for entry in mine) == table[0, COLUMN["cycles"]]
        assert sum(entry["args"]["fired"] for entry in mine) == table[0, COLUMN["spikes_out"]]
        assert all(abs(entry["dur"] * clock - entry["args"]["cycles"]) < 1e-9 for entry in mine)
        for step, after in zip(mine, [*mine[1:], {"ts": np.inf}]):
            parts = [e for e in spans if e["pid"] == pid and step["ts"] <= e["ts"] < after["ts"]]
            assert max(e["ts"] + e["dur"] for e in parts) <= min(step["ts"] + step["dur"], after["ts"]) + 1e-9


def test_what_does_not_fit_is_told_and_what_cannot_run_is_refused():
    layer = CASES[0].network.layers[0]
    (notice,) = fit_notices([layer], Core(neurons=layer.neurons - 1))
    assert "1 more than fits" in notice
    assert layer.name in notice
    affine = next(found for found in map(case, range(4, 80, 5)) if found.network.layers[0].kind == "encoder")
    with pytest.raises(BasaltError, match=r"no encoder layers.*--place"):
        run(Job(affine.network, affine.spikes, "near-memory"))
    assert set(BACKENDS["near-memory"].lacks) == {"encoder", "delta_input", "sigma_delta", "sigma_output", "transposed"}


def with_pathway(variant: str):
    """A network of the grid with such a memory, its layer, and what a run by the models counts."""
    found, layer = next(
        (found, layer)
        for found in map(case, range(DENSE, DENSE + 60))
        for layer in found.network.spiking
        if layer.memory is not None and getattr(layer.memory, "variant", None) == variant
    )
    job = Job(found.network, found.spikes, "near-memory", found.batch)
    return job, layer, counts_file(job, run_direct(job))


VARIANTS = (*GATINGS, *RECALLS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_memory_pathways_are_counted_and_priced(variant):
    _, layer, counts = with_pathway(variant)
    kind = layer.memory.kind
    (part,) = (entry for entry in counts["processes"] if (entry["name"], entry["part"]) == (layer.name, kind))
    assert part["memory_bits"]
    assert {OWNER[name] for name in part["memory_bits"]} == {kind}
    assert sum(part["counters"]["dense_macs"]) > 0
    for table in price(counts, available_tables(), strict=True)["tables"].values():
        assert table["unpriced"] == []
        mine = [entry["dynamic_joule"] for entry in table["processes"] if entry["part"] == kind]
        assert mine
        assert min(mine) > 0


@pytest.mark.parametrize("core", CORES, ids=["default", "narrow", "straightforward"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_timeline_of_memory_pathways_adds_up_to_what_the_run_counts(variant, core):
    """Cycles and stalls of every layer, and the accesses to each of its memories, exactly; steps follow the slowest."""
    job, layer, _ = with_pathway(variant)
    job = replace(job, spikes=job.spikes[:1, :, :12], core=core, batch=1)
    counts = counts_file(job, run_direct(job))
    trace = timeline(core, job.network, job.scheduled, job.spikes[0])
    json.dumps(trace)
    spans = [entry for entry in trace["traceEvents"] if entry["ph"] == "X"]
    names = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    steps = {pid: [e for e in spans if e["pid"] == pid and e["name"].startswith("step ")] for pid in names}
    longest = np.max([[step["args"]["cycles"] for step in mine] for mine in steps.values()], axis=0)
    assert trace["otherData"]["cycles"] == longest.sum()
    begins = np.concatenate([[0], np.cumsum(longest)[:-1]])
    for pid, name in names.items():
        threads = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["pid"] == pid and "name" in e["args"]}
        found = Counter()
        for entry in (entry for entry in spans if entry["pid"] == pid and not entry["name"].startswith("step ")):
            assert threads[entry["tid"]] == entry["name"]
            for access, amount in entry["args"].items():
                path, which = access.split()
                if path in (*PATHS, *pathways.PATHS) and entry["tid"] > len(PATHS):
                    found[f"{entry['name'].replace(' ', '_')}_{which}"] += amount
        for field in ("cycles", "stalls"):
            found[field] = sum(step["args"][field] for step in steps[pid])
        wanted = Counter()
        for part in (entry for entry in counts["processes"] if entry["name"] == name.removeprefix("core of ")):
            wanted.update({key: part["counters"].get(key, [0])[0] for key in (*ROWS, "cycles", "stalls")})
        assert +found == +wanted, name
        np.testing.assert_allclose([step["ts"] * core.clock_mhz for step in steps[pid]], begins)
        own = {path.replace("_", " ") for path, part in pathways.PATHS.items() if part == layer.memory.kind}
        if name == f"core of {layer.name}":
            assert own & set(threads.values())


@pytest.fixture(scope="module")
def convolved():
    """A run of convolutions, a pool among them, by the models alone."""
    found = next(
        found
        for found in CASES
        if {layer.conv.pool for layer in map(sizes_of, found.network.layers) if layer.conv} == {True, False}
    )
    job = Job(found.network, found.spikes, "near-memory", found.batch)
    return job, counts_file(job, run_direct(job))


def test_convolutions_are_priced_by_their_own_memories(convolved):
    """Rows of kernels and of sums cost what SRAM of their size does; a pool's constant is not read."""
    job, counts = convolved
    for table in price(counts, available_tables(), strict=True)["tables"].values():
        assert table["unpriced"] == []
    entries = {
        entry["name"]: entry for entry in price(counts, ["near-memory-22nm"])["tables"]["near-memory-22nm"]["processes"]
    }
    for process_ in counts["processes"]:
        layer = next((layer for layer in job.network.layers if layer.name == process_["name"]), None)
        if layer is None or layer.kind != "conv":
            continue
        assert process_["kind"] == "conv"
        assert set(process_["memory_bits"]) >= {"kernel_weights", "accumulators", "touched", "membrane", "event_buffer"}
        actions = entries[layer.name]["actions"]
        assert ("kernel_weights_reads" in actions) == (not sizes_of(layer).conv.pool)
        assert actions["accumulators_writes"]["joule"] > 0


def test_the_timeline_shows_convolutions(convolved):
    job, counts = convolved
    trace = timeline(job.core, job.network, job.scheduled, job.spikes[0])
    json.dumps(trace)
    names = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    cycles = {entry["name"]: entry["counters"].get("cycles", [0])[0] for entry in counts["processes"]}
    for pid, name in names.items():
        steps = [e for e in trace["traceEvents"] if e["pid"] == pid and e["name"].startswith("step ")]
        assert sum(entry["args"]["cycles"] for entry in steps) == cycles[name.removeprefix("core of ")]


def test_optimisations_of_a_core_are_worth_something_to_convolutions(convolved):
    job, counts = convolved
    plain = replace(job, core=CORES[2])
    slow = counts_file(plain, run_direct(plain))
    for before, after in zip(counts["processes"][1:], slow["processes"][1:]):
        assert sum(after["counters"]["cycles"]) > sum(before["counters"]["cycles"])
        assert after["counters"].get("synaptic_operations") == before["counters"].get("synaptic_operations")
