"""An ablation in seconds: drawn images, a thin network, three iterations a run."""

import json
from pathlib import Path

import pytest

import training.experiments.ablation
from algorithm.errors import OutputError
from training.evaluation.scores import CURVE_THRESHOLDS
from training.experiments.ablation import ROWS_NAME, ablate, cost, fingerprint, read_rows
from training.model import load_checkpoint
from training.settings import Settings, SettingsError, load_settings

REPOSITORY = Path(__file__).resolve().parents[3]
NETWORKS = ("ema-0.005", "ema-0.001", "ensemble")


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_slides) -> Path:
    return write_slides(tmp_path_factory.mktemp("data") / "drawn", ("H03", "H05", "H07"))


@pytest.fixture(scope="module")
def config_files(tmp_path_factory, write_config, data) -> list[Path]:
    """A parent, and a child that differs by one line."""
    folder = tmp_path_factory.mktemp("configs")
    write_config(folder / "base.py", data, ["H07"])
    (folder / "two_classes.py").write_text('_base_ = ["base.py"]\nclasses = 2\n')
    return [folder / "base.py", folder / "two_classes.py"]


@pytest.fixture(scope="module")
def experiments(config_files) -> dict[str, Settings]:
    return {path.stem: load_settings(path) for path in config_files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, experiments) -> Path:
    """The work dir of an ablation that was never stopped."""
    folder = tmp_path_factory.mktemp("ablation")
    ablate(experiments, seeds=[0, 1], minutes=None, work_dir=folder)
    return folder


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(training.experiments.ablation, "run_scored", refuse)


def test_every_config_is_run_with_every_seed_and_each_network_scored(finished):
    rows = read_rows(finished / ROWS_NAME)
    made = [(row.seed, row.config, row.network) for row in rows]
    assert made == [(s, c, n) for s in (0, 1) for c in ("base", "two_classes") for n in NETWORKS]
    assert all(row.iterations == 3 and 0 <= row.ap <= 1 and 0 <= row.f1 <= 1 for row in rows)
    assert len({row.settings for row in rows}) == 4  # a run each


def test_what_is_done_is_not_done_again(finished, experiments, no_training):
    again = ablate(experiments, seeds=[0, 1], minutes=None, work_dir=finished)
    assert again == read_rows(finished / ROWS_NAME)


def test_rows_alone_say_what_is_done(tmp_path, finished, experiments, no_training):
    (tmp_path / ROWS_NAME).write_bytes((finished / ROWS_NAME).read_bytes())
    assert len(ablate(experiments, seeds=[1], minutes=None, work_dir=tmp_path)) == 2 * len(NETWORKS)


def test_a_row_that_is_lost_is_scored_from_the_run_that_is_there(tmp_path, finished, experiments):
    rows = (finished / ROWS_NAME).read_text()
    for path in finished.rglob("*"):
        if path.is_file() and path.name != ROWS_NAME:
            (tmp_path / path.relative_to(finished)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(finished)).write_bytes(path.read_bytes())
    ablate(experiments, seeds=[0, 1], minutes=None, work_dir=tmp_path)
    assert (tmp_path / ROWS_NAME).read_text() == rows


def test_rows_of_other_settings_are_refused(finished, experiments, no_training):
    before = (finished / ROWS_NAME).read_bytes()
    changed = {name: one.model_copy(update={"weight_decay": 0.5}) for name, one in experiments.items()}
    with pytest.raises(OutputError, match="other settings"):
        ablate(changed, seeds=[0], minutes=None, work_dir=finished)
    assert (finished / ROWS_NAME).read_bytes() == before


def test_published_rows_are_of_the_configs_as_they_are_now(configs):
    rows = read_rows(REPOSITORY / "docs/runs/ablation" / ROWS_NAME)
    assert rows
    for name in sorted({row.config for row in rows}):
        settings = load_settings(configs / f"ablations/{name}.py")
        for row in (row for row in rows if row.config == name):
            made = settings.model_copy(update={"iterations": row.iterations, "seed": row.seed})
            assert fingerprint(made) == row.settings, name


def test_a_table_that_is_none_is_refused(tmp_path, experiments):
    (tmp_path / ROWS_NAME).write_text("config,seed\nbase,zero\n")
    with pytest.raises(OutputError, match=r"runs\.csv: not a table of runs"):
        ablate(experiments, seeds=[0], minutes=None, work_dir=tmp_path)


def test_configs_must_hold_the_same_slides_back(tmp_path, experiments):
    other = experiments["base"].model_copy(update={"held_back": ["H05"]})
    with pytest.raises(SettingsError, match="other: holds other images back than base"):
        ablate({**experiments, "other": other}, seeds=[0], minutes=None, work_dir=tmp_path)
    none = experiments["base"].model_copy(update={"held_back": []})
    with pytest.raises(SettingsError, match="holds no slide back"):
        ablate({"none": none}, seeds=[0], minutes=None, work_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_configs_of_one_cost_get_the_same_iterations(tmp_path, experiments, monkeypatch):
    larger = experiments["base"].model_copy(update={"batch": 4})
    measured, trained = iter([5, 9]), []
    monkeypatch.setattr(training.experiments.ablation, "iterations_within", lambda *_: next(measured))
    monkeypatch.setattr(training.experiments.ablation, "run_scored", lambda settings, *_: trained.append(settings))
    monkeypatch.setattr(training.experiments.ablation, "scored", lambda *_: [])
    monkeypatch.setattr(training.experiments.ablation, "f1_curve", lambda _: CURVE_THRESHOLDS * 0)
    monkeypatch.setattr(training.experiments.ablation, "average_precision", lambda _: 0.5)
    ablate({**experiments, "larger": larger}, seeds=[0, 1], minutes=1, work_dir=tmp_path)
    assert [settings.iterations for settings in trained] == [5, 5, 9, 5, 5, 9]


def test_two_networks_or_patch_sizes_cost_differently(experiments, configs):
    base = experiments["base"]
    assert cost(base) == cost(experiments["two_classes"])
    assert cost(base) != cost(base.model_copy(update={"patch_px": (96, 96)}))
    assert cost(base) != cost(base.model_copy(update={"smaller_first": [(0.5, (32, 32))]}))
    assert cost(base) != cost(load_settings(configs / "cpu_half.py"))


def test_the_command_writes_table_picture_and_numbers(finished, config_files, command, no_training):
    result = command("ablate", *config_files, "--work-dir", finished, "--seeds", "0,1")
    assert result.exit_code == 0, result.output
    assert "two_classes" in result.output
    compared = json.loads((finished / "ablation.json").read_text())
    assert compared["reference"] == "base" and compared["slides"] == ["H07"]
    assert (finished / "ablation.md").read_text().count("\n") == 2 + 2 + 2
    assert (finished / "ablation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0,x"], "whole numbers"),
        (["--seeds", "0,0"], "each seed once"),
        (["--seeds", ""], "at least one"),
        (["--minutes", "0"], "0"),
        (["--set", "batches=3"], "batches"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(
    tmp_path, config_files, command, no_training, arguments, said
):
    result = command("ablate", *config_files, "--work-dir", tmp_path, *arguments)
    assert result.exit_code == 2 and said in result.output
    assert not (tmp_path / ROWS_NAME).exists()


def test_two_configs_of_one_name_are_refused(tmp_path, config_files, command, no_training):
    result = command("ablate", *config_files, config_files[0], "--work-dir", tmp_path)
    assert result.exit_code == 2 and "base is named twice" in result.output


def test_a_share_of_the_slides_trains_on_fewer_and_the_weights_say_so(tmp_path, experiments):
    half = experiments["base"].model_copy(update={"slides_share": 0.5})
    ablate({"half": half}, seeds=[0], minutes=None, work_dir=tmp_path)
    _, facts = load_checkpoint(tmp_path / "half/seed-0/ema-0.005.pth")
    assert len(facts.training["slides"]) == 1  # of two that are not held back


def test_runs_begin_from_the_weights_that_are_given(tmp_path, finished, experiments):
    weights = finished / "base/seed-0/ema-0.005.pth"
    base = {"base": experiments["base"]}
    (row, *_) = ablate(base, seeds=[0], minutes=None, work_dir=tmp_path, pretrained=weights)
    _, facts = load_checkpoint(tmp_path / "base/seed-0/ema-0.005.pth")
    assert facts.training["pretrained"]["name"] == weights.name
    assert row.settings not in {one.settings for one in read_rows(finished / ROWS_NAME)}
    with pytest.raises(OutputError, match="from other weights"):
        ablate(base, seeds=[0], minutes=None, work_dir=tmp_path)
