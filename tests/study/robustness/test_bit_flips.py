"""Bit-flips in stored weights: against a loop over bits, in the deployed integers, and undone afterwards."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.robustness.bit_flips import flip, flipped
from tests.study.robustness.worlds import Plain, batch, spiking


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@given(seed=st.integers(0, 999), chance=st.sampled_from([0.0, 0.01, 0.3, 1.0]))
def test_as_many_bits_differ_as_it_says(seed, chance):
    stored = torch.randint(-128, 128, (6, 7), generator=generator(seed), dtype=torch.int8)
    changed, count = flip(stored, chance, generator(seed + 1))
    pairs = zip(stored.flatten().tolist(), changed.flatten().tolist())
    assert sum(bin((a & 255) ^ (b & 255)).count("1") for a, b in pairs) == count
    if chance in (0.0, 1.0):
        assert torch.equal(changed, ~stored if chance else stored)


def test_every_bit_is_as_likely():
    stored = torch.zeros(40_000, dtype=torch.int8)
    changed, _ = flip(stored, 0.1, generator())
    bits = np.unpackbits(changed.numpy().view(np.uint8)[:, None], axis=1).mean(0)
    assert np.allclose(bits, 0.1, atol=0.01)


def test_without_flips_the_deployed_network_is_the_same():
    network, (x, _) = spiking(recurrent=True), batch()
    before = network.trace(x.to(torch.uint8))
    with flipped(network, 0.0, generator()) as count:
        after = network.trace(x.to(torch.uint8))
    assert count == 0
    assert torch.equal(before.sums, after.sums)
    assert all(torch.equal(before.spikes[name], after.spikes[name]) for name in before.spikes)


def test_flips_are_in_the_deployed_integers_and_are_undone():
    network = spiking(recurrent=True)
    parameters = {name: p.detach().clone() for name, p in network.named_parameters()}
    before = [layer.weight for layer in network.records()]
    with flipped(network, 0.05, generator()) as count:
        after = [layer.weight for layer in network.records()]
        recurrent = network.hidden[0].record().recurrent_weight
    bits = [np.unpackbits(((a // 2) ^ (b // 2)).astype(np.int8).view(np.uint8)).sum() for a, b in zip(before, after)]
    fed_back = network.hidden[0].record().recurrent_weight
    bits.append(np.unpackbits(((recurrent // 2) ^ (fed_back // 2)).astype(np.int8).view(np.uint8)).sum())
    assert all(w.min() >= -256 and w.max() <= 254 and not (w % 2).any() for w in after)
    assert sum(bits) == count > 0
    assert min(bits) > 0
    assert all(torch.equal(p, parameters[name]) for name, p in network.named_parameters())


def test_what_is_not_deployed_has_a_scale_of_its_own():
    network, x = Plain(), torch.rand(4, 36, generator=generator())
    before = network(x)
    with flipped(network, 0.0, generator()):
        assert torch.allclose(network(x), before, atol=0.05)
        assert not torch.equal(network(x), before)
    with flipped(network, 0.5, generator()):
        assert not torch.allclose(network(x), before, atol=0.5)
