"""Time and memory of a whole `basalt run` against synapses and samples.

    python -m tests.benchmarks.scaling --synapses 1e6 1e7 1e8 --samples 32
    python -m tests.benchmarks.scaling --synapses 1e6 --samples 10 100 1000 10000

Two layers of n neurons with n inputs, so 2·n² synapses, weights of 60 at most, 2 % of the inputs active in each of 50
steps. Files are made in --folder first, which is not timed. A row of Markdown per run: seconds of the command by the
clock and of the processor, and the most memory of all its processes together (Pss: what they share counts once).
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from basalt.convert import netx
from basalt.opening import VARIABLE
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Spiking

STEPS, ACTIVE, LARGEST = 50, 0.02, 60
ROWS = 256
"""Samples that are drawn at once."""


def make_network(path: Path, neurons: int) -> None:
    """Two layers of random weights."""
    rng = np.random.default_rng(1)
    layers = []
    for name in ("hidden1", "hidden2"):
        weight = rng.integers(-LARGEST // 2, LARGEST // 2 + 1, (neurons, neurons), dtype=np.int8) * np.int8(2)
        threshold = int(3 * LARGEST * (ACTIVE * neurons) ** 0.5)  # so that a few percent of the neurons fire
        layers.append(Spiking(name, weight, Neuron(threshold, axis(1024), axis(128))))
    netx.write(path, Network(tuple(layers), path.stem))


def make_samples(path: Path, samples: int, features: int) -> None:
    """Random spikes."""
    rng = np.random.default_rng(2)
    spikes = np.empty((samples, features, STEPS), dtype=np.uint8)
    for first in range(0, samples, ROWS):
        part = spikes[first : first + ROWS]
        part[:] = rng.random(part.shape, dtype=np.float32) < ACTIVE
    np.savez(path, spikes=spikes)


def shared_memory(root: psutil.Process) -> int:
    """Bytes of a process and all below it; what they share counts once."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.Error, OSError):  # it has ended
            continue
    return total


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of the processor, and the most bytes, of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    most = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, shared_memory(root))
            except psutil.Error:
                break
            time.sleep(0.25)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most


def row(synapses: float, samples: int, folder: Path, more: list[str]) -> str:
    """The Markdown row of a run."""
    neurons = round((synapses / 2) ** 0.5)
    net, data = folder / f"{neurons}.net", folder / f"{neurons}x{samples}.npz"
    if not net.exists():
        make_network(net, neurons)
    if not data.exists():
        make_samples(data, samples, neurons)
    mib = max(512, 2 * 2 * neurons**2 >> 20, data.stat().st_size >> 20) + 64
    command = [sys.executable, "-m", "basalt.cli", "run", str(net), "--input", str(data), "--backend", "compiled"]
    command += ["--output", str(folder / "out"), *more]
    seconds, spent, most = measured(command, {**os.environ, VARIABLE: str(mib)})
    size = net.stat().st_size / 1e6
    return (
        f"| {2 * neurons**2:,} | {samples:,} | {size:,.0f} MB | {seconds:.1f} s | {spent:.1f} s | {most / 1e9:.2f} GB |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synapses", type=float, nargs="+", default=[1e6])
    parser.add_argument("--samples", type=int, nargs="+", default=[32])
    parser.add_argument("--folder", type=Path, required=True, help="for the files; those that are there are taken")
    parser.add_argument("options", nargs="*", help="further options of `basalt run`, after --")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    print("| synapses | samples | file | command | processor | memory |\n| ---: | ---: | ---: | ---: | ---: | ---: |")
    for synapses in asked.synapses:
        for samples in asked.samples:
            print(row(synapses, samples, asked.folder, asked.options), flush=True)


if __name__ == "__main__":
    main()
