"""Where runs and data live."""

import os
from pathlib import Path

from basalt.errors import BasaltError

RUNS = Path("runs")
CHECKPOINT = "checkpoint.safetensors"
"""Of a run."""


def data_dir(given: Path | None = None) -> Path:
    """The folder for data sets and caches: `given`, else $BASALT_DATA, else the platform's cache folder."""
    if given is not None:
        return Path(given)
    if "BASALT_DATA" in os.environ:
        return Path(os.environ["BASALT_DATA"])
    return cache_dir()


def cache_dir() -> Path:
    """The folder for what can be computed again: $BASALT_CACHE, else the platform's cache folder."""
    if "BASALT_CACHE" in os.environ:
        return Path(os.environ["BASALT_CACHE"])
    import platformdirs

    return Path(platformdirs.user_cache_dir("basalt"))


def newest(pattern: str, what: str, command: str, runs: Path = RUNS) -> Path:
    """The most recently written file that matches `runs/pattern`.

    Raises:
        BasaltError: there is none; the message names `command`, which makes one.
    """
    found = sorted(runs.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BasaltError(f"No {what} found under {runs}/: make one with `{command}`, or name a file.")
    return found[-1]
