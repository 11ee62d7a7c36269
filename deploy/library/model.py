"""A network, from wherever: what `basalt.read` and its like give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from basalt.deploy.backends import find
from basalt.deploy.cores import DEFAULT, load_core
from basalt.deploy.job import Job, check, run_checked
from basalt.deploy.library.live import Live
from basalt.deploy.library.result import Result
from basalt.deploy.library.samples import Binning, as_inputs, as_trace
from basalt.deploy.on_core import fit_notices
from basalt.deploy.result import Done
from basalt.deploy.stock import notices
from basalt.deploy.verified import BESIDE, Verified, verified
from basalt.errors import BasaltError
from basalt.kernels.bits import BYTE
from basalt.progress import progress_bar
from basalt.records.layer import Layer
from basalt.records.network import Network

if TYPE_CHECKING:
    from basalt.deploy.inputs import Inputs


@dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """What came of `Model.verify`.

    Attributes:
        found: the comparison, pair by pair.
    """

    found: Verified

    @property
    def ok(self) -> bool:
        """Everything that was compared is equal."""
        return self.found.mismatches == 0

    @property
    def compared(self) -> int:
        """Values compared, spikes and states."""
        return self.found.compared

    @property
    def mismatches(self) -> int:
        """Values that differ."""
        return self.found.mismatches

    @property
    def first_divergence(self) -> Any:
        """The layer, sample, neuron and step where the sides first differ, and what each sent; None if nowhere."""
        return self.found.first_divergence

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        names = " – ".join(dict.fromkeys(name for pair in self.found.pairs for name in (pair.left, pair.right)))
        first = self.first_divergence
        where = (
            ""
            if first is None
            else f"; first {first.layer}, sample {first.sample}, neuron {first.neuron}, step {first.step}: "
            f"{first.pair[0]} sent {first.left}, {first.pair[1]} {first.right}"
        )
        return f"{self.mismatches:,} of {self.compared:,} values differ ({names}){where}"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network of integers.

    Attributes:
        network: the records, layer by layer.
        file: the .net file that it was read from; None of one that was made here.
    """

    network: Network
    file: Path | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The records."""
        return self.network.layers

    @property
    def parameters(self) -> int:
        """Weights of all synapses, recurrent ones and those of memory pathways included."""
        return sum(parameters_of(layer) for layer in self.layers)

    def run(
        self,
        spikes: Any = None,
        labels: Any = None,
        *,
        backend: str = "compiled",
        runtime: str | None = None,
        batch: int = 256,
        samples: int | None = None,
        places: Mapping[str, str] | None = None,
        core: str | Path = DEFAULT,
        step_ms: float | None = None,
        bin_us: float | None = None,
        steps: int | None = None,
        sensor: tuple[int, int, int] | None = None,
        states: bool = False,
        timeout: float | None = None,
    ) -> Result:
        """Run it on a backend, and count what every process does.

        Args:
            spikes: an array or tensor (samples × features × steps, or samples × C × H × W × steps); an .npz file as of
                `basalt run`; a sequence or data set of samples or (sample, label) pairs, as of torch and tonic, whose
                samples are arrays, sparse matrices (features × steps) or events with the fields x, y, t (µs) and p; the
                file of a recording, as one sample; the test.npz beside the file if None.
            labels: the true classes, if known.
            backend: as `basalt list` names them.
            runtime: "lava" or "direct"; Lava's where Lava is installed, if None.
            batch: samples side by side.
            samples: only the first of them.
            places: other backends by layer name.
            core: the core of the backend near-memory, a name or a TOML file.
            step_ms: how long a step lasts, where the network does not say.
            bin_us, steps, sensor: of events, as of `Binning`; a recording's step is the network's if not given.
            states: keep what every sample's last step leaves.
            timeout: seconds, None for no limit.

        Raises:
            BasaltError: the input does not fit, the backend cannot run this network, or the run failed.
        """
        whole(batch=batch, samples=samples)
        inputs = self.inputs(spikes, labels, samples, bin_us, steps, sensor)
        job = Job(
            self.taking(inputs),
            inputs.spikes,
            backend,
            batch,
            dict(places or {}),
            file=self.file,
            core=load_core(str(core)),
            states=states,
            runtime=runtime,
        )
        check(job)
        said = (*self.network.notices, *inputs.notices, *notices(self.network), *fit_notices(job.scheduled, job.core))
        with progress_bar(f"Running {self.network.name} on {backend}") as update:
            outcome = run_checked(job, timeout, update)
        return Result(Done(job, inputs, outcome), step_ms, said)

    def verify(
        self,
        spikes: Any = None,
        *,
        against: str | Path | Mapping[str, np.ndarray] | None = None,
        backend: str = "compiled",
        runtime: str | None = None,
        samples: int | None = None,
        batch: int = 256,
        timeout: float | None = None,
    ) -> Verification:
        """Compare the reference with a backend, every spike and state, and training with the reference.

        Args:
            spikes, runtime, samples, batch, timeout: as of `run`.
            against: what training sent: an .npz file, or arrays, by layer; the trace.npz beside the file if None and no
                other input is given.

        Raises:
            BasaltError: as of `run`; or the trace is of another network or input.
        """
        if not find(backend).exact:
            raise BasaltError(f"The backend {backend!r} does not compute integers, so it cannot be verified.")
        whole(batch=batch, samples=samples)
        inputs = self.inputs(spikes)
        beside = None if self.file is None or spikes is not None else self.file.parent / BESIDE
        if against is None and beside is not None and beside.is_file():
            against = beside
        trace = None if against is None else as_trace(against, self.network, inputs)
        inputs = inputs.first(samples)
        job = Job(self.taking(inputs), inputs.spikes, backend, batch, file=self.file, states=True, runtime=runtime)
        check(job)
        with progress_bar(f"Verifying {self.network.name} on {backend}") as update:
            outcome = run_checked(job, timeout, update)
        return Verification(verified(job, outcome, trace))

    def start(
        self,
        batch: int = 1,
        *,
        backend: str = "compiled",
        value_bits: int = 1,
        record: Sequence[str] = (),
        places: Mapping[str, str] | None = None,
        core: str | Path = DEFAULT,
    ) -> Live:
        """The network in a closed loop, `with net.start() as live: out = live.step(frame)`; arguments as of `Live`."""
        whole(batch=batch, value_bits=value_bits)
        if value_bits > BYTE:
            raise BasaltError(f"value_bits is {value_bits}: values of an input have 1 to {BYTE} bits.")
        more = {"places": dict(places or {}), "core": load_core(str(core))}
        return Live(self.network, backend, batch, value_bits, tuple(record), **more)

    def save(self, path: str | Path) -> Path:
        """Write the .net file, and return its path.

        Raises:
            BasaltError: a file cannot say this network.
        """
        from basalt.convert import netx

        netx.write(Path(path), self.network)
        return Path(path)

    def inputs(
        self,
        spikes: Any,
        labels: Any = None,
        samples: int | None = None,
        bin_us: float | None = None,
        steps: int | None = None,
        sensor: tuple[int, int, int] | None = None,
    ) -> "Inputs":
        """What a run would be of; arguments as of `run`."""
        if spikes is None:
            if self.file is None:
                raise BasaltError("There is no test.npz beside a network that was made here: give it some spikes.")
            spikes = self.file.parent / "test.npz"
        binning = None if bin_us is None else Binning(bin_us, steps, sensor)
        return as_inputs(self.network, spikes, labels, samples, binning)

    def taking(self, inputs: "Inputs") -> Network:
        """The network whose first layer takes these inputs."""
        return replace(self.network, layers=(inputs.layer or self.layers[0], *self.layers[1:]))

    def __repr__(self) -> str:
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n  ".join([self.title(), *lines])

    def _repr_html_(self) -> str:
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows())
        heads = "".join(f"<th>{head}</th>" for head in ("layer", "kind", "size", "weights", "neurons"))
        return f"<b>{escape(self.title())}</b><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def title(self) -> str:
        """A line."""
        step = self.network.step_seconds
        lasts = "" if step is None else f", steps of {1000 * step:g} ms"
        count = f"{len(self.layers)} layer{'s' if len(self.layers) > 1 else ''}"
        return f"{self.network.name}: {self.network.inputs} inputs, {count}, {self.parameters:,} weights{lasts}"

    def rows(self) -> list[tuple[str, ...]]:
        """A row per layer: name, kind, size, weights, and what its neurons are."""
        return [
            (
                layer.name,
                " + ".join(filter(None, (layer.kind, getattr(getattr(layer, "memory", None), "kind", None)))),
                f"{layer.inputs} → {layer.neurons}",
                f"{parameters_of(layer):,}",
                neurons_of(layer),
            )
            for layer in self.layers
        ]


def whole(**given: int | None) -> None:
    """Raise for a number of something that is none."""
    for name, value in given.items():
        if value is not None and value < 1:
            raise BasaltError(f"`{name}` is {value}, and has to be 1 or more.")


def parameters_of(layer: Layer) -> int:
    """Weights of a layer."""
    memory = getattr(layer, "memory", None)
    kept = sum(bits for use, bits in memory.bits.items() if use == "weights") // 8 if memory is not None else 0
    arrays = (getattr(layer, name, None) for name in ("weight", "recurrent_weight"))
    return kept + sum(array.size for array in arrays if isinstance(array, np.ndarray))


def neurons_of(layer: Layer) -> str:
    """What the neurons of a layer are, in a few words."""
    neuron = getattr(layer, "neuron", None)
    if neuron is None or isinstance(neuron, str):
        return ""
    threshold = np.atleast_1d(neuron.threshold)
    level = f"{threshold[0]}" if len(threshold) == 1 else f"{threshold.min()} … {threshold.max()}"
    return f"threshold {level}, {neuron.reset} reset"
