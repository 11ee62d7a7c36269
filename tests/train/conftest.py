"""One interpreter of Triton's kernels for all tests of a run: it takes seconds to start."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.train.dynamics.gpu.interpreted import interpreter


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[..., Any]]:
    """Calls a function of `tests.train.dynamics.gpu.interpreted` where Triton interprets its kernels."""
    pytest.importorskip("triton")
    with interpreter() as call:
        yield call
