"""Basalt from Python: networks, what they are run on, what came of it and what it costs.

`basalt.read` and its like give a `Model`; `Model.run` a `Result`, `Result.price` a `Bill`. The command line goes the
same way (`basalt/deploy/result.py`, `basalt/deploy/verified.py`).
"""
