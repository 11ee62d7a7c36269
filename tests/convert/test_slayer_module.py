"""Live SLAYER modules: the network computes what the module does, and the module stays as it was."""

import copy

import numpy as np
import pytest
import torch

from basalt.convert.slayer_module import activity, from_slayer
from basalt.deploy.values import take
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from basalt.train.slayer import slayer
from tests.basalt.test_sigma_delta import BLOCK, NEURON, NORM, delays, pilotnet, unet

CUBA = {"threshold": 1.2, "current_decay": 1, "voltage_decay": 0.2}
SPIKES = slayer.block.cuba
BLOCKS = {
    "u-net": (unet, (2, 8, 8)),
    "pilotnet": (pilotnet, (2, 8, 8)),
    "n-dns": (delays, (128,)),
    "shifted": (lambda: [BLOCK.Dense({**NORM}, 6, 9, delay_shift=True), BLOCK.Dense(NORM, 9, 4)], (6,)),
    "spikes": (
        lambda: [
            SPIKES.Dense({**CUBA, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}, 6, 9, weight_norm=True),
            SPIKES.Dense(dict(CUBA), 9, 9, weight_scale=3, delay_shift=False),
            SPIKES.Recurrent(dict(CUBA), 9, 7, weight_scale=3),
            SPIKES.Affine(dict(CUBA), 7, 4, dynamics=False),
        ],
        (6,),
    ),
}


class Net(torch.nn.Module):
    """Blocks one after the other, or in whatever way `run` has it."""

    def __init__(self, blocks, run=None):
        super().__init__()
        self.blocks, self.run = torch.nn.ModuleList(blocks), run

    def forward(self, x):
        if self.run is not None:
            return self.run(self.blocks, x)
        for block in self.blocks:
            x = block(x)
        return x


def prepared(build, shape):
    """Blocks that know their shapes, with normalisations and delays that do something."""
    torch.manual_seed(4)
    blocks = build()
    x = torch.zeros(1, *shape, 3)
    for block in blocks:
        if getattr(block, "delay", None) is not None:
            block.delay.init, block.delay.delay.data = True, torch.arange(12.0)
        x = block.eval()(x)
        neuron = getattr(block, "neuron", None)
        if getattr(neuron, "norm", None) is not None:
            neuron.norm.running_mean = torch.linspace(-0.4, 0.3, x.shape[1])
    return blocks


@pytest.mark.parametrize("name", BLOCKS)
def test_a_module_is_its_network(name):
    build, shape = BLOCKS[name]
    module = Net(prepared(build, shape))
    before = copy.deepcopy({key: value.clone() for key, value in module.state_dict().items()})
    network = from_slayer(module, shape)
    rng = np.random.default_rng(1)
    whole = name in ("spikes", "shifted")
    values = (
        rng.integers(0, 2 if name == "spikes" else 256, (2, *shape, 25)) * 1.0
        if whole
        else rng.normal(0, 1.5, (2, *shape, 5)).repeat(5, -1)
    )
    flat = values.reshape(2, -1, 25)
    first = network.layers[0]
    taken = take(first, flat.astype(np.uint8) if whole else flat, None, network.reading is not None, "x")
    layers = (taken.first, *network.layers[1:])
    real = flat / 4096 if name == "shifted" else flat  # to synapses, integers are messages
    sent, wanted = simulate(type(network)(layers), taken.values), activity(module, network, real, shape)
    assert set(wanted) == set(sent) and not network.notices
    for layer in layers:
        assert wanted[layer.name].any() and np.array_equal(sent[layer.name], wanted[layer.name]), layer.name
    after = module.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)


def test_what_the_export_leaves_out_is_known():
    """A learned threshold to the last bit, and a bias that was set beside a normalisation."""
    block = prepared(lambda: [BLOCK.Dense(dict(NORM), 6, 9)], (6,))[0]
    block.neuron.delta.threshold.data = torch.tensor([0.0333])
    block.neuron.set_bias(torch.full((9,), 0.25))
    network = from_slayer([block], (6,))
    (layer,) = network.layers
    assert layer.threshold == int(np.ceil(np.float32(0.0333) * 2.0**18))
    values = np.random.default_rng(3).integers(0, 256, (2, 6, 20)).astype(np.uint8)
    wanted = activity([block], network, values / 4096, (6,))
    assert np.count_nonzero(wanted["layer0"]) > 40
    assert np.array_equal(simulate(network, values)["layer0"], wanted["layer0"])


def cumulative():
    return [BLOCK.Dense({**NEURON, "cum_error": True}, 6, 3)]


def skipping(blocks, x):
    first = blocks[0](x)
    return blocks[1](first) + first


REFUSED = {
    "no blocks": (torch.nn.Linear(3, 3), "Linear has no SLAYER blocks"),
    "torch's layers": ([torch.nn.Linear(3, 3)], "has no SLAYER blocks"),
    "a branch": (
        Net([BLOCK.Dense(NEURON, 6, 6), BLOCK.Dense(NEURON, 6, 6)], lambda b, x: b[1](b[0](x) + x)),
        "does not run its 2 blocks one after the other",
    ),
    "another call": (Net([BLOCK.Dense(NEURON, 6, 6)], lambda b, x: b[0](x[1])), "does not run on one tensor alone"),
    "errors": (cumulative(), r"block 0 \(Dense\) accumulates its errors"),
    "thresholds": ([BLOCK.Dense({**NEURON, "shared_param": False}, 6, 3)], "has 3 thresholds"),
    "winners": ([SPIKES.KWTA(dict(CUBA), 6, 3, num_winners=1)], "KWTA"),
    "another size": ([BLOCK.Dense(NEURON, 5, 3)], r"Block 0 \(Dense\) does not take what comes before it"),
    "another activation": (
        [BLOCK.Dense({**NEURON, "activation": torch.tanh}, 6, 3)],
        "'neuron/activation' is 'tanh', and only 'relu' is known",
    ),
    "fractions": ([BLOCK.Dense(NEURON, 6, 3, pre_hook_fx=lambda x, descale=False: x)], "holds fractions"),
    "no export": ([SPIKES.Average(3)], "block 0 .Average. cannot be exported by lava-dl"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused(name):
    module, says = REFUSED[name]
    with pytest.raises(BasaltError, match=says):
        from_slayer(module, (6,))


def test_what_is_around_the_blocks_is_said():
    module = Net([BLOCK.Input(dict(NEURON))], lambda blocks, x: torch.relu(blocks[0](x - 0.5) + 1))
    before, after = from_slayer(module, (6,)).notices
    assert "changes its input" in before and "is not in the network" in after
