"""A released model: a folder with `bundle.yaml` and its members. Checked to the last byte before any use."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from scipy.special import expit

from algorithm.errors import BundleError, OutputError, one_line

BUNDLE_FILE = "bundle.yaml"
SCHEMA_VERSION = 1
PLATFORM_FOLDER = Path("/opt/ml/model")  # where grand-challenge.org unpacks an uploaded model
PROJECT_FOLDER = Path(__file__).resolve().parents[1] / "model"
FIGURE_CLASS = "mitotic figure"
SCORE_EDGE = 1e-6  # keeps the logit finite

Probability = Annotated[float, Field(ge=0, le=1)]
RawScore = Annotated[float, Field(ge=0, le=1)]
WorkingMpp = Annotated[float, Field(ge=0.05, le=2)]
EnsembleName = Literal["full", "screen"]


class Strict(BaseModel):
    """Frozen; an unknown key is refused, and so are NaN and infinity: they would find nothing, without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Member(Strict):
    """One network: an ONNX file in the bundle's folder, uint8 [1, tile, tile, 3] RGB in, boxes and scores out."""

    file: str = Field(pattern=r"^[\w-][\w.-]*$")  # in the bundle's folder, nowhere else
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    source: str  # the checkpoint it was exported from
    mpp: WorkingMpp | None = None  # um/px of what it sees; the bundle's where none is given


def logit(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(s / (1 - s)), kept finite at 0 and 1."""
    clipped = np.clip(score, SCORE_EDGE, 1 - SCORE_EDGE)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


class Calibration(Strict):
    """probability = sigmoid(slope * logit(score) + intercept): Platt scaling; 1 and 0 leave scores as they are."""

    slope: float = Field(gt=0)
    intercept: float
    fitted_on: str

    def probability(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities of raw scores, same shape."""
        return np.asarray(expit(self.slope * logit(score) + self.intercept))


class Screen(Strict):
    """How `screen` looks again: at candidates from a raw score on, each in the middle of a cell of this many px.

    All members see each candidate in the first view; the other views are for those of which they say again_score or
    more on average, a raw score too.
    """

    from_score: RawScore
    again_score: RawScore
    cell_px: int = Field(ge=32)


class Bundle(Strict):
    """What a bundle says of itself. Lengths in px are at the bundle's mpp; thresholds are probabilities.

    Members may see the image at another mpp: tiles of as many px, overlaps and cells of as many um.
    """

    schema_version: Literal[1]
    name: str
    version: str
    licence: str
    members: list[Member] = Field(min_length=1)
    classes: list[str] = Field(min_length=1)  # figures first; the networks report only these
    mpp: WorkingMpp
    mpp_tolerance: float = Field(ge=0, lt=0.5)  # part of mpp; an image within it is not resampled
    tile_px: int = Field(ge=64)
    overlap_px: int = Field(ge=0)
    box_um: float = Field(gt=0)
    score_floor: Probability
    top_k: int = Field(ge=1)
    fusion_radius_um: float = Field(gt=0)
    ensemble: EnsembleName
    screen: Screen | None = None  # needed where the ensemble is `screen`
    views: list[Annotated[int, Field(ge=0, le=7)]] = Field(min_length=1)
    threshold: Probability
    reporting_threshold: Probability
    calibration: Calibration
    training: dict[str, Any]

    @field_validator("training")
    @classmethod
    def _finite(cls, training: dict[str, Any]) -> dict[str, Any]:
        json.dumps(training, allow_nan=False, skipkeys=True, default=str)  # refuses NaN and infinity at any depth
        return training

    @model_validator(mode="after")
    def _consistent(self) -> "Bundle":
        if self.overlap_px < 2 * self.box_um / self.mpp:
            raise ValueError(f"overlap_px {self.overlap_px} is less than two boxes of {self.box_um} um")
        if self.overlap_px >= self.tile_px:
            raise ValueError(f"overlap_px {self.overlap_px} does not fit tile_px {self.tile_px}")
        if self.ensemble == "screen" and self.screen is None:
            raise ValueError("ensemble is screen, but there is nothing under screen")
        if self.screen and not 2 * self.box_um / self.mpp <= self.screen.cell_px <= self.tile_px:
            boxes_px = math.ceil(2 * self.box_um / self.mpp)
            raise ValueError(
                f"screen.cell_px {self.screen.cell_px}: give {boxes_px}, two boxes of {self.box_um} um, "
                f"to {self.tile_px}, a tile"
            )
        if self.reporting_threshold > self.threshold:
            raise ValueError("reporting_threshold is above threshold")
        if self.classes[0] != FIGURE_CLASS:
            raise ValueError(f"the first class is {self.classes[0]!r}, not {FIGURE_CLASS!r}")
        if len(set(self.views)) != len(self.views):
            raise ValueError("a view stands twice in views")
        if self.mpp_of(self.members[0]) != self.mpp:
            raise ValueError(f"the first member sees {self.members[0].mpp} um/px, not the bundle's {self.mpp}")
        if self.ensemble == "full" and len(self.scales()) > 1:
            raise ValueError("ensemble is full, but members see several scales, which only screen brings together")
        for mpp in self.scales():
            if self._px_at(mpp, self.overlap_px) >= self.tile_px:
                raise ValueError(f"overlap_px {self.overlap_px} does not fit tile_px {self.tile_px} at {mpp} um/px")
            if self.screen and self._px_at(mpp, self.screen.cell_px) > self.tile_px:
                raise ValueError(
                    f"screen.cell_px {self.screen.cell_px} does not fit tile_px {self.tile_px} at {mpp} um/px"
                )
        return self

    def _px_at(self, mpp: float, length_px: int) -> int:
        """Return what a length has at another um/px, px; exact at the bundle's own."""
        return length_px if mpp == self.mpp else round(length_px * self.mpp / mpp)

    def mpp_of(self, member: Member) -> float:
        """Return the um/px of what a member sees."""
        return self.mpp if member.mpp is None else member.mpp

    def scales(self) -> dict[float, list[int]]:
        """Return the um/px that members see, the bundle's own first, each with the numbers of its members."""
        found: dict[float, list[int]] = {}
        for number, member in enumerate(self.members):
            found.setdefault(self.mpp_of(member), []).append(number)
        return found

    def of_members(self, numbers: Sequence[int]) -> "Bundle":
        """Return the bundle with these of its members alone; its scale, overlap and cells are those of the first."""
        chosen = [self.members[number] for number in numbers]
        mpp = self.mpp_of(chosen[0])
        scales = [self.mpp_of(member) for member in chosen]
        members = [
            member.model_copy(update={"mpp": None if scale == mpp else scale})
            for member, scale in zip(chosen, scales, strict=True)
        ]
        changed: dict[str, Any] = {"members": members, "mpp": mpp, "overlap_px": self._px_at(mpp, self.overlap_px)}
        if self.screen:
            changed["screen"] = self.screen.model_copy(update={"cell_px": self._px_at(mpp, self.screen.cell_px)})
        return self.model_copy(update=changed)


class LoadedBundle:
    """A bundle whose files were found whole.

    folder: where it lies. facts: its bundle.yaml. hash: sha256 of that file, which holds those of all others.
    """

    def __init__(self, folder: Path, facts: Bundle, digest: str) -> None:
        self.folder = folder
        self.facts = facts
        self.hash = digest

    def member_path(self, member: int) -> Path:
        """Return the ONNX file of one member."""
        return self.folder / self.facts.members[member].file


def default_folder() -> Path:
    """Return the platform's model folder when it holds a bundle, else ./model, else the repository's own."""
    for folder in (PLATFORM_FOLDER, Path("model")):
        if os.path.exists(folder / BUNDLE_FILE):  # False, not an error, where it may not be looked at
            return folder
    return PROJECT_FOLDER


def load_bundle(folder: Path) -> LoadedBundle:
    """Return the bundle in a folder. Raises BundleError when it is missing, damaged, or of another schema."""
    path = folder / BUNDLE_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: no model bundle there ({error.strerror}); name its folder with --model") from error
    facts = parse_bundle(content, path)
    for member in facts.members:
        _check_file(folder / member.file, member.sha256)
    return LoadedBundle(folder, facts, hashlib.sha256(content).hexdigest())


def parse_bundle(content: bytes, path: Path) -> Bundle:
    """Return the facts of a bundle.yaml; path is for messages only."""
    try:
        read = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that there is not
        raise BundleError(f"{path}: not YAML ({one_line(error)})") from error
    if not isinstance(read, dict):
        raise BundleError(f"{path}: not a bundle (a mapping of settings is expected)")
    if read.get("schema_version") != SCHEMA_VERSION:
        found = read.get("schema_version")
        raise BundleError(f"{path}: schema version {found!r}; this program reads version {SCHEMA_VERSION}")
    try:
        return Bundle.model_validate(read)
    except ValidationError as error:
        raise BundleError(f"{path}: {_reasons(error)}") from error


def write_bundle(folder: Path, facts: Bundle) -> None:
    """Write bundle.yaml, keys in the order of the schema, under a temporary name first. Raises OutputError."""
    part = folder / (BUNDLE_FILE + ".part")
    told = facts.model_dump(mode="json")
    for where, key in [(told, "screen"), *((member, "mpp") for member in told["members"])]:
        if where[key] is None:
            del where[key]  # a bundle from before it stays one that programs from before it can read
    text = yaml.safe_dump(told, sort_keys=False, width=110, allow_unicode=True)
    try:
        part.write_text(text)
        part.replace(folder / BUNDLE_FILE)
    except OSError as error:
        raise OutputError(f"{folder / BUNDLE_FILE}: cannot be written ({error.strerror})") from error


def sha256_of(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(path: Path, expected: str) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise BundleError(f"{path}: named in {BUNDLE_FILE} but cannot be read ({error.strerror})") from error
    if found != expected:
        raise BundleError(
            f"{path}: sha256 is {found[:12]}..., {BUNDLE_FILE} says {expected[:12]}...; the file is damaged or foreign"
        )


def _reasons(error: ValidationError) -> str:
    """Return what is wrong in one line; an unknown key with the known ones."""
    reasons = []
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"]) or "bundle"
        if one["type"] == "extra_forbidden":
            known = f" (known: {', '.join(Bundle.model_fields)})" if len(one["loc"]) == 1 else ""
            reasons.append(f"unknown key {where!r}{known}")
        else:
            reasons.append(f"{where}: {one['msg']}")
    return "; ".join(reasons)
