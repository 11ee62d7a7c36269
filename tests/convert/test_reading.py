"""From which step the biases of lava-dl's files act: as SLAYER trains each kind of block, or as Lava has it."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.convert.reading import READINGS
from basalt.convert.stock import why_not_stock
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from basalt.train.slayer import slayer

BLOCK = slayer.block.cuba
PLAIN = {"threshold": 0.8, "current_decay": 0.4, "voltage_decay": 0.1}
NORMED = {**PLAIN, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
WHOLE = {**NORMED, "current_decay": 1.0}


def dense(parameters, inputs, outputs, **options):
    return BLOCK.Dense(dict(parameters), inputs, outputs, weight_scale=3, **options)


def recurrent(parameters, inputs, outputs, **options):
    return BLOCK.Recurrent(dict(parameters), inputs, outputs, weight_scale=3, **options)


KINDS = {
    "dense": lambda: [dense(NORMED, 20, 16), dense(NORMED, 16, 8)],
    "dense with delays": lambda: [dense(NORMED, 20, 16, delay=True), dense(NORMED, 16, 8)],
    "recurrent": lambda: [recurrent(WHOLE, 20, 16), dense(NORMED, 16, 8)],
    "recurrent with delays": lambda: [recurrent(WHOLE, 20, 16, delay=True), dense(NORMED, 16, 8)],
    "input": lambda: [BLOCK.Input(dict(PLAIN), weight=0.4, bias=0.05), dense(NORMED, 20, 8)],
    "input without neurons": lambda: [BLOCK.Input(delay_shift=False), dense(NORMED, 20, 8)],
    "convolution": lambda: [
        BLOCK.Conv(dict(NORMED), 5, 4, (1, 2), weight_scale=3),
        BLOCK.Pool(dict(PLAIN), (1, 3), weight_scale=2),
        BLOCK.Flatten(),
        dense(NORMED, 4, 6),
    ],
}


def trained(blocks, path, steps=30):
    """What lava-dl writes of blocks with random biases and delays, the input, and what SLAYER computes of each."""
    images = isinstance(blocks[0], BLOCK.Conv)
    spikes = (torch.rand(3, *((5, 1, 4) if images else (20,)), steps) < 0.3).float()
    for attempt in (0, 1):
        sent, x = {}, spikes
        with torch.no_grad():
            for index, block in enumerate(blocks):
                x = block.eval()(x)
                if not isinstance(block, BLOCK.Flatten):
                    sent[f"layer{index}"] = x.reshape(3, -1, steps).numpy()
        for block in blocks if attempt == 0 else ():
            norm = getattr(getattr(block, "neuron", None), "norm", None)
            if norm is not None:
                norm.running_mean = 0.3 * torch.randn(block.neuron.shape[0])
            if getattr(block, "delay", None) is not None:
                block.delay.delay.data = torch.floor(torch.rand(block.delay.delay.shape) * 6)
            if isinstance(block, BLOCK.Recurrent):
                block.spike_state = block.neuron.current_state = block.neuron.voltage_state = torch.zeros(1)
    with h5py.File(path, "w") as file:
        for index, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return spikes.numpy().reshape(3, -1, steps).astype(np.uint8), sent


def differing(network, spikes, sent):
    """Spikes that differ from SLAYER's, over all layers."""
    found = simulate(network, spikes)
    return sum(int((found[layer.name] != sent[layer.name]).sum()) for layer in network.layers)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_block_acts_as_it_was_trained(kind, tmp_path):
    """And not when it is read as Lava has it."""
    torch.manual_seed(3)
    spikes, sent = trained(KINDS[kind](), tmp_path / "a.net")
    assert all(0 < values.mean() < 1 for values in sent.values())
    network = netx.read(tmp_path / "a.net")
    assert differing(network, spikes, sent) == 0
    assert differing(netx.read(tmp_path / "a.net", bias_start="lava"), spikes, sent) > 0
    netx.write(tmp_path / "ours.net", network)
    ours = netx.read(tmp_path / "ours.net", bias_start="lava")
    assert ours.reading is None and not ours.notices
    assert differing(ours, spikes, sent) == 0


def test_blocks_without_a_shift(tmp_path):
    """Trained with delay_shift=False a layer is a step later here than the one before it, and so is its bias."""
    torch.manual_seed(4)
    blocks = [dense(NORMED, 20, 16, delay_shift=False), dense(NORMED, 16, 8, delay_shift=False)]
    spikes, sent = trained(blocks, tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net", bias_start="unshifted")
    found = simulate(network, spikes)
    for order, (name, values) in enumerate(sent.items(), 1):
        assert values.any() and np.array_equal(found[name][:, :, order:], values[:, :, :-order])
    assert "act from steps 1, 2" in network.notices[0]


def test_notices_say_how_the_file_was_read(tmp_path):
    torch.manual_seed(5)
    trained(KINDS["dense"](), tmp_path / "a.net")
    assert netx.read(tmp_path / "a.net").notices == (
        "The biases of layer0, layer1 act from step 1, as in SLAYER's training: the file does not say; "
        "--bias-start lava is Lava's, step 0.",
    )
    assert "step 0, as in stock Lava's" in netx.read(tmp_path / "a.net", bias_start="lava").notices[0]
    with pytest.raises(BasaltError, match="'slayer' is not known; choose from training, unshifted, lava"):
        netx.read(tmp_path / "a.net", bias_start="slayer")


def test_what_the_file_says_holds(tmp_path):
    torch.manual_seed(6)
    trained(KINDS["dense"](), tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "a") as file:
        file["layer/0/neuron/start"] = 7
    network = netx.read(tmp_path / "a.net")
    assert [layer.start for layer in network.spiking] == [7, 1]
    assert network.notices[0].startswith("The biases of layer1 act from step 1")


def test_without_biases_there_is_nothing_to_say(tmp_path):
    trained([dense(PLAIN, 20, 8)], tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net")
    assert not network.notices and network.reading == "training"


def test_a_bias_in_a_current_that_outlives_the_step_is_refused(tmp_path):
    """SLAYER's recurrent block keeps its normalised current from step to step."""
    trained([recurrent(NORMED, 20, 16)], tmp_path / "a.net")
    with pytest.raises(BasaltError, match="'layer0' adds its bias, a normalisation, to a current that outlives"):
        netx.read(tmp_path / "a.net")
    assert netx.read(tmp_path / "a.net", bias_start="lava").layers[0].start == 0


def test_stock_processes_are_refused_what_they_would_do_otherwise(tmp_path):
    trained([dense(NORMED, 20, 8)], tmp_path / "a.net")
    (layer,) = netx.read(tmp_path / "a.net").layers
    assert isinstance(layer, Spiking) and "acts from step 1, as in training" in why_not_stock(layer)
    assert why_not_stock(replace(layer, start=READINGS["lava"](0))) is None
