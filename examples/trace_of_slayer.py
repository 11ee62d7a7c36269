"""Record what a SLAYER network sends, export it with lava-dl, and verify the deployed network against training.

The three lines under "the recipe" work for any torch module whose blocks are in a list: a trace is an .npz file with an
array for each block, layer0, layer1, … in the order in which they are exported.

python examples/trace_of_slayer.py [FOLDER]
"""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

from basalt.train.slayer import slayer  # lava.lib.dl.slayer, without its greetings

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/trace_of_slayer")
folder.mkdir(parents=True, exist_ok=True)

torch.manual_seed(0)
neuron = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
normed = {**neuron, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
net = torch.nn.Sequential(
    slayer.block.cuba.Conv(normed, 2, 4, 3, weight_scale=3),
    slayer.block.cuba.Flatten(),
    slayer.block.cuba.Dense(normed, 4 * 6 * 6, 10, weight_scale=3),
)
spikes = (torch.rand(8, 2, 8, 8, 40) < 0.2).float()
for _ in range(5):
    net(spikes)  # in place of training
net.eval()

# The recipe: a hook on every block, one forward pass, one file.
sent = {}
for index, block in enumerate(net):
    block.register_forward_hook(
        lambda _, __, out, name=f"layer{index}": sent.update({name: out.detach().cpu().numpy()})
    )
net(spikes)
np.savez(folder / "trace.npz", **sent)

np.savez(folder / "input.npz", spikes=spikes.numpy())
with h5py.File(folder / "model.net", "w") as file:
    for index, block in enumerate(net):
        block.export_hdf5(file.create_group(f"layer/{index}"))
arguments = ["verify", folder / "model.net", "--input", folder / "input.npz", "--trace", folder / "trace.npz"]
subprocess.run([sys.executable, "-m", "basalt.cli", *map(str, arguments)], check=True)
