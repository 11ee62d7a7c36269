"""What a recipe says about a layer. One class a kind; the registry of kinds is in `train.layers`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

Fraction = Annotated[float, Field(ge=0, le=1)]


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("a range goes from the smaller to the larger value")
    return pair


Decay = Fraction | Annotated[tuple[Fraction, Fraction], AfterValidator(_rising)]


class Strict(BaseModel):
    """A part of a recipe: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerConfig(Strict):
    """What every layer has.

    Attributes:
        kind: the mechanism.
        name: under which counts, traces and checks report the layer; "hidden<n>" or "readout" if left out.
        weight_scale: factor on the initial weights.
    """

    kind: str
    name: str | None = Field(None, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    weight_scale: float = Field(1.0, gt=0)


class SpikingConfig(LayerConfig):
    """A layer of spiking neurons.

    Attributes:
        units: number of neurons.
        threshold: in weight units of 1/64 (weights reach from −4 to 3.97 in steps of 1/32).
        current_decay, voltage_decay: fraction lost a step; [low, high] spreads it over the neurons.
        reset: "hard" (to zero), "soft" (subtract the threshold) or "none".
        bias: learn a bias. recurrent: feed the layer's spikes back through a dense matrix.
        tau_grad, scale_grad: width (in thresholds, times 100 inside SLAYER) and height of the surrogate gradient.
    """

    units: int = Field(gt=0, le=65536)
    threshold: float = Field(8.0, ge=1 / 64, le=2047)
    current_decay: Decay = 1.0
    voltage_decay: Decay = 0.1
    reset: Literal["hard", "soft", "none"] = "hard"
    bias: bool = False
    recurrent: bool = False
    tau_grad: float = Field(0.01, gt=0)
    scale_grad: float = Field(10.0, gt=0)

    @field_validator("current_decay", "voltage_decay", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class LifConfig(SpikingConfig):
    """Leaky integrate-and-fire neurons."""

    kind: Literal["lif"] = "lif"


class DmpConfig(SpikingConfig):
    """Leaky integrate-and-fire neurons beside a slow Legendre memory.

    Attributes:
        states: d, the size of the slow state.
        window: θ, the steps that the memory spans.
        update_interval: steps between refreshes of the memory current.
        coefficient_bits: of the frozen matrices.
        memory_scale: factor on the initial memory weights.
    """

    kind: Literal["dmp"] = "dmp"
    states: int = Field(8, ge=1, le=64)
    window: float = Field(40.0, gt=0)
    update_interval: int = Field(1, ge=1)
    coefficient_bits: int = Field(16, ge=4, le=24)
    memory_scale: float = Field(1.0, ge=0)


class ReadoutConfig(LayerConfig):
    """Non-spiking integrators, one a class; the class is the largest sum after the last step.

    Attributes:
        logit_scale: factor from sums to the logits of the objective.
    """

    kind: Literal["readout"] = "readout"
    logit_scale: float = Field(0.1, gt=0)
