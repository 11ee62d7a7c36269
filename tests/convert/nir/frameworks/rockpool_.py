"""Rockpool 3.1.0: LIFTorch (written as CubaLIF) and LIFNeuronTorch."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.nir.frameworks.case import DT, SIZES, Case, at_once, doubled, each, loaded, weighted

STEP = 1e-3


def in_double(function: Callable[..., Any], *values: Any) -> Any:
    """What a function returns, in double precision."""
    return function(*values).double()


def draw(kind: str, most: int | None, path: Path, spikes: np.ndarray) -> np.ndarray:
    """Two layers, whose neurons send at most `most` spikes in a step."""
    import nir
    import torch

    rng = np.random.default_rng([len(kind), most or 0])
    modules, parts = loaded("rockpool.nn.modules"), []
    for before, size in pairwise(SIZES):
        parts.append(weighted(modules.LinearTorch((before, size), has_bias=kind != "LIFTorch"), 0.6, rng))
        shared = {"tau_mem": each(0.004, 0.03, size, rng), "threshold": each(0.6, 1.4, size, rng), "dt": STEP}
        if kind == "LIFTorch":
            shared["tau_syn"] = each(0.002, 0.01, size, rng)[:, None]
        if most is not None:
            shared["max_spikes_per_dt"] = torch.tensor(most)
        parts.append(getattr(modules, kind)(size, **shared))
    net = loaded("rockpool.nn.combinators").Sequential(*parts)
    nir.write(path, loaded("rockpool.nn.modules.torch.nir").to_nir(net))
    for part in parts:
        part.reset_state()
    copies = [doubled(part) for part in parts]
    for copy in copies[1::2]:
        copy.spike_generation_fn = partial(in_double, copy.spike_generation_fn)
    return at_once(copies, spikes)


def case(kind: str, most: int | None) -> Case:
    """One of them; the step is known by what is written."""
    reset = "several" if most is None else "soft"
    named = "several spikes a step" if most is None else "max_spikes_per_dt=1"
    options = {"writer": "rockpool", "dt": DT, "reset": reset}
    needs = ("rockpool", "nirtorch", "nir")
    return Case("Rockpool", kind, named, needs, partial(draw, kind, most), options, refused=most is None)


CASES = tuple(case(kind, most) for kind in ("LIFTorch", "LIFNeuronTorch") for most in (1, None))
