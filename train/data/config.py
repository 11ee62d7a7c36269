"""What a recipe says about its data: the data set, the binning and every parameter of the event camera."""

import re
from math import comb
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from basalt.recordings.view import POLARITIES, steps_of
from basalt.train.data.sets import OWNED, SETS

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

# fmt: off
_PATH = (
    (-2.1, 13.99, 14.77), (12.9, 13.95, 14.95), (27.9, 13.84, 15.85), (32.9, 13.82, 16.37), (47.9, 13.94, 18.21),
    (52.9, 14.14, 18.78), (57.9, 14.45, 19.26), (67.9, 15.05, 19.92), (72.9, 15.29, 20.07), (87.9, 15.47, 20.15),
    (102.9, 15.61, 20.06), (117.9, 15.93, 20.00), (122.9, 16.11, 19.93), (127.9, 16.42, 19.76), (142.9, 17.49, 18.46),
    (147.9, 17.76, 17.86), (162.9, 18.20, 16.09), (167.9, 18.39, 15.59), (172.9, 18.56, 15.25), (177.9, 18.69, 15.05),
    (187.9, 18.85, 14.90), (197.9, 19.00, 14.90), (212.9, 19.27, 14.90), (222.9, 19.29, 14.89), (227.9, 19.22, 14.89),
    (232.9, 18.93, 14.90), (242.9, 17.96, 14.94), (252.9, 16.94, 14.92), (262.9, 15.86, 14.86), (272.9, 15.01, 14.76),
    (287.9, 14.26, 14.67), (292.9, 14.13, 14.68), (307.9, 14.05, 14.70),
)
# fmt: on
"""Knots of the digit's path over the sensor, (ms, column, row): estimated from the recordings, less the latency."""


class CameraConfig(BaseModel):
    """The simulated event camera (`basalt.train.data.camera`), calibrated on 400 real N-MNIST recordings.

    `python -m basalt.train.data.calibrate --data-dir DIR` prints how near these defaults come to the recordings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path_ms: tuple[float, ...] = Field(
        default=tuple(knot[0] for knot in _PATH),
        description="Times of the knots of the digit's path, in ms, rising.",
    )
    path_x: tuple[float, ...] = Field(
        default=tuple(knot[1] for knot in _PATH),
        description="Column of the digit's centre at the knots, in pixels (0 = the first column's centre).",
    )
    path_y: tuple[float, ...] = Field(
        default=tuple(knot[2] for knot in _PATH),
        description="Row of the digit's centre at the knots, in pixels (0 = the first row's centre).",
    )
    digit_scale: float = Field(default=1.0, gt=0.3, lt=1.3, description="Sensor pixels per image pixel.")
    blur_px: float = Field(default=0.67, ge=0.2, le=4, description="Optical blur: a Gaussian's sd in sensor pixels.")
    contrast: float = Field(
        default=-0.7,
        gt=-1,
        le=100,
        description="Luminance is 1 + contrast * ink; negative: dark ink on a bright ground.",
    )
    threshold_on: Positive = Field(default=0.148, description="Rise in log luminance that makes an ON event.")
    threshold_off: Positive = Field(default=0.1435, description="Fall in log luminance that makes an OFF event.")
    threshold_spread: NotNegative = Field(
        default=0.16,
        le=1,
        description="Relative sd of the thresholds among pixels, drawn anew for each sample.",
    )
    threshold_jitter: NotNegative = Field(
        default=0.225, le=1, description="Relative sd of a pixel's threshold from one event to the next."
    )
    refractory_ms: NotNegative = Field(default=0.5, le=50, description="Time a pixel is held in reset after an event.")
    latency_ms: NotNegative = Field(
        default=1.4, le=50, description="Time constant of the pixel's first-order low pass."
    )
    noise_on_hz: NotNegative = Field(default=0.36, le=1000, description="Noise ON events per second and pixel.")
    noise_off_hz: NotNegative = Field(default=0.01, le=1000, description="Noise OFF events per second and pixel.")
    position_jitter_px: NotNegative = Field(default=0.11, le=3, description="Sd of a sample's offset, on each axis.")
    time_jitter_ms: NotNegative = Field(default=1.1, le=20, description="Sd of a sample's start of the path.")
    duration_ms: float = Field(default=310, gt=0, le=10_000, description="Length of a recording.")
    integration_ms: float = Field(
        default=1.0, gt=0, le=10, description="Step of the simulation; crossings are interpolated within it."
    )

    @model_validator(mode="after")
    def _path_is_a_function_of_time(self) -> "CameraConfig":
        if not len(self.path_ms) == len(self.path_x) == len(self.path_y) >= 2:
            raise ValueError("path_ms, path_x and path_y need the same number of knots, at least two")
        if any(b <= a for a, b in zip(self.path_ms, self.path_ms[1:], strict=False)):
            raise ValueError("path_ms must rise from knot to knot")
        if any(not -20 <= value <= 54 for value in (*self.path_x, *self.path_y)):
            raise ValueError("path_x and path_y must stay between -20 and 54 pixels")
        return self


class RecallConfig(BaseModel):
    """The delayed-recall task (`basalt.train.data.recall`); lengths are in steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: int = Field(default=8, ge=2, le=1000, description="Number of patterns.")
    channels: int = Field(default=40, ge=2, le=10_000, description="Inputs that patterns are shown on.")
    active: float = Field(default=0.25, gt=0, lt=1, description="Fraction of the channels that a pattern has.")
    rate: float = Field(
        default=0.5, gt=0, le=1, description="Probability that a channel of a pattern spikes in a step."
    )
    noise: float = Field(default=0.01, ge=0, lt=1, description="Probability that any other channel does.")
    cue: int = Field(default=10, ge=1, description="Length of a pattern, in steps.")
    delay: int = Field(default=60, ge=0, description="From the end of the cue to the go signal, in steps.")
    distractors: int = Field(default=2, ge=0, description="Patterns of other classes within the delay.")
    go: int = Field(default=5, ge=1, description="Length of the go signal, in steps.")
    response: int = Field(default=15, ge=0, description="Time after the go signal, in steps.")

    @property
    def steps(self) -> int:
        """Of a sample."""
        return self.cue + self.delay + self.go + self.response

    @model_validator(mode="after")
    def _possible(self) -> "RecallConfig":
        if self.distractors >= self.classes:
            raise ValueError(f"{self.distractors} distractors of other classes need more than {self.classes} classes")
        if self.distractors * self.cue > self.delay:
            raise ValueError(
                f"{self.distractors} distractors of {self.cue} steps do not fit into {self.delay} of delay"
            )
        count = max(1, round(self.active * self.channels))
        if comb(self.channels, count) < self.classes:
            raise ValueError(f"{self.classes} classes need more patterns than {count} of {self.channels} channels make")
        return self


if TYPE_CHECKING:
    Name = str
    Polarity = str
else:
    Name = Literal[tuple(SETS)]
    Polarity = Literal[tuple(POLARITIES)]


def _shared(value: Any) -> Any:
    """A fraction, or names of groups."""
    names = isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value)
    if value is None or names or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1):
        return value
    raise ValueError(
        f'a share above 0 and below 1, or a list of groups\' names, as ["theo"], is needed (got {value!r})'
    )


Share = Annotated[float | tuple[str, ...], BeforeValidator(_shared)]
Pixel = Annotated[int, Field(ge=0, lt=1 << 16)]
Length = Annotated[int, Field(ge=1, le=1 << 16)]


class DataConfig(BaseModel):
    """What to train on: defaults, and which keys there are, depend on the data set.

    What keys default to, and which of `OWNED` there are, `SETS` says.

    The steps of recall follow from its lengths, and those of whoever gives `duration_ms` from that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(default="digits", description="The data set.")
    step_ms: float = Field(default=5.0, gt=0, le=1000, description="Length of a time step, in ms.")
    steps: int = Field(default=60, ge=1, le=4096, description="Length of a sample, in steps; later events are dropped.")
    camera: CameraConfig = Field(default_factory=CameraConfig, description="The event camera (not for nmnist).")
    limit: int | None = Field(default=None, ge=1, description="Use only this many training samples.")
    exclude_first: int = Field(
        default=0, ge=0, description="Leave out the first n training images of MNIST (recordings show them)."
    )
    seed: int = Field(default=1, ge=0, lt=2**32, description="Seed of the camera, of rates, or of recall.")
    recall: RecallConfig = Field(default_factory=RecallConfig, description="The task of recall.")
    coding: Literal["rate", "latency"] = Field(default="rate", description="How static images become spikes.")
    peak: float = Field(
        default=0.5, gt=0, le=1, description="Rate-coded: probability that the brightest pixel spikes in a step."
    )
    bits: int = Field(default=7, ge=1, le=8, description="Bits of a pixel (smnist, psmnist).")
    permutation_seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the order of pixels (psmnist).")
    group: int = Field(
        default=1,
        ge=1,
        le=128,
        description="Neighbours that become one input, of channels of sound or on each axis of a camera.",
    )
    protocol: str = Field(
        default="official",
        pattern=r"^(official|speaker:.+)$",
        description='The split of spoken: "official", or "speaker:<name>" to test on a speaker heard nowhere else.',
    )

    path: str | None = Field(
        default=None,
        description="Where your own data lie, seen from the working folder or the data folder: a folder with a folder "
        "per class, or an .npz file with spikes and labels.",
    )
    groups: str | None = Field(
        default=None,
        description="A regular expression found in a file's path below `path`; files of equal first group, such as "
        "those of a speaker, are never in two splits.",
    )
    test: Share | None = Field(
        default=None,
        description="What is tested on: a share of each class, with `groups` of the groups, or the names of groups.",
    )
    validation: Share | None = Field(default=None, description="What is validated on, as `test` says it.")
    duration_ms: float | None = Field(
        default=None, gt=0, le=1e6, description="How much of a recording is seen, in ms: another way to say steps."
    )
    sensor: tuple[Length, Length] | None = Field(
        default=None, description="Width and height of the sensor, in pixels, where the recordings do not say it."
    )
    polarity: Polarity | None = Field(
        default=None,
        description='Which events are seen: "both" kinds as inputs of their own, "merge" as one, "on" or "off" alone.',
    )
    crop: tuple[Pixel, Pixel, Length, Length] | None = Field(
        default=None, description="The part of the sensor that is seen: left, top, width, height in pixels."
    )
    denoise_ms: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="Keep an event only if a pixel beside its own had one at most so long before, in ms; 0 for all.",
    )
    start_ms: float | None = Field(
        default=None,
        ge=0,
        le=1e15,
        description="When step 0 begins on the recorder's clock, in ms; left out, with a recording's first event.",
    )

    @field_validator("path", "groups", "test", "validation")
    @classmethod
    def _a_file_can_hold_it(cls, value: Any) -> Any:
        for text in value if isinstance(value, tuple) else (value,):
            try:
                str(text).encode()
            except UnicodeEncodeError as error:
                raise ValueError("it is not all UTF-8, and no recipe can hold it: rename what it names") from error
        return value

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_set(cls, given: Any) -> Any:
        name = given.get("name") if isinstance(given, dict) else None
        if name == "recall" and "steps" not in given:
            try:
                given = {**given, "steps": RecallConfig.model_validate(given.get("recall", {})).steps}
            except ValidationError:  # reported for the key itself
                return given
        whole = {**SETS[name].defaults, **given} if isinstance(name, str) and name in SETS else given
        length, step = (
            (whole.get(key) for key in ("duration_ms", "step_ms")) if isinstance(whole, dict) else (None, None)
        )
        if length is not None and "steps" not in given:
            length, step = _number(length), _number(5.0 if step is None else step)
            if length and step:
                whole = {**whole, "steps": steps_of(length, step)}
        return whole

    @model_validator(mode="after")
    def _keys_fit_the_set(self) -> "DataConfig":
        for key in OWNED:
            value = getattr(self, key)
            if key not in SETS[self.name].keys and value != type(self).model_fields[key].default:
                names = ", ".join(name for name, entry in SETS.items() if key in entry.keys)
                raise ValueError(f"{key} = {value!r} is for {names}; leave it out with {self.name}")
        if self.name == "recall" and self.steps != self.recall.steps:
            total = "cue + delay + go + response"
            raise ValueError(f"recall has {self.recall.steps} steps ({total}): leave steps = {self.steps} out")
        if self.duration_ms is not None and self.steps != steps_of(self.duration_ms, self.step_ms):
            raise ValueError(
                f"duration_ms = {self.duration_ms:g} in steps of {self.step_ms:g} ms is "
                f"{steps_of(self.duration_ms, self.step_ms)} steps: leave steps = {self.steps} out"
            )
        return self

    @model_validator(mode="after")
    def _groups_are_found(self) -> "DataConfig":
        named = [key for key in ("test", "validation") if isinstance(getattr(self, key), tuple)]
        if self.groups is None:
            if named:
                raise ValueError(f"{named[0]} names groups, and no pattern `groups` says which file is of which")
            return self
        try:
            count = re.compile(self.groups).groups
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"groups = {self.groups!r} is no regular expression ({error})") from error
        if count < 1:
            raise ValueError(f"groups = {self.groups!r} has no group: put what names one into parentheses")
        return self


def _number(value: Any) -> float | None:
    """A positive number that a key may hold; None for what its own check refuses."""
    return float(value) if isinstance(value, int | float) and 0 < value <= 1e6 else None
