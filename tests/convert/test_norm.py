"""WgtScaleBatchNorm is folded exactly, or refused: every fold sends SLAYER's spikes."""

import h5py
import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from basalt.train.slayer import slayer
from tests.deploy.test_inputs import BLOCK, exported

WHOLE, NEVER = 1.0, 0.0
DECAYS = [(WHOLE, 0.1), (NEVER, 0.3), (WHOLE, WHOLE), (WHOLE, NEVER), (0.3, WHOLE), (0.3, NEVER), (0.3, 0.1)]
"""Of currents and membranes."""


def make(exponent, decays, path, threshold=2.0, block="dense", scale=0.4):
    """The file of a block whose norm has this exponent, its input, and SLAYER's spikes."""
    torch.manual_seed(11)
    current, voltage = decays
    norm = {"norm": slayer.neuron.norm.WgtScaleBatchNorm}
    neuron = {"threshold": threshold, "current_decay": current, "voltage_decay": voltage, **norm}
    shape = (14,) if block == "dense" else (2, 5, 6)
    made = (
        BLOCK.Dense(neuron, 14, 12, weight_scale=scale)
        if block == "dense"
        else BLOCK.Conv(neuron, 2, 4, 3, weight_scale=scale)
    )
    spikes = (torch.rand(3, *shape, 25) < 0.3).numpy()
    exported([made], spikes, path)
    made.neuron.norm.running_mean = 0.1 * torch.randn(12 if block == "dense" else 4)
    made.neuron.norm.running_var = torch.tensor([0.9 * 4.0**exponent])
    return spikes.reshape(3, -1, 25).astype(np.uint8), exported([made], spikes, path)["layer0"]


@pytest.mark.parametrize("decays", DECAYS)
@pytest.mark.parametrize("exponent", [-3, -2, -1, 0, 1, 2, 3])
def test_a_fold_is_exact_or_refused(exponent, decays, tmp_path):
    threshold = 0.5 if exponent < 0 else 0.03 if exponent else 0.2
    spikes, wanted = make(exponent, decays, tmp_path / "a.net", threshold)
    with h5py.File(tmp_path / "a.net") as file:
        assert int(file["layer/0/neuron/weight_exp"][()].item()) == exponent
    exact = [decay in (WHOLE, NEVER) for decay in decays]
    foldable = any(exact) if exponent < 0 else exact[0] if exponent == 1 else all(exact)  # weights are even
    if exponent and not foldable:
        with pytest.raises(BasaltError, match=f"'neuron/weight_exp' is {exponent}: WgtScaleBatchNorm"):
            netx.read(tmp_path / "a.net")
        return
    found = simulate(netx.read(tmp_path / "a.net"), spikes)["layer0"]
    assert 0.01 < wanted.mean() < 0.99
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("exponent", [-2, 2])
def test_of_a_convolution(exponent, tmp_path):
    spikes, wanted = make(exponent, (WHOLE, NEVER), tmp_path / "a.net", 0.4, "conv")
    network = netx.read(tmp_path / "a.net", input_shape=(2, 5, 6))
    assert wanted.any() and np.array_equal(simulate(network, spikes)["layer0"], wanted)


def test_weights_that_leave_their_range_go_into_the_threshold_or_nowhere(tmp_path):
    spikes, wanted = make(-3, (WHOLE, NEVER), tmp_path / "a.net", 20.0, scale=4)
    (layer,) = netx.read(tmp_path / "a.net").layers
    assert layer.neuron.threshold == 20 * 64 // 8
    assert wanted.any() and np.array_equal(simulate(netx.read(tmp_path / "a.net"), spikes)["layer0"], wanted)
    make(-3, (WHOLE, 0.1), tmp_path / "b.net", 20.0, scale=4)
    with pytest.raises(BasaltError, match=r"multiplies currents by 8 .* cannot be deployed as it was trained"):
        netx.read(tmp_path / "b.net")
