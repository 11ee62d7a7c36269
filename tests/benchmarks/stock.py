"""Stock netx at its kindest: one build, two steps to get under way, then all steps in one `run()`."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from basalt.convert.netx import write
from basalt.deploy.session import Host, run_session
from basalt.records.network import Network

UNDER_WAY = 2


def stock_seconds(network: Network, spikes: np.ndarray, timeout: float) -> tuple[float, float]:
    """Seconds for the steps of one sample (features, steps), and to build; a session sees to it that it ends."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "stock.net"
        write(file, network)

        def task(host: Host) -> None:
            from lava.lib.dl.netx import hdf5
            from lava.magma.core.run_conditions import RunSteps
            from lava.magma.core.run_configs import Loihi2SimCfg
            from lava.proc.io.sink import RingBuffer as Recorder
            from lava.proc.io.source import RingBuffer as Player

            stock = hdf5.Network(net_config=str(file), input_shape=(network.inputs,))
            player = Player(data=np.ascontiguousarray(spikes, dtype=np.int32))
            recorder = Recorder(shape=stock.out.shape, buffer=spikes.shape[1])
            player.s_out.connect(stock.in_layer.inp)
            stock.out.connect(recorder.a_in)
            began = time.perf_counter()
            player.create_runtime(run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            built = time.perf_counter()
            player.run(RunSteps(num_steps=UNDER_WAY))
            under_way = time.perf_counter()
            player.run(RunSteps(num_steps=spikes.shape[1]))
            taken = time.perf_counter() - under_way
            (folder / "taken.json").write_text(json.dumps([taken, built - began]))
            player.stop()

        run_session(task, folder, timeout)
        taken, build = json.loads((folder / "taken.json").read_text())
    return taken, build
