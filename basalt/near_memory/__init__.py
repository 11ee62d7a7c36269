"""A near-memory core: pure functions from sizes and the events of a step to cycles and memory accesses.

`core.py` says what a core is and what a layer asks of it, `convolution.py` and `pathways.py` that of a convolution and
of gated and associative memories, `geometry.py` which memories it needs. `walk.py`, `conv_walk.py` and
`pathway_walk.py` say what happens in every cycle of a step, `formula.py`, `integration.py` and `pathways.py` the same
in closed form, for many steps at once; `schedule.py` has both for one step of any layer, and `counters.py` what a run
counts. No process lives here: the process models tagged `near_memory` are beside the others of their kind, and compute
the same integers as those.
"""
