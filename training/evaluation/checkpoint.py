"""A network in training as a Detector: the same tiles and fusion as what ships, with torch as its engine."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from algorithm.bundle import FIGURE_CLASS, SCHEMA_VERSION, Bundle, Calibration, LoadedBundle, Member
from algorithm.detector import Detector, Options
from training.engine import TorchEngine
from training.evaluation.scores import MATCH_RADIUS_UM
from training.model import SCORE_FLOOR, STRIDE_PX, TOP_K, Facts
from training.settings import Settings

TILE_UM = 160.0  # small, as the frames that are looked at are: filling them up costs as much as tissue


def detector_of(networks: Sequence[torch.nn.Module], trained: Settings | Facts) -> Detector:
    """Return a detector around networks, its members; probabilities are raw scores, down to the floor.

    trained: what says its scale, boxes and licence: the run's settings, or the facts that travel with a checkpoint.
    """
    tile_px = STRIDE_PX * math.ceil(TILE_UM / trained.mpp / STRIDE_PX)
    facts = Bundle(
        schema_version=SCHEMA_VERSION,
        name="checkpoint",
        version="0",
        licence=trained.licence,
        members=[Member(file=f"in-memory-{n}", sha256="0" * 64, source="in memory") for n in range(len(networks))],
        classes=[FIGURE_CLASS],
        mpp=trained.mpp,
        mpp_tolerance=0.0,
        tile_px=tile_px,
        overlap_px=math.ceil(2 * trained.box_um / trained.mpp),
        box_um=trained.box_um,
        score_floor=SCORE_FLOOR,
        top_k=TOP_K,
        fusion_radius_um=MATCH_RADIUS_UM,
        ensemble="full",
        views=[0],
        threshold=0.5,
        reporting_threshold=0.0,
        calibration=Calibration(slope=1.0, intercept=0.0, fitted_on="nothing"),
        training={},
    )
    engines = [TorchEngine(one, tile_px=tile_px, score_floor=SCORE_FLOOR, top_k=TOP_K) for one in networks]
    return Detector(LoadedBundle(Path("checkpoint"), facts, ""), Options(), engines=engines)
