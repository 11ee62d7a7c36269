"""Trainings on a Dask cluster are those of this process."""

from pathlib import Path

import numpy as np
import pytest
import torch
from distributed import LocalCluster

from basalt import cluster
from basalt.address import Address
from basalt.errors import BasaltError
from basalt.study.plan import Experiment
from basalt.study.runner import Place, outcome_of, run_all
from tests.study.dual_memory.tiny import recipe
from tests.study.test_runner import nothing
from tests.train.data.test_spoken import recordings
from tests.train.test_training import assert_same, weights


def test_a_cluster_gives_what_this_process_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for limit in ("CONNECT_SECONDS", "STALL_SECONDS"):  # a busy machine compiles long, and hears of workers late
        monkeypatch.setattr(cluster, limit, 300.0)
    np.savez(tmp_path / "spoken_digits.npz", **recordings())
    settings = {"training.epochs": 1, "data.name": "spoken", "data.steps": 10, "data.limit": 16}
    right = Experiment("right", recipe(tmp_path), settings)
    wrong = Experiment("wrong", recipe(tmp_path), {**settings, "network.layers.0.units": -1})
    alone = Place(tmp_path / "alone", tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        list(run_all([right], alone, nothing))
    finally:
        torch.set_num_threads(threads)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
        worker_dashboard_address=None, local_directory=tmp_path,
    ) as there:  # fmt: skip
        place = Place(tmp_path / "there", tmp_path, cluster=Address(there.scheduler_address, "--cluster"))
        ended = {one.experiment.name: one for one in run_all([wrong, right], place, nothing)}
    assert "units" in ended["wrong"].failure
    assert ended["right"].outcome == outcome_of(right, place) != None  # noqa: E711
    assert_same(weights(place.folder(right)), weights(alone.folder(right)))


def test_no_scheduler_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    place = Place(tmp_path, cluster=Address("tcp://127.0.0.1:9", "--cluster"))
    with pytest.raises(BasaltError, match=r"no Dask scheduler at 'tcp://127\.0\.0\.1:9'.*--cluster"):
        list(run_all([Experiment("one", recipe(tmp_path))], place, nothing))
