"""A network on a mesh of near-memory cores: split into pieces that fit, placed so that spikes travel little, routed.

`partition.py` splits layers, `traffic.py` says which spikes travel between the pieces, `mesh.py` how far,
`placement.py` where the pieces go, `result.py` what comes of it, loads and hops, and `summary.py` tells it in figures.
`counting.py` counts the hops of a run. `picture.py` draws a mapping, `command.py` is `basalt map`.
"""
