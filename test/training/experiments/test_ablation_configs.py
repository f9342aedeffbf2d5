"""The ablations of the project differ from their parent in what they are named after, and in nothing else."""

from pathlib import Path

import pytest

from training.settings import load_settings

CHANGES = {
    "box_50": {"box_um"},
    "half_slides": {"slides_share"},
    "macenko": {"augment"},
    "mined": {"data"},
    "mosaic": {"augment"},
    "no_hierarchy": {"sampling"},
    "no_mf_crops": {"data"},
    "one_ema": {"ema_momentums"},
    "quarter_mpp": {"mpp"},
    "quarter_slides": {"slides_share"},
    "rtmdet_m": {"model"},
    "rtmdet_tiny": {"model"},
    "two_classes": {"classes", "model"},  # as many outputs as classes
}


@pytest.fixture
def folder(configs) -> Path:
    return configs / "ablations"


def test_every_ablation_is_known_here(folder):
    assert {path.stem for path in folder.glob("*.py")} == {"base", *CHANGES}


@pytest.mark.parametrize("name", CHANGES)
def test_an_ablation_changes_one_thing(folder, name):
    base, changed = (load_settings(folder / f"{one}.py").model_dump() for one in ("base", name))
    assert {key for key in base if base[key] != changed[key]} == CHANGES[name]


@pytest.mark.parametrize("name", ["rtmdet_tiny", "rtmdet_m"])
def test_the_other_networks_can_be_built(folder, name):
    from training.model import build_network

    own, base = (
        sum(weights.numel() for weights in build_network(load_settings(folder / f"{one}.py").model).parameters())
        for one in (name, "base")
    )
    assert own < 0.6 * base if name == "rtmdet_tiny" else own > 2 * base
