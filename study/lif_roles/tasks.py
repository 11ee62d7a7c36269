"""What the networks of the study are trained on: temporal, spatial and spatio-temporal data.

Every task is a recipe with the same training for all networks: no augmentation and no penalty on rates, which would
hide what the switches do, and one surrogate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEMPORAL, SPATIAL, BOTH = "temporal", "spatial", "spatio-temporal"
KINDS = (TEMPORAL, SPATIAL, BOTH)

LENGTHS_MS = (1, 2, 5, 10, 25, 50)
"""Integration lengths of event recordings."""
RECORDING_MS = 300

COMMON: dict[str, Any] = {
    "training.augment": {},
    "training.rate_penalty": 0.0,
    "training.precision": "float32",
    "training.validate_every": 1,
}
SURROGATE = {"tau_grad": 0.003, "scale_grad": 3.0}
"""Of all networks: with a wider one the gradients of recurrent layers grow on their way back."""


@dataclass(frozen=True)
class Task:
    """What networks are trained on.

    Attributes:
        title, kind: for people; one of KINDS.
        recipe: whose layers and training are used.
        settings: of the recipe.
        layer: keys of every spiking layer.
        samples: for training. epochs: of the full study.
        seconds: of an epoch by accelerator; guesses. measuring: of all that is measured in a network.
        quick: settings of the quick study. quick_samples: for training there.
        binary: whether the input is spikes, to which events can be added.
        lengths: integration lengths in ms on which it is tested beside its own; in the quick study `quick_lengths`.
        recordings: whether it is tested on real recordings of what training never saw.
    """

    title: str
    kind: str
    recipe: str
    settings: Mapping[str, Any]
    samples: int
    seconds: Mapping[str, float]
    quick: Mapping[str, Any]
    quick_samples: int
    epochs: int = 30
    measuring: Mapping[str, float] = field(default_factory=lambda: {"cpu": 300.0, "cuda": 10.0})
    layer: Mapping[str, Any] = field(default_factory=lambda: SURROGATE)
    binary: bool = True
    lengths: tuple[int, ...] = ()
    quick_lengths: tuple[int, ...] = ()
    recordings: bool = False


def _camera(length: int, name: str, samples: int) -> Task:
    """Event recordings at an integration length; the quick study sees the embedded digits."""
    steps = RECORDING_MS // length
    simulated = name == "mnist"
    return Task(
        f"{'MNIST before a simulated camera' if simulated else 'N-MNIST, real recordings'}, {length} ms a step",
        BOTH,
        recipe="lif_digits",
        settings={
            "data.name": name,
            "data.step_ms": float(length),
            "data.steps": steps,
            **({"data.exclude_first": 1000} if simulated else {}),  # the recordings show those
            "training.batch": 128 if simulated else 32,
            "training.learning_rate": 2e-3,
        },
        samples=samples,
        seconds={"cpu": 200.0 * steps / 60, "cuda": 1.0 * steps / 60},
        quick={
            "data.name": "digits" if simulated else name,
            "data.exclude_first": 0,
            "data.limit": 600,
            "training.batch": 32,
        },
        quick_samples=600,
        epochs=10 if simulated else 30,
        lengths=LENGTHS_MS,
        quick_lengths=tuple(n for n in LENGTHS_MS if n >= length and n % length == 0),
        recordings=simulated,
    )


def _static(coding: str, name: str, title: str) -> Task:
    """Images that do not move, as spikes; the quick study sees the embedded digits."""
    data = {"name": name, "coding": coding}
    return Task(
        f"{title}, {coding}-coded",
        SPATIAL,
        recipe="lif_static",
        settings={"data": data, "training.batch": 128, "training.learning_rate": 2e-3},
        samples=55_000,
        seconds={"cpu": 60.0, "cuda": 1.0},
        quick={"data": {**data, "name": "static_digits", "limit": 800}, "training.batch": 32},
        quick_samples=800,
        epochs=10,
    )


TASKS: dict[str, Task] = {
    "recall": Task(
        "delayed recall: which pattern came first",
        TEMPORAL,
        recipe="lif_recall",
        settings={},
        samples=4000,
        seconds={"cpu": 8.0, "cuda": 0.3},
        quick={"data.limit": 1000, "data.recall": {"classes": 4, "delay": 20, "distractors": 1}, "training.batch": 25},
        quick_samples=1000,
    ),
    "smnist": Task(
        "sequential MNIST, a pixel a step",
        TEMPORAL,
        recipe="smnist_fsnn",
        # with more, recurrent networks fall back
        settings={"training.validate_every": 5, "training.learning_rate": 2e-3},
        samples=55_000,
        seconds={"cpu": 400.0, "cuda": 1.0},
        quick={"data.limit": 600, "training.batch": 32},
        quick_samples=600,
        epochs=20,
        layer={"tau_grad": 0.003, "scale_grad": 1.0},
        binary=False,
    ),
    "spoken": Task(
        "spoken digits",
        TEMPORAL,
        recipe="spoken_fsnn",
        settings={},
        samples=2400,
        seconds={"cpu": 4.6, "cuda": 0.3},
        quick={"data.limit": 800},
        quick_samples=800,
    ),
    "rate": _static("rate", "static_mnist", "MNIST"),
    "latency": _static("latency", "static_mnist", "MNIST"),
    "fashion-rate": _static("rate", "static_fashion", "Fashion-MNIST"),
    "fashion-latency": _static("latency", "static_fashion", "Fashion-MNIST"),
    **{f"camera-{length}": _camera(length, "mnist", 54_000) for length in LENGTHS_MS},
    **{f"nmnist-{length}": _camera(length, "nmnist", 360) for length in LENGTHS_MS},
}
FULL = tuple(name for name in TASKS if not name.startswith(("nmnist", "fashion")))
"""Those that need no more than MNIST and the spoken digits in the data folder."""
QUICK = ("recall", "rate", "camera-25")
"""Those that need no data folder at all."""
