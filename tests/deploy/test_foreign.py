"""Sigma-delta and resonate-and-fire layers on stock lava-dl: as they were trained, or refused by name."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.deploy.commands.run import run_command
from basalt.deploy.inputs import load_inputs
from basalt.deploy.job import Job, run
from basalt.deploy.options import RunOptions
from basalt.deploy.stock import heard
from basalt.errors import BasaltError
from basalt.train.slayer import slayer

SDNN = {"threshold": 0.1, "activation": torch.nn.functional.relu}
RF = {"threshold": 0.1, "period": 6, "decay": 0.1}


def exported(path: Path, *blocks: Any) -> Path:
    """lava-dl's own export."""
    with h5py.File(path, "w") as file:
        for index, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return path


def changed(path: Path, **values: Any) -> Path:
    """The file with other values of its second layer, or its only one."""
    with h5py.File(path, "a") as file:
        group = file[f"layer/{len(file['layer']) - 1 and 1}"]
        for key, value in values.items():
            place = key.replace("__", "/")
            if place in group:
                del group[place]
            group[place] = value
    return path


def sent(path: Path, spikes: np.ndarray, reading: str = "lava", **options: Any) -> dict[str, np.ndarray]:
    """What its layers send on the stock processes."""
    network = netx.read(path, reading)
    first, *others = network.layers
    return run(
        Job(replace(network, layers=(replace(first, **options), *others)), spikes, "netx", file=path), timeout=100
    ).sent


@pytest.fixture
def sigma_delta(tmp_path: Path) -> Path:
    """An input, a dense layer with delays and an output."""
    torch.manual_seed(0)
    blocks = [
        slayer.block.sigma_delta.Input(SDNN),
        slayer.block.sigma_delta.Dense(SDNN, 4, 6, weight_scale=2, delay=True),
        slayer.block.sigma_delta.Output(SDNN, 6, 3, weight_scale=2),
    ]
    x = torch.ones(1, 4, 5)
    for block in blocks:
        x = block(x)
    return exported(tmp_path / "sd.net", *blocks)


def ramp(steps: int = 90) -> np.ndarray:
    """Bytes that rise, the last of them above 127."""
    values = np.zeros((1, 4, steps), np.uint8)
    values[..., 2:] = np.minimum(np.arange(steps - 2) * 7, 255)
    return values


@pytest.mark.parametrize("bias", [None, [3, -2, 5, 0, 9, -9]])
def test_delays_of_any_length_shift_what_is_sent(sigma_delta, bias):
    """Each neuron's own, beyond stock lava-dl's 62, with a bias as without: messages later, never another sum."""
    more = {} if bias is None else {"bias": np.array(bias, np.float32)}
    plain = sent(changed(sigma_delta, delay=np.zeros(6), **more), ramp())["layer1"][0]
    delays = np.array([0, 1, 62, 63, 64, 80])
    late = sent(changed(sigma_delta, delay=delays.astype(np.float32)), ramp())["layer1"][0]
    assert all(plain[n, :9].any() for n in (0, 1)) or np.count_nonzero(plain) > 30
    for n, delay in enumerate(delays):
        assert not late[n, :delay].any() and np.array_equal(late[n, delay:], plain[n, : 90 - delay]), n


def test_slayer_delays_what_a_sigma_delta_layer_sends():
    """Which is why messages are shifted here, and not what arrives: with a bias the two differ."""
    torch.manual_seed(1)
    block = slayer.block.sigma_delta.Dense(SDNN, 4, 6, weight_scale=1, delay=True)
    block.neuron.set_bias(torch.full((1,), 0.5))
    x = torch.randint(-2, 3, (1, 4, 40)).float()
    block(x)
    delays = [0, 1, 5, 20, 30, 62]
    block.delay.delay.data = torch.zeros(6)
    plain = block(x)
    block.delay.delay.data = torch.tensor(delays).float()
    late = block(x)
    assert plain.any()
    for n, delay in enumerate(delays):
        assert torch.equal(late[0, n, delay:], plain[0, n, : max(40 - delay, 0)])


def test_bytes_above_127_are_what_they_say(sigma_delta, tmp_path):
    """Unsigned where none is below 0; the threshold of 0 sends every change."""
    with h5py.File(sigma_delta, "a") as file:
        file["layer/0/neuron/vThMant"][...] = 0
    found = sent(sigma_delta, ramp())["layer0"][0]
    assert np.array_equal(np.cumsum(found, axis=1)[:, 1:], ramp()[0, :, :-1].astype(int) << 6)
    np.savez(tmp_path / "signed.npz", spikes=np.array([[[-128, 127, -1, 0]] * 4]))
    network = netx.read(sigma_delta, "lava")
    inputs = load_inputs(tmp_path / "signed.npz", 4, first=network.layers[0])
    network = replace(network, layers=(inputs.layer, *network.layers[1:]))
    for backend in ("netx", "compiled"):
        found = run(Job(network, inputs.spikes, backend, file=sigma_delta), timeout=60).sent["layer0"][0]
        assert np.cumsum(found, axis=1)[0].tolist() == [0, -128 << 6, 127 << 6, -1 << 6]


@pytest.mark.parametrize("value", [1, 5, 200])
def test_graded_input_of_a_first_layer_with_synapses_keeps_its_value(tmp_path, value):
    """Stock netx would take it for a spike."""
    block = slayer.block.sigma_delta.Dense({**SDNN, "threshold": 0}, 2, 3, weight_scale=1)
    block(torch.ones(1, 2, 4))
    path = changed(exported(tmp_path / "sd.net", block), weight=np.array([[2, 0], [64, -64], [254, 6]], np.float32))
    spikes = np.zeros((1, 2, 4), np.uint8)
    spikes[0, 0, 0] = value
    found = sent(path, spikes)["layer0"][0]
    assert np.cumsum(found, axis=1)[:, -1].tolist() == [2 * value >> 6, value, 254 * value >> 6]


@pytest.mark.parametrize("weight", [-2, -128, -256])
def test_weights_of_one_sign_are_applied_as_they_are(tmp_path, weight):
    """Scaled to −256, stock netx would clip them to −255, and lose bits of that."""
    block = slayer.block.sigma_delta.Dense({**SDNN, "threshold": 0}, 2, 3, weight_scale=1)
    block(torch.ones(1, 2, 4))
    path = changed(exported(tmp_path / "sd.net", block), weight=np.full((3, 2), weight, np.float32))
    spikes = np.zeros((1, 2, 4), np.int8)
    spikes[0, :, 0] = -32
    found = sent(path, spikes.view(np.uint8), signed=True)["layer0"][0]
    assert np.cumsum(found, axis=1)[:, -1].tolist() == [-weight] * 3


def sigma_conv(path: Path, weight: float, channels: int) -> Path:
    """A sigma-delta input of many channels and a convolution of one pixel, whose weights are all the same."""
    parameters = {**SDNN, "threshold": 0}
    blocks = [slayer.block.sigma_delta.Input(parameters)]
    blocks.append(slayer.block.sigma_delta.Conv(parameters, channels, 2, 1))
    x = torch.ones(1, channels, 1, 1, 3)
    for block in blocks:
        x = block(x)
    kernel = np.full((2, channels, 1, 1, 1), weight, np.float32)
    return changed(exported(path, *blocks), weight=kernel)


def test_sums_of_a_convolution_keep_more_than_24_bits(tmp_path):
    """255·64·254·40, which stock lava-dl drops bits of."""
    found = sent(sigma_conv(tmp_path / "sd.net", 254, 40), np.full((1, 40, 5), 255, np.uint8))["layer1"][0]
    assert 40 * 254 * 255 * 64 > 2**24 and found.sum(axis=1).tolist() == [40 * 254 * 255] * 2


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_sums_of_more_than_32_bits_end_the_run_with_the_layers_name(tmp_path, kind):
    path = tmp_path / "sd.net"
    if kind == "conv":
        sigma_conv(path, 254, 600)
    else:
        block = slayer.block.sigma_delta.Dense({**SDNN, "threshold": 0}, 600, 3)
        first = slayer.block.sigma_delta.Input({**SDNN, "threshold": 0})
        block(first(torch.ones(1, 600, 4)))
        changed(exported(path, first, block), weight=np.full((3, 600), 254, np.float32))
    with pytest.raises(BasaltError, match="a sum of layer 'layer1' is 2487168000, more than 32 bits hold"):
        sent(path, np.full((1, 600, 4), 255, np.uint8))


@pytest.mark.parametrize("kind", ["rf", "rf_iz"])
@pytest.mark.parametrize("delay", [False, True])
def test_resonators_act_as_they_were_trained(kind, delay, tmp_path):
    """Decays to the last bit, which stock netx loses on a way through a period, and delays, which it leaves out."""
    rng = np.random.default_rng(7)
    neuron = {"threshold": 0.1, "period": float(rng.uniform(4, 80)), "decay": float(rng.uniform(0, 0.3))}
    torch.manual_seed(7)
    block = getattr(slayer.block, kind).Dense(neuron, 12, 5, weight_scale=3, delay=delay)
    spikes = (torch.rand(1, 12, 120) < 0.2).float()
    block(spikes)
    if delay:
        block.delay.delay.data = torch.tensor([0.0, 3, 17, 40, 62])
    wanted = block(spikes).detach().numpy()
    path = exported(tmp_path / "rf.net", block)
    assert wanted.any() and np.array_equal(sent(path, spikes.numpy().astype(np.uint8), "training")["layer0"], wanted)


FULL = np.full((6, 4), 100, np.float32)
BROKEN = {
    "delay of -1": ({"delay": np.array([0.0, 0, 0, 0, 0, -1])}, "delay_range: delay is -1"),
    "delays of synapses": ({"delay": np.ones((6, 4))}, "'delay' has 2 dimensions"),
    "a threshold of 18 bits": ({"neuron__vThMant": 1 << 17}, "threshold_range: threshold is 536870912"),
    "thresholds of neurons": ({"neuron__vThMant": np.arange(6)}, "'neuron/vThMant' holds 6 values, not one"),
    "weights of 9 bits": ({"weight": FULL * 3}, "weight_range: weight is 300"),
    "fractions": ({"weight": FULL + 0.5}, "'weight' holds fractions"),
    "fractions of a bias": ({"bias": np.full(6, 0.25)}, "'bias' holds fractions"),
    "a bias of 21 bits": ({"bias": np.full(6, 1 << 19)}, "bias_range: bias is 524288"),
    "another activation": ({"neuron__activation": "tanh"}, "'neuron/activation' is 'tanh'"),
    "messages of no bits": ({"neuron__messageBits": 0}, "'neuron/messageBits' is 0"),
    "an exponent": ({"neuron__wgtExp": 2}, "'neuron/wgtExp' is not 0"),
}


@pytest.mark.parametrize(("values", "says"), BROKEN.values(), ids=BROKEN)
def test_what_is_not_lava_dls_is_refused(sigma_delta, values, says):
    with pytest.raises(BasaltError) as caught:
        netx.read(changed(sigma_delta, **values))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"bias": np.ones(5)}, "bias is 1, the limit is 0, since stock lava-dl leaves out"),
        ({"neuron__sinDecay": 4097}, "decay_range: neuron/sinDecay is 4097"),
        ({"neuron__cosDecay": -3}, "decay_range: neuron/cosDecay is -3"),
        ({"weight__real": np.zeros((5, 12))}, "stock_weights: weight/real is 0 everywhere"),
    ],
)
def test_limits_of_resonators(tmp_path, values, says):
    block = slayer.block.rf.Dense(RF, 12, 5)
    block(torch.ones(1, 12, 4))
    with pytest.raises(BasaltError) as caught:
        netx.read(changed(exported(tmp_path / "rf.net", block), **values))
    assert says in str(caught.value)


def test_warnings_of_stock_lava_dl_are_not_swallowed(capsys):
    with pytest.raises(BasaltError, match="would change the network: Clamping the delays"), heard():
        warnings.warn("Clamping the delays", stacklevel=1)
    with pytest.raises(BasaltError, match="clipped to 254"), heard():
        print("[WARNING] (max weight too large: 300, clipped to 254)")
    with heard():
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        print("nothing of note")


def test_no_layer_of_such_a_network_is_on_a_near_memory_core(tmp_path, capsys):
    """Whatever the backend, stock processes run it."""
    block, values = slayer.block.rf.Dense(RF, 4, 5, weight_scale=3), tmp_path / "x.npz"
    block(torch.ones(1, 4, 4))
    np.savez(values, spikes=np.zeros((1, 4, 5), np.uint8))
    run_command(RunOptions(exported(tmp_path / "rf.net", block), values, backend="near-memory", batch=1, dry_run=True))
    assert "Would run" in capsys.readouterr().out
