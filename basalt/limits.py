"""Limits of this process that nothing of ours could run under, found before they do harm.

Numerical libraries do not fail where memory is short: OpenBLAS asks for its buffers again and again, for ever, while it
is loaded. So a process that may have too little is refused, and one that may have little starts no threads for BLAS.
"""

import os
import resource

from basalt.errors import BasaltError

NEEDED = {
    resource.RLIMIT_AS: ("address space", "-v", 512 << 20),
    resource.RLIMIT_DATA: ("data", "-d", 160 << 20),
}
"""By limit: what it is of, the option of `ulimit` for it, and the bytes that a small run needs."""


def check_limits() -> None:
    """Refuse limits on memory that are too low to load numerical libraries; call it before they are loaded.

    Raises:
        BasaltError: there is one.
    """
    for which, (what, option, needed) in NEEDED.items():
        limit, _ = resource.getrlimit(which)
        if limit == resource.RLIM_INFINITY:
            continue
        if limit < needed:
            raise BasaltError(
                f"The {what} of this process is limited to {limit >> 10} kB, too little to load numerical libraries: "
                f"raise the limit to {needed >> 10} kB at least (`ulimit {option}`)."
            )
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each takes 32 MiB for itself
