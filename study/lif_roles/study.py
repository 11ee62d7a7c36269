"""Which networks the study of leakage, reset and recurrence trains: tasks × variants × seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from basalt.study.lif_roles.options import Options
from basalt.study.lif_roles.tasks import COMMON, FULL, QUICK, TASKS
from basalt.study.lif_roles.variants import LSTM, NAMES, SETS, changed, lstm
from basalt.study.options import StudyOptions, chosen
from basalt.study.plan import Experiment, layers_of
from basalt.train.data.sets import shape
from basalt.train.recipe import read

QUICK_EPOCHS = 4
QUICK_MEASURING = 3.0
"""Seconds; a guess."""
SEEDS = {"quick": 1, "full": 3}
LSTM_SLOWER = {"cuda": 4.0}
"""An LSTM's epoch on a GPU over that of a spiking network, which has kernels of ours."""


@dataclass(frozen=True)
class Study:
    """What is asked for.

    Attributes:
        tasks, variants: names.
        seeds: trainings of each. quick: whether trainings and measurements are short.
        epochs_wanted: instead of the study's own. settings: of every recipe, last of all.
    """

    tasks: tuple[str, ...]
    variants: tuple[str, ...]
    seeds: int
    quick: bool = False
    epochs_wanted: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def epochs(self, task: str) -> int:
        """Of every training on a task."""
        return self.epochs_wanted or (QUICK_EPOCHS if self.quick else TASKS[task].epochs)

    def own_epochs(self, name: str) -> int:
        """Of that training in the full study."""
        return TASKS[self.runs[name][0]].epochs

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """The names of the tasks of these kinds."""
        return tuple(name for name in self.tasks if TASKS[name].kind in kinds)

    @staticmethod
    def run_name(task: str, variant: str, seed: int) -> str:
        """The name of a training."""
        return f"{task}-{variant}-s{seed}"

    def experiment(self, task: str, variant: str, seed: int) -> Experiment:
        """The training of a variant on a task with a seed."""
        chosen = TASKS[task]
        settings: dict[str, Any] = {
            **COMMON,
            **chosen.settings,
            **(chosen.quick if self.quick else {}),
            "training.epochs": self.epochs(task),
            "seed": seed,
        }
        *hidden, readout = layers_of(chosen.recipe)
        spiking = [{**layer, **chosen.layer} for layer in hidden]
        if variant == LSTM:
            data = read(chosen.recipe, {**settings, **self.settings}).data
            layers = lstm(shape(data).features, spiking)
        else:
            layers = [changed(layer, NAMES[variant]) for layer in spiking]
        settings["network.layers"] = [*layers, readout]
        return Experiment(self.run_name(task, variant, seed), chosen.recipe, {**settings, **self.settings})

    def experiments(self) -> tuple[Experiment, ...]:
        """All trainings, the first seed of everything before the second of anything."""
        return tuple(
            self.experiment(task, variant, seed)
            for seed in range(1, self.seeds + 1)
            for task in self.tasks
            for variant in self.variants
        )

    @property
    def runs(self) -> dict[str, tuple[str, str]]:
        """Task and variant of every training, by its name."""
        return {
            self.run_name(task, variant, seed): (task, variant)
            for task, variant, seed in product(self.tasks, self.variants, range(1, self.seeds + 1))
        }

    def plan(self) -> list[str]:
        """What is trained, in words."""
        rows = [f"seeds 1 to {self.seeds} of {len(self.variants)} networks on {len(self.tasks)} tasks:"]
        rows += [
            f"  {name}: {TASKS[name].title} ({TASKS[name].kind}), {self.epochs(name)} epochs" for name in self.tasks
        ]
        return [*rows, f"  networks (leakage-reset-recurrence): {', '.join(self.variants)}"]

    def seconds(self, experiment: Experiment, device: str) -> float:
        """A guess of what it takes."""
        name, variant = self.runs[experiment.name]
        task = TASKS[name]
        slower = LSTM_SLOWER.get(device, 1.0) if variant == LSTM else 1.0
        training = slower * self.epochs(name) * task.seconds[device]
        if self.quick:
            return training * task.quick_samples / task.samples + QUICK_MEASURING
        return training + task.measuring[device]


def build(own: Options, options: StudyOptions) -> Study:
    """The study that is asked for."""
    return Study(
        chosen("--tasks", own.tasks, TASKS) if own.tasks else {"quick": QUICK, "full": FULL}[options.size],
        chosen("--variants", own.variants, SETS["all"], SETS),
        options.seeds or SEEDS[options.size],
        options.quick,
        options.epochs,
        options.settings,
    )
