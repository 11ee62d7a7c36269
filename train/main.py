"""Train a recipe: `python train/main.py [RECIPE]`, or `basalt train`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.paths import CHECKPOINT, RUNS
from basalt.shown import say


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe's name (see `basalt list`), a TOML file, or, with --resume, a run's name or folder."
        ),
    ] = "dmp_digits",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last finished epoch.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's training.epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's seed.")] = None,
    name: Annotated[str | None, typer.Option(help="Instead of the recipe's name: the run is runs/NAME.")] = None,
    devices: Annotated[str, typer.Option(help='How many devices (processes on a CPU), or "auto".')] = "1",
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the recipe, show the network, write nothing.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any key of the recipe, such as training.batch=32; may be repeated."
        ),
    ] = None,
) -> None:
    """Train a network into runs/NAME: checkpoint.safetensors, recipe.toml, metrics.json, log.csv and events."""
    from basalt.train import recipe as recipes

    settings = dict(recipes.setting(text) for text in set_ or ())
    given = {"training.epochs": epochs, "seed": seed, "name": name}
    settings.update({key: value for key, value in given.items() if value is not None})
    stopped = _stopped_run(recipe) if resume else None
    wanted = recipes.read(recipe if stopped is None else stopped / recipes.FILE, settings)
    run = stopped or RUNS / wanted.name
    if dry_run:
        _describe(wanted, data_dir)
        return
    _train(wanted, run, resume, data_dir, accelerator, devices)


def _stopped_run(given: str) -> Path | None:
    """The folder of the run that is named to be resumed, by itself or by its recipe's; None where a recipe is named.

    Raises:
        BasaltError: there is neither.
    """
    from basalt.train import checkpoint, recipe

    path = Path(given)
    folder = path.parent if path.name in (checkpoint.NAME, checkpoint.BEFORE) else path
    if folder.is_dir():
        return folder
    try:
        recipe.find(given)
    except BasaltError as error:
        if not (RUNS / given).is_dir():
            raise BasaltError(f"No run and no recipe {given!r} to go on with: `basalt list` shows both.") from error
        return RUNS / given
    return None


def _train(recipe: "Any", run: Path, resume: bool, data_dir: Path | None, accelerator: str, devices: str) -> None:
    from basalt.shown import console as terminal
    from basalt.train import checkpoint, data
    from basalt.train.data.progress import progress
    from basalt.train.folder import check_same, stored_recipe
    from basalt.train.loop import fit, make_fabric

    console = terminal()
    if resume:
        checkpoint.locate(run)
        check_same(stored_recipe(run), recipe, run)
    fabric = make_fabric(accelerator, devices)
    fabric.launch()
    splits = data.load(recipe.data, data_dir)
    first = fabric.global_rank == 0
    if first:
        console.print(
            f"Training {recipe.name} on {splits.name}: {len(splits.train)} samples, "
            f"{len(splits.validation)} validation, {len(splits.test)} test.",
            highlight=False,
            soft_wrap=True,
        )
    try:
        state = fit(recipe, splits, run, fabric, resume, console)
    except KeyboardInterrupt:
        if first:
            say(_stopped(run), err=True)
        raise SystemExit(130) from None
    if first:
        forms = 1 + state.network.deployable
        with progress(f"Testing on {splits.name}", forms * len(splits.test)) as advance:
            metrics = measured(recipe, splits, state, fabric.device, advance)
        write_json(run / "metrics.json", metrics)
        for line in _summary(run, metrics):
            console.print(line, highlight=False, soft_wrap=True)


def _stopped(run: Path) -> str:
    from basalt.train import checkpoint

    try:
        last = checkpoint.read(run).last
    except BasaltError:
        last = None
    if last is None:
        return "Stopped before the first checkpoint."
    return f"{run}/{checkpoint.NAME} holds {last.epoch} finished epochs: go on with `basalt train {run} --resume`."


def measured(
    recipe: Any, splits: Any, state: Any, device: Any, advance: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """What metrics.json holds: scores of the best weights on the test split, and how they were trained.

    In a network that is not deployable, which has no integers, their values are None. `advance` is called with the
    number of samples scored since its last call.
    """
    from dataclasses import asdict

    from basalt.train.objectives import OBJECTIVES
    from basalt.train.scores import float_score, integer_score, quietly

    network, advance = state.network, advance or quietly
    scored = float_score(network, splits.test, OBJECTIVES[recipe.training.objective], device, advance)
    integer = integer_score(network, splits.test, device, advance) if network.deployable else None
    return {
        "accuracy_float": scored.accuracy,
        "accuracy_float_interval": scored.interval,
        "accuracy_integer": None if integer is None else integer.accuracy,
        "accuracy_integer_interval": None if integer is None else integer.interval,
        "test_samples": scored.samples,
        "validation_accuracy_float": state.best.get("validation_accuracy_float"),
        "validation_accuracy_integer": state.best.get("validation_accuracy_integer"),
        "validation_loss": state.best.get("validation_loss"),
        "parameters": network.parameter_count,
        "spike_rate": asdict(scored if integer is None else integer)["spike_rate"],
        "seed": recipe.seed,
        "recipe": recipe.name,
        "dataset": splits.name,
        "provenance": splits.provenance,
        "epochs": state.epoch,
        "best_epoch": state.best.get("epoch", 0),
        "seconds": round(state.seconds, 2),
    }


def _summary(run: Path, metrics: dict[str, Any]) -> tuple[str, str]:
    form = "float" if metrics["accuracy_integer"] is None else "integer"
    low, high = (100 * bound for bound in metrics[f"accuracy_{form}_interval"])
    floats = f", {100 * metrics['accuracy_float']:.2f} % in floats" if form == "integer" else ""
    return (
        f"Test accuracy {100 * metrics[f'accuracy_{form}']:.2f} % in {form}s (95 % interval {low:.1f} to {high:.1f})"
        f"{floats}; "
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}, "
        f"{metrics['parameters']} parameters, {metrics['seconds']:.0f} s.",
        f"Wrote {run}/{CHECKPOINT}, recipe.toml, metrics.json, log.csv and TensorBoard events.",
    )


def _describe(recipe: Any, data_dir: Path | None) -> None:
    from basalt.train.data.sets import shape
    from basalt.train.networks import Network

    given = shape(recipe.data, data_dir)
    network = Network(recipe.network, given.sensor, given.classes)
    say(f"{recipe.name}: {recipe.data.name}, {recipe.data.steps} steps of {recipe.data.step_ms:g} ms")
    for config, layer in zip(recipe.network.named(), network.layers.values()):
        parameters = sum(p.numel() for p in layer.parameters() if p.requires_grad)
        say(f"  {config.name}: {config.kind}, {layer.inputs} -> {layer.units}, {parameters} parameters")
    say(f"{recipe.training.epochs} epochs, {network.parameter_count} parameters; nothing was written.")


if __name__ == "__main__":
    run_app(lambda: typer.run(train))
