"""The one straight path: image -> tiles -> passes -> fusion (-> candidates -> sheets -> passes) -> Detections."""

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from algorithm import ensemble
from algorithm.budget import Budget
from algorithm.bundle import EnsembleName, LoadedBundle
from algorithm.detections import Detections
from algorithm.engines import Engine, FallbackEngine, open_engine
from algorithm.engines.cpus import usable_cpus
from algorithm.errors import ImageError, MitosisError
from algorithm.frames import Mpp, Scale, resampled_scale, resampled_size, tile_to_image
from algorithm.fusion import Found, average, strongest
from algorithm.images import Image, Pixels
from algorithm.magnification import magnifications
from algorithm.prefetch import ahead
from algorithm.record import RunRecord
from algorithm.screen import SecondLook
from algorithm.sheets import filled_up
from algorithm.tiles import Tile, Window
from algorithm.work import Progress, Work

log = logging.getLogger(__name__)

OWNERSHIP_MARGIN_PX = 4  # tile px; two tiles place one figure a few px apart, fusion joins what both keep
Key = TypeVar("Key")


@dataclass(frozen=True)
class Options:
    """What a caller may change of a bundle. None takes the bundle's own; threshold is a probability.

    ensemble: `full` shows every tile to every member in every view; `screen` shows them candidates only, which the
    first member finds in one view. Threshold and probabilities are fitted for the bundle's own.
    """

    ensemble: EnsembleName | None = None
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

        Raises MitosisError for what the bundle does not have (members, settings of `screen`), EngineError when no
        engine can run.
        """
        facts = bundle.facts
        self.bundle = bundle
        self._options = options
        self.views = facts.views if options.views is None else list(range(options.views))
        self.threshold = facts.threshold if options.threshold is None else options.threshold
        self._lowest = min(facts.reporting_threshold, self.threshold)  # probability of the faintest candidate
        self.ensemble = options.ensemble or facts.ensemble
        if self.ensemble == "screen" and facts.screen is None:
            raise MitosisError(f"the bundle in {bundle.folder} has no settings for the ensemble `screen`; use `full`")
        members = options.members or len(facts.members)
        if members > len(facts.members):
            raise MitosisError(f"{members} members asked for, the bundle in {bundle.folder} has {len(facts.members)}")
        scales = facts.of_members(range(members)).scales()
        if self.ensemble == "full" and len(scales) > 1:
            _, other, *_ = scales.values()
            raise MitosisError(
                f"members of the bundle in {bundle.folder} see several scales, which `full` does not bring together; "
                f"use `screen`, or the first {other[0]} member(s) alone"
            )
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
        if len(self.engines) > len(facts.members):
            raise ValueError(f"{len(self.engines)} engines for {len(facts.members)} members")
        self._magnifications = magnifications(facts, self.engines)

    def detect(
        self, image: Image, progress: Progress | None = None, budget: Budget | None = None
    ) -> tuple[Detections, RunRecord]:
        """Find the figures and candidates of one image. Raises ImageError when it has no scale or cannot be read.

        budget: gives up views, members, tiles and looks at candidates when the time is short.
        """
        mpp = image.mpp
        if mpp is None:
            raise ImageError(f"{image.path}: no pixel size in the file; pass --mpp, as in --mpp 0.25")
        work = Work(self._record(image), budget, progress)
        with work.record.stage("detect"):
            found = self._over_tiles(image, mpp, work)
            if self.ensemble == "screen":
                found = self._over_candidates(found, image, mpp, work)
            self._note_engines(work.record)
            detections = self._detections(found, image, mpp)
        if work.record.crowded_passes:
            log.warning(
                "%s: %d pass(es) filled the network's list; candidates may be lost",
                image.path.name,
                work.record.crowded_passes,
            )
        return detections, work.record

    def _over_tiles(self, image: Image, mpp: Mpp, work: Work) -> Found:
        """Return what is seen in all tiles: by all members and views, or by the first alone where it screens."""
        at = self._magnifications[0]
        scale = at.scale(mpp)
        grid = at.grid(image.size, scale)
        engines, views = (at.engines[:1], [0]) if self.ensemble == "screen" else (at.engines, self.views)
        parts = []
        work.begin("tile", len(grid), members=len(engines), views=len(views))
        tiles = ahead(lambda tile: self._tile(image, tile, scale), grid)
        with closing(self._passes(tiles, engines, views, work)) as passes:
            for seen in passes:
                with work.record.stage("fusion"):
                    parts.append(self._fused(seen, scale, mpp))
                work.record.tiles += 1
        with work.record.stage("fusion"):
            return strongest(Found.joined(parts), radius_um=self.bundle.facts.fusion_radius_um, mpp=mpp)

    def _over_candidates(self, found: Found, image: Image, mpp: Mpp, work: Work) -> Found:
        """Return what all members and views say of the candidates among what was found."""
        facts = self.bundle.facts
        if facts.screen is None:
            raise AssertionError("checked when the detector was made")
        look = SecondLook(
            found[found.score >= facts.screen.from_score],
            size=image.size,
            mpp=mpp,
            magnifications=self._magnifications,
            chosen_views=self.views,
            again_score=facts.screen.again_score,
            radius_um=facts.fusion_radius_um,
        )
        for part in look.rounds():
            at = part.shown.at
            work.begin("sheet", len(part), members=len(at.engines), views=1, before=at.before)
            sheets = part.sheets(lambda window, scale: self._read(image, window, scale))
            with closing(self._passes(sheets, at.engines, [0], work)) as passes:
                for seen in passes:
                    with work.record.stage("fusion"):
                        for one in seen.passes:
                            look.note(part, seen.key, one)
                    work.record.sheets += 1
        with work.record.stage("fusion"):
            return strongest(look.found(), radius_um=facts.fusion_radius_um, mpp=mpp)

    def _passes(
        self,
        pictures: Generator[tuple[Key, Pixels], None, None],
        engines: Sequence[Engine],
        views: Sequence[int],
        work: Work,
    ) -> Generator[ensemble.Seen[Key], None, None]:
        """Yield what the engines see of each tile or sheet, and keep count."""
        # closed here whatever happens: no thread may read on in an image that its owner closes
        with (
            closing(pictures),
            closing(
                ensemble.full(
                    work.record.timed("pixels", pictures), engines=engines, chosen_views=views, allowed=work.allowed
                )
            ) as passes,
        ):
            for seen in passes:
                work.record.crowded_passes += self._crowded(seen)
                yield seen
                work.done(len(seen.passes))

    def tiles(self, image: Image) -> Iterator[Pixels]:
        """Yield the image's tiles as the first engine gets them, row by row; for those who measure one alone."""
        at = self._magnifications[0]
        scale = at.scale(image.mpp or Mpp(at.facts.mpp, at.facts.mpp))
        for tile in at.grid(image.size, scale):
            yield self._tile(image, tile, scale)

    def _read(self, image: Image, window: Window, scale: Scale) -> Pixels:
        return image.read(window.x, window.y, window.width, window.height, out=resampled_size(window.size, scale))

    def _tile(self, image: Image, tile: Tile, scale: Scale) -> Pixels:
        """Return a tile as the engines get it, filled up where the image ends."""
        return filled_up(self._read(image, tile, scale), self.bundle.facts.tile_px)

    def _fused(self, seen: ensemble.Seen[Tile], scale: Scale, mpp: Mpp) -> Found:
        """Return what all passes over a tile agree on, in image px, where the tile owns it."""
        radius_um, tile = self.bundle.facts.fusion_radius_um, seen.key
        own_scale = resampled_scale(tile.size, scale)
        passes = []
        for one in seen.passes:
            boxes = tile_to_image(one.boxes, origin_px=(tile.x, tile.y), scale=own_scale)
            found = Found.from_boxes(boxes, one.scores)
            # first of all: a figure by the border has a twin in the filling, which could silence it
            found = found[tile.shows(found.xy)]
            passes.append(strongest(found, radius_um=radius_um, mpp=mpp))
        found = average(passes, radius_um=radius_um, mpp=mpp)
        return found[tile.owned(found.xy, margin_px=OWNERSHIP_MARGIN_PX * max(scale))]

    def _crowded(self, seen: ensemble.Seen[Key]) -> int:
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
            "ensemble": self.ensemble,
            "screen": facts.screen.model_dump() if facts.screen and self.ensemble == "screen" else None,
            "tile_px": facts.tile_px,
            "overlap_px": facts.overlap_px,
            "working_mpp": facts.mpp,
            "working_mpp_of_members": [facts.mpp_of(one) for one in facts.members[: len(self.engines)]],
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
