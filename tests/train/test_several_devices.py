"""Two processes train as one does: `torchrun`, each with half of every batch, gradients averaged."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from basalt.train.checkpoint import read

REPOSITORY = Path(__file__).resolve().parents[2]
ONE: tuple[str, ...] = (sys.executable,)
TWO = (*ONE, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def trained(launcher: tuple[str, ...], name: str, folder: Path) -> Path:
    settings = ("data.limit=200", "training.validate_every=1", "data.recall.delay=20")
    arguments = ["lif_recall", "--name", name, "--epochs", "2", "--devices", "2" if launcher is TWO else "1"]
    command = [*launcher, str(REPOSITORY / "train" / "main.py"), *arguments]
    for text in settings:
        command += ["--set", text]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / name


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    one, two = trained(ONE, "one", tmp_path), trained(TWO, "two", tmp_path)
    weights, others = (read(run).last.model for run in (one, two))
    for name, values in weights.items():
        torch.testing.assert_close(values, others[name], rtol=1e-5, atol=1e-6, msg=name)
    logs = []
    for run in (one, two):
        with (run / "log.csv").open() as file:
            logs.append(list(csv.DictReader(file)))
    for row, other in zip(*logs, strict=True):
        for key in row.keys() - {"seconds"}:
            assert float(row[key]) == pytest.approx(float(other[key]), rel=1e-5), key
