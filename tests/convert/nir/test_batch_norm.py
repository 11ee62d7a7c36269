"""Batch norms in eval mode are folded into what they follow, to the last bits, or refused by name."""

import copy
import json

import numpy as np
import pytest
import torch

from basalt.convert.nir.batch_norm import fold, norms_of
from basalt.errors import BasaltError
from tests.convert.nir.test_live import imported

Norm1d, Norm2d, Linear, Conv = torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.Linear, torch.nn.Conv2d


def settled(net):
    """In eval mode and float64, after some training has moved its statistics and weights."""
    torch.manual_seed(1)
    for one in norms_of(net).values():
        if one.running_mean is not None:
            one.running_mean.normal_()
            one.running_var.uniform_(0.3, 3)
        if one.affine:
            torch.nn.init.normal_(one.weight)
            torch.nn.init.normal_(one.bias)
    return net.double().eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_folded_module_computes_the_same(bias, affine):
    net = settled(
        torch.nn.Sequential(
            Conv(2, 6, 3, bias=bias, groups=2),
            Norm2d(6, affine=affine),
            torch.nn.Flatten(),
            torch.nn.Sequential(Linear(54, 7, bias=bias), Norm1d(7, affine=affine, eps=0.1)),
        )
    )
    x = torch.randn(5, 2, 5, 5, dtype=torch.float64)
    expected = net(x)
    folded = copy.deepcopy(net)
    fold(folded, torch.zeros(1, 2, 5, 5, dtype=torch.float64), "it")
    assert not norms_of(folded)
    torch.testing.assert_close(folded(x), expected, rtol=1e-12, atol=1e-12)


class Shared(torch.nn.Module):
    """What the norm hears is heard by another module too."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.other = Linear(3, 3), Norm1d(3), torch.nn.ReLU()

    def forward(self, x):
        x = self.one(x)
        return self.norm(x) + self.other(x)


class Twice(torch.nn.Module):
    """What it hears computes twice."""

    def __init__(self):
        super().__init__()
        self.one, self.norm = Linear(3, 3), Norm1d(3)

    def forward(self, x):
        return self.norm(self.one(x)) + self.one(2 * x)


REFUSED = {
    "0 is a BatchNorm1d that does not hear": lambda: torch.nn.Sequential(Norm1d(3), Linear(3, 3)),
    "1 is a BatchNorm1d that does not hear": lambda: torch.nn.Sequential(torch.nn.ReLU(), Norm1d(3)),
    "2 is a BatchNorm1d that does not hear": lambda: torch.nn.Sequential(Linear(3, 3), torch.nn.ReLU(), Norm1d(3)),
    "norm cannot be folded into one, which other hears too": Shared,
    "norm cannot be folded into one, which computes 2 times": Twice,
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_folded_is_named(why):
    with pytest.raises(BasaltError, match=why):
        fold(settled(REFUSED[why]()), torch.zeros(1, 3, dtype=torch.float64), "it")


SCRIPT = """
import torch, snntorch as snn
torch.manual_seed(3)
def leaky(**more):
    return snn.Leaky(beta=0.8, reset_mechanism="zero", init_hidden=True, **more)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 12, bias=False), torch.nn.BatchNorm1d(12{more}), leaky(),
    torch.nn.Linear(12, 4), torch.nn.BatchNorm1d(4), leaky(output=True),
)
with torch.no_grad():
    net(torch.rand(64, 8) * 3)
    for one in net:
        if isinstance(one, torch.nn.BatchNorm1d):
            one.weight.uniform_(0.5, 2)
            one.bias.uniform_(-0.2, 0.5)
"""


def test_a_module_of_snntorch_with_norms_sends_its_own_spikes(tmp_path):
    pytest.importorskip("snntorch", reason="pip install snntorch nirtorch nir")
    imported(tmp_path, SCRIPT.format(more=""))
    content = json.loads((tmp_path / "run/import.json").read_text())
    (beside,) = content["activity"]["float"]
    assert beside["fired"] > 50 and beside["differing"] == 0
    assert np.load(tmp_path / "run/test.npz")["spikes"].any()
    with pytest.raises(BasaltError, match="1 has track_running_stats=False"):
        imported(tmp_path, SCRIPT.format(more=", track_running_stats=False"))
    summed = SCRIPT.format(more="") + SUMMED
    with pytest.raises(BasaltError, match="neurons then hear something else"):
        imported(tmp_path, summed)


SUMMED = """
class Summed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm, self.fires = net[0], net[1], net[2]
        self.two, self.last = net[3], net[5]
    def forward(self, x):
        x = self.one(x)
        return self.last(self.two(self.fires(self.norm(x) + 2 * x)))
net = Summed()
"""
