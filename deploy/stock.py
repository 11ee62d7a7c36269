"""The peer: stock lava-dl netx processes, one sample at a time, as their users run them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from basalt.errors import BasaltError
from convert.netx import why_not_stock, write
from convert.records import Network
from deploy.network import Layout
from deploy.session import Host
from lava_procs.kernels.bits import pack, unpack


def run_stock(network: Network, file: Path | None, layout: Layout) -> Callable[[Host], None]:
    """The task that runs a network in stock netx and records the layers that have a frames file.

    A graph is built anew for each sample, since stock processes keep states and buffers from one sample to the next.

    Args:
        file: the .net file to load; one is written from the records if None.

    Raises:
        BasaltError: a layer that stock netx cannot run with the same spikes.
    """
    for layer in network.layers:
        reason = why_not_stock(layer)
        if reason is not None:
            raise BasaltError(
                f"The backend 'netx' cannot run layer {layer.name!r}: {reason}; use the backend 'fixed', or export a "
                f"network of stock layers."
            )
    if file is None:
        file = layout.folder / "stock.net"
        write(file, network)

    def task(host: Host) -> None:
        blocks = np.load(layout.frames("input"), mmap_mode="r")
        frames = unpack(blocks[:, 0], network.inputs, layout.planes)
        recorded = {
            layer.name: np.load(layout.frames(layer.name), mmap_mode="r+")
            for layer in network.layers
            if layout.frames(layer.name).exists()
        }
        for sample in range(layout.samples):
            turn, column = divmod(sample, layout.batch)
            span = slice(turn * layout.steps, (turn + 1) * layout.steps)
            sent = run_sample(host, str(file), network, frames[span, column].T, list(recorded))
            for name, spikes in sent.items():
                recorded[name][span, 0, column] = pack(spikes.T)
            host.progress((sample + 1) * layout.steps, layout.samples * layout.steps)

    return task


def run_sample(host: Host, file: str, network: Network, spikes: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
    """One sample through stock netx.

    Args:
        spikes: (features, steps).

    Returns:
        By layer name, (neurons, steps).
    """
    from lava.lib.dl.netx import hdf5
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Recorder
    from lava.proc.io.source import RingBuffer as Player

    steps = spikes.shape[1]
    stock = hdf5.Network(net_config=file, input_shape=(spikes.shape[0],))
    stock.net_config.f.close()
    player = Player(data=np.ascontiguousarray(spikes, dtype=np.int32))
    player.s_out.connect(stock.in_layer.inp)
    recorders = {}
    stock_layers = {layer.name: block for layer, block in zip(network.layers, stock.layers, strict=True)}
    for name in names:
        recorders[name] = Recorder(shape=stock_layers[name].out.shape, buffer=steps)
        stock_layers[name].out.connect(recorders[name].a_in)
    sent: dict[str, np.ndarray] = {}

    def keep() -> None:
        for name, recorder in recorders.items():
            sent[name] = recorder.data.get().reshape(-1, steps).astype(np.uint8)

    host.run(player, Loihi2SimCfg(select_tag="fixed_pt"), steps, before_stop=keep)
    return sent
