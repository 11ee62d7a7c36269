"""Networks that come with Basalt: a name stands in place of a path, and nothing is written beside them."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from basalt.errors import BasaltError
from basalt.opening import there
from basalt.paths import RUNS

FOLDER = Path(__file__).parent / "models"
NET, SAMPLES = "model.net", "test.npz"
"""Of a model: its network, and some test samples with labels."""
SAMPLES_MOST = 20


@dataclass(frozen=True)
class Task:
    """What networks on a data set do, and under which licence samples of the data are."""

    title: str
    licence: str


MNIST = "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0"
TASKS = {
    "mnist": Task("MNIST digits seen by a simulated event camera", f"{MNIST}, made into events"),
    "smnist": Task("sequential MNIST, a pixel a step", f"{MNIST}, as bits of pixels"),
    "psmnist": Task("permuted sequential MNIST, a pixel a step", f"{MNIST}, as bits of permuted pixels"),
    "nmnist": Task("N-MNIST recordings", "N-MNIST (Orchard et al. 2015), CC BY-SA 4.0, binned"),
    "spoken": Task(
        "spoken digits", "Free Spoken Digit Dataset (Jackson et al.), CC BY-SA 4.0, made into spikes by a cochlea"
    ),
}
"""Data set → task; samples of others are not handed on."""
LIST = "`basalt list models` lists those that come with Basalt"


def names(folder: Path = FOLDER) -> list[str]:
    """All models that can be run."""
    return sorted(path.parent.name for path in folder.glob(f"*/{NET}"))


def published(file: Path) -> bool:
    """Whether a file is in the folder of a model that comes with Basalt."""
    return file.resolve().parent.parent == FOLDER.resolve()


def results(file: Path) -> Path:
    """The folder for what is made of a .net file: the one that it is in, or runs/NAME for a model."""
    return RUNS / file.resolve().parent.name if published(file) else file.parent


def found(named: Path) -> Path:
    """The .net file of the model whose name stands in place of a path.

    Raises:
        BasaltError: no model has that name.
    """
    if str(named) in names():
        return FOLDER / named / NET
    raise BasaltError(f"{named} does not exist; {meant(named)}name another file or run folder, or a model: {LIST}.")


def meant(named: Path) -> str:
    """The beginning of a sentence about the model that a wrong name is nearest to."""
    near = get_close_matches(named.name, names(), 1)
    return f"did you mean the model {near[0]}? If not, " if near else ""


def results_of(named: Path) -> Path:
    """The results of a model whose name stands in place of a path; any other path as it is."""
    return RUNS / named if not there(named) and str(named) in names() else named
