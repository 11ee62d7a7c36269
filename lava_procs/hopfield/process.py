"""The associative memory of a layer."""

from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.lava_procs.process import PathwayProcess


class Hopfield(PathwayProcess):
    """Patterns recalled by a trace of the spikes that arrive; the recurrence is in `lava_procs/hopfield/reference.py`.

    Args: the fields of the record (`basalt/records/pathways.py`); the others as of `PathwayProcess`, with its ports.
    """

    def __init__(
        self,
        *,
        variant: str,
        keys: Int[np.ndarray, "patterns inputs"],
        values: Int[np.ndarray, "patterns neurons"] | None,
        trace_decay: int,
        similarity_shift: int = 0,
        recall_shift: int = 0,
        output_shift: int = 0,
        iterations: int = 1,
        update_interval: int = 1,
        query_level: int = 0,
        gain: int = 0,
        **shared: Any,
    ) -> None:
        inputs = keys.shape[1]
        constants = {
            "keys": keys,
            "values": values,
            "trace_decay": trace_decay,
            "similarity_shift": similarity_shift,
            "recall_shift": recall_shift,
            "output_shift": output_shift,
            "iterations": iterations,
            "query_level": query_level,
            "gain": gain,
        }
        super().__init__(
            inputs=inputs,
            neurons=inputs if values is None else values.shape[1],
            states=inputs,
            variant=variant,
            update_interval=update_interval,
            constants=constants,
            **shared,
        )
