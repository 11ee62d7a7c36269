"""Lava is imported once here: sessions fork, so their children need not import it again."""

import lava.magma.core.process.process  # noqa: F401
import pandas  # noqa: F401 (networkx imports it when Lava compiles a graph)

import lava_procs.io.models
import lava_procs.readout.models
import lava_procs.slow_memory.models  # noqa: F401
