"""What stock netx makes of weights and layers, as `convert/stock.py` tells it, against its own functions."""

from dataclasses import replace

import numpy as np
import pytest

from basalt.convert.stock import kept, stock_weights, why_not_stock
from basalt.deploy.job import Job, run
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Encoder, Spiking
from basalt.train.slayer import slayer  # noqa: F401 (silences its warnings)

NEURON = Neuron(64, axis(1024), axis(200))


def stocks(*parts: np.ndarray) -> list[np.ndarray] | None:
    """The weights that stock netx gives to dense synapses, by the functions that they call."""
    from lava.lib.dl.netx.utils import optimize_weight_bits
    from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

    try:
        with np.errstate(all="ignore"):
            scaled, bits, exponent, _ = optimize_weight_bits(np.hstack(parts))
    except (OverflowError, ValueError):
        return None
    found = []
    for part in np.split(scaled, np.cumsum([part.shape[1] for part in parts])[:-1], axis=1):
        sign = determine_sign_mode(part)
        applied = truncate_weights(clip_weights(part, sign, num_bits=8), sign, bits)
        found.append(applied << exponent if exponent > 0 else applied >> -exponent)
    return found


@pytest.mark.parametrize("seed", range(300))
def test_weights_are_those_of_stock_netx(seed):
    """Of one sign or both, at the ends or near 0, with one matrix or two."""
    rng = np.random.default_rng(seed)
    low, high = sorted(rng.choice([-256, -254, -128, -100, -2, 0, 2, 64, 100, 126, 254], 2, replace=False))
    step, shapes = 1 + int(rng.integers(2)), [(3, 4)] * (1 + seed % 2)
    parts = [step * rng.integers(low // step, high // step + 1, size) * rng.integers(1, 3) for size in shapes]
    parts = [np.clip(part, -256, 254) for part in parts]
    if seed % 5 == 0:
        parts[-1] = -np.abs(parts[-1])
    found, wanted = stock_weights(*parts), stocks(*parts)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert all(np.array_equal(mine, given) for mine, given in zip(found, wanted, strict=True))


NEGATIVE = -2 * np.arange(12).reshape(3, 4)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (Spiking("a", NEGATIVE - 234, NEURON), "rounds such weights"),
        (Spiking("a", np.full((3, 4), -128), NEURON), "rounds such weights"),
        (Spiking("a", NEGATIVE * 0, NEURON), "cannot scale weights that are all 0"),
        (Spiking("a", np.full((3, 4), 2), NEURON, recurrent_weight=np.full((3, 3), -256)), "rounds such weights"),
        (Spiking("a", np.full((1, 1300), 254), NEURON), "wrap their current once"),
        (Spiking("a", np.full((1, 700), -256), NEURON), "rounds such weights"),
        (
            Encoder("a", np.array([[2]]), replace(NEURON, current_decay=np.arange(8)), features=(2, 2, 2)),
            "in a channel",
        ),
        (Encoder("a", np.array([[2]]), replace(NEURON, voltage_decay=np.arange(8)), features=(2, 4)), "in a channel"),
        (Conv(name="a", weight=np.ones((2, 1, 1, 1)), neuron=NEURON, input_shape=(1, 300, 1), padding=(128, 0)), "127"),
    ],
)
def test_layers_that_stock_netx_would_change(layer, says):
    assert says in why_not_stock(layer)


@pytest.mark.parametrize(
    "layer",
    [
        Spiking("a", NEGATIVE, NEURON, bias=np.full(3, 75)),
        Spiking("a", NEGATIVE - 230, NEURON, bias=np.full(3, 900)),
        Spiking("a", -NEGATIVE + 4, NEURON, recurrent_weight=-np.arange(9).reshape(3, 3) * 2),
        Spiking("a", np.full((2, 1000), 254), Neuron(131071, axis(0), axis(0))),
        Encoder(
            name="a", weight=np.array([[90]]), offset=-6, features=(2, 2, 2),
            neuron=replace(NEURON, current_decay=np.repeat([0, 4096], 4), voltage_decay=np.repeat([50, 0], 4)),
        ),
    ],
    ids=["negative or zero", "negative", "recurrent of the other sign", "large", "decays by channel"],
)  # fmt: skip
def test_what_is_not_refused_is_equal(layer):
    """A bias brings what is inhibited to spike."""
    assert why_not_stock(layer) is None
    rng = np.random.default_rng(0)
    spikes = (rng.random((1, layer.inputs, 25)) < 0.4).astype(np.uint8)
    spikes *= 1 if layer.kind == "spiking" else rng.integers(1, 256, spikes.shape, np.uint8)
    network = Network((layer,))
    wanted = simulate(network, spikes)["a"]
    assert wanted.any() and not wanted.all()
    assert np.array_equal(run(Job(network, spikes, "netx"), timeout=60).sent["a"], wanted)


def test_recurrent_parts_share_an_exponent():
    """A part that would be clipped alone need not be beside another, and the other way round."""
    assert kept(np.array([[-254, 2]])) and not kept(np.array([[-128, -2]]))
    assert kept(np.array([[-128, 254]])) and not kept(np.array([[254, 2]]), np.array([[-256, -2]]))
