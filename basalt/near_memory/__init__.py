"""A near-memory core: pure functions from sizes and the events of a step to cycles and memory accesses.

`core.py` says what a core is, `sizes.py` what a layer asks of it, `convolution.py` that of a convolution, `geometry.py`
which memories it needs. `walk.py` and `conv_walk.py` say what happens in every cycle of a step, `formula.py` and
`integration.py` the same in closed form, for many steps at once; a module by the name of each memory pathway has all
of this for that one, and `mechanisms.py` a row for each of them. `schedule.py` has both for one step of any layer, and
`counters.py` what a run counts. No process lives here: the process models tagged `near_memory` are beside the others of
their kind, and compute the same integers as those.
"""
