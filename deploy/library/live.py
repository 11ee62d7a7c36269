"""A network in a closed loop: a step at a time, its state kept."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num, Shaped

from basalt.deploy.backends import find
from basalt.deploy.counted import processes_of
from basalt.deploy.direct import Channel, Unit, step
from basalt.deploy.energy.conventions import step_entries
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.hosting import load_lava
from basalt.deploy.job import Job, check, counted_parts, parts_of, prepare_counts
from basalt.deploy.library.bill import Bill
from basalt.deploy.network import Layout
from basalt.deploy.on_core import description, fit_notices
from basalt.deploy.values import take
from basalt.errors import BasaltError
from basalt.kernels.bits import pack, unpack
from basalt.records.delta import Delta
from basalt.records.network import Network
from basalt.records.synapses import Encoder, Spiking

ENDLESS = 1 << 40
"""Steps of a sample that has no end: 35 years of milliseconds."""


class Live:
    """A running network: `out = live.step(frame)`; each layer is a step later than the one before, as in `run`.

    Use it in a `with` block, or `close` it.

    Args:
        network: its first layer takes spikes, or whole values up to 2^value_bits − 1.
        backend: of `basalt list`, but netx. core, places: as of `Job`.
        batch: samples side by side.
        value_bits: of the input's values; 1 for spikes.
        record: layers besides the last whose output is kept in `sent`.

    Raises:
        BasaltError: the backend cannot run this network, or its input is of values that a step cannot take.
    """

    def __init__(
        self, network: Network, backend: str, batch: int, value_bits: int, record: tuple[str, ...], **more: Any
    ) -> None:
        if isinstance(network.layers[0], Encoder | Delta):
            raise BasaltError(
                f"The network {network.name!r} begins with an input of real values, which `start` does not take yet; "
                f"use `run`."
            )
        load_lava()
        from basalt.lava_procs.metering import mapped

        none = np.zeros((batch, network.inputs, 1), dtype=np.uint8)
        self.job = Job(network, none, backend, batch, value_bits=value_bits, runtime="direct", **more)
        if find(backend).stock:
            raise BasaltError(f"The backend {backend!r} runs whole samples alone; choose another, as 'compiled'.")
        check(self.job)
        self.network, self.batch = network, batch
        self.folder = tempfile.TemporaryDirectory(prefix="basalt-live-")
        self.layout = Layout(batch, ENDLESS, batch, Path(self.folder.name), 1, value_bits, self.job.core, tables=False)
        prepare_counts(network, self.layout)
        source, *self.units = parts_of(self.job, self.layout)
        self.source = source.model
        self.source.counters = mapped(str(self.layout.counts("input.source")))
        self.taps = taps(self.units, (*record, network.layers[-1].name))
        self.sent: dict[str, Num[np.ndarray, "batch _neurons"]] = {}
        self.t, self.closed = 0, False
        step(self.units, 1)
        self.models = [unit.model for unit in self.units]
        for model in (self.source, *self.models):
            model.index = model.round = model.first = 0
            model.length = 1
        for model in self.models:
            model.defer()
            model.clear()
        self.heard = np.zeros(batch, dtype=np.int64)

    def step(self, frame: Shaped[np.ndarray, "*batch features"]) -> Num[np.ndarray, "*batch neurons"]:
        """One step: what the last layer sends, spikes or the sums of a read-out so far.

        Args:
            frame: of each sample, or of the one: spikes, 0 or 1, or whole values below 2^value_bits.

        Raises:
            BasaltError: the frame does not fit the network.
        """
        self.there()
        values = np.asarray(frame)
        if values.size != self.batch * self.network.inputs or values.shape[-1:] != (self.network.inputs,):
            raise BasaltError(
                f"A step takes {self.batch} × {self.network.inputs} values, and the frame has the shape {values.shape}."
            )
        words = pack(self.checked(values).reshape(1, self.batch, -1), self.layout.planes)
        self.heard += self.source.count_spikes(words)
        self.source.s_out.send(words)
        for model in self.models:
            model.first = self.t
            model.advance()
        self.t += 1
        for name, (channel, neurons) in self.taps.items():
            block = channel.recv()[0]
            self.sent[name] = block.copy() if neurons is None else unpack(block, neurons)
        out = self.sent[self.network.layers[-1].name]
        return out[0] if values.ndim == 1 else out

    def checked(self, values: Shaped[np.ndarray, "*batch features"]) -> Shaped[np.ndarray, "*batch features"]:
        """Values as bytes, or as they are if they are bytes or truths."""
        if values.dtype == np.bool_:
            return values.view(np.uint8)
        if values.dtype != np.uint8:
            values = take(self.network.layers[0], values.reshape(self.batch, -1, 1), None, False, "the frame").values
        if values.max(initial=0) >> self.layout.planes:
            raise BasaltError(
                f"The frame holds {values.max()}, and values have {self.layout.planes} bits: start with value_bits="
                f"{int(values.max()).bit_length()}."
            )
        return values

    def reset(self) -> None:
        """Begin a new sample: all states, what is under way, and counts are as at the start."""
        self.there()
        self.settle()
        for model in (self.source, *self.models):
            model.counters[:] = 0
            for table in getattr(model, "meters", {}).values():
                table[:] = 0
        for model in self.models:
            model.clear()
            model.defer()
        self.t = 0

    @property
    def states(self) -> Mapping[str, Mapping[str, Num[np.ndarray, "batch _size"]]]:
        """By layer and variable, the states after the last step."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for unit in self.units:
            layer: Any = getattr(unit.model, "layer", None)
            held = vars(unit.model) if layer is None else layer.variables()
            kept = {name: np.array(held[name]) for name in ("u", "v", "m") if isinstance(held.get(name), np.ndarray)}
            if kept:
                found.setdefault(unit.process.name.split(".")[0], {}).update(kept)
        return found

    def counts(self, step_ms: float | None = None) -> dict[str, Any]:
        """Content of counts.json, of all steps since the start or `reset` as one inference; times are not modelled."""
        self.there()
        self.settle()
        on_core = self.job.scheduled
        return {
            "format": "basalt-counts",
            "version": 1,
            "backend": self.job.backend,
            "network": self.network.name,
            "samples": self.batch,
            "steps": max(1, self.t),
            **step_entries(self.network.step_seconds, step_ms),
            **({"core": description(self.job.core), "misfits": fit_notices(on_core, self.job.core)} if on_core else {}),
            "processes": processes_of(self.job, counted_parts(self.network, self.layout)),
        }

    def there(self) -> None:
        """Raise where it has been closed."""
        if self.closed:
            raise BasaltError(f"The loop of {self.network.name!r} was closed: start another with `start`.")

    def settle(self) -> None:
        """Have all models count what they did."""
        self.source.count(spikes_out=self.heard)
        self.heard[:] = 0
        if self.t:
            for model in self.models:
                model.settle()

    def price(self, *tables: str, step_ms: float | None = None) -> Bill:
        """The energy of all steps since the start or `reset`, by price tables."""
        return Bill(price(self.counts(step_ms), tables or available_tables()))

    def close(self) -> None:
        """End it; its counts are gone."""
        self.closed = True
        self.folder.cleanup()

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Live {self.network.name} on {self.job.backend}, batch {self.batch}, after {self.t} steps"


def taps(units: list[Unit], names: tuple[str, ...]) -> dict[str, tuple[Channel, int | None]]:
    """Channels that hear what layers send, by layer; with the number of neurons where that is spikes.

    Raises:
        BasaltError: there is no such layer.
    """
    found: dict[str, tuple[Channel, int | None]] = {}
    senders = {unit.process.name.split(".")[0]: unit for unit in units if hasattr(unit.model, "s_out")}
    senders |= {unit.process.name: unit for unit in units if hasattr(unit.model, "y_out")}
    for name in names:
        if name not in senders:
            raise BasaltError(f"There is no layer {name!r} to record; the layers are {', '.join(senders)}.")
        unit = senders[name]
        spikes = hasattr(unit.model, "s_out")
        channel = Channel()
        (unit.model.s_out if spikes else unit.model.y_out).receivers.append(channel)
        record = unit.process.proc_params["layer"]
        found[name] = channel, record.neurons if isinstance(record, Spiking) else None
    return found
