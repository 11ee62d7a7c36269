"""Norse 1.1.0: LIFCell (written as CubaLIF), LIFBoxCell and IAFCell."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.nir.frameworks.case import DT, SIZES, Case, doubled, each, loaded, stepped, weighted


def cell(kind: str, reset: str, size: int, rng: np.random.Generator) -> Any:
    """A layer; with the membrane's bottom and the reset at 0, as the file has no place for them."""
    import torch

    norse = loaded("norse.torch")
    zero, level = torch.zeros(size), each(0.1, 0.3, size, rng)
    if kind == "IAFCell":
        return norse.IAFCell(loaded("norse.torch.functional.iaf").IAFParameters(v_th=level, v_reset=zero))
    times = {"tau_mem_inv": each(60, 200, size, rng), "v_leak": zero, "v_th": level, "v_reset": zero}
    if kind == "LIFCell":
        return norse.LIFCell(norse.LIFParameters(tau_syn_inv=each(100, 400, size, rng), **times))
    resets = loaded("norse.torch.functional.reset")
    method = {"hard": resets.reset_value, "soft": resets.reset_subtract}[reset]
    box = loaded("norse.torch.functional.lif_box").LIFBoxParameters(**times, reset_method=method)
    return norse.LIFBoxCell(box)


class Kept:
    """A cell with its state."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.state = inner, None

    def __call__(self, heard: Any) -> Any:
        sent, self.state = self.inner(heard, self.state)
        return sent


def draw(kind: str, reset: str, path: Path, spikes: np.ndarray) -> np.ndarray:
    """Two layers."""
    import nir
    import torch

    rng = np.random.default_rng([len(kind), len(reset)])
    layers = []
    for before, size in pairwise(SIZES):
        gain = {"LIFCell": 0.4, "IAFCell": 0.2}.get(kind, 1.0)
        layers += [weighted(torch.nn.Linear(before, size), gain, rng), cell(kind, reset, size, rng)]
    net = loaded("norse.torch").SequentialState(*layers)
    nir.write(path, loaded("norse.torch.utils.export_nir").to_nir(net, torch.zeros(1, SIZES[0])))
    layers = [doubled(layer) for layer in layers]
    return stepped([layer if isinstance(layer, torch.nn.Linear) else Kept(layer) for layer in layers], spikes)


def case(kind: str, reset: str) -> Case:
    """One of them."""
    options = {"writer": "norse", "dt": DT, "reset": reset}
    return Case("Norse", kind, reset, ("norse", "nirtorch", "nir"), partial(draw, kind, reset), options)


CASES = (case("LIFCell", "hard"), case("LIFBoxCell", "hard"), case("LIFBoxCell", "soft"), case("IAFCell", "hard"))
