"""The literature's shortcut, by its own published numbers, and outside every total."""

import pytest

from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.energy.shortcut import shortcut
from tests.deploy.energy.test_pricing import counts_of, process

QUIET = process("b", neuron_updates=[1000], spikes_out=[0])


def test_the_published_figures_come_back():
    """97.004 % sparsity is the 170.6 of arXiv 2603.08730, and 1.85 uJ its 2.06 million spikes."""
    found = shortcut(parse_counts(counts_of(process(neuron_updates=[100_000], spikes_out=[2996]))))
    assert found["sparsity"] == pytest.approx(0.97004)
    assert found["times_ann"] == pytest.approx(170.6, abs=0.05)
    assert found["joule"] == pytest.approx(2996 * 0.9e-12)


def test_sparsity_is_the_mean_over_spiking_layers_alone():
    counts = counts_of(
        {**process("input", "source", spikes_out=[500]), "kind": "io"},
        process("a", neuron_updates=[10], spikes_out=[2]),
        QUIET,
        process("readout", "readout", neuron_updates=[10]),
    )
    assert shortcut(parse_counts(counts))["sparsity"] == pytest.approx((0.8 + 1.0) / 2)
    assert shortcut(parse_counts(counts))["spikes"] == 2


def test_nothing_to_divide_by():
    assert shortcut(parse_counts(counts_of(QUIET)))["times_ann"] is None
    assert shortcut(parse_counts(counts_of()))["sparsity"] is None


def test_it_is_labelled_and_part_of_no_total():
    counts = counts_of(process(spikes_out=[10**6], neuron_updates=[10**7]))
    energy = price(counts, available_tables())
    assert energy["shortcut"]["label"] == "shortcut (literature)"
    for table in energy["tables"].values():
        parts = sum(p["dynamic_joule"] + p["static_joule"] for p in table["processes"])
        assert table["per_inference_joule"] == pytest.approx(parts, rel=1e-12)
        assert "shortcut" not in str(table)
