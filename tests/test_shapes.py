"""That shapes are checked where `BASALT_CHECK_SHAPES` asks for it, as `.ci/run` does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from basalt.records.arithmetic import dense_sum
from basalt.records.memory import PathwayStep
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.events import integer_sums
from tests import shapes

asked = pytest.mark.skipif(not shapes.ASKED, reason="shapes are checked with BASALT_CHECK_SHAPES=1")

WRONG = {
    "a function of arrays": lambda: dense_sum(np.zeros((2, 3)), np.zeros((5, 4))),
    "a number of axes": lambda: dense_sum(np.zeros(3), np.zeros((5, 3))),
    "a dataclass": lambda: Constants(np.zeros(4, dtype=np.int64), np.zeros(3, dtype=np.int64), 1.0, 1.0, 1.0),
    "a type of entries": lambda: Constants(np.zeros(4), np.zeros(4), 1.0, 1.0, 1.0),
    "a named tuple": lambda: PathwayStep(np.zeros((2, 4)), np.zeros((2, 4)), np.zeros(3, dtype=np.int64)),
    "tensors": lambda: integer_sums(torch.zeros((2, 3, 5), dtype=torch.uint8), np.zeros((4, 6), dtype=np.int64)),
}


@asked
@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_shape_raises(call):
    with pytest.raises(TypeCheckError):
        call()


def test_what_is_wrong_can_be_made():
    with shapes.unchecked():
        assert len(Constants(np.zeros(4), np.zeros(3), 1.0, 1.0, 1.0).current_decay) == 4


def test_all_that_must_pass_passes_with_shapes_checked():
    assert "export BASALT_CHECK_SHAPES=1" in (Path(__file__).parents[1] / ".ci/run").read_text().splitlines()
