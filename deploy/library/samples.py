"""What a network is run on from Python: arrays, files, sparse events, data sets of torch and tonic."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from basalt.convert.reading import LAVA
from basalt.deploy.inputs import Inputs, check_shapes, inputs_of, load_inputs, recorded
from basalt.deploy.options import RecordingOptions
from basalt.deploy.recorded import holds_events
from basalt.deploy.trace import Trace, read_trace
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.records.network import Network

GIVEN = "the input"
"""What arrays without a file are called in errors."""


@dataclass(frozen=True)
class Binning:
    """How events with the fields x, y, t and p become steps.

    Attributes:
        bin_us: microseconds of a step; events of a pixel in one step are one spike.
        steps: of a sample; later events are left out. None: as many as the longest sample has.
        sensor: (polarities, height, width); None where the network's input has one shape that fits, as 2 × 34 × 34.
    """

    bin_us: float
    steps: int | None = None
    sensor: tuple[int, int, int] | None = None


def as_inputs(network: Network, spikes: Any, labels: Any, samples: int | None, binning: Binning | None) -> Inputs:
    """Whatever a caller has, as a network takes it.

    Raises:
        BasaltError: it does not fit the network, or is of a kind that is not known.
    """
    first, classes = network.layers[0], network.layers[-1].neurons
    as_trained = network.reading not in (None, LAVA)
    if isinstance(spikes, str | Path):
        if labels is not None:
            raise BasaltError(f"{spikes} is a file, which holds its own labels: leave `labels` out.")
        if there(Path(spikes)) and holds_events(Path(spikes)):
            return recorded(Path(spikes), Path(network.name), network, asked_of(binning), None)
        return load_inputs(Path(spikes), network.inputs, classes, first, as_trained, samples)
    if hasattr(spikes, "shape"):
        values = plain(spikes)[:samples]
    else:
        values, found = gathered(spikes, network.inputs, samples, binning)
        labels = found if labels is None else labels
    arrays = {"spikes": values}
    if labels is not None:
        arrays["labels"] = plain(labels).reshape(-1)[:samples]
    check_shapes(
        values.shape, arrays["labels"].shape if "labels" in arrays else values.shape[:1], network.inputs, GIVEN
    )
    return inputs_of(arrays, GIVEN, classes, first, as_trained)


def asked_of(binning: Binning | None) -> RecordingOptions:
    """How a recording is looked at."""
    if binning is None:
        return RecordingOptions()
    ms = binning.bin_us / 1000
    polarities, height, width = binning.sensor or (2, 0, 0)
    return RecordingOptions(
        bin_ms=ms,
        duration_ms=None if binning.steps is None else binning.steps * ms,
        sensor=f"{width},{height}" if binning.sensor else None,
        polarity="merge" if polarities == 1 else "both",
    )


def as_trace(against: str | Path | Mapping[str, Any], network: Network, inputs: Inputs) -> Trace:
    """What training sent, from an .npz file or from arrays by layer.

    Raises:
        BasaltError: it is of another network or input.
    """
    shape = len(inputs.spikes), inputs.spikes.shape[2]
    if isinstance(against, str | Path):
        return read_trace(Path(against), network, *shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.npz"
        np.savez(path, allow_pickle=False, **{name: plain(values) for name, values in against.items()})
        try:
            return read_trace(path, network, *shape)
        except BasaltError as error:
            raise BasaltError(str(error).replace(str(path), "The trace")) from None


def plain(values: Any) -> Shaped[np.ndarray, "..."]:
    """An array, or a tensor on whatever device, as numpy's; of objects there are none."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    found = np.asarray(values)
    if found.dtype.kind not in "buif":
        raise BasaltError(f"{GIVEN} is an array of {found.dtype}, and not of numbers.")
    return found


def gathered(
    source: Any, features: int, samples: int | None, binning: Binning | None
) -> tuple[Shaped[np.ndarray, "samples features steps"], list[int] | None]:
    """The samples of a sequence or data set, one after another, and their labels if it gives any.

    A sample is an array (features × steps, C × H × W × steps, or as tonic and others have them with the steps first), a
    sparse matrix (features × steps), or events with the fields x, y, t and p.
    """
    if isinstance(source, Mapping) or not hasattr(source, "__getitem__") or not hasattr(source, "__len__"):
        raise BasaltError(
            f"{GIVEN} is a {type(source).__name__}: give an array (samples × features × steps), a file, or a sequence "
            f"or data set of samples."
        )
    frames, labels = [], []
    for order, item in enumerate(items(source, samples)):
        sample, *label = item if isinstance(item, tuple | list) and len(item) == 2 else (item,)
        frames.append(frame(sample, features, binning, order))
        labels += [int(one) for one in label]
    if not frames:
        raise BasaltError(f"{GIVEN} holds no samples.")
    steps = max(one.shape[1] for one in frames)
    values = np.zeros((len(frames), features, steps), frames[0].dtype)
    for order, one in enumerate(frames):
        values[order, :, : one.shape[1]] = one
    return values, labels or None


def items(source: Sequence[Any], samples: int | None) -> Iterator[Any]:
    """The first samples of a sequence, which may be a data set that knows no slices."""
    count = len(source) if samples is None else min(samples, len(source))
    return (source[order] for order in range(count))


def frame(sample: Any, features: int, binning: Binning | None, order: int) -> Shaped[np.ndarray, "features steps"]:
    """One sample.

    Raises:
        BasaltError: it does not fit.
    """
    if hasattr(sample, "toarray"):
        sample = sample.toarray()
    if getattr(getattr(sample, "dtype", None), "names", None):
        return binned(sample, features, binning, order)
    values = plain(sample)
    whole, last = int(np.prod(values.shape[:-1])), int(np.prod(values.shape[1:]))
    if values.ndim >= 2 and whole == features:
        return values.reshape(features, -1)
    if values.ndim >= 2 and last == features:
        return values.reshape(len(values), features).T
    raise BasaltError(
        f"{GIVEN}, sample {order}, has the shape {values.shape}, of which {features} features × steps, or steps × "
        f"{features} features, cannot be made."
    )


def binned(events: Any, features: int, binning: Binning | None, order: int) -> UInt8[np.ndarray, "features steps"]:
    """Events as spikes: 1 where a pixel and polarity has an event in a step.

    feature = p · height · width + y · width + x, as tonic's frames and Basalt's data sets have it.
    """
    if binning is None:
        raise BasaltError(f"{GIVEN} is of events: say how long a step is with `bin_us`.")
    missing = [name for name in "xytp" if name not in events.dtype.names]
    if missing:
        raise BasaltError(f"{GIVEN}, sample {order}: events have no field {missing[0]!r}.")
    polarities, height, width = binning.sensor or square(features)
    x, y, p = (np.asarray(events[name]).astype(np.int64) for name in "xyp")
    step = ((events["t"] - events["t"].min(initial=0)) // binning.bin_us).astype(np.int64) if len(x) else x
    for name, values, most in (("x", x, width), ("y", y, height), ("p", p, polarities)):
        if values.size and not 0 <= values.min() <= values.max() < most:
            raise BasaltError(
                f"{GIVEN}, sample {order}: {name} is {values.min()} … {values.max()}, where the sensor of {polarities} "
                f"polarities × {height} × {width} pixels has 0 … {most - 1}; name yours with `sensor`."
            )
    steps = binning.steps or int(step.max(initial=0)) + 1
    found = np.zeros((features, steps), dtype=np.uint8)
    inside = step < steps
    found[((p * height + y) * width + x)[inside], step[inside]] = 1
    return found


def square(features: int) -> tuple[int, int, int]:
    """A square sensor of two polarities with as many features.

    Raises:
        BasaltError: there is none.
    """
    side = round((features / 2) ** 0.5)
    if 2 * side * side != features:
        raise BasaltError(
            f"A network of {features} inputs is no square sensor of two polarities: name it, as sensor=(2, 128, 128)."
        )
    return 2, side, side
