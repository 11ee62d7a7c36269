"""The arrays that a report shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8


@dataclass(frozen=True, eq=False)
class SampleTrace:
    """What one sample did on its way through the network.

    Attributes:
        index: position of the sample in the input file; also into `ReportArrays.predicted` and `labels`.
        input: spikes in.
        layers: spikes of each spiking layer, by name, first layer first.
        readout: the sums of the read-out after every step, or None.
    """

    index: int
    input: UInt8[np.ndarray, "features steps"]
    layers: Mapping[str, UInt8[np.ndarray, "_neurons steps"]]
    readout: Int[np.ndarray, "classes steps"] | None = None


@dataclass(frozen=True, eq=False)
class ReportArrays:
    """Predictions of a run, and the inner life of a few samples.

    Attributes:
        predicted: class of each sample.
        labels: true class of each sample, or None.
        samples: traces to show, the first one in full.
        rates: spikes per neuron in each step, the mean over neurons and samples, by layer, the input included.
        class_names: names of the classes; their numbers if None.
        sensor: (polarities, height, width) of the input's features; a square sensor is recognised if None.
    """

    predicted: Int[np.ndarray, "samples"]
    labels: Int[np.ndarray, "samples"] | None = None
    samples: tuple[SampleTrace, ...] = ()
    rates: Mapping[str, Float[np.ndarray, "steps"]] = field(default_factory=dict)
    class_names: tuple[str, ...] | None = None
    sensor: tuple[int, int, int] | None = None

    @property
    def classes(self) -> int:
        """Number of classes: as named, else as many as the read-out, the labels and the predictions need."""
        if self.class_names is not None:
            return len(self.class_names)
        outputs = [len(sample.readout) for sample in self.samples if sample.readout is not None]
        seen = [int(values.max()) + 1 for values in (self.predicted, self.labels) if values is not None and len(values)]
        return max(outputs + seen, default=0)

    def class_name(self, index: int) -> str:
        """What class `index` is called."""
        return self.class_names[index] if self.class_names is not None else str(index)

    def sensor_of(self, features: int) -> tuple[int, int, int] | None:
        """(polarities, height, width) for this number of features, or None if they are no image."""
        if self.sensor is not None:
            return self.sensor if int(np.prod(self.sensor)) == features else None
        side = round((features / 2) ** 0.5)
        return (2, side, side) if side >= 8 and 2 * side * side == features else None
