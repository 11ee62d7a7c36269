"""Loss landscapes: directions as long as the filters, the loss at w + a·d, sharpness of a known bowl."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.robustness import landscape
from tests.study.robustness.worlds import Plain, batch, images, spiking


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@given(seed=st.integers(0, 99))
def test_every_row_is_as_long_as_the_weights_it_moves(seed):
    network = spiking(seed, recurrent=True)
    network.hidden[0].synapse.weight.data[3] = 0
    along = landscape.direction(network, generator(seed))
    rows = {name: p for name, p in network.named_parameters() if p.dim() > 1}
    assert along.keys() == rows.keys()
    for name, weight in rows.items():
        assert torch.allclose(along[name].flatten(1).norm(dim=1), weight.flatten(1).norm(dim=1), rtol=1e-4)
        assert along[name].shape == weight.shape


def test_a_scaled_network_has_the_same_directions_scaled():
    network = Plain()
    along = landscape.direction(network, generator())
    with torch.no_grad():
        network.first *= 3
    assert torch.allclose(landscape.direction(network, generator())["first"], 3 * along["first"], rtol=1e-5)


def test_lines_and_planes_are_the_loss_of_moved_weights():
    network, (x, labels) = Plain(), images()
    loss = lambda: float(torch.nn.functional.cross_entropy(network(x), labels))  # noqa: E731
    one, two = landscape.direction(network, generator(1)), landscape.direction(network, generator(2))
    parameters = {name: p.detach().clone() for name, p in network.named_parameters()}
    found = landscape.plane(network, loss, (one, two), (-0.5, 0.0, 1.0))
    assert np.array_equal(found[1], landscape.line(network, loss, one, (-0.5, 0.0, 1.0)))
    assert found[1, 1] == loss()
    assert all(torch.equal(p, parameters[name]) for name, p in network.named_parameters())
    other = Plain()
    with torch.no_grad():
        other.first += 1.0 * one["first"] - 0.5 * two["first"]
        other.last += 1.0 * one["last"] - 0.5 * two["last"]
    expected = float(torch.nn.functional.cross_entropy(other(x), labels))
    assert found[0, 2] == pytest.approx(expected, rel=1e-6)


class Bowl(torch.nn.Module):
    """L = c·‖w‖²: at weight w, moving by ±r in every row raises the mean of both sides by c·r²·‖w‖², exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))


@pytest.mark.parametrize("radius", [0.1, 0.5])
def test_sharpness_of_a_bowl(radius):
    bowl = Bowl()
    loss = lambda: 0.7 * float((bowl.weight**2).sum())  # noqa: E731
    found = landscape.sharpness(bowl, loss, generator(), radius, directions=3)
    assert found == pytest.approx(0.7 * radius**2 * 26, rel=1e-4)


def test_a_spiking_network_s_weights_move():
    network, (x, labels) = spiking(2), batch()
    loss = lambda: float(torch.nn.functional.cross_entropy(network(x), labels))  # noqa: E731
    found = landscape.line(network, loss, landscape.direction(network, generator()), np.linspace(-1, 1, 9).tolist())
    assert len(set(found.round(6))) > 4
    assert found[4] == loss()
