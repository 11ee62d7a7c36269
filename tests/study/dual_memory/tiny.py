"""A study small enough for tests: the tiny world of tests.train.helpers, two architectures' worth of layers."""

from pathlib import Path
from typing import Any

import tomli_w

from basalt.study.dual_memory.study import PARTS, SOUNDS, Size, Study, Task
from tests.train.helpers import STEPS, content

SIZE = Size((1, 2), (2.0, 4.0, 8.0), (1, 3), (4.0, 8.0), epochs=2, seeds=2)


def recipe(folder: Path, **training: Any) -> str:
    """Write the recipe of a dual-memory network with two layers; its path."""
    changed = content(**training)
    hidden = {"kind": "dmp", "units": 12, "threshold": 1.0, "states": 3, "window": 8.0, "memory_scale": 0.3}
    changed["network"]["layers"] = [hidden, {**hidden, "units": 10}, {"kind": "readout"}]
    path = folder / "tiny.toml"
    path.write_text(tomli_w.dumps(changed))
    return str(path)


def study(folder: Path, parts: tuple[str, ...] = tuple(PARTS), size: Size = SIZE) -> Study:
    """The study on it."""
    delays = {"delay": 6, "delay_spread": 3.0, "delay_rate": 20.0}
    task = Task(recipe(folder), STEPS, 2, 8.0, SOUNDS, delays, {}, 48, {"cpu": 0.1, "cuda": 0.1})
    return Study(task, size, parts)
