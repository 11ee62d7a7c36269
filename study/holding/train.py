"""Networks that differ in how the memory current reaches the neurons: `python study/holding/train.py --way held …`."""

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import typer

from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.shown import say

SETTINGS: dict[str, Any] = {
    "network.layers.0.states": 40,
    "network.layers.1.states": 40,
    "network.layers.0.window": 300.0,
    "network.layers.1.window": 300.0,
    "training.augment.share": 0.5,
}
"""Instead of the recipe's: the network of the ablations by update interval."""


def trained(
    way: str, interval: int, recipe: str, settings: dict[str, Any], data_dir: Path | None, accelerator: str
) -> dict[str, Any]:
    """Train one network, and score its last weights in the training form on the whole test set."""
    from rich.console import Console

    from basalt.study.holding.ways import WAYS, reaching
    from basalt.train import data
    from basalt.train import recipe as recipes
    from basalt.train.loop import fit, make_fabric
    from basalt.train.objectives import OBJECTIVES
    from basalt.train.scores import float_score

    wanted = recipes.read(recipe, settings)
    # Validation scores the integers of a network that is refreshed in every step, so it must not choose the weights.
    training = wanted.training.model_copy(update={"validate_every": wanted.training.epochs})
    wanted = wanted.model_copy(update={"training": training})
    splits = data.load(wanted.data, data_dir)
    fabric = make_fabric(accelerator, "1")
    with reaching(WAYS[way], interval), tempfile.TemporaryDirectory() as folder:
        state = fit(wanted, splits, Path(folder) / "run", fabric, False, Console(quiet=True))
        score = float_score(state.network, splits.test, OBJECTIVES[wanted.training.objective], fabric.device)
    return {
        "way": way,
        "held_steps": interval,
        "seed": wanted.seed,
        "epochs": wanted.training.epochs,
        "seconds": round(state.seconds, 1),
        "training_accuracy": state.history[-1]["accuracy"],
        **asdict(score),
    }


def train(
    output: Annotated[
        Path, typer.Argument(help="JSON file of results; those of a way, interval and seed already there are kept.")
    ],
    way: Annotated[
        list[str],
        typer.Option(help="every, held, mean, shifted, uneven, pulsed, forward or backward; may be repeated."),
    ],
    seed: Annotated[list[int], typer.Option(help="May be repeated.")],
    interval: Annotated[int, typer.Option(min=1, help="n, in steps.")] = 49,
    recipe: Annotated[str, typer.Option(help="Of a network with dual memory.")] = "psmnist_dmp",
    epochs: Annotated[int, typer.Option(min=1)] = 20,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key of the recipe.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with data sets.")] = None,
    accelerator: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network for each way and seed, and write accuracies on the whole test set, in the training form."""
    from basalt.documents import read_json
    from basalt.study.holding.ways import WAYS
    from basalt.train.recipe import one_of, setting

    for name in way:
        if name not in WAYS:
            raise BasaltError(f"--way: {one_of(name, WAYS)}.")
    rows = read_json(output) if output.is_file() else []
    done = {(row["way"], row["held_steps"], row["seed"]) for row in rows}
    own = {**(SETTINGS if recipe == "psmnist_dmp" else {}), **dict(setting(text) for text in set_ or ())}
    for one in seed:
        for name in way:
            if (name, interval, one) not in done:
                settings = {**own, "seed": one, "training.epochs": epochs}
                rows.append(trained(name, interval, recipe, settings, data_dir, accelerator))
                write_json(output, rows)
                accuracy, seconds = 100 * rows[-1]["accuracy"], rows[-1]["seconds"]
                say(f"{name}, interval {interval}, seed {one}: {accuracy:.2f} %, {seconds} s")


if __name__ == "__main__":
    run_app(lambda: typer.run(train))
