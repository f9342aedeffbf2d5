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
OF_SHORT = {
    "short_blurred": {"augment"},
    "short_box_50": {"box_um"},
    "short_growing": {"patch_px", "smaller_first"},
    "short_sharp": {"augment"},
}
OF_MEMBERS = {"members_unmined": {"data", "sampling"}}  # weights may name sets that are there alone


@pytest.fixture
def folder(configs) -> Path:
    return configs / "ablations"


def test_every_ablation_is_known_here(folder):
    assert {path.stem for path in folder.glob("*.py")} == {
        *("base", *CHANGES),
        *("members", *OF_MEMBERS),
        *("short", *OF_SHORT),
    }


@pytest.mark.parametrize(
    ("parent", "name", "changes"),
    [("base", *pair) for pair in CHANGES.items()]
    + [("members", *pair) for pair in OF_MEMBERS.items()]
    + [("short", *pair) for pair in OF_SHORT.items()],
)
def test_an_ablation_changes_one_thing(folder, parent, name, changes):
    base, changed = (load_settings(folder / f"{one}.py").model_dump() for one in (parent, name))
    assert {key for key in base if base[key] != changed[key]} == changes


def test_an_ablation_without_mined_imposters_keeps_all_other_weights(folder):
    weights, without = (
        load_settings(folder / f"{one}.py").sampling.data_set_weights for one in ("members", "members_unmined")
    )
    assert without == {name: weight for name, weight in weights.items() if not name.endswith("-mined")}


@pytest.mark.parametrize("name", ["rtmdet_tiny", "rtmdet_m"])
def test_the_other_networks_can_be_built(folder, name):
    from training.model import build_network

    own, base = (
        sum(weights.numel() for weights in build_network(load_settings(folder / f"{one}.py").model).parameters())
        for one in (name, "base")
    )
    assert own < 0.6 * base if name == "rtmdet_tiny" else own > 2 * base
