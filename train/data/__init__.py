"""Data sets of events: binned spikes of training, validation and test samples, by name.

`load` reads nothing but what the configuration names; each data set is a file of this folder with a function
`load(config, data_dir) -> Splits`, registered in DATASETS.
"""

from importlib import import_module
from pathlib import Path

from train.data.config import STATIC, CameraConfig, DataConfig
from train.data.events import EventSet, Splits

__all__ = ["DATASETS", "CameraConfig", "DataConfig", "EventSet", "Splits", "load"]

DATASETS = {
    "digits": "train.data.digits",
    "mnist": "train.data.mnist",
    "nmnist": "train.data.nmnist",
    "smnist": "train.data.pixels",
    "psmnist": "train.data.pixels",
    "spoken": "train.data.spoken",
    "shd": "train.data.heidelberg",
    "ssc": "train.data.heidelberg",
    "gesture": "train.data.gesture",
    **dict.fromkeys(STATIC, "train.data.images"),
    "recall": "train.data.recall",
}
"""The module of each data set, imported when it is asked for."""


def load(config: DataConfig, data_dir: Path | None = None) -> Splits:
    """The three splits of the data set that `config` names.

    Args:
        config: the recipe's data table.
        data_dir: where data sets lie; default $BASALT_DATA, else the platform's cache folder.

    Raises:
        BasaltError: the data set is missing or incomplete; the message says what to put where.
    """
    from basalt.paths import data_dir as folder

    return import_module(DATASETS[config.name]).load(config, folder(data_dir))
