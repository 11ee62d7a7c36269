"""A deployment that never was: everything that a report shows, made up to look like the real thing."""

import math
from typing import Any

import numpy as np

from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.report.arrays import ReportArrays, SampleTrace

STEPS, STEP_MS, SIDE, CLASSES = 60, 5.0, 34, 10
LAYERS = {"hidden1": 128, "hidden2": 128}


def deployment(samples: int = 500, seed: int = 7) -> dict[str, Any]:
    """The arguments of `write_report` but the path."""
    rng = np.random.default_rng(seed)
    arrays = _arrays(rng, samples)
    assert arrays.labels is not None
    accuracy = float(np.mean(arrays.labels == arrays.predicted))
    counts = _counts(rng, samples) | {"operations": _operations()}
    energy = price(counts, available_tables(), strict=True)
    result = {
        "backend": "fixed",
        "network": "runs/dmp-digits/model.net",
        "samples": samples,
        "steps": STEPS,
        "accuracy": accuracy,
        "seconds": 43.7,
        "sample_steps_per_second": samples * STEPS / 43.7,
        "energy_per_inference_joule": {name: t["per_inference_joule"] for name, t in energy["tables"].items()},
        "saturations": 0,
        "command": "basalt run runs/dmp-digits/model.net --backend fixed",
        "machine": "a made-up processor, 2 cores",
        "versions": {"basalt": "0.1.0", "Python": "3.10.13", "lava-nc": "0.11.0"},
    }
    metrics = {
        "accuracy_float": 0.98,
        "accuracy_integer": accuracy,
        "parameters": 316_234,
        "seed": 1,
        "dataset": "digits",
        "epochs": 40,
        "best_epoch": 33,
    }
    return {
        "result": result,
        "counts": counts,
        "energy": energy,
        "metrics": metrics,
        "verify": _verify(samples),
        "arrays": arrays,
    }


def _arrays(rng: np.random.Generator, samples: int) -> ReportArrays:
    labels = rng.integers(0, CLASSES, samples)
    predicted = np.where(rng.random(samples) < 0.972, labels, (labels + rng.choice([2, 5, 7], samples)) % CLASSES)
    labels[0] = predicted[0] = 3
    bursts = 0.2 + np.sin(np.linspace(0, 3 * math.pi, STEPS)) ** 2
    rates = {"input": 0.012 * bursts, "hidden1": 0.06 * np.roll(bursts, 2), "hidden2": 0.035 * np.roll(bursts, 4)}
    traces = []
    wrong = np.flatnonzero(labels != predicted)
    for index in (0, *wrong[:1]):
        layers = {
            name: (rng.random((n, STEPS)) < rates[name] * rng.gamma(0.6, 1.6, (n, 1))).astype(np.uint8)
            for name, n in LAYERS.items()
        }
        drift = rng.normal(0, 30, CLASSES)
        drift[predicted[index]] = 70
        readout = np.cumsum(rng.normal(drift[:, None], 90, (CLASSES, STEPS)), axis=1).astype(np.int64)
        readout[predicted[index]] += np.maximum(readout[:, -1].max() - readout[predicted[index], -1] + 50, 0)
        traces.append(SampleTrace(int(index), _moving_ring(rng, bursts), layers, readout))
    return ReportArrays(predicted, labels, tuple(traces), rates)


def _moving_ring(rng: np.random.Generator, bursts: np.ndarray) -> np.ndarray:
    """ON and OFF events at the two sides of a ring that makes three moves."""
    spikes = np.zeros((2, SIDE, SIDE, STEPS), dtype=np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE]
    for step in range(STEPS):
        third = 3 * step // STEPS
        dx, dy = ((1, 1), (1, -1), (-1, 0))[third]
        shift = 4 * ((step % 20) / 20 - 0.5)
        radius = np.hypot((x - 17 - dx * shift) / 0.8, y - 17 - dy * shift)
        edge = np.exp(-((radius - 9) ** 2) / 3)
        front = (x - 17) * dx + (y - 17) * dy
        for polarity, side in ((0, front < 0), (1, front >= 0)):
            spikes[polarity, :, :, step] = rng.random((SIDE, SIDE)) < 0.4 * edge * side * bursts[step] + 0.0004
    return spikes.reshape(2 * SIDE * SIDE, STEPS)


def _counts(rng: np.random.Generator, samples: int) -> dict[str, Any]:
    def around(mean: float) -> list[int]:
        return rng.poisson(mean, samples).tolist()

    def constant(value: int) -> list[int]:
        return [value] * samples

    def scaled(values: list[int], factor: int) -> list[int]:
        return [value * factor for value in values]

    processes = [_part("input", "source", 0, 0, spikes_out=around(2100))]
    events = processes[0]["counters"]["spikes_out"]
    inputs, states = 2 * SIDE * SIDE, 8
    for name, neurons in LAYERS.items():
        spikes = around(0.045 * neurons * STEPS)
        macs = (states + 1) * (states + neurons) * STEPS
        processes += [
            _part(
                name, "spiking", 8 * inputs * neurons, 48 * neurons,
                events_in=events, weight_words_read=scaled(events, neurons),
                synaptic_operations=scaled(events, neurons),
                neuron_updates=constant(neurons * STEPS), state_reads=constant(2 * neurons * STEPS),
                state_writes=constant(2 * neurons * STEPS), spikes_out=spikes, saturations=constant(0),
            ),
            _part(
                name, "slow_memory", 8 * (inputs + (neurons + states) * (states + 1)), 24 * states,
                events_in=events, weight_words_read=[n + macs for n in events], synaptic_operations=events,
                dense_macs=constant(macs), state_reads=constant(states * STEPS), state_writes=constant(states * STEPS),
            ),
        ]  # fmt: skip
        events, inputs = spikes, neurons
    processes.append(
        _part(
            "output", "readout", 8 * inputs * CLASSES, 32 * CLASSES,
            events_in=events, weight_words_read=scaled(events, CLASSES), synaptic_operations=scaled(events, CLASSES),
            state_reads=constant(CLASSES * STEPS), state_writes=constant(CLASSES * STEPS),
        )
    )  # fmt: skip
    return {
        "format": "basalt-counts",
        "version": 1,
        "backend": "fixed",
        "network": "runs/dmp-digits/model.net",
        "samples": samples,
        "steps": STEPS,
        "step_seconds": STEP_MS / 1000,
        "processes": processes,
    }


def _operations() -> dict[str, Any]:
    layers = {
        name: {"Effective_ACs": 3.0e5 / n, "Effective_MACs": 73440.0 / n, "Dense": 1.8e7 / n}
        for n, name in enumerate((*LAYERS, "output"), 1)
    }
    sums = {key: sum(layer[key] for layer in layers.values()) for key in ("Effective_ACs", "Effective_MACs", "Dense")}
    rest = {"ActivationSparsity": 0.9133, "MembraneUpdates": 14468.25, "membrane_samples": 8}
    return {**sums, **rest, "layers": layers}


def _part(name: str, part: str, weights: int, state: int, **counters: list[int]) -> dict[str, Any]:
    bits = {"weights": weights, "state": state} if weights else {}
    kind = "io" if part == "source" else part
    return {"name": name, "part": part, "kind": kind, "memory_bits": bits, "counters": counters}


def _verify(samples: int) -> dict[str, Any]:
    layers = [
        {
            "layer": name,
            "samples": samples,
            "steps": STEPS,
            "neurons": n,
            "compared": samples * STEPS * n,
            "mismatches": 0,
        }
        for name, n in {**LAYERS, "output": CLASSES}.items()
    ]
    pairs = [
        {"left": "trained", "right": "reference", "layers": layers},
        {"left": "reference", "right": "fixed", "layers": layers},
    ]
    compared = sum(layer["compared"] for pair in pairs for layer in pair["layers"])
    return {"compared": compared, "mismatches": 0, "first_divergence": None, "pairs": pairs}
