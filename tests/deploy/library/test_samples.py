"""Arrays, tensors, sparse matrices, events and data sets become the same samples."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import basalt
from basalt.deploy.library.samples import Binning, as_inputs
from basalt.errors import BasaltError
from basalt.recordings.view import View, look
from basalt.recordings.view import spikes as spikes_of
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.synapses import Spiking
from tests.basalt.recordings.writers import WRITERS, drawn, to_aedat4

SENSOR = (2, 3, 4)
FEATURES = 24


@pytest.fixture
def net():
    weight = 2 * np.random.default_rng(0).integers(-60, 60, (5, FEATURES))
    return basalt.Model(Network((Spiking("out", weight, Neuron(100, np.zeros(1, np.int64), np.full(1, 2048))),)))


@pytest.fixture
def spikes():
    return (np.random.default_rng(1).random((6, FEATURES, 7)) < 0.3).astype(np.uint8)


@pytest.mark.parametrize("name", ["bin", "npz", "aedat4"])
def test_a_recording_is_a_sample(net, name, tmp_path):
    given = drawn(60, width=4, height=3, end=40_000)
    path = tmp_path / f"a{WRITERS[name][0]}"
    to_aedat4(path, given, size=(4, 3)) if name == "aedat4" else WRITERS[name][1](path, given)
    found = as_inputs(net.network, path, None, None, Binning(10_000.0, 3, SENSOR))
    assert found.labels is None
    assert (found.spikes[0] == spikes_of(look(given, View((4, 3)), path), 3, 10_000.0, path)).all()
    with pytest.raises(BasaltError, match="does not say how long a step lasts"):
        as_inputs(net.network, str(path), None, None, None)


class Pairs:
    """A data set of (sample, label) pairs that knows no slices, as torch's."""

    def __init__(self, samples, labels=None):
        self.samples, self.labels = samples, labels

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index] if self.labels is None else (self.samples[index], self.labels[index])


def events_of(frames, bin_us=1000):
    """Events as tonic has them, two of each spike, in the order of time."""
    feature, step = np.nonzero(frames)
    p, y, x = np.unravel_index(feature, SENSOR)
    twice = np.concatenate([step * bin_us, step * bin_us + bin_us - 1])
    fields = np.zeros(2 * len(step), dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "i1")])
    for name, values in (("x", x), ("y", y), ("p", p)):
        fields[name] = np.tile(values, 2)
    fields["t"] = twice
    return np.sort(fields, order="t")


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s,
        lambda s: s.astype(bool),
        lambda s: s.astype(np.float32),
        lambda s: s.reshape(6, *SENSOR, 7),
        lambda s: __import__("torch").from_numpy(s),
        lambda s: list(s),
        lambda s: [csr_array(one) for one in s],
        lambda s: Pairs(s.reshape(6, *SENSOR, 7)),
        lambda s: Pairs(s.transpose(0, 2, 1).reshape(6, 7, *SENSOR)),
    ],
    ids=["bytes", "truths", "floats", "images", "tensor", "list", "sparse", "data set", "steps first"],
)
def test_forms_are_one(net, spikes, form):
    assert np.array_equal(as_inputs(net.network, form(spikes), None, None, None).spikes, spikes)
    assert np.array_equal(as_inputs(net.network, form(spikes), None, 2, None).spikes, spikes[:2])


def test_events_are_binned(net, spikes):
    spikes[:, 0, 0] = 1  # the first event is in the first step
    spikes[:, 0, -1] = 1
    given = Pairs([events_of(one) for one in spikes], [0, 1, 2, 3, 4, 0])
    found = as_inputs(net.network, given, None, None, Binning(1000, sensor=SENSOR))
    assert np.array_equal(found.spikes, spikes)
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 0]
    shorter = as_inputs(net.network, given, None, None, Binning(1000, 4, SENSOR))
    assert np.array_equal(shorter.spikes, spikes[:, :, :4])
    assert net.run(given, bin_us=1000, sensor=SENSOR, runtime="direct").accuracy is not None


def test_tonics_own_frames(net, spikes):
    """tonic bins the same events to the same frames."""
    from tonic.transforms import ToFrame

    spikes[:, 0, 0] = 1
    events = events_of(spikes[0])
    frames = ToFrame(sensor_size=SENSOR[::-1], time_window=1000)(events)
    ours = as_inputs(net.network, [events], None, None, Binning(1000, sensor=SENSOR)).spikes[0]
    theirs = frames.reshape(len(frames), -1).T != 0
    steps = min(theirs.shape[1], ours.shape[1])
    assert steps >= 6 and np.array_equal(ours[:, :steps], theirs[:, :steps])


@pytest.mark.parametrize(
    ("given", "binning", "said"),
    [
        (np.zeros((2, 9, 7), np.uint8), None, "has 9 features"),
        ([np.zeros((9, 7))], None, "sample 0, has the shape"),
        ([], None, "holds no samples"),
        (7, None, "is a int"),
        (np.array([[["a"]]]), None, "not of numbers"),
        (np.full((1, FEATURES, 2), 300), None, "from 0 to 255"),
        (np.full((1, FEATURES, 2), 0.5), None, "from 0 to 255"),
        ([np.zeros(3, dtype=[("x", "i2"), ("t", "i8")])], Binning(1.0, sensor=SENSOR), "no field 'y'"),
        ([np.zeros(3, dtype=[(n, "i8") for n in "xytp"])], None, "bin_us"),
        ([np.ones(3, dtype=[(n, "i8") for n in "xytp"])], Binning(1.0), "no square sensor"),
        ([np.full(1, 3, dtype=[(n, "i8") for n in "xytp"])], Binning(1.0, sensor=SENSOR), "y is 3 … 3"),
    ],
)
def test_what_does_not_fit_is_named(net, given, binning, said):
    with pytest.raises(basalt.BasaltError, match=said):
        as_inputs(net.network, given, None, None, binning)


def test_a_file_has_its_own_labels(net, tmp_path):
    with pytest.raises(basalt.BasaltError, match="its own labels"):
        net.run(tmp_path / "x.npz", labels=[1])
