"""One training step: forward, loss, backward, clipping, optimiser.

On a single GPU the step is captured into a CUDA graph and replayed, since starting its kernels one by one takes longer
than they run. Nothing in a step waits for the device: what is measured is summed there, to be read now and then.
"""

import copy
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int, Num

from basalt.train.dynamics import choose
from basalt.train.merged import Merged
from basalt.train.networks import Network
from basalt.train.objectives import OBJECTIVES, rate_excess, supervised_contrastive
from basalt.train.recipe import TrainingConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric

WARM_UP = 3


@dataclass(frozen=True)
class Figures:
    """Means over the samples since the sums were last cleared.

    Attributes:
        loss, accuracy: of training.
        overflowed: the share in batches whose gradient was no number or infinite: those change nothing.
        rates: spike rates by layer.
    """

    loss: float
    accuracy: float
    overflowed: float
    rates: dict[str, float]

    @property
    def rate(self) -> float:
        """Mean of the layers' spike rates."""
        return sum(self.rates.values()) / max(len(self.rates), 1)


def optimizer(network: Network, config: TrainingConfig, device: torch.device) -> torch.optim.AdamW:
    """AdamW; with `scaled_rates`, each parameter's rate in units of the size it starts with (`Network.units`)."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for parameter, unit in network.units():
        groups.setdefault(unit if config.scaled_rates else 1.0, []).append(parameter)
    return torch.optim.AdamW(
        [{"params": members, "unit": unit} for unit, members in groups.items()],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        capturable=device.type == "cuda",
        fused=device.type == "cuda",
    )


class Stepper:
    """Takes training steps and sums up what they measure.

    Args:
        network: the network, and `wrapped`, as Fabric wrapped it.
        optimizer: as Fabric wrapped it.
        fabric, config: how to train.
    """

    def __init__(
        self, network: Network, wrapped: torch.nn.Module, optimizer: Any, fabric: "Fabric", config: TrainingConfig
    ) -> None:
        self.network, self.wrapped, self.optimizer, self.fabric, self.config = (
            network, wrapped, optimizer, fabric, config,
        )  # fmt: skip
        self.objective = OBJECTIVES[config.objective]
        self.sums = torch.zeros(4 + len(network.spiking), dtype=torch.float64, device=fabric.device)
        self.one = torch.ones((), device=fabric.device)
        self.graph: Any = None
        self.x, self.labels = torch.empty(0), torch.empty(0)
        self.exact = False
        self.captures = fabric.device.type == "cuda" and fabric.world_size == 1
        self.merged: Merged | None = None
        if self.captures and choose.available():
            self.merged = Merged(getattr(optimizer, "optimizer", optimizer))
        elif fabric.device.type == "cuda":
            for group in optimizer.param_groups:
                group["lr"] = torch.tensor(0.0, device=fabric.device)

    def __call__(
        self, x: Num[torch.Tensor, "batch features steps"], labels: Int[torch.Tensor, "batch"], rate: float
    ) -> None:
        """One step at a learning rate."""
        if self.merged is not None:
            self.merged.rate.fill_(rate)
        for group in self.optimizer.param_groups if self.merged is None else ():
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * group["unit"])
            else:
                group["lr"] = rate * group["unit"]
        if self.captures and not self.exact and self.graph is None:
            self._capture(x, labels)
        if self.graph is None or x.shape != self.x.shape:
            self._run(x, labels)
            return
        self.x.copy_(x)
        self.labels.copy_(labels)
        self.graph.replay()

    def compute_exactly(self, on: bool) -> None:
        """See `Network.compute_exactly`; a captured step is given up, since exact steps cannot be captured."""
        self.exact = on
        if on:
            self.graph = None
        self.network.compute_exactly(on)

    def read(self) -> Figures:
        """The means so far, over all devices; waits for them."""
        sums = self.sums
        if self.fabric.world_size > 1:
            sums = torch.as_tensor(self.fabric.all_reduce(sums.clone(), reduce_op="sum"))
        loss, hits, seen, overflowed, *rates = sums.tolist()
        names = [layer.name for layer in self.network.spiking]
        return Figures(
            loss / seen, hits / seen, overflowed / seen, {name: rate / seen for name, rate in zip(names, rates)}
        )

    def clear(self) -> None:
        """Start new sums."""
        self.sums.zero_()

    def _run(self, x: torch.Tensor, labels: torch.Tensor) -> None:
        config = self.config
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.wrapped(x, self.objective.over_time)
        loss = self.objective(logits, labels, config.label_smoothing)
        contrast = config.contrastive
        if contrast.weight > 0:
            loss = loss + contrast.weight * supervised_contrastive(
                self.network.contrasted, labels, contrast.temperature
            )
        rates = self.network.rates
        if config.rate_penalty > 0:
            loss = loss + config.rate_penalty * rate_excess(rates, config.rate_target)
        self.fabric.backward(loss)
        norm = self._update()
        with torch.no_grad():
            hits = (self.objective.decision(logits) == labels).sum()
            overflowed = (~norm.isfinite()).float()
            measured = torch.stack([loss, hits / len(labels), self.one, overflowed, *rates.values()])
            self.sums.add_(measured, alpha=len(labels))

    def _update(self) -> torch.Tensor:
        """Clip the gradients and take the optimiser's step; returns the norm that they had.

        Where that is not finite, they count as zero.
        """
        if self.merged is not None:
            return self.merged(self.config.clip)
        clip = self.config.clip
        norm = self.fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=clip, error_if_nonfinite=False)
        assert norm is not None
        for parameter in self.wrapped.parameters():
            if parameter.grad is not None:  # clipped to a norm that is no number, it is all no numbers and zeros
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        self.optimizer.step()
        return norm

    def _capture(self, x: torch.Tensor, labels: torch.Tensor) -> None:
        """Capture the step, if it can be; the steps that warm it up are undone."""
        if not all(choose.known(layer) for layer in self.network.hidden):
            self.captures = False
            return
        self.x, self.labels = x.clone(), labels.clone()
        sums, model = self.sums.clone(), copy.deepcopy(self.network.state_dict())
        states = {p: copy.deepcopy(state) for p, state in self.optimizer.state.items()}
        # The parameters' gradients are made on the side stream now; torch warns that they were made elsewhere before.
        warn = getattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch", lambda on: None)
        warn(False)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self._run(self.x, self.labels)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._run(self.x, self.labels)
            self.graph = graph
        except RuntimeError as error:
            self.captures = False
            logging.getLogger("basalt").warning(f"The step cannot be captured ({error}): it runs kernel by kernel.")
        with torch.no_grad():
            self.sums.copy_(sums)
            # Only what changed: writing the decays would let go of what the graph reads.
            for name, value in self.network.state_dict().items():
                if not torch.equal(value, model[name]):
                    value.copy_(model[name])
            for parameter, state in self.optimizer.state.items():
                for key, value in state.items():
                    before = states.get(parameter, {}).get(key)
                    value.zero_() if before is None else value.copy_(before)
