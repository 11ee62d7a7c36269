"""Data sets of events: binned spikes of training, validation and test samples, by name.

`load` reads nothing but what the configuration names; each data set is a file of this folder with a function
`load(config, data_dir) -> Splits`, with a row in `sets.py`.
"""

from importlib import import_module
from pathlib import Path

from basalt.train.data.config import CameraConfig, DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.sets import SETS

__all__ = ["SETS", "CameraConfig", "DataConfig", "EventSet", "Splits", "load"]


def load(config: DataConfig, data_dir: Path | None = None) -> Splits:
    """The three splits of the data set that `config` names.

    Args:
        config: the recipe's data table.
        data_dir: where data sets lie; default $BASALT_DATA, else the platform's cache folder.

    Raises:
        BasaltError: the data set is missing or incomplete; the message says what to put where.
    """
    from basalt.paths import data_dir as folder

    return import_module(f"basalt.train.data.{SETS[config.name].module}").load(config, folder(data_dir))
