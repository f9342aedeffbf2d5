"""A network in training as a Detector: the same tiles and fusion as what ships, with torch as its engine."""

from pathlib import Path

import torch

from algorithm.bundle import FIGURE_CLASS, SCHEMA_VERSION, Bundle, Calibration, LoadedBundle, Member
from algorithm.detector import Detector, Options
from training.engine import TorchEngine
from training.evaluation.scores import MATCH_RADIUS_UM
from training.model import SCORE_FLOOR, TOP_K
from training.settings import Settings

TILE_PX = 512  # small: what it looks at are small frames, and filling them up costs as much as tissue


def detector_of(network: torch.nn.Module, settings: Settings) -> Detector:
    """Return a detector around a network; probabilities are raw scores, down to the floor."""
    facts = Bundle(
        schema_version=SCHEMA_VERSION,
        name="checkpoint",
        version="0",
        licence=settings.licence,
        members=[Member(file="in-memory", sha256="0" * 64, source="in memory")],
        classes=[FIGURE_CLASS],
        mpp=settings.mpp,
        mpp_tolerance=0.0,
        tile_px=TILE_PX,
        overlap_px=round(2 * settings.box_px),
        box_um=settings.box_um,
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
    engine = TorchEngine(network, tile_px=TILE_PX, score_floor=SCORE_FLOOR, top_k=TOP_K)
    return Detector(LoadedBundle(Path("checkpoint"), facts, ""), Options(), engines=[engine])
