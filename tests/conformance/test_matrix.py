"""Every combination of leakage, reset and recurrence, from training to the backends."""

import pytest
import torch

import tests.conformance.matrix as matrix
from tests.conformance.check import STOCK
from tests.conformance.matrix import Entry, entry, table, trained
from tests.conformance.support import exact
from tests.conformance.switches import COMBINATIONS, Switches
from tests.conformance.switches import STOCK as STOCK_COMBINATIONS

OURS = [name for name in exact() if name != STOCK]
THROUGH_LAVA = [(Switches("learnable", "soft", "diagonal"), name) for name in OURS]
THROUGH_LAVA += [(Switches("complete", "none", "full"), "compiled"), (Switches("none", "hard", "none"), "fixed")]


@pytest.mark.parametrize("switches", COMBINATIONS, ids=str)
def test_models_alone_compute_what_was_trained(switches: Switches) -> None:
    """One backend a combination, each in turn; the references always."""
    found = entry(switches, OURS[COMBINATIONS.index(switches) % len(OURS)], through_lava=False)
    assert found.mismatches == 0 and found.compared > 20_000
    assert 400 < found.spikes < 0.9 * 2 * 18 * 8 * 40


@pytest.mark.parametrize(("switches", "backend"), THROUGH_LAVA, ids=str)
def test_lavas_runtime_computes_what_was_trained(switches: Switches, backend: str) -> None:
    assert entry(switches, backend, through_lava=True).mismatches == 0


def test_stock_netx_runs_what_it_has_and_refuses_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "run", lambda job, timeout: pytest.fail("stock netx was asked to run it"))
    for switches in COMBINATIONS:
        if switches not in STOCK_COMBINATIONS:
            assert entry(switches, STOCK, through_lava=True).why_not is not None


def test_training_moves_what_is_learned() -> None:
    model, _ = trained(Switches("learnable", "hard", "diagonal"))
    for layer in model.hidden:
        decays = layer.neuron.leak.decay()
        untouched = torch.linspace(4096 * 0.05, 4096 * 0.6, 18).round().long()
        assert (decays != untouched).sum() > 9
        assert layer.record().recurrence == "diagonal" and layer.record().recurrent_weight.any()


@pytest.mark.parametrize("part", ["weight", "decay"])
def test_a_difference_is_seen(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is off by one step of a recurrent weight or of a learned decay differs somewhere."""
    genuine = matrix.deployed

    def changed(model, folder, readout):  # type: ignore[no-untyped-def]
        network = genuine(model, folder, readout)
        layer = network.layers[0]
        target = layer.recurrent_weight if part == "weight" else layer.neuron.voltage_decay
        target += 2 if part == "weight" else 40
        return network

    monkeypatch.setattr(matrix, "deployed", changed)
    assert entry(Switches("learnable", "hard", "diagonal"), "fixed", through_lava=False).mismatches > 0


def test_the_table_names_cells_and_reasons() -> None:
    entries = [Entry("a/b/c", "fixed", True, 1234, 0, 9), Entry("a/b/c", "netx", False, 600, 1, 9, "it has none")]
    text = table(entries)
    assert "| a/b/c | 9 | 1,234, 0 | 600, 1 (1) |" in text and "1. it has none." in text
    assert "1,834 values, of which 1 differ; 1 of 2" in text
