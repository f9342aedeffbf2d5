"""A bundle is whole and known, or refused in one clear line."""

import shutil

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from algorithm.bundle import (
    BUNDLE_FILE,
    Bundle,
    Calibration,
    default_folder,
    load_bundle,
    parse_bundle,
    sha256_of,
    write_bundle,
)
from algorithm.errors import BundleError, OutputError


@pytest.fixture
def folder(tiny_bundle, tmp_path):
    """A bundle that may be damaged."""
    return shutil.copytree(tiny_bundle, tmp_path / "model")


def change(folder, **settings):
    path = folder / BUNDLE_FILE
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings, sort_keys=False))


def refused(folder, message):
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    assert str(folder) in str(caught.value), "the message names the place"
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_bundle_that_was_written_is_read_back(folder):
    bundle = load_bundle(folder)
    before = (folder / BUNDLE_FILE).read_bytes()
    write_bundle(folder, bundle.facts)
    assert (folder / BUNDLE_FILE).read_bytes() == before
    assert load_bundle(folder).facts == bundle.facts
    assert sorted(path.name for path in folder.iterdir()) == [BUNDLE_FILE, "member0.onnx", "member1.onnx"]


@pytest.mark.parametrize("place", ["none", "file"])
def test_a_bundle_that_cannot_be_written_is_said(loaded_bundle, tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=rf"{place}/bundle.yaml: cannot be written \((No such file|Not a dir)"):
        write_bundle(tmp_path / place, loaded_bundle.facts)


def test_a_full_disk_leaves_the_earlier_bundle_whole(folder, monkeypatch):
    before, bundle = (folder / BUNDLE_FILE).read_bytes(), load_bundle(folder)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(folder), "write_text", full)
    with pytest.raises(OutputError, match=r"bundle.yaml: cannot be written \(No space left on device\)"):
        write_bundle(folder, bundle.facts)
    assert (folder / BUNDLE_FILE).read_bytes() == before


def test_the_hash_is_that_of_the_file_which_holds_all_others(folder):
    bundle = load_bundle(folder)
    assert bundle.hash == sha256_of(folder / BUNDLE_FILE)
    assert bundle.member_path(1) == folder / "member1.onnx"
    change(folder, version="1.1")
    assert load_bundle(folder).hash != bundle.hash


def test_facts_cannot_be_changed(loaded_bundle):
    with pytest.raises(ValueError, match="frozen"):
        loaded_bundle.facts.threshold = 0.1


def test_a_missing_folder_is_refused(tmp_path):
    refused(tmp_path / "none", r"no model bundle there \(No such file or directory\); name its folder with --model")


def test_a_missing_member_is_refused(folder):
    (folder / "member1.onnx").unlink()
    refused(folder, r"member1.onnx: named in bundle.yaml but cannot be read \(No such file or directory\)")


def test_a_member_with_one_other_byte_is_refused(folder):
    path = folder / "member0.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(folder, r"member0.onnx: sha256 is [0-9a-f]{12}\.\.\., bundle.yaml says [0-9a-f]{12}.*damaged or foreign")


def test_an_unknown_key_is_refused_with_the_known_ones(folder):
    change(folder, treshold=0.4)
    refused(folder, r"unknown key 'treshold' \(known: schema_version, name, .*, threshold, .*training\)")


@pytest.mark.parametrize("key", ["members", "calibration"])
def test_an_unknown_key_further_down_is_refused(folder, key):
    inside = yaml.safe_load((folder / BUNDLE_FILE).read_text())[key]
    if key == "members":
        inside[1]["weight"] = 2
    else:
        inside["weight"] = 2
    change(folder, **{key: inside})
    refused(folder, r"unknown key '(members.1|calibration).weight'")


def test_a_missing_key_is_refused(folder):
    settings = yaml.safe_load((folder / BUNDLE_FILE).read_text())
    del settings["tile_px"]
    (folder / BUNDLE_FILE).write_text(yaml.safe_dump(settings))
    refused(folder, "tile_px: Field required")


@pytest.mark.parametrize("version", [2, 0, "1.0", None])
def test_another_version_of_the_schema_is_refused(folder, version):
    change(folder, schema_version=version)
    refused(folder, f"schema version {version!r}; this program reads version 1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1, 2", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"trained: 2026-13-45", "not YAML"),
        (b"- 1\n- 2\n", "not a bundle"),
        (b"", "not a bundle"),
        (b"hello", "not a bundle"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_refused(folder, content, message):
    (folder / BUNDLE_FILE).write_bytes(content)
    refused(folder, message)


SCREEN = {"ensemble": "screen", "screen": {"from_score": 0.2, "again_score": 0.3, "cell_px": 96}}


def member(**told):
    return {"file": "a.onnx", "sha256": "0" * 64, "source": ""} | told


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"overlap_px": 60}, "overlap_px 60 is less than two boxes of 16.0 um"),
        ({"overlap_px": 128}, "overlap_px 128 does not fit tile_px 128"),
        ({"reporting_threshold": 0.6}, "reporting_threshold is above threshold"),
        ({"classes": ["non-mitotic figure", "mitotic figure"]}, "the first class is 'non-mitotic figure'"),
        ({"classes": []}, "classes: List should have at least 1 item"),
        ({"members": []}, "members: List should have at least 1 item"),
        ({"views": [0, 3, 0]}, "a view stands twice in views"),
        ({"views": [8]}, r"views.0: Input should be less than or equal to 7"),
        ({"views": []}, "views: List should have at least 1 item"),
        ({"threshold": 1.2}, "threshold: Input should be less than or equal to 1"),
        ({"mpp": 0.01}, "mpp: Input should be greater than or equal to 0.05"),
        ({"mpp": 20}, "mpp: Input should be less than or equal to 2"),
        ({"ensemble": "half"}, "ensemble: Input should be 'full' or 'screen'"),
        ({"ensemble": "screen"}, "ensemble is screen, but there is nothing under screen"),
        (
            {"screen": {"from_score": 0.2, "again_score": 0.3, "cell_px": 63}},
            "screen.cell_px 63: give 64, two boxes of 16.0 um, to 128, a tile",
        ),
        (
            {"screen": {"from_score": 0.2, "again_score": 0.3, "cell_px": 129}},
            "screen.cell_px 129: give 64, two boxes of 16.0 um, to 128",
        ),
        (
            {"screen": {"from_score": 1.2, "again_score": 0.3, "cell_px": 96}},
            "screen.from_score: Input should be less than or equal to 1",
        ),
        ({"members": [member(mpp=0.25)]}, "the first member sees 0.25 um/px, not the bundle's 0.5"),
        ({"members": [member(), member(mpp=3)]}, "members.1.mpp: Input should be less than or equal to 2"),
        ({"members": [member(), member(mpp=0.4)]}, "ensemble is full, but members see several scales"),
        ({"members": [member(), member(mpp=0.25)], **SCREEN}, "overlap_px 64 does not fit tile_px 128 at 0.25 um/px"),
        (
            {"members": [member(), member(mpp=0.3)], **SCREEN},
            "screen.cell_px 96 does not fit tile_px 128 at 0.3 um/px",
        ),
        ({"tile_px": "wide"}, "tile_px: Input should be a valid integer"),
        ({"calibration": {"slope": 0, "intercept": 0, "fitted_on": ""}}, "calibration.slope: Input should be greater"),
        ({"members": [{"file": "../a.onnx", "sha256": "0" * 64, "source": ""}]}, "members.0.file: String should match"),
        ({"members": [{"file": "/a.onnx", "sha256": "0" * 64, "source": ""}]}, "members.0.file: String should match"),
        ({"members": [{"file": "a.onnx", "sha256": "12", "source": ""}]}, "members.0.sha256: String should match"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, settings, message):
    change(folder, **settings)
    refused(folder, message)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "key",
    [
        *("mpp", "mpp_tolerance", "tile_px", "overlap_px", "box_um", "score_floor", "top_k", "fusion_radius_um"),
        *("threshold", "reporting_threshold", "calibration.slope", "calibration.intercept", "views.0"),
        *("training.loss", "training.deep.0.loss"),
    ],
)
def test_what_is_no_finite_number_is_refused_wherever_it_stands(folder, key, value):
    settings = yaml.safe_load((folder / BUNDLE_FILE).read_text())
    settings["training"] |= {"deep": [{"loss": 0.1}], "trained": "2026-01-01"}
    *path, last = (int(part) if part.isdigit() else part for part in key.split("."))
    inside = settings
    for part in path:
        inside = inside[part]
    inside[last] = value
    (folder / BUNDLE_FILE).write_text(yaml.safe_dump(settings))
    name = key.split(".")[0] if key.startswith("training") else key
    refused(folder, rf"bundle.yaml: {name}: (Input should be a finite number|.*float values are not JSON compliant)")


def test_notes_on_the_training_may_hold_whatever_yaml_has(folder):
    with (folder / BUNDLE_FILE).open("a") as file:
        file.write("  day: 2026-01-01\n  folds: {1: a, 2026-01-02: [null, true, 1.5e-3]}\n")
    assert set(load_bundle(folder).facts.training) == {"data", "day", "folds"}


def test_several_faults_are_said_in_one_line(folder):
    change(folder, treshold=0.4, tile_px=3)
    refused(folder, "tile_px: .*; unknown key 'treshold'")


def test_parsing_opens_no_member(folder, tmp_path):
    content = (folder / BUNDLE_FILE).read_bytes()
    assert isinstance(parse_bundle(content, tmp_path / "none" / BUNDLE_FILE), Bundle)


def test_the_platforms_model_comes_first_then_the_one_here_then_the_repositorys(tmp_path, folder, monkeypatch):
    platform = tmp_path / "opt"
    monkeypatch.setattr("algorithm.bundle.PLATFORM_FOLDER", platform)
    monkeypatch.chdir(folder)
    assert default_folder().name == "model" and default_folder().is_absolute()
    monkeypatch.chdir(folder.parent)
    assert str(default_folder()) == "model"
    platform.mkdir()
    assert str(default_folder()) == "model", "a folder without a bundle is none"
    shutil.copy(folder / BUNDLE_FILE, platform)
    assert default_folder() == platform


def test_a_platform_folder_that_may_not_be_looked_at_is_passed_over(tmp_path, folder, monkeypatch, forbid):
    monkeypatch.setattr("algorithm.bundle.PLATFORM_FOLDER", shutil.copytree(folder, tmp_path / "opt"))
    monkeypatch.chdir(folder.parent)
    assert default_folder() == tmp_path / "opt"
    forbid(tmp_path / "opt")
    assert str(default_folder()) == "model"


scores = st.lists(st.floats(0, 1), max_size=8).map(lambda values: np.array(values, np.float64))


@given(scores, st.floats(0.1, 5), st.floats(-4, 4))
def test_calibration_keeps_the_order_and_stays_a_probability(score, slope, intercept):
    calibrated = Calibration(slope=slope, intercept=intercept, fitted_on="nothing").probability(np.sort(score))
    assert calibrated.shape == score.shape
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


@given(scores)
def test_a_calibration_of_one_and_zero_leaves_scores_as_they_are(score):
    calibrated = Calibration(slope=1, intercept=0, fitted_on="nothing").probability(score)
    np.testing.assert_allclose(calibrated, score, atol=1.1e-6)


def test_a_steep_calibration_saturates_without_a_warning():
    steep = Calibration(slope=500.0, intercept=0.0, fitted_on="")
    assert steep.probability(np.array([0.0, 0.5, 1.0])).tolist() == [0.0, 0.5, 1.0]


def test_settings_of_screen_are_kept_and_a_bundle_without_them_stays_readable_by_older_programs(bundle_at, tmp_path):
    plain = bundle_at(tmp_path / "plain")
    assert "screen" not in (plain / "bundle.yaml").read_text()
    screening = bundle_at(
        tmp_path / "screen", ensemble="screen", screen={"from_score": 0.2, "again_score": 0.3, "cell_px": 96}
    )
    facts = load_bundle(screening).facts
    assert facts.ensemble == "screen" and (facts.screen.from_score, facts.screen.cell_px) == (0.2, 96)


def test_members_keep_scales_of_their_own_and_those_without_stay_readable_by_older_programs(bundle_at, tmp_path):
    folder = bundle_at(tmp_path / "plain")
    assert "mpp" not in yaml.safe_load((folder / "bundle.yaml").read_text())["members"][0]
    facts = load_bundle(folder).facts
    finer = facts.members[0].model_copy(update={"mpp": 0.4})
    settings = {"members": [*facts.members, finer], **SCREEN}
    write_bundle(folder, Bundle.model_validate(facts.model_dump() | settings))
    assert [one.mpp for one in load_bundle(folder).facts.members] == [*[None] * len(facts.members), 0.4]


def test_members_alone_have_tiles_and_cells_of_the_same_micrometres(with_facts):
    facts = with_facts(at_mpp=[None, 0.25, 0.5, 0.25], tile_px=256, **SCREEN).facts
    assert facts.scales() == {0.5: [0, 2], 0.25: [1, 3]}
    fine = facts.of_members([3])
    assert (fine.mpp, fine.tile_px, fine.overlap_px, fine.screen.cell_px) == (0.25, 256, 128, 192)
    assert fine.scales() == {0.25: [0]}
    mixed = facts.of_members([1, 0])
    assert (mixed.mpp, mixed.scales()) == (0.25, {0.25: [0], 0.5: [1]})
    assert mixed.of_members([1]) == facts.of_members([0])
    same = facts.of_members([2, 0])
    assert (same.mpp, same.overlap_px, same.screen) == (0.5, 64, facts.screen)
    for one in (fine, mixed, same):
        assert Bundle.model_validate(one.model_dump()) == one


@given(st.floats(0.05, 2), st.integers(1, 500))
def test_lengths_at_the_bundles_own_scale_are_exact(with_facts, mpp, overlap_px):
    facts = with_facts(at_mpp=[None, None]).facts.model_copy(update={"mpp": mpp, "overlap_px": overlap_px})
    assert facts.of_members([1, 0]).overlap_px == overlap_px
