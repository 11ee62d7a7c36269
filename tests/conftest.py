"""What every test gets: bounded threads, repeatable hypothesis examples, and no process left behind."""

import os
from multiprocessing import active_children

import pytest
from hypothesis import HealthCheck, settings

import basalt  # noqa: F401  before Lava: it installs the corrections of basalt.lava_on_today
from tests import shapes

# Before a test imports numpy, torch or numba, which start their threads then.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "2")
os.environ.setdefault("MPLBACKEND", "Agg")

settings.register_profile(
    "basalt",
    deadline=None,
    derandomize=True,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("basalt")


def pytest_configure(config: pytest.Config) -> None:
    """Check shapes, where that is asked for, before any test imports what has them."""
    if shapes.ASKED:
        shapes.check()
        # beartype looks at an element of a list drawn at random
        config.addinivalue_line("filterwarnings", "ignore:Do not use the `random` module inside strategies")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the processes that tests left running: Lava's would keep the interpreter from exiting."""
    left = active_children()
    for process in left:
        process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\n{len(left)} processes were left running: {', '.join(process.name for process in left)}")
