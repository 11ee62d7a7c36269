"""The hierarchically gated recurrent memory of a layer."""

from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.lava_procs.process import PathwayProcess


class Hgrn(PathwayProcess):
    """A unit h a neuron, gated by the spikes that arrive; the recurrence is in `lava_procs/hgrn/reference.py`.

    Args: the fields of the record (`basalt/records/pathways.py`); the others as of `PathwayProcess`, with its ports.
    """

    def __init__(
        self,
        *,
        variant: str,
        forget_weight: Int[np.ndarray, "neurons inputs"],
        candidate_weight: Int[np.ndarray, "neurons inputs"],
        gate_weight: Int[np.ndarray, "neurons inputs"],
        forget_bias: Int[np.ndarray, "neurons"],
        candidate_bias: Int[np.ndarray, "neurons"],
        gate_bias: Int[np.ndarray, "neurons"],
        low: Int[np.ndarray, "neurons"],
        gain: Int[np.ndarray, "neurons"],
        output_shift: int,
        index_shift: int = 2,
        forget_recurrent: Int[np.ndarray, "neurons neurons"] | None = None,
        update_recurrent: Int[np.ndarray, "neurons neurons"] | None = None,
        **shared: Any,
    ) -> None:
        neurons, inputs = forget_weight.shape
        constants = {
            "variant": variant,
            "forget_weight": forget_weight,
            "candidate_weight": candidate_weight,
            "gate_weight": gate_weight,
            "forget_bias": forget_bias,
            "candidate_bias": candidate_bias,
            "gate_bias": gate_bias,
            "low": low,
            "gain": gain,
            "output_shift": output_shift,
            "index_shift": index_shift,
            "forget_recurrent": forget_recurrent,
            "update_recurrent": update_recurrent,
        }
        super().__init__(inputs=inputs, neurons=neurons, states=neurons, constants=constants, **shared)
