"""That shapes are checked where `BASALT_CHECK_SHAPES` asks for it."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from convert.records import Readout
from lava_procs.hgrn.reference import logistic
from lava_procs.kernels.fixed_point import round_shift
from tests import shapes
from train.data.events import Part

pytestmark = pytest.mark.skipif(not shapes.ASKED, reason="shapes are checked with BASALT_CHECK_SHAPES=1")
