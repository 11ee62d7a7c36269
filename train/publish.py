"""Keep a trained network: `basalt publish RUN` puts what others need of a run, and no more, into a folder of models.

A published checkpoint holds the best weights without what resuming needs, so it is small; `basalt export` and
`basalt evaluate` take it as they take a run. README.md in the folder lists all networks there.
"""

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from basalt.cli import run_app
from basalt.documents import understood
from basalt.errors import BasaltError
from basalt.files import atomic, make_folder, read_object, write_json
from basalt.published import NET, SAMPLES, SAMPLES_MOST, TASKS
from basalt.shown import say

MODELS = Path("models")
LAVA = "lava.json"
BESIDE = ("recipe.toml", "metrics.json", "log.csv")
"""What is copied beside the weights."""
FROM_RESULT = (
    "backend",
    "samples",
    "accuracy",
    "seconds",
    "energy_per_inference_joule",
    "energy_per_inference",
    "spike_rate",
    "machine",
)


def publish(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    to: Annotated[Path, typer.Option(help="The folder of models.")] = MODELS,
) -> None:
    """Copy a run's weights, recipe, metrics and log, and its result in Lava if there is one, into models/RUN.

    Of an exported run also model.net and its first 20 test samples, where the licence of the data allows it.
    """
    from dataclasses import replace

    from basalt.train import checkpoint

    run = checkpoint.locate(run).parent
    saved = checkpoint.read(run)
    if not (run / "metrics.json").is_file():
        raise BasaltError(f"{run} is not finished: go on with `basalt train {run} --resume`.")
    missing = [name for name in BESIDE if not (run / name).is_file()]
    if missing:
        raise BasaltError(f"{run} has no {' and no '.join(missing)}: train it again, or put what is missing there.")
    folder = to / run.resolve().name
    if folder.resolve() == run.resolve():
        raise BasaltError(f"{folder} is the run itself, which could not be resumed then: name another --to.")
    make_folder(folder)
    replace(saved, last=None).write(folder / checkpoint.NAME)
    for name in BESIDE:
        with atomic(folder / name) as temporary:
            shutil.copyfile(run / name, temporary)
    result = run / "deploy-compiled" / "result.json"
    if result.is_file():
        found = read_object(result)
        write_json(folder / LAVA, {key: found[key] for key in FROM_RESULT if key in found})
    hand_on(run, folder, saved.recipe.data.name)
    with atomic(to / "README.md") as temporary:
        temporary.write_text(overview(to))
    size = sum(path.stat().st_size for path in folder.iterdir())
    say(f"Wrote {folder} ({size / 1024:.0f} KiB) and {to / 'README.md'}.")


def hand_on(run: Path, folder: Path, data: str) -> None:
    """Copy a run's model.net, and the first of its test samples where their licence is known to allow it."""
    import numpy as np

    from basalt.arrays import archive

    if (run / NET).is_file():
        with atomic(folder / NET) as temporary:
            shutil.copyfile(run / NET, temporary)
    if not (run / SAMPLES).is_file():
        return
    if data not in TASKS:
        say(f"No samples of {data!r} are handed on: whether its licence allows that is not known here.")
        return
    with archive(run / SAMPLES) as found:
        few = {name: found.read(name, SAMPLES_MOST) for name in found.names}
    with atomic(folder / SAMPLES) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **few)


def licences(models: Path) -> list[str]:
    """Under which licence the samples in a folder of models are, by data set, in Markdown."""
    kept = (path for path in models.glob("*/metrics.json") if path.with_name(SAMPLES).is_file())
    data = {read_object(path).get("dataset") for path in kept}
    rows = [f"- {name}: {task.licence}" for name, task in TASKS.items() if name in data]
    about = f"The first {SAMPLES_MOST} test samples with labels, changed as said, under the licence of their data:"
    heading = ["", "## Samples", "", about, ""]
    return [*heading, *rows] if rows else []


def overview(models: Path) -> str:
    """The table of all networks in a folder, in Markdown."""
    lines = [
        "# Trained networks",
        "",
        "Accuracy on the whole test set; *Lava* is that of the backend `compiled`. Parameters as trained, and by the",
        "formula of arXiv 2512.07602 (MN + Nd + d² + d + M per layer: with frozen matrices, no biases or read-out).",
        "Seconds of training are those of the machine that trained it. Energies in lava.json are dynamic + leakage in",
        "real time, with the recipe's `step_ms` as the duration of a step. Networks were trained alike where epochs",
        "(and those over which weights are averaged), the share of augmented samples (and the pixels by which they are",
        "bent) and the penalty on spike rates (and the rate that it begins at) are the same.",
        "The cochlea of spoken digits was chosen by test recordings, and the simulated camera was fitted on recordings",
        "that it is tested with (docs/data.md). Written by `basalt publish`.",
        "",
        "| network | seed | epochs | augmented | rate penalty | parameters | by formula | "
        "float % | integer % | Lava % | spike rates | s |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    lines += [_row(path.parent) for path in sorted(models.glob("*/metrics.json"))]
    lines += licences(models)
    return "\n".join(lines) + "\n"


def _row(folder: Path) -> str:
    from basalt.train import checkpoint

    metrics: dict[str, Any] = read_object(folder / "metrics.json")
    saved = checkpoint.read(folder)
    with understood(f"metrics.json or {LAVA} in {folder}", "publish the run again"):
        return _cells(folder, metrics, saved)


def _cells(folder: Path, metrics: dict[str, Any], saved: Any) -> str:
    """A row of the table of all networks."""
    lava = f"{100 * read_object(folder / LAVA)['accuracy']:.2f}" if (folder / LAVA).is_file() else ""
    rates = " ".join(f"{rate:.3f}" for rate in metrics["spike_rate"].values())
    integer = metrics["accuracy_integer"]
    formula = formula_count(saved.recipe.network, saved.inputs)
    return (
        f"| {folder.name} | {metrics['seed']} | {_training(saved.recipe.training)} | {metrics['parameters']:,} | "
        f"{'' if formula is None else f'{formula:,}'} | {100 * metrics['accuracy_float']:.2f} | "
        f"{'' if integer is None else f'{100 * integer:.2f}'} | {lava} | {rates} | {metrics['seconds']:.0f} |"
    )


def _training(training: Any) -> str:
    """Cells of the table: epochs, what of the samples is augmented, the penalty on rates and its target."""
    changes = training.augment.model_dump(exclude={"share"})
    share = f"{training.augment.share:.0%}".replace("%", " %") if any(changes.values()) else ""
    share += f", bent {changes['bend']:g}" if changes["bend"] else ""
    epochs = f"{training.epochs}" + (f", averaged {training.average:g}" if training.average else "")
    penalty = f"{training.rate_penalty:g} above {training.rate_target:g}" if training.rate_penalty else ""
    return f"{epochs} | {share} | {penalty}"


def formula_count(network: Any, inputs: int) -> int | None:
    """Parameters as arXiv 2512.07602 counts them: MN + Nd + d² + d + M per layer, N² more where it is recurrent.

    N where each neuron hears itself alone. M inputs, N neurons, d states; without a slow memory MN, and N more for
    delays. None where there are other layers.
    """
    if any(layer.kind not in ("lif", "dmp") for layer in network.layers[:-1]):
        return None
    total = 0
    for layer in network.layers[:-1]:
        states = getattr(layer, "states", 0)
        own = {"none": 0, "diagonal": layer.units, "full": layer.units**2}[layer.recurrent]
        total += inputs * layer.units + own + (layer.delay > 0) * layer.units
        total += layer.units * states + states**2 + states + inputs if states else 0
        inputs = layer.units
    return total


if __name__ == "__main__":
    run_app(lambda: typer.run(publish))
