"""Data sets of events: binned spikes of training, validation and test samples, by name.

`load` reads nothing but what the configuration names; each data set is a file of this folder with a function
`load(config, data_dir) -> Splits`, registered in DATASETS.
"""

from importlib import import_module
from pathlib import Path

from basalt.train.data.config import STATIC, CameraConfig, DataConfig
from basalt.train.data.events import EventSet, Splits

__all__ = ["DATASETS", "CameraConfig", "DataConfig", "EventSet", "Splits", "load"]

DATASETS = {
    "digits": "basalt.train.data.digits",
    "mnist": "basalt.train.data.mnist",
    "nmnist": "basalt.train.data.nmnist",
    "smnist": "basalt.train.data.pixels",
    "psmnist": "basalt.train.data.pixels",
    "spoken": "basalt.train.data.spoken",
    "shd": "basalt.train.data.heidelberg",
    "ssc": "basalt.train.data.heidelberg",
    "gesture": "basalt.train.data.gesture",
    **dict.fromkeys(STATIC, "basalt.train.data.images"),
    "recall": "basalt.train.data.recall",
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
