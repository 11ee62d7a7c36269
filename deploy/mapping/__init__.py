"""A network on a mesh of near-memory cores: split into pieces that fit, placed so that spikes travel little, routed.

`partition.py` splits layers, `capacity.py` says what pieces need of a core, `traffic.py` which spikes travel between
them, `mesh.py` how far, `placement.py` where the pieces go, `result.py` what comes of it, loads and hops, and
`summary.py` sums it up in figures. `counting.py` counts the hops of a run. `picture.py` draws a mapping.
`deploy/commands/map.py` is `basalt map`.
"""
