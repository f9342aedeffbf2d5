from pathlib import Path

import pytest

from algorithm.bundle import PROJECT_FOLDER, load_bundle
from training.settings import SettingsError, load_settings, parse_changes

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = sorted((REPOSITORY / "training/configs").glob("*.py")) + sorted(
    (REPOSITORY / "training/configs/earlier").glob("*.py")
)


@pytest.fixture
def config(tmp_path, configs):
    """Return a function that writes a config which inherits from one of the project's."""

    def written(*lines: str, parent: str = "cpu_half") -> Path:
        path = tmp_path / "mine.py"
        path.write_text("\n".join([f"_base_ = ['{configs / parent}.py']", *lines]) + "\n")
        return path

    return written


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_is_a_whole_run(path):
    settings = load_settings(path)
    assert settings.model["type"] == ("PatchClassifier" if path.stem == "backbone" else "RTMDet")
    assert settings.model["bbox_head"]["num_classes"] == settings.classes
    assert 1 <= len(settings.ema_momentums) <= 3
    assert settings.box_px == pytest.approx(16 / settings.mpp)
    assert settings.class_names[0] == "mitotic figure"


def test_runs_that_are_released_name_data_licence_and_slides_that_watch(configs):
    for name in ("cpu_half", "cpu_quarter", "gpu_quarter"):
        settings = load_settings(configs / f"{name}.py")
        assert [folder.name for folder in settings.data] == ["mitos14", "mitos14_patches", "icpr2012_train"]
        assert settings.held_back
        assert not {"H03", "H04", "A03"} & set(settings.held_back)  # the same glass as in icpr2012
        assert settings.licence


def test_quarter_differs_from_half_in_its_resolution_alone(configs):
    half, quarter = (load_settings(configs / f"{name}.py").model_dump() for name in ("cpu_half", "cpu_quarter"))
    assert {key for key in half if half[key] != quarter[key]} == {"mpp", "patch_px"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_everything_is_augmented_but_by_mosaic_and_macenko(path):
    augment = load_settings(path).augment.model_dump()
    off = {name for name, strength in augment.items() if not strength}
    assert off - {"isolated_share", "pasted_share"} == {
        "mosaic_share",
        "macenko_share",
    }  # those are for runs with crops


def test_augmentation_that_a_config_does_not_name_is_as_in_the_base(config, configs):
    mine = load_settings(config("augment = dict(mosaic_share=0.5)")).augment
    assert mine == load_settings(configs / "cpu_half.py").augment.model_copy(update={"mosaic_share": 0.5})


def test_config_changes_only_what_it_says(config, configs):
    mine, parent = load_settings(config("iterations = 300")), load_settings(configs / "cpu_half.py")
    assert mine.iterations == 300
    assert mine.model_copy(update={"iterations": parent.iterations}) == parent


def test_released_weights_go_on_at_the_scale_that_they_learned(configs):
    assert load_settings(configs / "cpu_tune.py").mpp == load_bundle(PROJECT_FOLDER).facts.mpp


def test_two_classes_make_a_network_of_two(config):
    settings = load_settings(config("classes = 2"))
    assert settings.class_names == ["mitotic figure", "imposter"]
    assert settings.model["bbox_head"]["num_classes"] == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("moemntum = 0.1", r"moemntum: Extra inputs are not permitted \(known: mpp, box_um, .*held_back"),
        ("iterations = 'many'", "iterations: Input should be a valid integer"),
        ("iterations = 0", "iterations: Input should be greater than or equal to 1"),
        ("mpp = -0.5", "mpp: Input should be greater than 0.05"),
        ("augment = dict(mosaic=True)", "augment.mosaic: Extra inputs are not permitted"),
        ("augment = dict(saturation=1.5)", "augment.saturation: Input should be less than 1"),
        ("shares = dict(figures=1.0)", "shares.figures.*'figure', 'imposter', 'background' or 'anywhere'"),
        ("shares = dict(figure=-1.0)", "shares.figure: Input should be greater than or equal to 0"),
        ("sampling = dict(data_set_weights=dict(a=dict(imposters=1.0)))", "data_set_weights.a.*'figure', 'imposter'"),
        ("sampling = dict(data_set_weights=dict(a=-1.0))", "data_set_weights.a.*greater than or equal to 0"),
        ("ema_momentums = []", "ema_momentums: List should have at least 1 item"),
        ("classes = 3", "classes: Input should be less than or equal to 2"),
        ("patch_px = (160, 100)", r"patch_px \(160, 100\) is not in multiples of 32"),
        ("smaller_first = [(0.5, (64, 50))]", r"smaller_first \(64, 50\) is not in multiples of 32"),
        ("smaller_first = [(0.5, (32, 32))]", r"smaller_first \(32, 32\) is less than two boxes of 32.0 px"),
        ("smaller_first = [(0.5, (96, 96)), (0.5, (128, 128))]", "smaller_first .* have to rise"),
        ("smaller_first = [(0.2, (128, 128)), (0.5, (96, 96))]", "smaller_first .* patches to grow"),
        ("smaller_first = [(0.2, (96, 96)), (0.5, (96, 96))]", "smaller_first .* patches to grow"),
        ("smaller_first = [(0.5, (160, 160))]", r"smaller_first .* up to patch_px \(160, 160\)"),
        ("smaller_first = [(0.5, (192, 96))]", r"smaller_first .* up to patch_px \(160, 160\)"),
        ("smaller_first = [(0, (96, 96))]", "smaller_first.0.0: Input should be greater than 0"),
        ("smaller_first = [(100, (96, 96))]", "smaller_first.0.0: Input should be less than 1"),
        ("patch_px = (160, 32)", r"patch_px \(160, 32\) is less than two boxes of 32.0 px"),
        ("warmup = dict(iterations=10_000, start=1e-5)", "warmup.iterations 10000 of 10000 iterations"),
        ("warmup = dict(iterations=0, start=1e-5)", "warmup.iterations: Input should be greater than or equal to 1"),
    ],
)
def test_setting_that_cannot_be_is_refused_by_name(config, line, message):
    path = config(line)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_several_wrong_settings_are_named_together(config):
    with pytest.raises(SettingsError, match=r"batch: .*; seeed: "):
        load_settings(config("batch = 0", "seeed = 1"))


def test_missing_config_is_one_clear_line(tmp_path, command):
    result = command("train", tmp_path / "absent.py")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path}/absent.py: no such config; those of the project are in training/configs\n"
    )


def test_unknown_setting_on_the_command_line_ends_with_code_2(config, command, tmp_path):
    result = command("train", config(), "--work-dir", tmp_path / "run", "--set", "iteration=5")
    assert result.exit_code == 2
    assert "iteration: Extra inputs are not permitted" in result.stderr
    assert not (tmp_path / "run").exists()


def test_changes_of_the_command_line_are_laid_over_the_config(config):
    changes = parse_changes(["augment.value=0.2", "seed=7", "held_back=['H03']", "licence=MIT", "patch_px=(96, 64)"])
    settings = load_settings(config(), changes)
    assert (settings.augment.value, settings.augment.hue_deg) == (0.2, 12.0)
    assert (settings.seed, settings.held_back, settings.licence) == (7, ["H03"], "MIT")
    assert settings.patch_px == (96, 64)


def test_patches_grow_at_the_parts_of_the_run_that_are_named(config):
    settings = load_settings(config("iterations = 1000", "smaller_first = [(0.01, (64, 64)), (0.03, (96, 64))]"))
    assert read_settings_again(settings) == settings
    sizes = {n: settings.patch_px_at(n) for n in (0, 9, 10, 29, 30, 999)}
    assert sizes == {0: (64, 64), 9: (64, 64), 10: (96, 64), 29: (96, 64), 30: (160, 160), 999: (160, 160)}
    parts, sizes_px = zip(*settings.patch_parts(), strict=True)
    assert parts == pytest.approx((0.01, 0.02, 0.97)) and sizes_px == ((64, 64), (96, 64), (160, 160))
    shorter = settings.model_copy(update={"iterations": 100})
    assert [shorter.patch_px_at(n) for n in (0, 1, 3)] == [(64, 64), (96, 64), (160, 160)]


def test_a_data_set_may_be_weighted_by_kind(config):
    settings = load_settings(config("sampling = dict(data_set_weights=dict(mined=dict(figure=0), crops=2))"))
    assert settings.sampling.data_set_weights == {"mined": {"figure": 0.0}, "crops": 2.0}
    assert read_settings_again(settings) == settings


def test_kinds_replace_a_number_of_the_config_below_only_by_name(config, configs):
    line = "sampling = dict(data_set_weights=dict(mf_crops=dict({}figure=0)))"
    with pytest.raises(SettingsError, match="_delete_"):
        load_settings(config(line.format(""), parent="cpu_members"))
    settings = load_settings(config(line.format("_delete_=True, "), parent="cpu_members"))
    assert settings.sampling.data_set_weights["mf_crops"] == {"figure": 0.0}


def read_settings_again(settings):
    return type(settings)(**settings.model_dump(mode="json"))


def test_values_are_literals_else_text():
    assert parse_changes(["a=1e-3", "b.c=[1, 2]", "d=some text", "e=x=y", "f="]) == {
        "a": 1e-3, "b.c": [1, 2], "d": "some text", "e": "x=y", "f": "",
    }  # fmt: skip
    assert parse_changes([]) == {}


def test_change_without_a_value_is_refused():
    with pytest.raises(SettingsError, match="--set seed: give KEY=VALUE"):
        parse_changes(["seed"])
