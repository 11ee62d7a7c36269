"""Ways in which a memory current may reach the neurons, and what is measured of them."""

import pytest
import torch

from basalt.study.holding import measure
from basalt.study.holding.ways import WAYS, every, held, reaching
from basalt.train import recipe as recipes
from basalt.train.layers import LAYERS
from basalt.train.networks import Network

STEPS, N = 98, 7
SIZES = {f"network.layers.{i}.{key}": size for i in (0, 1) for key, size in (("states", 8), ("units", 16))}


def network_of(update_interval: int) -> Network:
    intervals = {f"network.layers.{i}.update_interval": update_interval for i in (0, 1)}
    torch.manual_seed(1)
    return Network.of(recipes.read("psmnist_dmp", {**SIZES, **intervals}), 1, 10)


def gradient(network: Network) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    x, labels = torch.randint(0, 128, (4, 1, STEPS), dtype=torch.uint8), torch.arange(4)
    network.calibrate(x, labels)
    logits = network(x)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return logits, torch.autograd.grad(loss, network.layers["hidden1"].memory.weight)[0]


@pytest.mark.parametrize(("way", "update_interval"), [("every", 1), ("held", N)])
def test_the_ways_that_are_deployed_train_as_the_layer_itself(way, update_interval):
    before = LAYERS["dmp"]
    with reaching(WAYS[way], N):
        ours = network_of(1)
    assert LAYERS["dmp"] is before
    assert ours.layers["hidden1"].plain is False
    for one, other in zip(gradient(ours), gradient(network_of(update_interval))):
        assert torch.equal(one, other) and float(one.abs().max()) > 0


def test_what_each_way_does_to_a_ramp():
    c = torch.arange(1.0, 22).reshape(1, 21, 1).expand(3, 21, 2)
    out = {name: way(c, N) for name, way in WAYS.items()}
    assert all(values.shape == c.shape for values in out.values())
    assert torch.equal(out["held"][0, :, 0], torch.tensor([1.0, 8, 15]).repeat_interleave(N))
    assert out["mean"][0, 6:, 0].tolist() == pytest.approx([t - 2 for t in range(6, 21)])
    assert out["mean"][0, 0, 0] == pytest.approx(1 / N)
    assert torch.equal(out["pulsed"], torch.where(torch.arange(21)[:, None] % N == 0, c, 0))
    for name, most in (("shifted", 4), ("uneven", 3)):
        kept = out[name]
        assert (kept <= c).all()
        # A value is that of the step in which it was taken.
        begins = torch.cat([torch.ones(3, 1, 2, dtype=torch.bool), kept[:, 1:] != kept[:, :-1]], 1)
        assert torch.equal(kept[begins], c[begins]) and int(begins[0, :, 0].sum()) <= most
    assert torch.equal(out["uneven"][0], out["uneven"][2])


def test_samples_are_shifted_by_themselves():
    torch.manual_seed(0)
    c = torch.arange(50.0).reshape(1, 50, 1).expand(32, 50, 1)
    assert len(torch.unique(WAYS["shifted"](c, N)[:, :, 0], dim=0)) == N


@pytest.mark.parametrize(("way", "values", "flows"), [("forward", held, every), ("backward", every, held)])
def test_values_of_one_way_with_the_gradient_of_another(way, values, flows):
    given = torch.randn(2, 21, 3)
    weight = torch.randn(2, 21, 3)

    def of(some):
        c = given.clone().requires_grad_()
        out = some(c, N)
        return out, torch.autograd.grad((out * weight).sum(), c)[0]

    out, back = of(WAYS[way])
    torch.testing.assert_close(out, of(values)[0])
    torch.testing.assert_close(back, of(flows)[1])
    assert not torch.allclose(back, of(values)[1])


def test_refreshes_that_are_moved():
    c = torch.arange(21.0).reshape(1, 21, 1)
    assert torch.equal(measure.early_by(0)(c, N), held(c, N))
    assert torch.unique(measure.early_by(2)(c, N)).tolist() == [0, 5, 12, 19]
    assert torch.unique(measure.early_by(-1 % N)(c, N)).tolist() == [0, 1, 8, 15]


def test_a_slow_current_correlates_longer():
    t = torch.arange(800.0)
    slow, quick = (torch.sin(2 * torch.pi * t / period).reshape(1, -1, 1) for period in (120, 12))
    assert measure.correlation_steps(slow) == pytest.approx(20, abs=2)
    assert measure.correlation_steps(quick) == pytest.approx(2, abs=1)


def test_counts_that_say_the_current():
    torch.manual_seed(0)
    levels = torch.rand(64, 1, 4).expand(64, N, 4)
    spikes = (torch.arange(N)[:, None] < levels * N).float()
    assert measure.graded(levels, spikes, N) > 0.9
    assert measure.graded(levels, spikes[torch.randperm(64)], N) < 0.2


def test_the_signal_of_gradients():
    torch.manual_seed(0)
    mean = torch.full((200,), 0.5)
    found = measure.signal([mean + torch.randn(200) for _ in range(400)])
    assert found == pytest.approx(0.25, rel=0.15)
    assert measure.signal([torch.randn(200) for _ in range(400)]) < 0.01
