"""What is measured in a trained network of the study, and kept in its outcome.json."""

from typing import Any

import numpy as np
import torch

from basalt.study.dual_memory import gradients
from basalt.study.dual_memory.study import Study
from basalt.study.runner import Finished
from basalt.train.batches import dense
from basalt.train.checkpoint import load


def observe(study: Study, finished: Finished) -> dict[str, Any]:
    """Number of classes, learned delays of the layers that have them (steps), gradients over time (validation)."""
    splits = finished.splits
    chosen = np.arange(min(gradients.SAMPLES, len(splits.validation)))
    samples = dense(splits.validation, chosen), torch.from_numpy(splits.validation.labels[chosen])
    delays = {layer.name: layer.record().delay for layer in load(finished.run).hidden}
    return {
        "classes": splits.classes,
        "delays": {name: steps.tolist() for name, steps in delays.items() if steps is not None},
        "gradients": gradients.observe(finished.run, samples),
    }
