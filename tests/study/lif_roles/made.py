"""Outcomes with known figures, so that what the study says of them is known, too."""

from typing import Any

from basalt.study.lif_roles.study import Study
from basalt.study.lif_roles.variants import LSTM, SETS

TASKS = ("recall", "spoken", "rate", "camera-5")
STUDY = Study(TASKS, SETS["headline"], seeds=3)


def outcome(**figures: Any) -> dict[str, Any]:
    """An outcome; figures replace those of a network like any other."""
    f = {"accuracy": 0.8, "train": 0.85, "pgd": 0.4, "events": 0.6, "signs": 0.8, "rate": 0.1, "operations": 1000.0,
         "sharpness": 0.1, "longer": 0.7, "parameters": 10, "prices": {}, **figures}  # fmt: skip
    clean = f["accuracy"]

    def point(budget: float, accuracy: float) -> dict[str, float]:
        return {
            "budget": budget,
            "accuracy": accuracy * clean,
            "control": f["signs"] * clean,
            "moved": 1.0,
            "used": 1.0,
        }

    curves = {name: [point(0.01, f[name]), point(0.1, f[name])] for name in ("pgd", "events")}
    return {
        "metrics": {"accuracy_integer": clean, "accuracy_float": clean, "test_samples": 500, "parameters": 10},
        "classes": 10,
        "recipe": {"data": {"step_ms": 5.0}, "training": {"epochs": 30}, "seed": 1},
        "clean": clean,
        "samples": 100,
        "train": f["train"],
        "attacks": {"clean": clean, "samples": 100, "events": 50, "curves": {"fgsm": curves["pgd"], **curves}},
        "corrupted": {
            **{name: {"1": clean} for name in ("noise", "drop", "jitter")},
            "stretch": {"0.5": clean, "2": f["longer"] * clean},
        },
        "flips": {"0.001": clean},
        "landscape": {"sharpness": f["sharpness"], "places": [-1, 0, 1], "line": [2.0, 1.0, 2.0]},
        "rates": {"hidden1": [f["rate"], f["rate"]]},
        "total_operations": f["operations"],
        "lengths": {"5": clean, "10": clean / 2},
        **({"prices": {"machines": f["prices"]}} if f["prices"] else {}),
    }


def outcomes(change: Any, study: Study = STUDY) -> dict[str, dict[str, Any]]:
    """All of a study: `change` gives the figures of (task, variant, seed)."""
    found = {}
    for seed in range(1, study.seeds + 1):
        for task in study.tasks:
            for variant in study.variants:
                one = outcome(**change(task, variant, seed))
                one["recipe"]["seed"] = seed
                if variant == LSTM:
                    one["metrics"]["accuracy_integer"], one["rates"] = None, {}
                found[study.run_name(task, variant, seed)] = one
    return found
