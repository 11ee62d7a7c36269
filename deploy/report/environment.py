"""Which software and machine made a report."""

import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

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
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.release()} ({platform.machine()})"


def command() -> str:
    """The command line of this process, without the folder of the interpreter or script."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
