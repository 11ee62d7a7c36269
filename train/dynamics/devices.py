"""Where Triton's kernels run."""

import logging
from functools import lru_cache

DEVICES = {"cuda"}
"""Types of devices that the kernels run on."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether Triton can be used; if not, a warning says so once."""
    try:
        import basalt.train.dynamics.gpu.triton_lif  # noqa: F401
    except Exception as error:  # a broken Triton raises what it likes
        logging.getLogger("basalt").warning(
            f"Triton cannot be used here ({type(error).__name__}: {error}): SLAYER's own kernels run instead, slower."
        )
        return False
    return True
