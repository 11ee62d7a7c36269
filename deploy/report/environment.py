"""Which software and machine made a report."""

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("lava-nc", "lava-dl", "torch", "numba", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python, Basalt and the packages that decide a run's numbers, where installed."""
    from basalt import __version__

    found = {"basalt": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Processor, number of cores the process may use, and operating system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor()}, {cores} cores, {platform.system()} {platform.release()} ({platform.machine()})"


HARDWARE = ("processor", "architecture", "cores", "memory_gib", "system")
"""What result.json says of a machine that is not a version."""


def in_words(machine: str | Mapping[str, Any]) -> str:
    """A machine as result.json has it: "a processor, 2 cores, 24 GiB of memory, Linux (x86_64)"."""
    if isinstance(machine, str):
        return machine
    cores, memory, system = (machine.get(key) for key in ("cores", "memory_gib", "system"))
    told = [
        str(machine.get("processor", "unknown processor")),
        f"{cores} {'core' if cores == 1 else 'cores'}" if cores else "",
        f"{memory} GiB of memory" if memory else "",
        f"{system or ''} {'({})'.format(machine['architecture']) if 'architecture' in machine else ''}".strip(),
    ]
    return ", ".join(part for part in told if part)


def versions_of(machine: str | Mapping[str, Any]) -> dict[str, str]:
    """The versions that result.json keeps with a machine."""
    if isinstance(machine, str):
        return {}
    names = {"python": "Python"}
    return {names.get(name, name): str(value) for name, value in machine.items() if name not in HARDWARE}


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
