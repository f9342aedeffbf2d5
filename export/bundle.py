"""Checkpoints -> a bundle: export each, compare it with torch, and only then put all in place."""

import math
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module

from algorithm import bundle
from algorithm.engines.base import Raw
from algorithm.engines.cpus import usable_cpus
from algorithm.engines.openvino import OpenvinoEngine
from algorithm.errors import BundleError, OutputError
from algorithm.images import Pixels
from export.agreement import FP16_LIMIT, FP32_LIMIT, accept, difference, tiles_of
from export.onnx_file import halve_weights, write_onnx
from training.model import SCORE_FLOOR, STRIDE_PX, TOP_K, Facts, TileNetwork, load_checkpoint

# Until `python -m training calibrate` has looked at data.
UNCALIBRATED = bundle.Calibration(slope=1.0, intercept=0.0, fitted_on="nothing: probability is the raw score")
FIRST_THRESHOLD, FIRST_REPORTING = 0.5, 0.02  # the tail counts for AP and FROC


DEFAULT_TILE_UM = 480.0  # 960 px at 0.5 um/px: least waste on regions of 2 mm2
DEFAULT_CELL_UM = 48.0  # patches of training are about as large
TRAINED_ON = ("data_sets", "slides", "glasses")  # lists in a checkpoint's facts
OVERLAP_BOXES = 2  # a figure on a border is seen whole by its owner
STRIDE_SLACK_PX = 0.01  # what is nearer to whole strides is whole: um/px are no exact fractions


@dataclass(frozen=True)
class Wishes:
    """What a caller may choose of a bundle; None takes the default. Lengths in px are at the first checkpoint's mpp.

    ensemble: what the bundle does unless it is told. screen_from, again_from (raw scores) and cell_px: how it screens,
    which it can be told to do in any case.
    """

    tile_px: int | None = None
    score_floor: float | None = None
    top_k: int | None = None
    mpp_tolerance: float = 0.05
    fusion_radius_um: float = 7.5
    views: int = 1
    ensemble: bundle.EnsembleName = "full"
    screen_from: float = 0.2
    again_from: float = 0.3
    cell_px: int | None = None


@dataclass(frozen=True)
class Shape:
    """How tiles are cut and turned, and what of a network's output is kept. Lengths px of the first checkpoint."""

    tile_px: int
    overlap_px: int
    score_floor: float
    top_k: int
    mpp_tolerance: float
    fusion_radius_um: float
    views: int
    ensemble: bundle.EnsembleName
    screen: bundle.Screen


def shape_of(wishes: Wishes, facts: Facts) -> Shape:
    """Return the shape for a network's scale and box. Raises BundleError for a tile or cell that does not fit them."""
    tile_px = wishes.tile_px or STRIDE_PX * round(DEFAULT_TILE_UM / facts.mpp / STRIDE_PX)
    overlap_px = math.ceil(OVERLAP_BOXES * facts.box_um / facts.mpp)
    if tile_px % STRIDE_PX or tile_px <= overlap_px:
        raise BundleError(
            f"--tile {tile_px}: give a multiple of {STRIDE_PX} above {overlap_px}, the overlap of two boxes"
        )
    cell_px = wishes.cell_px or _cell_px(facts.mpp, least_px=overlap_px, most_px=tile_px)
    if cell_px % STRIDE_PX or not overlap_px <= cell_px <= tile_px:
        raise BundleError(
            f"--cell {cell_px}: give a multiple of {STRIDE_PX} from {overlap_px}, two boxes, to {tile_px}, a tile"
        )
    return Shape(
        tile_px=tile_px,
        overlap_px=overlap_px,
        score_floor=SCORE_FLOOR if wishes.score_floor is None else wishes.score_floor,
        top_k=wishes.top_k or TOP_K,
        mpp_tolerance=wishes.mpp_tolerance,
        fusion_radius_um=wishes.fusion_radius_um,
        views=wishes.views,
        ensemble=wishes.ensemble,
        screen=bundle.Screen(from_score=wishes.screen_from, again_score=wishes.again_from, cell_px=cell_px),
    )


def _check_scales(shape: Shape, mpp: float, others: Collection[float]) -> None:
    """Refuse what does not fit members at other scales, whose overlaps and cells show as many um."""
    if others and shape.ensemble != "screen":
        raise BundleError(
            f"checkpoints of several scales ({mpp}, {', '.join(map(str, others))}): give --ensemble screen"
        )
    for other in others:
        overlap_px, cell_px = (length * mpp / other for length in (shape.overlap_px, shape.screen.cell_px))
        at = f"at the {other} um/px of a member"
        if round(overlap_px) >= shape.tile_px:
            raise BundleError(f"--tile {shape.tile_px}: {at} an overlap has {overlap_px:.0f} px; give more")
        wish = f"--cell {shape.screen.cell_px} is {cell_px:.0f} px {at}; give one that"
        if round(cell_px) > shape.tile_px:
            raise BundleError(f"{wish} fits --tile {shape.tile_px} there")
        if abs(cell_px - STRIDE_PX * round(cell_px / STRIDE_PX)) > STRIDE_SLACK_PX:
            raise BundleError(f"{wish} is a multiple of {STRIDE_PX} there, too")


def _cell_px(mpp: float, *, least_px: int, most_px: int) -> int:
    """Return the side of a cell: multiples of the stride, so that each lies on the network's grid as a tile does."""
    return min(most_px, STRIDE_PX * math.ceil(max(DEFAULT_CELL_UM / mpp, least_px) / STRIDE_PX))


def build(
    checkpoints: Sequence[Path],
    output: Path,
    *,
    name: str,
    version: str,
    wishes: Wishes,
    tile_images: Sequence[Path],
    say: Callable[[str], None],
) -> None:
    """Write a bundle of these checkpoints to a folder, replacing the bundle that is there.

    Raises BundleError when checkpoints do not fit together or an export differs from torch; the folder is
    untouched then.
    """
    networks = [load_checkpoint(path) for path in checkpoints]
    facts = _alike(checkpoints, [about for _, about in networks])
    shape = shape_of(wishes, facts)
    _check_scales(shape, facts.mpp, sorted({about.mpp for _, about in networks} - {facts.mpp}))
    with tempfile.TemporaryDirectory(prefix="export-") as scratch:
        tiles = {mpp: tiles_of(tile_images, tile_px=shape.tile_px, mpp=mpp) for mpp in {one.mpp for _, one in networks}}
        members = [
            _member(path, network, Path(scratch) / f"member-{number}.onnx", shape, tiles[about.mpp], say).model_copy(
                update={"mpp": about.mpp if about.mpp != facts.mpp else None}
            )
            for number, (path, (network, about)) in enumerate(zip(checkpoints, networks, strict=True))
        ]
        described = _describe(facts, members, name=name, version=version, shape=shape)
        _put_in_place(Path(scratch), described, output)
    size = sum((output / member.file).stat().st_size for member in members)
    say(f"{output}: {name} {version}, {len(members)} member(s), {size / 1e6:.1f} MB")


def _member(
    path: Path, network: Module, half: Path, shape: Shape, tiles: Sequence[Pixels], say: Callable[[str], None]
) -> bundle.Member:
    """Export one checkpoint in fp32, then with fp16 weights to `half`, each compared with torch."""
    inner = TileNetwork(network, tile_px=shape.tile_px, score_floor=shape.score_floor, top_k=shape.top_k)
    expected = _reference(inner, tiles)
    full = half.with_name(f"full-{half.name}")
    write_onnx(inner, full, tile_px=shape.tile_px)
    halve_weights(full, half)
    for file, what, limit in ((full, "fp32", FP32_LIMIT), (half, "fp16 weights", FP16_LIMIT)):
        found = difference(_engine(file), tiles, expected, score_floor=shape.score_floor)
        apart = f"scores {found.score:.1e}, boxes {found.box_px:.3f} px"
        say(f"{path.name}: {what} against torch on {len(tiles)} tile(s): {apart}")
        accept(f"{path} ({what})", found, limit)
    full.unlink()
    digest = bundle.sha256_of(half)
    named = half.rename(half.with_name(f"{half.stem}-{digest[:8]}.onnx"))
    return bundle.Member(file=named.name, sha256=digest, source=path.name)


def _reference(network: TileNetwork, tiles: Sequence[Pixels]) -> list[Raw]:
    """Return what the network says in torch, fp32."""
    results = []
    with torch.inference_mode():
        for tile in tiles:
            boxes, scores = network.eval()(torch.from_numpy(tile[None]))
            results.append(Raw(boxes.numpy(), scores.numpy()))
    if not any(result.scores.any() for result in results):
        raise BundleError(
            "the network reports nothing on any tile, so nothing can be compared; name others with --tiles"
        )
    return results


def _engine(path: Path) -> OpenvinoEngine:
    return OpenvinoEngine(path, precision="f32", threads=usable_cpus())


def _alike(paths: Sequence[Path], facts: Sequence[Facts]) -> Facts:
    """Return the facts of the first, whose scale is the bundle's; refuse members that mark or name other things."""
    for path, one in zip(paths[1:], facts[1:], strict=True):
        for field in ("box_um", "classes", "licence"):
            if getattr(one, field) != getattr(facts[0], field):
                raise BundleError(
                    f"{path}: {field} is {getattr(one, field)!r}, that of {paths[0]} is {getattr(facts[0], field)!r}; "
                    "members of a bundle have to agree"
                )
    return replace(facts[0], training=joined_training([one.training for one in facts]))


def joined_training(every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what a bundle says of the training of its members: lists joined, the rest where all agree.

    What any member was trained on, the bundle was trained on; `held_back` are the slides that all held back.
    Runs that differ stand under `members`, with what of all that a member was not trained on under `left_out`:
    thousands of names need not be there for each.
    """
    if all(one == every[0] for one in every):
        return every[0]
    joined: dict[str, Any] = {key: value for key, value in every[0].items() if all(o.get(key) == value for o in every)}
    for key in TRAINED_ON:
        joined[key] = sorted({name for one in every for name in one.get(key, [])})
    held_back = [set(one.get("held_back", [])) for one in every]
    joined["held_back"] = sorted(set.intersection(*held_back) - set(joined["slides"]))
    return joined | {"members": [_apart(joined, one) for one in every]}


def _apart(joined: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """Return what a member does not share with the others; training.members puts it together again."""
    left_out = {key: sorted(set(joined[key]) - set(one.get(key, []))) for key in TRAINED_ON}
    differs = {key: value for key, value in one.items() if key not in TRAINED_ON and joined.get(key) != value}
    return differs | {"left_out": left_out}


def _describe(facts: Facts, members: list[bundle.Member], *, name: str, version: str, shape: Shape) -> bundle.Bundle:
    return bundle.Bundle(
        schema_version=bundle.SCHEMA_VERSION,
        name=name,
        version=version,
        licence=facts.licence,
        members=members,
        classes=facts.classes,
        mpp=facts.mpp,
        mpp_tolerance=shape.mpp_tolerance,
        tile_px=shape.tile_px,
        overlap_px=shape.overlap_px,
        box_um=facts.box_um,
        score_floor=shape.score_floor,
        top_k=shape.top_k,
        fusion_radius_um=shape.fusion_radius_um,
        ensemble=shape.ensemble,
        screen=shape.screen,
        views=list(range(shape.views)),
        threshold=FIRST_THRESHOLD,
        reporting_threshold=FIRST_REPORTING,
        calibration=UNCALIBRATED,
        training=facts.training,
    )


def _put_in_place(scratch: Path, described: bundle.Bundle, output: Path) -> None:
    """Copy the members in, then bundle.yaml, then drop members of an earlier bundle: it is whole until the new one is.

    Members are named by their content, so that none of an earlier bundle is overwritten.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for member in described.members:
            shutil.copyfile(scratch / member.file, output / f"{member.file}.part")
            (output / f"{member.file}.part").replace(output / member.file)
        bundle.write_bundle(output, described)
        for old in set(output.glob("member-*.onnx*")) - {output / member.file for member in described.members}:
            old.unlink()
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({error.strerror})") from error
