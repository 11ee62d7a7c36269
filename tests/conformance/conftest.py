"""Lava and stock netx are imported once here: sessions fork, so their children need not import them again."""

import lava.magma.core.process.process
import pandas  # noqa: F401 (networkx imports it when Lava compiles a graph)

import basalt.train.slayer  # noqa: F401 (silences SLAYER's warnings)

# isort: split
import lava.lib.dl.netx.hdf5  # noqa: F401
