"""A config file, checked: unknown keys and wrong types are refused before anything is loaded."""

import json
from ast import literal_eval
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from mmengine import Config
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from algorithm.bundle import FIGURE_CLASS
from algorithm.errors import MitosisError
from training.augment import AugmentSettings
from training.model import STRIDE_PX
from training.places import Kind

Weight = Annotated[float, Field(ge=0)]


class SettingsError(MitosisError):
    """A config cannot be used."""


class SamplingSettings(BaseModel):
    """See training.sampling.Hierarchy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    balanced: bool
    data_set_power: float = Field(ge=0, le=1)
    data_set_weights: dict[str, Weight | dict[Kind, Weight]]


class Warmup(BaseModel):
    """Linear, from learning rate `start` to the full one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    iterations: int = Field(ge=1)
    start: float = Field(gt=0)


class Settings(BaseModel):
    """Everything that a run is. Lengths in px are at `mpp` um/px."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mpp: float = Field(gt=0.05, lt=2)
    box_um: float = Field(gt=0)
    classes: int = Field(ge=1, le=2)
    licence: str
    model: dict[str, Any]
    patch_px: tuple[int, int]
    # (part of the run, (width, height) px): patches are so large until then, after the last one patch_px
    smaller_first: list[tuple[Annotated[float, Field(gt=0, lt=1)], tuple[int, int]]] = []
    shares: dict[Kind, Annotated[float, Field(ge=0)]]
    sampling: SamplingSettings
    augment: AugmentSettings
    iterations: int = Field(ge=1)
    batch: int = Field(ge=1)
    accumulate: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    last_rate: float = Field(0.0, ge=0, le=1)  # what the cosine ends at, as a part of learning_rate; at 1 it stays
    warmup: Warmup
    weight_decay: float = Field(ge=0)
    clip_gradient: float = Field(gt=0)
    ema_momentums: list[float] = Field(min_length=1)
    save_every: int = Field(ge=1)
    watch_every: int = Field(ge=1)
    validation_patches: int = Field(ge=1)
    seed: int
    workers: int = Field(ge=0)
    cache_bytes: int = Field(ge=0)
    data: list[Path]
    held_back: list[str]
    slides_share: float = Field(1.0, gt=0, le=1)  # of those that are not held back

    @property
    def box_px(self) -> float:
        """Return the side of a box in px at mpp."""
        return self.box_um / self.mpp

    def patch_px_at(self, iteration: int) -> tuple[int, int]:
        """Return (width, height) of the patches of an iteration, counted from 0."""
        return next((px for end, px in self.smaller_first if iteration < end * self.iterations), self.patch_px)

    def patch_parts(self) -> list[tuple[float, tuple[int, int]]]:
        """Return what part of the run has patches of which (width, height), in order; the parts sum to 1."""
        ends = [0.0, *(end for end, _ in self.smaller_first), 1.0]
        sizes_px = [*(px for _, px in self.smaller_first), self.patch_px]
        return [(end - before, px) for (before, end), px in zip(pairwise(ends), sizes_px, strict=True)]

    @property
    def class_names(self) -> list[str]:
        """Return the names of the classes, figures first."""
        return [FIGURE_CLASS, "imposter"][: self.classes]


def load_settings(path: Path, changes: dict[str, Any] | None = None) -> Settings:
    """Return the settings of an mmengine config file, with changes from the command line laid over them."""
    if not path.is_file():
        raise SettingsError(f"{path}: no such config; those of the project are in training/configs")
    try:
        config = Config.fromfile(str(path))
        config.merge_from_dict(changes or {})
        # the network follows the number of classes, wherever a config changes that
        config.model.bbox_head.num_classes = config.classes
        # names with an underscore are a config's own helpers
        settings = Settings(**{key: value for key, value in config.to_dict().items() if not key.startswith("_")})
    except ValidationError as error:
        raise SettingsError(f"{path}: {_reasons(error)}") from error
    except (AttributeError, KeyError, SyntaxError, TypeError) as error:  # not a config, or a change that fits nothing
        raise SettingsError(f"{path}: cannot be read as a config ({type(error).__name__}: {error})") from error
    if settings.warmup.iterations >= settings.iterations:
        raise SettingsError(
            f"{path}: warmup.iterations {settings.warmup.iterations} of {settings.iterations} iterations"
        )
    for name, size_px in (
        ("patch_px", settings.patch_px),
        *(("smaller_first", px) for _, px in settings.smaller_first),
    ):
        if any(side % STRIDE_PX for side in size_px):
            raise SettingsError(f"{path}: {name} {size_px} is not in multiples of {STRIDE_PX}")
        if min(size_px) < 2 * settings.box_px:
            raise SettingsError(f"{path}: {name} {size_px} is less than two boxes of {settings.box_px:.1f} px")
    _check_growth(settings, path)
    return settings


def _check_growth(settings: Settings, path: Path) -> None:
    """Raise SettingsError unless each part of the run has larger patches than the one before."""
    parts, sizes_px = zip(*settings.patch_parts(), strict=True)
    growing = all(a != b and a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(sizes_px))
    if not growing or min(parts) <= 0:
        raise SettingsError(
            f"{path}: smaller_first {settings.smaller_first}: parts of the run have to rise, and patches to grow, "
            f"up to patch_px {settings.patch_px}"
        )


def read_settings(path: Path) -> Settings:
    """Return the settings that a run keeps as JSON in its folder."""
    return Settings(**json.loads(path.read_text()))


def parse_changes(pairs: Sequence[str]) -> dict[str, Any]:
    """Return {'augment.value': 0.2} of ['augment.value=0.2']; values are Python literals, else text."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair}: give KEY=VALUE")
        try:
            changes[key] = literal_eval(value)
        except (ValueError, SyntaxError):
            changes[key] = value
    return changes


def _reasons(error: ValidationError) -> str:
    """Return what is wrong in one line; an unknown setting with the known ones."""
    reasons = []
    for one in error.errors():
        where = ".".join(map(str, one["loc"]))
        unknown = one["type"] == "extra_forbidden" and len(one["loc"]) == 1
        known = f" (known: {', '.join(Settings.model_fields)})" if unknown else ""
        reasons.append(f"{where}: {one['msg']}{known}")
    return "; ".join(reasons)
