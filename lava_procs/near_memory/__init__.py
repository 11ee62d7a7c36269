"""A near-memory core: pure functions from sizes and the events of a step to cycles and memory accesses.

`core.py` says what a core is, `geometry.py` which memories a layer needs in it, `schedule.py` what happens in every
cycle of a step, and `formula.py` the same in closed form, for many steps at once. No process lives here: the process
models tagged `near_memory` are beside the others of their kind, and compute the same integers as those.
"""
