"""The one straight path: image -> tiles -> passes -> fusion -> Detections."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithm import ensemble
from algorithm.budget import Budget
from algorithm.bundle import LoadedBundle
from algorithm.detections import Detections
from algorithm.engines import Engine, FallbackEngine, open_engine
from algorithm.engines.cpus import usable_cpus
from algorithm.errors import ImageError, MitosisError
from algorithm.frames import Mpp, Scale, tile_to_image
from algorithm.fusion import Found, average, strongest
from algorithm.images import Image, Pixels
from algorithm.prefetch import ahead
from algorithm.record import RunRecord
from algorithm.tiles import Grid, Tile

log = logging.getLogger(__name__)

OWNERSHIP_MARGIN_PX = 4  # tile px; two tiles place one figure a few px apart, fusion joins what both keep
Progress = Callable[[int, int], None]  # tiles done, tiles in all


@dataclass(frozen=True)
class Options:
    """What a caller may change of a bundle. None takes the bundle's own; threshold is a probability."""

    members: int | None = None
    views: int | None = None
    threshold: float | None = None
    engine: str | None = None
    precision: str | None = None
    threads: int | None = None
    build_engine: bool = False


class Detector:
    """A bundle ready to run: engines open, settings resolved. Not for several threads at once."""

    def __init__(self, bundle: LoadedBundle, options: Options, *, engines: Sequence[Engine] | None = None) -> None:
        """Open an engine for each member; `engines` replaces them, for tests and for checkpoints in training.

        Raises MitosisError when more members are asked for than there are, EngineError when none can run.
        """
        facts = bundle.facts
        self.bundle = bundle
        self._options = options
        self.views = facts.views if options.views is None else list(range(options.views))
        self.threshold = facts.threshold if options.threshold is None else options.threshold
        self._lowest = min(facts.reporting_threshold, self.threshold)  # probability of the faintest candidate
        members = options.members or len(facts.members)
        if members > len(facts.members):
            raise MitosisError(f"{members} members asked for, the bundle in {bundle.folder} has {len(facts.members)}")
        self.engines = engines or [
            open_engine(
                bundle,
                member,
                engine=options.engine,
                precision=options.precision,
                threads=options.threads,
                build=options.build_engine,
            )
            for member in range(members)
        ]

    def detect(
        self, image: Image, progress: Progress | None = None, budget: Budget | None = None
    ) -> tuple[Detections, RunRecord]:
        """Find the figures and candidates of one image. Raises ImageError when it has no scale or cannot be read.

        budget: gives up views, members and tiles when the time is short.
        """
        mpp = image.mpp
        if mpp is None:
            raise ImageError(f"{image.path}: no pixel size in the file; pass --mpp, as in --mpp 0.25")
        record = self._record(image)
        with record.stage("detect"):
            scale = self._scale(mpp)
            grid = self._grid(image.size, scale)
            parts = []
            whole_plan = len(self.engines) * len(self.views) * len(grid)
            if budget:
                budget.begin(tiles=len(grid), members=len(self.engines), views=len(self.views))
            # closed here whatever happens: no thread may read on in an image that its owner closes
            with (
                closing(self._read_ahead(image, grid, scale)) as tiles,
                closing(self._passes(record.timed("pixels", tiles), budget)) as passes,
            ):
                for seen in passes:
                    with record.stage("fusion"):
                        parts.append(self._fused(seen, scale, mpp))
                    record.crowded_passes += self._crowded(seen)
                    record.tiles += 1
                    record.passes += len(seen.passes)
                    if budget:
                        budget.done(len(seen.passes))
                    if progress:
                        progress(record.tiles, len(grid))
            record.passes_given_up = whole_plan - record.passes
            self._note_engines(record)
            with record.stage("fusion"):
                found = strongest(Found.joined(parts), radius_um=self.bundle.facts.fusion_radius_um, mpp=mpp)
            detections = self._detections(found, image, mpp)
        if record.crowded_passes:
            log.warning(
                "%s: %d pass(es) filled the network's list; candidates may be lost",
                image.path.name,
                record.crowded_passes,
            )
        return detections, record

    def _scale(self, mpp: Mpp) -> Scale:
        """Return image px to one tile px; 1 where the image is within the bundle's tolerance."""
        facts = self.bundle.facts
        ratios = Scale(facts.mpp / mpp.x, facts.mpp / mpp.y)
        if all(abs(1 / ratio - 1) <= facts.mpp_tolerance for ratio in ratios):
            return Scale(1.0, 1.0)
        # a tile covers a whole number of image px, so that its corner and its scale are exact
        tile_px = facts.tile_px
        return Scale(*(max(1, round(tile_px * ratio)) / tile_px for ratio in ratios))

    def _grid(self, size: tuple[int, int], scale: Scale) -> Grid:
        facts = self.bundle.facts
        tile = round(facts.tile_px * scale.x), round(facts.tile_px * scale.y)
        return Grid(size, tile=tile, overlap=(round(facts.overlap_px * scale.x), round(facts.overlap_px * scale.y)))

    def tiles(self, image: Image) -> Iterator[Pixels]:
        """Yield the image's tiles as the engines get them, row by row; for those who measure an engine alone."""
        scale = self._scale(image.mpp or Mpp(self.bundle.facts.mpp, self.bundle.facts.mpp))
        for tile in self._grid(image.size, scale):
            yield self._read(image, tile, scale)

    def _read_ahead(self, image: Image, grid: Grid, scale: Scale) -> Generator[tuple[Tile, Pixels], None, None]:
        return ahead(lambda tile: self._read(image, tile, scale), grid)

    def _passes(
        self, tiles: Iterable[tuple[Tile, Pixels]], budget: Budget | None
    ) -> Generator[ensemble.Seen[Tile], None, None]:
        allowed = budget.allowed if budget else None
        return ensemble.full(tiles, engines=self.engines, chosen_views=self.views, allowed=allowed)

    def _read(self, image: Image, tile: Tile, scale: Scale) -> Pixels:
        out = resampled_size(tile, scale)
        return filled_up(image.read(tile.x, tile.y, tile.width, tile.height, out=out), self.bundle.facts.tile_px)

    def _fused(self, seen: ensemble.Seen[Tile], scale: Scale, mpp: Mpp) -> Found:
        """Return what all passes over a tile agree on, in image px, where the tile owns it."""
        radius_um, tile = self.bundle.facts.fusion_radius_um, seen.key
        width, height = resampled_size(tile, scale)
        own_scale = Scale(tile.width / width, tile.height / height)  # the size was rounded where the image ends early
        passes = []
        for one in seen.passes:
            boxes = tile_to_image(one.boxes, origin_px=(tile.x, tile.y), scale=own_scale)
            found = Found.from_boxes(boxes, one.scores)
            # first of all: a figure by the border has a twin in the filling, which could silence it
            found = found[tile.shows(found.xy)]
            passes.append(strongest(found, radius_um=radius_um, mpp=mpp))
        found = average(passes, radius_um=radius_um, mpp=mpp)
        return found[tile.owned(found.xy, margin_px=OWNERSHIP_MARGIN_PX * max(scale))]

    def _crowded(self, seen: ensemble.Seen[Tile]) -> int:
        """Return how many passes had no room for a box that would be reported if all passes saw it alike."""
        cut_at = np.array([one.cut_at for one in seen.passes])
        return int(((cut_at > 0) & (self.bundle.facts.calibration.probability(cut_at) >= self._lowest)).sum())

    def _detections(self, found: Found, image: Image, mpp: Mpp) -> Detections:
        facts = self.bundle.facts
        probability = facts.calibration.probability(found.score).astype(np.float32)
        kept = probability >= np.float32(self._lowest)
        found, probability = found[kept], probability[kept]
        order = np.lexsort((found.xy[:, 0], found.xy[:, 1], -probability))
        return Detections(
            xy=found.xy[order],
            probability=probability[order],
            score=found.score[order].astype(np.float32),
            box=found.box[order],
            image=image.path.name,
            size=image.size,
            mpp=mpp,
            threshold=self.threshold,
            bundle=f"{facts.name} {facts.version}",
            bundle_hash=self.bundle.hash,
        )

    def _record(self, image: Image) -> RunRecord:
        first = self.engines[0]
        return RunRecord(
            image=image.path.name,
            image_label=image.label,
            bundle=f"{self.bundle.facts.name} {self.bundle.facts.version}",
            bundle_hash=self.bundle.hash,
            engine=f"{first.name} on {first.device}",
            precision=first.precision,
            members=len(self.engines),
            views=list(self.views),
            settings=self._settings(),
        )

    def _settings(self) -> dict[str, Any]:
        facts = self.bundle.facts
        return {
            "engine": self._options.engine or "the first that can run",
            "threads": self._options.threads or usable_cpus(),
            "tile_px": facts.tile_px,
            "overlap_px": facts.overlap_px,
            "working_mpp": facts.mpp,
            "mpp_tolerance": facts.mpp_tolerance,
            "fusion_radius_um": facts.fusion_radius_um,
            "score_floor": facts.score_floor,
            "reporting_threshold": self._lowest,
        }

    def _note_engines(self, record: RunRecord) -> None:
        """Keep what took over where an engine failed in the middle."""
        first = self.engines[0]
        record.engine, record.precision = f"{first.name} on {first.device}", first.precision
        for engine in self.engines:
            if isinstance(engine, FallbackEngine):
                record.engine_failures.extend(engine.failures)
                engine.failures.clear()


def resampled_size(tile: Tile, scale: Scale) -> tuple[int, int]:
    """Return (width, height), tile px, that a tile is read as: smaller than the network's where the image is."""
    return max(1, round(tile.width / scale.x)), max(1, round(tile.height / scale.y))


def filled_up(pixels: Pixels, tile_px: int) -> Pixels:
    """Return pixels (h, w, 3) as (tile_px, tile_px, 3), continued by reflection to the right and downwards.

    White would do harm: the network averages over the whole tile.
    """
    missing = tile_px - pixels.shape[0], tile_px - pixels.shape[1]
    if missing == (0, 0):
        return pixels
    return np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
