"""That shapes are checked where `BASALT_CHECK_SHAPES` asks for it."""

import pytest

from tests import shapes

pytestmark = pytest.mark.skipif(not shapes.ASKED, reason="shapes are checked with BASALT_CHECK_SHAPES=1")
