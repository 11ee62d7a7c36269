"""What AdamW remembers of each parameter, by the parameter's name: all of the optimiser that a recipe does not say."""

from collections.abc import Iterator, Mapping

import torch

from basalt.train.networks import Network
from basalt.train.recipe import TrainingConfig
from basalt.train.stepper import optimizer as make_optimizer
from basalt.train.tensors import Spec

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def moments(network: Network, optimizer: torch.optim.AdamW) -> dict[str, torch.Tensor]:
    """The number of steps and both moments of every parameter that has had a gradient, as "<parameter>.<moment>"."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    return {
        f"{names[parameter]}.{moment}": state[moment]
        for parameter, state in optimizer.state.items()
        for moment in MOMENTS
    }


def restore(network: Network, optimizer: torch.optim.AdamW, kept: Mapping[str, torch.Tensor]) -> None:
    """Give them back to an optimiser that is new; its groups and rates are those of the recipe."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    content = optimizer.state_dict()
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    content["state"] = {
        index: {moment: kept[f"{names[parameter]}.{moment}"] for moment in MOMENTS}
        for index, parameter in enumerate(parameters)
        if f"{names[parameter]}.step" in kept
    }
    optimizer.load_state_dict(content)


def names(network: Network, config: TrainingConfig) -> list[str]:
    """The parameters in the order in which the optimiser counts them."""
    known = {parameter: name for name, parameter in network.named_parameters()}
    groups = make_optimizer(network, config, torch.device("cpu")).param_groups
    return [known[parameter] for group in groups for parameter in group["params"]]


def specs(network: Network) -> Iterator[dict[str, Spec]]:
    """What the moments of each trained parameter are like; a parameter has all of them, or none."""
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            own = Spec.of(parameter)
            yield {f"{name}.{moment}": Spec(own.dtype, ()) if moment == "step" else own for moment in MOMENTS}
