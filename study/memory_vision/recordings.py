"""How well a network does on real recordings of images that its training never saw."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from basalt.paths import data_dir as folder
from basalt.train.checkpoint import load
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet
from basalt.train.scores import integer_score


def on_recordings(run: Path, config: DataConfig, data_dir: Path | None, device: torch.device) -> dict[str, Any] | None:
    """Accuracy in integers on the recordings in the data folder; None where there are none, or no reader for them.

    The Test folder of a part of N-MNIST may hold recordings of training images, as the one we measured with does: its
    files are numbered 401 to 500 of the training set. So images up to `data.exclude_first` are left out of training,
    and recordings of a Train folder's later images are left out here.
    """
    events = found(config, data_dir)
    if events is None or not len(events):
        return None
    score = integer_score(load(run).to(device), events, device)
    return {"accuracy": score.accuracy, "interval": score.interval, "samples": score.samples}


def found(config: DataConfig, data_dir: Path | None) -> EventSet | None:
    """The recordings that show nothing a training with this configuration saw."""
    at = folder(data_dir)
    if not all(any((at / "NMNIST" / part).glob("[0-9]/*.bin")) for part in ("Train", "Test")):
        return None
    try:
        from basalt.train.data.nmnist import recordings

        both = recordings(config.model_copy(update={"name": "nmnist", "exclude_first": 0, "limit": None}), at)
    except ImportError:  # no tonic on this machine
        return None
    unseen = (both.parts == "Test") | (both.events.index < config.exclude_first)
    return both.events.subset(np.flatnonzero(unseen))
