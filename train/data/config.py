"""What a recipe says about its data: the data set, the binning and every parameter of the event camera."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SENSOR = (2, 34, 34)
"""Axes of the sensor: polarity (0 = OFF, 1 = ON), rows y, columns x; as in N-MNIST."""

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class CameraConfig(BaseModel):
    """The simulated event camera (`train.data.camera`), calibrated on 400 real N-MNIST recordings.

    `python -m train.data.calibrate --data-dir DIR` prints how near these defaults come to the recordings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path_ms: tuple[float, ...] = Field(
        default=(0, 15, 45, 75, 105, 120, 150, 180, 210, 225, 250, 280, 310),
        description="Times of the knots of the digit's path, in ms, rising.",
    )
    path_x: tuple[float, ...] = Field(
        default=(14, 14, 15.7, 17.4, 17.5, 17.5, 19.2, 21, 21, 21, 17.5, 14, 14),
        description="Column of the digit's centre at the knots, in pixels (0 = the first column's centre).",
    )
    path_y: tuple[float, ...] = Field(
        default=(14, 14, 17.5, 21, 21, 21, 17.5, 14, 14, 14, 14, 14, 14),
        description="Row of the digit's centre at the knots, in pixels (0 = the first row's centre).",
    )
    digit_scale: float = Field(default=1.0, gt=0.3, lt=1.3, description="Sensor pixels per image pixel.")
    blur_px: float = Field(default=0.7, ge=0.2, le=4, description="Optical blur: a Gaussian's sd in sensor pixels.")
    contrast: float = Field(
        default=2.0,
        gt=-1,
        le=100,
        description="Luminance is 1 + contrast * ink; negative: dark ink on a bright ground.",
    )
    threshold_on: Positive = Field(default=0.2, description="Rise in log luminance that makes an ON event.")
    threshold_off: Positive = Field(default=0.2, description="Fall in log luminance that makes an OFF event.")
    threshold_spread: NotNegative = Field(
        default=0.1,
        le=1,
        description="Relative sd of the thresholds among pixels, drawn anew for each sample.",
    )
    threshold_jitter: NotNegative = Field(
        default=0.1, le=1, description="Relative sd of a pixel's threshold from one event to the next."
    )
    refractory_ms: NotNegative = Field(default=2.0, le=50, description="Time a pixel is held in reset after an event.")
    latency_ms: NotNegative = Field(
        default=1.0, le=50, description="Time constant of the pixel's first-order low pass."
    )
    noise_hz: NotNegative = Field(default=0.5, le=1000, description="Noise events a second and pixel, either polarity.")
    position_jitter_px: NotNegative = Field(default=0.1, le=3, description="Sd of a sample's offset, on each axis.")
    time_jitter_ms: NotNegative = Field(default=1.0, le=20, description="Sd of a sample's start of the path.")
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


class DataConfig(BaseModel):
    """The `[data]` table of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["digits", "mnist", "nmnist"] = Field(default="digits", description="The data set.")
    step_ms: float = Field(default=5.0, gt=0, le=1000, description="Length of a time step, in ms.")
    steps: int = Field(default=60, ge=1, le=4096, description="Number of steps; later events are dropped.")
    camera: CameraConfig = Field(default_factory=CameraConfig, description="The event camera (not for nmnist).")
    limit: int | None = Field(default=None, ge=1, description="Use only so many training samples.")
    exclude_first: int = Field(
        default=0, ge=0, description="Leave out the first n training images of MNIST (recordings show them)."
    )
    seed: int = Field(default=1, ge=0, lt=2**32, description="Seed of the camera.")
