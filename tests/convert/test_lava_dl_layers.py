"""What lava-dl writes, in all its layouts, is read; what cannot be exact is refused with file, layer and key."""

import h5py
import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.errors import BasaltError
from basalt.records.network import Foreign
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder

NEURON = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80, "refDelay": 1, "gradedSpike": False}


def save(path, *layers):
    """Layers as dictionaries; `neuron` is a dictionary in them."""
    with h5py.File(path, "w") as file:
        for index, layer in enumerate(layers):
            group = file.create_group(f"layer/{index}")
            for key, value in layer.items():
                for name, item in value.items() if isinstance(value, dict) else [(None, value)]:
                    group[key if name is None else f"{key}/{name}"] = item
    return path


def kind(name):
    return np.array([name.encode()])


def conv(**changes):
    """Two channels of 6 × 6 to four of 4 × 4."""
    plain = {"type": kind("conv"), "shape": [4, 4, 4], "weight": np.full((4, 2, 3, 3), 2.0), "neuron": NEURON}
    return {**plain, **changes}


def pool(**changes):
    """A sum over 2 × 2."""
    plain = {"type": kind("pool"), "kernelSize": [2, 2], "stride": [2, 2], "padding": [0, 0], "dilation": [1, 1]}
    return {**plain, "shape": [2, 3, 3], "weight": np.full((1, 1, 2, 2), 64.0), "neuron": NEURON, **changes}


def dense(**changes):
    plain = {"type": kind("dense"), "shape": [3], "inFeatures": 72, "weight": np.zeros((3, 72)), "neuron": NEURON}
    return {**plain, **changes}


def image(shape=(2, 6, 6), **changes):
    return {"type": kind("input"), "shape": list(shape), **changes}


def layers(path, *content):
    return netx.read(save(path / "a.net", *content)).layers


def test_defaults_of_a_convolution(tmp_path):
    """Keys that say nothing new may be missing; single numbers stand for both directions."""
    (found,) = layers(tmp_path, image(), conv(stride=1))
    assert isinstance(found, Conv)
    assert (found.stride, found.padding, found.dilation, found.groups) == ((1, 1), (0, 0), (1, 1), 1)
    assert (found.input_shape, found.shape) == ((2, 6, 6), (4, 4, 4))


def test_the_only_input_that_gives_the_output(tmp_path):
    """With a stride of 1 the file tells the input's shape; with another, a named one that fits is taken."""
    (found,) = layers(tmp_path, conv(padding=[1, 0], dilation=[1, 2], shape=[4, 4, 4]))
    assert found.input_shape == (2, 4, 8)
    path = save(tmp_path / "b.net", conv(stride=2))
    assert netx.read(path, input_shape=(2, 10, 9)).layers[0].input_shape == (2, 10, 9)
    with pytest.raises(BasaltError, match="the kernel makes"):
        netx.read(path, input_shape=(2, 8, 9))
    path = save(tmp_path / "c.net", image(), conv())
    with pytest.raises(BasaltError, match=r"cannot have the shape \(2, 9, 4\): the first layer takes \(2, 6, 6\)"):
        netx.read(path, input_shape=(2, 9, 4))
    pooled = save(tmp_path / "d.net", pool())
    assert netx.read(pooled, input_shape=(2, 5, 6)).layers[0].extra == (1, 0)


def test_values_by_channel_go_to_its_neurons(tmp_path):
    bias, decay = np.array([1.0, 2, 3, 4]), np.array([10, 20, 30, 40])
    (found,) = layers(tmp_path, image(), conv(bias=bias, delay=bias, neuron={**NEURON, "iDecay": decay}))
    assert np.array_equal(found.bias.reshape(4, 16), np.repeat(bias[:, None], 16, axis=1))
    assert np.array_equal(found.delay, found.bias)
    assert np.array_equal(found.neuron.current_decay, np.repeat(decay, 16))


def test_weights_may_have_a_time_axis(tmp_path):
    (found,) = layers(tmp_path, image(), conv(weight=np.full((4, 2, 3, 3, 1), 2.0)))
    assert found.weight.shape == (4, 2, 3, 3)


def test_old_scalar_strings(tmp_path):
    (found,) = layers(tmp_path, image(type="input"), conv(type="conv"))
    assert found.kind == "conv"


def test_a_pool_is_a_convolution_of_each_channel(tmp_path):
    (found,) = layers(tmp_path, image(), pool())
    assert (found.groups, found.weight.shape, found.extra) == (2, (2, 1, 2, 2), (0, 0))
    assert why_not_stock(found) is None


def test_a_pool_adds_what_its_kernel_lacks(tmp_path):
    """As SLAYER does: a row for 5 in a pool of 2."""
    (found,) = layers(tmp_path, image((2, 5, 5)), pool())
    assert found.extra == (1, 1) and found.shape == (2, 3, 3)
    assert "beyond the padding" in why_not_stock(found)


def test_neurons_of_the_input(tmp_path):
    (found,) = layers(tmp_path, image(neuron=NEURON, weight=[36.0], bias=[34.0]))
    assert isinstance(found, Encoder)
    assert (found.weight.item(), found.offset, found.features) == (36, 34, (2, 6, 6))
    (plain,) = layers(tmp_path, image(neuron=NEURON))
    assert (plain.weight.item(), plain.offset) == (64, 0)


def test_flatten_keeps_the_order_of_features(tmp_path):
    first, second = layers(tmp_path, image(), conv(), {"type": kind("flatten")}, dense(weight=np.zeros((3, 64))))
    assert (first.neurons, second.inputs) == (64, 64)


def test_layers_that_do_not_spike_sum(tmp_path):
    """No neurons, or neurons that cannot spike and only integrate, as in PilotNet; a flat weight of one output."""
    without = dense(weight=np.ones((3, 72)))
    del without["neuron"]
    silent = dict(NEURON, iDecay=4096, vDecay=0, vThMant=131071)
    flat = dense(shape=[1, 1, 1], weight=np.arange(72.0), neuron=silent, bias=[0.0])
    for content in (without, flat):
        (found,) = layers(tmp_path, content)
        assert isinstance(found, Readout) and found.inputs == 72
    assert np.array_equal(found.weight, [np.arange(72)])


def test_average_sums_over_neighbours(tmp_path):
    _, found = layers(
        tmp_path, dense(shape=[6], weight=np.zeros((6, 72))), {"type": kind("average"), "shape": [2, 1, 1]}
    )
    assert np.array_equal(found.weight, [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])


@pytest.mark.parametrize("name", ["dense_rec", "recurrent"])
def test_recurrence_by_the_name_of_older_files(name, tmp_path):
    own = 2 * np.arange(9).reshape(3, 3)
    (found,) = layers(tmp_path, dense(type=kind(name), weight_rec=own.astype(float)))
    assert found.recurrence == "full" and np.array_equal(found.recurrent_weight, own)
    with pytest.raises(BasaltError, match="'weight_rec' is missing"):
        layers(tmp_path, dense(type=kind(name)))


def test_recurrence_with_delays(tmp_path):
    """Which stock netx cannot load."""
    (found,) = layers(tmp_path, dense(type=kind("dense_rec"), weight_rec=np.zeros((3, 3)), delay=[1.0, 2, 3]))
    assert "recurrence with delays" in why_not_stock(found)


@pytest.mark.parametrize("neuron", ["RF_PHASE", "RF_IZHIKEVICH"])
def test_foreign_layers_stay_in_their_file(neuron, tmp_path):
    weight = np.full((3, 72), 2.0)
    content = {"type": kind("dense"), "shape": [3], "weight": {"real": weight, "imag": -weight}}
    content |= {"neuron": {"type": neuron}}
    (found,) = layers(tmp_path, image((72,)), content)
    assert isinstance(found, Foreign) and (found.inputs, found.neurons, found.index) == (72, 3, 1)
    assert why_not_stock(found) is None
    netx.write(tmp_path / "copy.net", netx.read(tmp_path / "a.net"))
    assert netx.read(tmp_path / "copy.net").layers[0].shape == (3,)
    (copied,) = netx.read(tmp_path / "copy.net").layers
    assert (copied.neuron, copied.inputs) == (neuron, 72)
    with h5py.File(tmp_path / "copy.net") as file:
        group = file[f"layer/{copied.index}"]
        assert np.array_equal(group["weight/real"][()], weight)


REFUSED = {
    "no input shape": (
        (conv(stride=2),),
        r"layer 0: the shape of the network's input is not in the file; name it with --input-shape C,H,W, of which "
        r"2,9,9 to 2,10,10 give its output",
    ),
    "no input that fits": ((conv(shape=[4, 0, 4], stride=2),), r"layer 0: 'shape' is \(4, 0, 4\)"),
    "no input of a pool": ((pool(),), r"layer 0: the shape .* of which 2,5,5 to 2,6,6 give its output"),
    "no content": (({},), r"layer 0: the group is empty, which is all that lava-dl exports of .*KWTA"),
    "fractions": ((dense(weight=np.full((3, 72), 0.3)),), r"layer 0: 'weight' holds fractions, as 0.3, .*quantisation"),
    "an input that is no image": ((image((72,)), conv()), r"layer 1: 'inputShape' is \(72,\), not \(channels"),
    "another output": ((image(), conv(shape=[4, 5, 4])), r"layer 1: 'shape' is \(4, 5, 4\), but the kernel makes"),
    "groups that do not divide": ((image(), conv(groups=3)), r"'layer1' breaks the rule geometry: the number of input"),
    "no stride": ((image(), conv(stride=[0, 1])), r"layer 1: 'stride' is \(0, 1\), and must be"),
    "three strides": ((image(), conv(stride=[1, 1, 1])), r"layer 1: 'stride' holds 3 values, not one or two"),
    "a bias for two": ((image(), conv(bias=[1.0, 2])), r"layer 1: 'bias' has 2 values for 64 neurons in 4 channels"),
    "a pool across channels": ((image(), pool(stride=[1, 1], shape=[2, 5, 5])), r"layer 1: 'kernelSize', 'stride'"),
    "a pool with padding": ((image(), pool(padding=[1, 0], shape=[2, 4, 3])), r"layer 1: 'kernelSize', 'stride'"),
    "rest": ((dense(neuron={**NEURON, "refDelay": 3}),), r"layer 0: 'neuron/refDelay' is not 1"),
    "graded spikes": ((dense(neuron={**NEURON, "gradedSpike": True}),), r"layer 0: 'neuron/gradedSpike' is not 0"),
    "exponents": ((dense(neuron={**NEURON, "wgtExp": 2}),), r"layer 0: 'neuron/wgtExp' is not 0"),
    "variances": (
        (dense(neuron={**NEURON, "weight_exp": [1.0]}),),
        r"layer 0: 'neuron/weight_exp' is 1: WgtScaleBatchNorm divides currents by 2 on their way",
    ),
    "a clamped variance": (
        (dense(neuron={**NEURON, "weight_exp": [-5.0]}),),
        r"layer 0: 'neuron/weight_exp' is -5, which SLAYER clamped .*\(-3 by default\)",
    ),
    "complex weights": ((dense(neuron={**NEURON, "type": "ADRF"}),), r"layer 0: the neuron type 'ADRF' is not known"),
    "resonating pool": (
        (image(), pool(neuron={"type": "RF_IZ"})),
        r"layer 1: the neuron type 'RF_IZ' is not known",
    ),
    "transposed first": ((conv(type=kind("convT")),), r"layer 0: the shape of the network's input is not in the file"),
    "an unpooling across channels": (
        (image(), pool(type=kind("unpool"), stride=[1, 1], shape=[2, 7, 7])),
        r"layer 1: 'kernelSize', 'stride' and 'padding' make an unpooling",
    ),
    "average first": (({"type": kind("average"), "shape": [2]},), r"layer 0: the type 'average' is the first layer"),
    "average of others": ((dense(), {"type": kind("average"), "shape": [2]}), r"layer 1: 'shape' has 2 groups"),
    "no type": (({"shape": [2]},), r"layer 0: 'type' is missing"),
    "empty type": (({"type": np.zeros(0, "S4")},), r"layer 0: 'type' is not a string"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refusals_name_file_layer_and_key(name, tmp_path):
    content, says = REFUSED[name]
    with pytest.raises(BasaltError, match=says) as caught:
        layers(tmp_path, *content)
    assert "a.net" in str(caught.value)
