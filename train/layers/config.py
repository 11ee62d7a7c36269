"""What a recipe says about a layer, one class per kind; the registry of kinds is in `basalt.train.layers`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

if TYPE_CHECKING:
    from pydantic import ValidationInfo  # a protocol that no isinstance can check


@dataclass(frozen=True)
class Allowed:
    """What a key may be, for people, where its type and bounds do not say it."""

    text: str


def _decay(value: Any) -> float | tuple[float, float]:
    ends = value if isinstance(value, (list, tuple)) else (value, value)
    numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends)
    if len(ends) != 2 or not numbers or not 0 <= ends[0] <= ends[1] <= 1:
        raise ValueError("a decay is a fraction from 0 to 1, or [low, high] to spread it over the neurons")
    return (float(ends[0]), float(ends[1])) if isinstance(value, (list, tuple)) else float(value)


Decay = Annotated[float | tuple[float, float], BeforeValidator(_decay), Allowed("number ≥ 0, ≤ 1, or [low, high]")]


def _pair(value: Any) -> tuple[int, int]:
    both = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    whole = all(isinstance(part, int) and not isinstance(part, bool) and abs(part) <= 4096 for part in both)
    if len(both) != 2 or not whole:
        raise ValueError("give a whole number up to 4096, or [vertical, horizontal]")
    return both


Pair = Annotated[tuple[int, int], BeforeValidator(_pair), Allowed("whole number ≤ 4096, or [vertical, horizontal]")]


def _recurrence(value: Any) -> Any:
    return {True: "full", False: "none"}[value] if isinstance(value, bool) else value


Recurrence = Annotated[
    Literal["none", "full", "diagonal"],
    BeforeValidator(_recurrence),
    Allowed("none, full, diagonal, true, false"),
]


class Strict(BaseModel):
    """A part of a recipe: unknown keys, infinite numbers and truth for numbers are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: "ValidationInfo") -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {annotation, *get_args(annotation)}:
            raise ValueError("input should be a number")
        return value


TAKEN = {"input": "the network's input", "file": "numpy.savez, which has an argument of that name"}
"""Names that layers cannot have → what they are reserved for."""


class LayerConfig(Strict):
    """What every layer has.

    Attributes:
        kind: the mechanism: lif, dmp, hgrn, hopfield, conv, pool, lstm or readout.
        name: under which counts, traces and checks report the layer; "hidden<n>" or "readout" if left out.
        weight_scale: factor on the initial weights.
    """

    kind: str
    name: str | None = Field(None, pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)
    weight_scale: float = Field(1.0, gt=0)

    @field_validator("name")
    @classmethod
    def _free(cls, value: str | None) -> str | None:
        if value in TAKEN:
            raise ValueError(f"{value!r} is reserved for {TAKEN[value]}; choose another name")
        return value


class AdaptiveConfig(Strict):
    """A threshold that rises with each spike, SLAYER's adaptive LIF; `basalt/records/adaptive.py` has the equations.

    Attributes:
        threshold_step: what a spike raises the threshold by, in the threshold's units.
        threshold_decay: fraction of the raised threshold lost per step; [low, high] spreads it over the neurons (or
            channels).
        refractory_decay: fraction lost per step of the refractory state that takes the place of a reset; [low, high]
            spreads it over the neurons (or channels).
    """

    threshold_step: float = Field(ge=0, le=2047)
    threshold_decay: Decay = 0.05
    refractory_decay: Decay = 0.2


class SpikingConfig(LayerConfig):
    """A layer of spiking neurons.

    Attributes:
        threshold: of the membrane, in weight units of 1/64 (weights reach from −4 to 3.97 in steps of 1/32).
        leakage: of the membrane: "fixed" (it loses `voltage_decay` per step), "learnable" (that is where training
            starts, for each neuron or channel by itself), "none" (it keeps all) or "complete" (it forgets all, every
            step); `voltage_decay` says nothing with the last two.
        current_decay: fraction of the synaptic current lost per step; [low, high] spreads it over the neurons (or
            channels).
        voltage_decay: fraction of the membrane lost per step; [low, high] spreads it over the neurons (or channels).
        reset: what a spike does to the membrane: "hard" (to zero), "soft" (subtract the threshold) or "none".
        adaptive: of neurons whose threshold adapts; `reset` says nothing then.
        bias: learn a bias, one per neuron (or channel).
        tau_grad: width of the surrogate gradient, in thresholds (times 100 inside SLAYER).
        scale_grad: height of the surrogate gradient.
    """

    threshold: float = Field(8.0, ge=1 / 64, le=2047)
    leakage: Literal["none", "learnable", "fixed", "complete"] = "fixed"
    current_decay: Decay = 1.0
    voltage_decay: Decay = 0.1
    reset: Literal["hard", "soft", "none"] = "hard"
    bias: bool = False
    tau_grad: float = Field(0.01, gt=0)
    scale_grad: float = Field(10.0, gt=0)
    adaptive: AdaptiveConfig | None = None

    @model_validator(mode="after")
    def _one_reset(self) -> Self:
        if self.adaptive is not None and self.reset == "soft":
            raise ValueError("adaptive neurons have a refractory state in place of a reset: leave `reset` out")
        if self.adaptive is not None and self.leakage == "learnable":
            raise ValueError("adaptive neurons cannot learn their leakage: choose a `leakage` other than learnable")
        return self

    @property
    def membrane_reset(self) -> str:
        """What a spike does to the membrane itself."""
        return self.reset if self.adaptive is None else "none"

    @property
    def adaptation(self) -> tuple[float, Decay, Decay] | None:
        """Step and decay of the threshold, and decay of the refractory state, of adaptive neurons."""
        found = self.adaptive
        return None if found is None else (found.threshold_step, found.threshold_decay, found.refractory_decay)

    @property
    def membrane_decay(self) -> Decay:
        """The fraction of the membrane that is lost per step, at first where it is learned."""
        return {"none": 0.0, "complete": 1.0}.get(self.leakage, self.voltage_decay)


class DenseConfig(SpikingConfig):
    """Spiking neurons with dense synapses.

    Attributes:
        units: number of neurons.
        recurrent: what of the layer's own spikes of the step before neurons hear: "none", "full" (all, through a dense
            matrix) or "diagonal" (each its own, with one weight); true and false stand for "full" and "none".
        delay: the largest learned delay of the spikes that leave the layer, in steps; 0 for none. Spikes fed back have
            none.
        delay_spread: delays start uniformly between 0 and this, in steps.
        delay_rate: how fast delays learn, in steps for what moves a weight by one.
    """

    units: int = Field(gt=0, le=65536)
    recurrent: Recurrence = "none"
    delay: int = Field(0, ge=0, le=62)
    delay_spread: float = Field(1.0, ge=0, le=62)
    delay_rate: float = Field(1.0, gt=0)


class LifConfig(DenseConfig):
    """Leaky integrate-and-fire neurons."""

    kind: Literal["lif"] = "lif"


class PathwayConfig(DenseConfig):
    """Spiking neurons beside a memory of their input.

    Attributes:
        fast: whether spikes also reach the neurons directly; without, W stays zero and the memory is all there is.
    """

    fast: bool = True


class ConvConfig(SpikingConfig):
    """Leaky integrate-and-fire neurons with a convolution for synapses.

    Attributes:
        channels: number of output channels.
        kernel: size of the kernel, in pixels, one number or [vertical, horizontal].
        stride: from one place of the kernel to the next, in pixels, one number or [vertical, horizontal].
        padding: rows and columns of zeros around the input, in pixels, one number or [vertical, horizontal].
        groups: parts that input and output channels are divided into, each convolved by itself.
    """

    kind: Literal["conv"] = "conv"
    channels: int = Field(gt=0, le=4096)
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> "ConvConfig":
        if min(*self.kernel, *self.stride) < 1 or min(self.padding) < 0:
            raise ValueError("kernel and stride are 1 or more, padding is 0 or more")
        if self.channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.channels} channels")
        return self


class PoolConfig(SpikingConfig):
    """Sum pooling: neurons that add the spikes of a window of their channel, each with the same fixed weight.

    With the defaults a neuron spikes in every step in which one of its inputs did.

    Attributes:
        size: of the windows, in pixels, which lie side by side; one number or [vertical, horizontal].
        weight: what each spike adds, in weights of 1.0.
    """

    kind: Literal["pool"] = "pool"
    size: Pair = (2, 2)
    weight: float = Field(1.0, ge=1 / 32, le=127 / 32)
    threshold: float = Field(0.5, ge=1 / 64, le=2047)
    voltage_decay: Decay = 1.0

    @field_validator("size")
    @classmethod
    def _possible(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 1:
            raise ValueError(f"1 or more (got {value})")
        return value


class LstmConfig(LayerConfig):
    """A long short-term memory: not spiking, to compare with; it is trained and cannot be deployed.

    Attributes:
        units: size of the state.
    """

    kind: Literal["lstm"] = "lstm"
    units: int = Field(gt=0, le=65536)


class ReadoutConfig(LayerConfig):
    """Non-spiking integrators, one per class; the class is the largest sum, or mean membrane, after the last step.

    Attributes:
        logit_scale: factor from sums or means to the logits of the objective.
        voltage_decay: fraction of the membrane lost per step, of which the mean over time is read out; left out, the
            weighted spikes are summed.
    """

    kind: Literal["readout"] = "readout"
    logit_scale: float = Field(0.1, gt=0)
    voltage_decay: float | None = Field(None, ge=0, le=1)
