"""The study of dual memory pathways (arXiv 2512.07602): which networks it trains, and what it looks at in them.

A network is a `Variant`: one of four architectures, all made from the layers of the task's dual-memory recipe, so that
they differ in the mechanism alone. A part of the study is a set of variants; what several parts need is trained once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from basalt.study.dual_memory.options import Options
from basalt.study.options import StudyOptions, chosen, known_task
from basalt.study.plan import Experiment, layers_of, unique

MEMORY_KEYS = ("states", "window", "memory_scale", "update_interval", "coefficient_bits", "fast")
NARROWER = {"tau_grad": 0.003, "scale_grad": 3.0}
"""Recurrent layers need a smaller surrogate than the recipes': else gradients grow on their way back."""

SLOWER = {"rsnn": {"cpu": 1.0, "cuda": 60.0}}
"""Epochs of an architecture against those of the dual memory; guessed: on a GPU, recurrence runs a step at a time."""


@dataclass(frozen=True)
class Task:
    """What networks are trained on.

    Attributes:
        recipe: of the dual-memory network. steps: T.
        states, window: d and θ of the network that the others are compared with.
        delays: keys that give a layer learned delays. recurrent: keys that make it recurrent.
        samples: for training. like: which of the paper's data sets the task is one of, or stands for: PIXELS or SOUNDS.
        seconds: of an epoch of the dual-memory network, by accelerator, to estimate from before any training is done:
            on a CPU, spoken was measured on 2 cores; the others are guesses.
    """

    recipe: str
    steps: int
    states: int
    window: float
    like: str
    delays: dict[str, Any]
    recurrent: dict[str, Any]
    samples: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Size:
    """How much is trained: d and θ of the map, update intervals, θ of the networks with delays, epochs, seeds."""

    states: tuple[int, ...]
    windows: tuple[float, ...]
    intervals: tuple[int, ...]
    delay_windows: tuple[float, ...]
    epochs: int
    seeds: int
    limit: int | None = None


SOUNDS, PIXELS = "sounds", "pixels"
_PIXELS: dict[str, Any] = {
    "steps": 784,
    "states": 40,
    "window": 300.0,
    "like": PIXELS,
    "delays": {"delay": 62, "delay_spread": 31.0, "delay_rate": 50.0},
    "recurrent": {**NARROWER, "scale_grad": 1.0},
    "samples": 55_000,
    "seconds": {"cpu": 200.0, "cuda": 1.0},
}
TASKS = {
    "spoken": Task(
        "spoken_dmp",
        100,
        states=10,
        window=40.0,
        like=SOUNDS,
        delays={"delay": 40, "delay_spread": 20.0, "delay_rate": 50.0},
        recurrent=NARROWER,
        samples=2400,
        seconds={"cpu": 4.6, "cuda": 1.0},
    ),
    "psmnist": Task("psmnist_dmp", **_PIXELS),
    "smnist": Task("smnist_dmp", **_PIXELS),
}
_QUICK_PIXELS = Size(
    (5, 20, 40),
    (78.0, 300.0, 784.0),
    intervals=(1, 7, 49),
    delay_windows=(78.0, 300.0, 784.0),
    epochs=3,
    seeds=1,
    limit=10_000,
)
_FULL_PIXELS = Size(
    (2, 5, 10, 20, 40, 100),
    (39.0, 78.0, 196.0, 300.0, 549.0, 784.0),
    (1, 2, 4, 7, 14, 28, 49),  # divisors of 784 run in the fast form on a GPU
    (39.0, 78.0, 196.0, 300.0, 549.0, 784.0),
    20,
    3,
)
SIZES = {
    ("spoken", "quick"): Size(
        (2, 10, 30),
        (10.0, 40.0, 100.0),
        intervals=(1, 10, 50),
        delay_windows=(10.0, 40.0, 100.0),
        epochs=5,
        seeds=1,
        limit=1200,
    ),
    ("spoken", "full"): Size(
        (1, 2, 5, 10, 20, 40),
        (5.0, 10.0, 25.0, 40.0, 70.0, 100.0),
        (1, 2, 5, 10, 20, 50),
        (5.0, 10.0, 25.0, 40.0, 70.0, 100.0),
        40,
        3,
    ),
    ("psmnist", "quick"): _QUICK_PIXELS,
    ("psmnist", "full"): _FULL_PIXELS,
    ("smnist", "quick"): _QUICK_PIXELS,
    ("smnist", "full"): _FULL_PIXELS,
}


@dataclass(frozen=True)
class Variant:
    """A network of the study; the fields after the first count for the dual memory only."""

    architecture: str = "dmp"
    states: int = 0
    window: float = 0.0
    interval: int = 1
    delays: bool = False
    fast: bool = True

    @property
    def name(self) -> str:
        """A short name, the same for the same network."""
        if self.architecture != "dmp":
            return self.architecture
        parts = [
            f"dmp-d{self.states}-w{self.window:g}",
            f"every{self.interval}" if self.interval > 1 else "",
            "delays" if self.delays else "",
            "" if self.fast else "slow",
        ]
        return "-".join(part for part in parts if part)


def _dmp(layer: dict[str, Any], variant: Variant, task: Task) -> dict[str, Any]:
    memory = {
        "states": variant.states,
        "window": variant.window,
        "update_interval": variant.interval,
        "fast": variant.fast,
    }
    return {**layer, **memory, **(task.delays if variant.delays else {})}


def _fsnn(layer: dict[str, Any], variant: Variant, task: Task) -> dict[str, Any]:
    return {**{key: value for key, value in layer.items() if key not in MEMORY_KEYS}, "kind": "lif"}


def _rsnn(layer: dict[str, Any], variant: Variant, task: Task) -> dict[str, Any]:
    return {**_fsnn(layer, variant, task), "recurrent": True, **task.recurrent}


def _dsnn(layer: dict[str, Any], variant: Variant, task: Task) -> dict[str, Any]:
    return {**_fsnn(layer, variant, task), **task.delays}


ARCHITECTURES: dict[str, Callable[[dict[str, Any], Variant, Task], dict[str, Any]]] = {
    "fsnn": _fsnn,
    "rsnn": _rsnn,
    "dsnn": _dsnn,
    "dmp": _dmp,
}
"""How a layer of the recipe becomes one of the architecture: feed-forward, recurrent, delayed, dual memory."""


@dataclass(frozen=True)
class Study:
    """A task at a size, and the parts that are asked for; quick if the size is one to see that all runs."""

    task: Task
    size: Size
    parts: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    quick: bool = False

    @property
    def base(self) -> Variant:
        """The network that the others are compared with."""
        return Variant("dmp", self.task.states, self.task.window)

    def variants(self, part: str) -> tuple[Variant, ...]:
        """The networks of a part."""
        return PARTS[part].variants(self)

    def experiment(self, variant: Variant, seed: int) -> Experiment:
        """The training of a network with a seed."""
        change = ARCHITECTURES[variant.architecture]
        *hidden, readout = layers_of(self.task.recipe)
        settings: dict[str, Any] = {
            "network.layers": [*(change(layer, variant, self.task) for layer in hidden), readout],
            "training.epochs": self.size.epochs,
            "training.validate_every": 1,
            "seed": seed,
            **({} if self.size.limit is None else {"data.limit": self.size.limit}),
        }
        return Experiment(f"{variant.name}-s{seed}", self.task.recipe, {**settings, **self.settings})

    def experiments(self) -> tuple[Experiment, ...]:
        """All trainings, the first seed of everything before the second of anything."""
        return unique(
            self.experiment(variant, seed)
            for seed in range(1, self.size.seeds + 1)
            for part in self.parts
            for variant in self.variants(part)
        )

    @property
    def epochs(self) -> int:
        """Of every training."""
        return self.size.epochs

    def own_epochs(self, name: str) -> int:
        """Of that training in the full study."""
        return SIZES.get((self.name, "full"), self.size).epochs

    def plan(self) -> list[str]:
        """What is trained, in words."""
        rows = [f"{self.task.recipe}, {self.epochs} epochs, seeds 1 to {self.size.seeds}; parts share networks"]
        for part in self.parts:
            names = [variant.name for variant in self.variants(part)]
            rows += [f"  {part}: {PARTS[part].title}", f"    {len(names)} networks: {', '.join(names)}"]
        return rows

    def seconds(self, experiment: Experiment, device: str) -> float:
        """A guess of what it takes."""
        epoch = self.task.seconds[device] * (self.size.limit or self.task.samples) / self.task.samples
        return self.epochs * epoch * SLOWER.get(experiment.name.split("-")[0], {}).get(device, 1.0)


@dataclass(frozen=True)
class Part:
    """A part of the study: what it asks, and its networks."""

    title: str
    variants: Callable[[Study], tuple[Variant, ...]]


def _grid(study: Study) -> tuple[Variant, ...]:
    return tuple(Variant("dmp", d, window) for d in study.size.states for window in study.size.windows)


def _intervals(study: Study) -> tuple[Variant, ...]:
    return tuple(replace(study.base, interval=interval) for interval in study.size.intervals)


def _delays(study: Study) -> tuple[Variant, ...]:
    return tuple(
        replace(study.base, window=window, delays=delays)
        for window in study.size.delay_windows
        for delays in (False, True)
    )


def _paths(study: Study) -> tuple[Variant, ...]:
    return (study.base, replace(study.base, fast=False), Variant("fsnn"))


def _architectures(study: Study) -> tuple[Variant, ...]:
    return (*(Variant(name) for name in ARCHITECTURES if name != "dmp"), study.base)


PARTS = {
    "architectures": Part("four architectures: accuracy, convergence, gradient over time", _architectures),
    "paths": Part("fast path removed, memory removed", _paths),
    "grid": Part("number of states d and window θ", _grid),
    "interval": Part("update interval of the memory current", _intervals),
    "delays": Part("with and without learned delays, against θ", _delays),
}


def build(own: Options, options: StudyOptions) -> Study:
    """The study that is asked for."""
    task = known_task(own.task, TASKS)
    size = SIZES[task, options.size]
    size = replace(size, seeds=options.seeds or size.seeds, epochs=options.epochs or size.epochs)
    parts = chosen("--parts", own.parts, PARTS)
    return Study(TASKS[task], size, parts, options.settings, task, options.quick)
