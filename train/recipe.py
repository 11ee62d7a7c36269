"""Recipes: what to train, on what and how, in TOML. Errors name file, key and allowed values."""

import difflib
import types
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from basalt.documents import parse_toml, read_toml
from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.train.data.config import DataConfig
from basalt.train.layers import LAYERS
from basalt.train.layers.config import Allowed, LayerConfig, Strict
from basalt.train.objectives import OBJECTIVES

RECIPES = Path(__file__).parent / "recipes"
FILE = "recipe.toml"
"""Of a run, beside its checkpoint."""


class AugmentConfig(Strict):
    """Changes to the training events, drawn anew in every epoch.

    Attributes:
        pixels: largest shift of a sample in x and in y, in pixels.
        steps: largest shift in time, in steps.
        drop: fraction of a sample's events left out, drawn from [0, drop].
        noise: events added at random, as a fraction of the sample's own.
        rotate: largest turn about the middle of the sensor, in degrees; events move to the nearest pixel, images are
            interpolated (and so blurred), as with `scale` and `shear`.
        scale: largest stretch of either axis, as a fraction.
        shear: largest slant, as a fraction.
        bend: of images, in pixels: how far each node of a grid of 5 × 5 over them moves at most, in x and in y; what
            lies between follows smoothly.
        share: of the samples that are changed; the others are seen as they are. Networks with little memory live on
            single pixels, and take blurred images alone for another task than sharp ones.
    """

    share: float = Field(1.0, ge=0, le=1)
    pixels: int = Field(0, ge=0, le=8)
    steps: int = Field(0, ge=0, le=4096)
    drop: float = Field(0.0, ge=0, lt=1)
    noise: float = Field(0.0, ge=0, le=1)
    rotate: float = Field(0.0, ge=0, le=90)
    scale: float = Field(0.0, ge=0, lt=1)
    shear: float = Field(0.0, ge=0, lt=1)
    bend: float = Field(0.0, ge=0, le=8)


class ContrastiveConfig(Strict):
    """Beside the objective, draw a layer's features together within a class and apart between classes.

    The features are the mean spikes of each neuron before the last step; see `train.objectives.supervised_contrastive`.
    Of several devices each contrasts the samples that it has.

    Attributes:
        weight: of the contrastive loss in the sum; 0 for none.
        temperature: τ of the loss; the smaller, the more the nearest samples count.
        projection: outputs of two dense layers between features and loss, which are only trained with; 0 for none.
        layer: whose features; left out, the last before the read-out.
    """

    weight: float = Field(0.0, ge=0)
    temperature: float = Field(0.07, gt=0)
    projection: int = Field(0, ge=0, le=65536)
    layer: str | None = None


class TrainingConfig(Strict):
    """How to train.

    Attributes:
        epochs: passes over the training set.
        batch: training samples per step of the optimiser.
        learning_rate: of AdamW; it follows a cosine after the warm-up.
        weight_decay: of AdamW.
        warmup: over which the learning rate rises, in epochs.
        clip: largest gradient norm; inf for any.
        objective: what is minimised, by name (`basalt.train.objectives`).
        label_smoothing: of the cross-entropy.
        scaled_rates: learning rates in units of each parameter's initial size, so that one rate suits parameters of
            different scales.
        precision: in which spikes and gradients travel on a GPU ("bfloat16" or "float32"); not used on a CPU.
        exact_epochs: this many last epochs train on the deployed integers of the slow memories, which round in every
            step, with the gradient of the parallel form; they take several times as long.
        validate_every: from one validation to the next, in epochs; the last epoch always has one.
        average: over which weights are averaged, in epochs (`basalt.train.averages`): these are then validated, kept
            and deployed; 0 for the weights as they are trained.
        rate_penalty: weight of the penalty on each spiking layer's mean rate above `rate_target`: weight × excess².
        rate_target: the mean rate above which a layer is penalised, in spikes per neuron and step.
        contrastive: a contrastive loss beside the objective.
        augment: changes to the training events.
    """

    epochs: int = Field(30, ge=1)
    batch: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    warmup: float = Field(0.5, ge=0)
    clip: float = Field(1.0, gt=0, allow_inf_nan=True)
    objective: Annotated[str, Allowed(", ".join(OBJECTIVES))] = "cross_entropy"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    scaled_rates: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    exact_epochs: int = Field(0, ge=0)
    validate_every: int = Field(1, ge=1)
    average: float = Field(0.0, ge=0)
    rate_penalty: float = Field(0.0, ge=0)
    rate_target: float = Field(0.05, ge=0, le=1)
    contrastive: ContrastiveConfig = ContrastiveConfig()
    augment: AugmentConfig = AugmentConfig()

    @field_validator("objective")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in OBJECTIVES:
            raise ValueError(one_of(value, OBJECTIVES))
        return value


class NetworkConfig(Strict):
    """Layers, input side first; the last is a read-out."""

    layers: tuple[Any, ...]

    @field_validator("layers", mode="before")
    @classmethod
    def _by_kind(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"layers are tables, each under its own [[network.layers]] (got {value!r})")
        return tuple(_layer(position, entry) for position, entry in enumerate(value))

    @model_validator(mode="after")
    def _readout_last(self) -> "NetworkConfig":
        kinds = [layer.kind for layer in self.layers]
        if kinds[-1:] != ["readout"] or "readout" in kinds[:-1]:
            raise ValueError(f"the last layer, and no other, is a readout (got {', '.join(kinds) or 'none'})")
        if len(kinds) < 2:
            raise ValueError("a readout needs a layer before it")
        names = [layer.name for layer in self.named()]
        if len(set(names)) < len(names):
            raise ValueError(f"two layers have the same name (got {', '.join(map(str, names))})")
        return self

    def named(self) -> tuple[LayerConfig, ...]:
        """The layers, each with a name."""
        last = len(self.layers) - 1
        default = [f"hidden{i + 1}" if i < last else "readout" for i in range(last + 1)]
        return tuple(c.model_copy(update={"name": c.name or n}) for c, n in zip(self.layers, default))


def _layer(position: int, entry: Any) -> LayerConfig:
    if isinstance(entry, LayerConfig):
        return entry
    if not isinstance(entry, dict):
        raise ValueError(f"[{position}]: a layer is a table with its kind (got {entry!r})")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise ValueError(f"[{position}].kind: {one_of(kind, LAYERS)}")
    config = LAYERS[kind].config
    try:
        return config.model_validate(entry)
    except ValidationError as error:
        key, text = explain(error.errors()[0], config)
        raise ValueError(f"[{position}]{key and '.'}{key}: {text}") from error


class Recipe(Strict):
    """A whole experiment.

    Attributes:
        name: of the run's folder.
        seed: of everything random.
        data: what to train on.
        network: its layers.
        training: how.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: int = Field(1, ge=0, lt=1 << 63)
    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _layer_is_there(self) -> "Recipe":
        layer, names = self.training.contrastive.layer, [entry.name for entry in self.network.named()[:-1]]
        if layer is not None and layer not in names:
            raise ValueError(f"training.contrastive.layer: {one_of(layer, names)}")
        return self

    def plain(self) -> dict[str, Any]:
        """The recipe with all defaults written out, as TOML and JSON know it (no None)."""
        whole = self.model_dump(mode="json", exclude={"network"}, exclude_none=True)
        layers = [layer.model_dump(mode="json", exclude_none=True) for layer in self.network.named()]
        training = whole.pop("training")
        return {**whole, "network": {"layers": layers}, "training": training}

    def write(self, path: Path) -> None:
        """Write the recipe with all defaults written out."""
        with atomic(path) as temporary:
            temporary.write_text(tomli_w.dumps(self.plain()))


def find(recipe: str | Path) -> Path:
    """The file of a recipe given as a path or as the bare name of one in train/recipes.

    Raises:
        BasaltError: there is no such recipe.
    """
    for path in (Path(recipe), RECIPES / f"{recipe}.toml"):
        if path.is_file():
            return path
    if (Path(recipe) / FILE).is_file():
        raise BasaltError(f"{recipe} is a run: go on with it with --resume, or train {recipe}/{FILE} anew.")
    known = sorted(path.stem for path in RECIPES.glob("*.toml"))
    raise BasaltError(
        f"No recipe {str(recipe)!r}: give one of {', '.join(known)}, or the path of a TOML file"
        f"{closest(str(recipe), known) or '.'}"
    )


def read(recipe: str | Path, settings: dict[str, Any] | None = None) -> Recipe:
    """Read and check a recipe; `settings` maps dotted keys ("training.epochs") to values that replace the file's.

    Raises:
        BasaltError: no such file, no TOML, or a key or value that is not allowed.
    """
    path = find(recipe)
    content = read_toml(path)
    for key, value in (settings or {}).items():
        _put(content, key, value)
    return parse(content, str(path))


def parse(content: object, source: str) -> Recipe:
    """Check a recipe given as nested dictionaries.

    Raises:
        BasaltError: a key or value is not allowed; the message names `source` and the dotted key.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        key, text = explain(error.errors()[0], Recipe)
        place = f"{source}: {key}" if key else source
        raise BasaltError(f"{place}: {text}" if text.endswith("?") else f"{place}: {text}.") from error


def setting(text: str) -> tuple[str, Any]:
    """A "key=value" of the command line; the value is TOML, or a bare string.

    Raises:
        BasaltError: there is no "=".
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BasaltError(f"--set takes key=value, such as training.epochs=10 (got {text!r}).")
    try:
        return key.strip(), parse_toml(f"value = {value}", "--set")["value"]
    except BasaltError:
        return key.strip(), value.strip()


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    place: Any = content
    for part in parents:
        if isinstance(place, list):
            if not part.isdecimal() or int(part) >= len(place):
                raise BasaltError(f"--set {key}: there is no layer {part!r}; layers are numbered from 0.")
            place = place[int(part)]
        else:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise BasaltError(f"--set {key}: {'.'.join(parents)} is no table of the recipe.")
    place[last] = value


def one_of(given: Any, allowed: Any) -> str:
    """ "<given> is not one of a, b, c; did you mean b?" """
    return f"{given!r} is not one of {', '.join(allowed)}{closest(given, allowed)}"


def closest(given: Any, allowed: Any) -> str:
    """ "; did you mean b?", or nothing where nothing is near."""
    close = difflib.get_close_matches(str(given), list(allowed), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def explain(error: ErrorDetails, model: type[Strict]) -> tuple[str, str]:
    """The dotted key of a validation error and what is wrong, in words."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        *parents, last = error["loc"]
        allowed = list(_model_at(model, parents).model_fields)
        return place, f"unknown key; {one_of(last, allowed)}".replace("is not one of", "is none of", 1)
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        return place, "this key is missing"
    if text.startswith("["):  # a layer named its own key
        inner, _, text = text.partition(": ")
        return place + inner, text
    text, given = text[0].lower() + text[1:], error["input"]
    named = "(got" in text or isinstance(given, dict) or text.startswith(repr(given))
    return place, text if named else f"{text} (got {given!r})"


def _model_at(model: type[Any], parents: list[Any]) -> type[Any]:
    for part in parents:
        field = getattr(model, "model_fields", {}).get(part)
        kinds = _classes(field.annotation) if field is not None else []
        model = next((kind for kind in kinds if hasattr(kind, "model_fields")), model)
    return model


def _classes(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (types.UnionType, Literal):
        return list(get_args(annotation))
    return [annotation]
