"""Which networks the study of memory-augmented vision trains: all combinations of three mechanisms, by seed.

The paper's five models are `lif`, `scl`, `hopfield`, `hgrn` and `full`, of which the last three carry the contrastive
loss too. The other combinations tell what each mechanism is worth by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from basalt.study.memory_vision.options import Options
from basalt.study.options import StudyOptions, chosen, known_task
from basalt.study.plan import Experiment

SEEDS = {"quick": 1, "full": 3}
MECHANISMS = {"scl": "contrastive loss", "hopfield": "Hopfield memory", "hgrn": "HGRN"}


@dataclass(frozen=True)
class Model:
    """A network of the study.

    Attributes:
        name: in the output and of its runs.
        recipe: that it is trained from.
        mechanisms: which of MECHANISMS it has.
        title: for people.
        paper: its number among the paper's five models, or None.
    """

    name: str
    recipe: str
    mechanisms: frozenset[str]
    title: str
    paper: int | None = None


def _models(*rows: tuple[str, str, str, str, int | None]) -> dict[str, Model]:
    return {name: Model(name, recipe, frozenset(parts.split()), title, n) for name, recipe, parts, title, n in rows}


MODELS = _models(
    ("lif", "nmnist_lif", "", "LIF", 1),
    ("scl", "nmnist_scl", "scl", "SCL", 2),
    ("hopfield", "nmnist_hopfield", "scl hopfield", "SCL + Hopfield", 3),
    ("hgrn", "nmnist_hgrn", "scl hgrn", "SCL + HGRN", 4),
    ("full", "nmnist_full", "scl hopfield hgrn", "SCL + Hopfield + HGRN", 5),
    ("hopfield_only", "nmnist_hopfield", "hopfield", "Hopfield", None),
    ("hgrn_only", "nmnist_hgrn", "hgrn", "HGRN", None),
    ("hopfield_hgrn", "nmnist_full", "hopfield hgrn", "Hopfield + HGRN", None),
)
PAPER = tuple(name for name, model in MODELS.items() if model.paper is not None)
FEATURES = "features"
"""The layer whose spikes are the features, in all models; the last before the read-out where there is no memory."""

WITHOUT_SCL = {"training.contrastive.weight": 0.0}


@dataclass(frozen=True)
class Task:
    """What networks are trained on.

    Attributes:
        title: for people.
        settings: of the recipes.
        epochs, samples: of a whole training, and in its training set.
        seconds: of an epoch, by accelerator, to estimate from before any training is done: measured on one core
            for digits and on an H200 that two trainings share for mnist; the others are guesses.
        recordings: whether networks are tested on real recordings too.
        quick: settings of the quick study, with its epochs.
    """

    title: str
    settings: Mapping[str, Any]
    epochs: int
    samples: int
    seconds: Mapping[str, float]
    quick: Mapping[str, Any]
    recordings: bool = False


_LARGE = {"training.batch": 128, "training.validate_every": 2}
TASKS = {
    "digits": Task(
        "5,000 digits, simulated camera",
        {},
        12,
        4000,
        {"cpu": 20.0, "cuda": 3.0},
        {"training.epochs": 3, "data.limit": 1000},
    ),
    "mnist": Task(
        "MNIST, simulated camera",
        {"data.name": "mnist", "data.exclude_first": 1000, **_LARGE},  # the recordings show those
        20,
        54_000,
        {"cpu": 400.0, "cuda": 4.0},
        {"training.epochs": 2, "data.limit": 5000},
        recordings=True,
    ),
    "nmnist": Task(
        "N-MNIST, real recordings",
        {"data.name": "nmnist", **_LARGE},
        20,
        55_000,
        {"cpu": 400.0, "cuda": 4.0},
        {"training.epochs": 2, "data.limit": 5000},
    ),
}


@dataclass(frozen=True)
class Study:
    """A task, and how much of the study is asked for.

    Attributes:
        name: of the task. task: the task.
        models: by name.
        seeds: trainings of each.
        quick: whether the trainings are short.
        epochs: instead of the task's.
        settings: of every recipe; those of the mechanisms and the seed come after them.
    """

    name: str
    task: Task
    models: tuple[str, ...] = tuple(MODELS)
    seeds: int = 3
    quick: bool = False
    epochs_wanted: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Of every training."""
        return self.epochs_wanted or (self.task.quick["training.epochs"] if self.quick else self.task.epochs)

    def own_epochs(self, name: str) -> int:
        """Of that training in the full study."""
        return self.task.epochs

    def experiment(self, model: str, seed: int) -> Experiment:
        """The training of a model with a seed."""
        chosen = MODELS[model]
        settings = {
            **self.task.settings,
            **(self.task.quick if self.quick else {}),
            "training.epochs": self.epochs,
            **self.settings,
            **({} if "scl" in chosen.mechanisms else WITHOUT_SCL),
            "seed": seed,
        }
        return Experiment(f"{model}-s{seed}", chosen.recipe, settings)

    def experiments(self) -> tuple[Experiment, ...]:
        """All trainings, the first seed of everything before the second of anything."""
        return tuple(self.experiment(model, seed) for seed in range(1, self.seeds + 1) for model in self.models)

    def plan(self) -> list[str]:
        """What is trained, in words."""
        rows = [f"{self.task.title}: {self.epochs} epochs, seeds 1 to {self.seeds}"]
        for name in self.models:
            model = MODELS[name]
            of = f", the paper's model {model.paper}" if model.paper else ""
            rows.append(f"  {name}: {model.title}{of} ({model.recipe})")
        return rows

    def seconds(self, experiment: Experiment, device: str) -> float:
        """A guess of what it takes."""
        limit = {**(self.task.quick if self.quick else {}), **self.settings}.get("data.limit", self.task.samples)
        return self.epochs * self.task.seconds[device] * limit / self.task.samples


def build(own: Options, options: StudyOptions) -> Study:
    """The study that is asked for."""
    task = known_task(own.task, TASKS)
    models, seeds = chosen("--models", own.models, MODELS), options.seeds or SEEDS[options.size]
    return Study(
        task,
        TASKS[task],
        models=models,
        seeds=seeds,
        quick=options.quick,
        epochs_wanted=options.epochs,
        settings=options.settings,
    )
