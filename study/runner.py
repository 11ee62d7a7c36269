"""Run the experiments of a study, here, over several processes or on a Dask cluster; what is done stays done.

Every experiment has a run folder of its own under the study's output. One that ended holds outcome.json and is not
trained again as long as its recipe is the same; one that was stopped goes on from its last epoch, to the weights that
it would have had (on the same machine with the same number of threads, so with the same number of workers).
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.address import Address
from basalt.cluster import completed, connected
from basalt.code import Code, check_code, code_here
from basalt.errors import BasaltError, naming_limits
from basalt.files import read_json, write_json
from basalt.study.plan import Experiment

if TYPE_CHECKING:
    import torch

    from basalt.train.data.events import Splits
    from basalt.train.recipe import Recipe

OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Finished:
    """A training that ended well.

    Attributes:
        run: its folder.
        recipe, splits: what was trained, on what; data_dir as in `Place`.
        device: on which.
    """

    run: Path
    recipe: "Recipe"
    splits: "Splits"
    device: "torch.device"
    data_dir: Path | None = None


Observe = Callable[[Finished], dict[str, Any]]
"""What a study wants to know of a training besides metrics and history; JSON. It travels to other processes."""


@dataclass(frozen=True)
class Place:
    """Where and how experiments run.

    Attributes:
        output: the study's folder; runs are in its `runs`.
        data_dir: of the data sets; None for the default.
        accelerator: cpu, cuda or auto.
        workers: processes at a time; 1 for this one. On a machine with several GPUs they take turns on them.
        cluster: a Dask scheduler, whose workers train instead: each has Basalt, and finds `output` and the
            data under the same paths. Which GPU a worker has is for whoever starts it to say.
    """

    output: Path
    data_dir: Path | None = None
    accelerator: str = "cpu"
    workers: int = 1
    cluster: Address | None = None

    def folder(self, experiment: Experiment) -> Path:
        """The run folder of an experiment."""
        return self.output / "runs" / experiment.name


@dataclass(frozen=True)
class Ended:
    """An experiment that ended: its outcome, or why it failed."""

    experiment: Experiment
    outcome: dict[str, Any] | None
    failure: str = ""


def outcome_of(experiment: Experiment, place: Place) -> dict[str, Any] | None:
    """The outcome of a finished experiment; None if it is to be trained.

    The recipe in it may be of an earlier version, which lacks keys that were added since.

    Raises:
        BasaltError: its file is damaged.
    """
    from basalt.train.recipe import parse

    path = place.folder(experiment) / OUTCOME
    if not path.is_file():
        return None
    try:
        outcome: dict[str, Any] = read_json(path)
        stored = outcome["recipe"]
    except (BasaltError, KeyError, TypeError) as error:
        raise BasaltError(f"{path} is damaged: delete it, and the training is measured again.") from error
    try:
        trained = parse(stored, str(path))
    except BasaltError:  # keys that are gone
        return None
    return outcome if trained.plain() == experiment.read().plain() else None


def run(experiment: Experiment, place: Place, observe: Observe) -> dict[str, Any]:
    """Train one experiment, or go on with it, and write its outcome.

    Raises:
        BasaltError: its recipe, data or checkpoint cannot be used, or its loss is not a number.
    """
    import io
    import time

    from rich.console import Console

    from basalt.train.loop import fit, make_fabric
    from basalt.train.main import measured

    start = time.monotonic()
    recipe, folder = experiment.read(), place.folder(experiment)
    fabric = make_fabric(place.accelerator, "1")
    splits = _splits(recipe.data, place.data_dir)
    state = fit(recipe, splits, folder, fabric, _interrupted(recipe, folder), Console(file=io.StringIO()))
    metrics = measured(recipe, splits, state, fabric.device)
    write_json(folder / "metrics.json", metrics)
    outcome = {
        "name": experiment.name,
        "recipe": recipe.plain(),
        "metrics": metrics,
        "history": state.history,
        **observe(Finished(folder, recipe, splits, fabric.device, place.data_dir)),
        "took": round(time.monotonic() - start, 3),
    }
    write_json(folder / OUTCOME, outcome)
    known: dict[str, Any] = read_json(folder / OUTCOME)
    return known


def known_outcomes(experiments: Sequence[Experiment], place: Place) -> dict[str, dict[str, Any]]:
    """The outcomes of those that are finished, by name."""
    found = ((experiment.name, outcome_of(experiment, place)) for experiment in experiments)
    return {name: outcome for name, outcome in found if outcome is not None}


def run_all(
    experiments: Sequence[Experiment],
    place: Place,
    observe: Observe,
    known: Mapping[str, dict[str, Any]] | None = None,
) -> Iterator[Ended]:
    """Run what is not finished, and yield every experiment as it ends; one that fails does not stop the others.

    `known` are the outcomes of finished ones; they are read if it is None.
    """
    known = known_outcomes(experiments, place) if known is None else known
    yield from (Ended(one, known[one.name]) for one in experiments if one.name in known)
    left = [one for one in experiments if one.name not in known]
    if left:
        yield from (_on_cluster if place.cluster else _in_processes if place.workers > 1 else _here)(
            left, place, observe
        )


def _here(left: Sequence[Experiment], place: Place, observe: Observe) -> Iterator[Ended]:
    for experiment in left:
        yield _ended(experiment, place, observe)


def _in_processes(left: Sequence[Experiment], place: Place, observe: Observe) -> Iterator[Ended]:
    _prepare(left, place)
    context = multiprocessing.get_context("spawn")
    begin = (context.Value("i", 0), max((os.cpu_count() or 1) // place.workers, 1), devices(place))
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(min(place.workers, len(left)), context, _begin, begin) as pool:
        futures = [pool.submit(_ended, experiment, place, observe) for experiment in left]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise BasaltError(
                "A process that trained died, perhaps for want of memory: run the command again, which goes on from "
                "where it was, with fewer --workers."
            ) from error
        except BaseException:  # stopped: leaving the pool would wait until what is in training has ended
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            for future in futures:
                future.cancel()


def _on_cluster(left: Sequence[Experiment], place: Place, observe: Observe) -> Iterator[Ended]:
    """Dask trains again what a worker was at when it died; what keeps killing workers fails."""
    assert place.cluster is not None
    with connected(place.cluster) as client:
        from distributed.scheduler import KilledWorker

        there = replace(place, output=place.output.resolve(), cluster=None)
        code = code_here()
        futures = {client.submit(_there, code, one, there, observe, pure=False): one for one in left}
        for future in completed(client, place.cluster, futures):
            try:
                yield future.result()
            except KilledWorker:
                yield Ended(futures[future], None, "the workers that trained it died, perhaps for want of memory.")


def _there(code: Code, experiment: Experiment, place: Place, observe: Observe) -> Ended:
    """One experiment in a worker of Dask's, which may have joined after the others' code was looked at."""
    check_code(code)
    return _ended(experiment, place, observe)


def _ended(experiment: Experiment, place: Place, observe: Observe) -> Ended:
    try:
        with naming_limits():
            return Ended(experiment, run(experiment, place, observe))
    except BasaltError as error:
        return Ended(experiment, None, str(error))


def _prepare(experiments: Sequence[Experiment], place: Place) -> None:
    """Load every data set once, so that what is simulated lies in the cache before workers ask for it all at once."""
    from contextlib import suppress

    for experiment in experiments:
        with suppress(BasaltError):  # the worker says what is wrong
            splits = _splits(experiment.read().data, place.data_dir)
            for name in ("train", "validation", "test"):
                getattr(splits, name)
    _splits.cache_clear()


def _interrupted(recipe: Any, folder: Path) -> bool:
    """Whether the folder holds a part of this training."""
    from basalt.train import checkpoint
    from basalt.train.folder import stored_recipe

    return (folder / checkpoint.NAME).is_file() and stored_recipe(folder).plain() == recipe.plain()


@lru_cache(maxsize=2)
def _splits(config: Any, data_dir: Path | None) -> Any:
    from basalt.train import data

    return data.load(config, data_dir)


def devices(place: Place) -> tuple[str, ...]:
    """The GPUs that workers share, as CUDA_VISIBLE_DEVICES names them; none on a CPU."""
    if place.accelerator == "cpu":
        return ()
    import torch

    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(given.split(",")) if given else tuple(str(n) for n in range(torch.cuda.device_count()))


def _begin(started: Any, threads: int, devices: tuple[str, ...]) -> None:
    """Give a worker its threads and its device."""
    with started.get_lock():
        number = started.value
        started.value += 1
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    import numba
    import torch

    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
