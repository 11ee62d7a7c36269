"""A SLAYER module of one's own: trained on Basalt's data, deployed as it stands, and held to what it sends itself.

python examples/own_module.py [FOLDER]
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import basalt
from basalt.convert.slayer_module import activity
from basalt.train import data, recipe
from basalt.train.own_module import train_module
from basalt.train.slayer import slayer  # lava.lib.dl.slayer, without its greetings

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
asked = recipe.read("lif_digits", {"training.epochs": 1, "training.rate_penalty": 0.0, "data.steps": 20})
splits = data.load(asked.data)
splits = replace(splits, train=splits.train.subset(slice(0, 800)), validation=splits.validation.subset(slice(0, 200)))

torch.manual_seed(1)
neuron = {"threshold": 1.25, "current_decay": 1.0, "voltage_decay": 0.2, "requires_grad": False}
net = torch.nn.Sequential(
    slayer.block.cuba.Dense(neuron, splits.train.features_count, 64, weight_scale=2),
    slayer.block.cuba.Dense(neuron, 64, splits.classes, weight_scale=2),
)
for epoch in train_module(net, splits, asked.training, keep=folder / "module.safetensors"):
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation {100 * epoch.validation:.1f} %")

model = basalt.from_slayer(net, (splits.train.features_count,))
spikes, labels = splits.test.dense(slice(0, 50)), splits.test.labels[:50]
result = model.run(spikes, labels, backend="compiled", runtime="direct")
print(result)

with torch.no_grad():
    counts = net(torch.from_numpy(spikes).float()).sum(-1).numpy()
print(f"SLAYER itself: accuracy {100 * np.mean(counts.argmax(1) == labels):.2f} %")
sent = activity(net, model.network, spikes, (splits.train.features_count,))
print(model.verify(spikes, against=sent, runtime="direct"))
