"""Test a trained run: `python train/evaluate.py [RUN] [--data NAME]`, or `basalt evaluate`."""

import sys
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from basalt.cli import run_app
from basalt.files import write_json
from basalt.shown import say

SPLITS = {
    "test": ("test",),
    "validation": ("validation",),
    "train": ("train",),
    "all": ("train", "validation", "test"),
}
"""What --split means."""


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="A run's folder or checkpoint; default the newest.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help='Another data set to test on, such as "nmnist" (real recordings) or "mnist"; default the run\'s.'
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="test, validation, train or all.")] = "test",
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")
    ] = None,
) -> None:
    """Accuracy of a run in floats and in integers, with 95 % intervals, into evaluation-DATA.json beside it.

    Samples that the run was trained or chosen on, as another data set may hold them, are counted, and scored apart.
    """
    from basalt.train import checkpoint

    found = checkpoint.newest_run() if run is None else run
    path = checkpoint.locate(found)
    result = scores(path, data, split, data_dir)
    target = path.parent / f"evaluation-{result['dataset']}{'' if split == 'test' else '-' + split}.json"
    write_json(target, result)
    for some, which in ((result, split), (result["unseen"], f"{split}, not seen in training")):
        for form in ("float", "integer"):
            if some is None or some[f"accuracy_{form}"] is None:
                continue
            low, high = (100 * bound for bound in some[f"accuracy_{form}_interval"])
            say(
                f"{result['dataset']} ({which}, {some['samples']} samples), {form}: "
                f"{100 * some[f'accuracy_{form}']:.2f} % (95 % interval {low:.2f} to {high:.2f})"
            )
    say(f"Wrote {target}")


def scores(path: Path, data: str | None, split: str, data_dir: Path | None) -> dict[str, Any]:
    """What evaluation-DATA.json holds; no integers, None, of a network that is not deployable.

    A note says how many samples the training has seen, and `unseen` scores the others.

    Raises:
        BasaltError: the checkpoint is damaged, the data set or split is not there, or the network is for other inputs.
    """
    from basalt.errors import BasaltError
    from basalt.paths import data_dir as folder
    from basalt.train import checkpoint
    from basalt.train import data as datasets
    from basalt.train.data.cache import note
    from basalt.train.data.origin import overlap, warning
    from basalt.train.data.progress import progress
    from basalt.train.data.sets import OWN, SEEN
    from basalt.train.objectives import OBJECTIVES
    from basalt.train.recipe import one_of, parse
    from basalt.train.scores import float_score, integer_score

    if split not in SPLITS:
        raise BasaltError(f"--split: {one_of(split, SPLITS)}.")
    saved = checkpoint.read(path)
    recipe = saved.recipe
    config = recipe.data
    if data is not None:
        # What training left out (the images that recordings show) is what this is to be tested on.
        # Where the training's own files lie is nothing to another set.
        own = {} if data == config.name else dict.fromkeys((*SEEN, *OWN[:-1]))
        changed = {**recipe.plain(), "data": {**recipe.plain()["data"], **own, "name": data, "exclude_first": 0}}
        config = parse(changed, f"--data {data}").data
    splits = datasets.load(config, data_dir)
    parts = {name: events for name in SPLITS[split] if len(events := getattr(splits, name))}
    for events in parts.values():
        if (events.features_count, splits.classes) != (saved.inputs, saved.classes):
            raise BasaltError(
                f"{splits.name} has {events.features_count} inputs and {splits.classes} classes, the network at {path} "
                f"{saved.inputs} and {saved.classes}: give --data that fits it."
            )
    network = saved.network()
    objective = OBJECTIVES[recipe.training.objective]
    if not parts:
        raise BasaltError(f"The {split} split of {splits.name} is empty.")
    known = {name: overlap(recipe.data, config, name, events, folder(data_dir)) for name, events in parts.items()}
    new = [half for name, events in parts.items() for half in _divided(events, ~known[name])]
    old = [half for name, events in parts.items() for half in _divided(events, known[name])]
    if said := warning(recipe.data, config, parts, known):
        note(said)
    total = (1 + network.deployable) * sum(map(len, new + old))
    with progress(f"Testing on {splits.name}", total) as advance:
        floats = [float_score(network, events, objective, advance=advance) for events in new + old]
        integers = [integer_score(network, events, advance=advance) for events in new + old if network.deployable]
    return {
        "dataset": splits.name,
        "provenance": splits.provenance,
        "split": split,
        **_scores(floats, integers),
        "seen_in_training": sum(map(len, old)),
        "unseen": _scores(floats[: len(new)], integers[: len(new)]) if new and old else None,
        "recipe": recipe.name,
        "seed": recipe.seed,
    }


def _divided(events: Any, chosen: Any) -> list[Any]:
    """The chosen samples, if there are any, as a list of one set."""
    import numpy as np

    return [] if not chosen.any() else [events if chosen.all() else events.subset(np.flatnonzero(chosen))]


def _scores(floats: list[Any], integers: list[Any]) -> dict[str, Any]:
    samples = sum(score.samples for score in floats)
    return {"samples": samples, **_pooled("float", floats), **_pooled("integer", integers)}


def _pooled(form: str, parts: list[Any]) -> dict[str, Any]:
    from basalt.train.scores import wilson

    if not parts:
        return {f"accuracy_{form}": None, f"accuracy_{form}_interval": None}
    samples = sum(score.samples for score in parts)
    hits = sum(round(score.accuracy * score.samples) for score in parts)
    return {f"accuracy_{form}": hits / samples, f"accuracy_{form}_interval": wilson(hits, samples)}


if __name__ == "__main__":
    run_app(lambda: typer.run(evaluate))
