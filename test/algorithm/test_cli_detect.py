"""`detect`: many images, one line for each, whatever some of them are like."""

import csv
import json
import re
import shutil

import numpy as np
import onnx
import PIL.Image
import pytest
import yaml
from click.testing import CliRunner

from algorithm.bundle import BUNDLE_FILE, sha256_of
from algorithm.cli import SAMPLE_VARIABLE, main

NAMES = ["mitotic-figures.csv", "mitotic-figures.json", "overlay.png", "run.json"]
SIZE = (220, 150)


@pytest.fixture(scope="module")
def pixels(draw, figure):
    return draw(SIZE, [figure(60.0, 50.0), figure(150.0, 90.0, 0.7)])


@pytest.fixture
def folder(tmp_path, save_tiff, pixels):
    """A folder with one image at the bottom of it."""
    save_tiff(tmp_path / "in" / "deep" / "a.tif", pixels)
    return tmp_path / "in"


@pytest.fixture
def detect(tmp_path, tiny_bundle, monkeypatch):
    """Return a function that runs `detect` in tmp_path and gives click's result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SAMPLE_VARIABLE, raising=False)

    def called(*paths, members=1, env=None, **options):
        options = {"model": tiny_bundle, "precision": "f32", "threads": 1, "members": members} | options
        named = [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
        return CliRunner().invoke(main, ["detect", *map(str, [*paths, *named])], env=env)

    return called


def results(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def contents(folder):
    """Return what is the same from run to run; the record holds times."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}


def points_of(folder):
    return json.loads((folder / "mitotic-figures.json").read_text())["points"]


def test_each_image_gets_a_folder_and_a_line(detect, folder, tmp_path, save_tiff, pixels):
    save_tiff(folder / "b.tif", pixels)
    result = detect(folder, output="out", threshold=0.3)
    assert (result.exit_code, result.stderr) == (0, "")
    assert results(tmp_path / "out") == [f"{name}/{file}" for name in "ab" for file in NAMES]
    engine, first, second, last = result.stdout.splitlines()
    assert engine.startswith("engine: openvino for member0.onnx on ") and engine.endswith("f32 (as asked)")
    for line, name in ((first, "b.tif"), (second, "a.tif")):
        assert re.fullmatch(rf"{name}:    2 figures    0 candidates  0\.01 mm2  \d+\.\d s", line)
    assert last == f"2 image(s) done; results in {tmp_path / 'out'}"


def test_a_warning_stands_among_the_lines_and_not_among_the_errors(
    detect, tmp_path, save_tiff, pixels, tiny_bundle, network
):
    model = shutil.copytree(tiny_bundle, tmp_path / "model")
    onnx.save(network(keep=1), model / "member0.onnx")
    facts = yaml.safe_load((model / BUNDLE_FILE).read_text())
    facts["members"][0]["sha256"] = sha256_of(model / "member0.onnx")
    (model / BUNDLE_FILE).write_text(yaml.safe_dump(facts))
    result = detect(save_tiff(tmp_path / "a.tif", pixels), model=model)
    assert (result.exit_code, result.stderr) == (0, "")
    _, warning, image, _ = result.stdout.splitlines()
    assert warning.startswith("a.tif: ") and warning.endswith("filled the network's list; candidates may be lost")
    assert image.startswith("a.tif: ")


def test_the_files_say_the_same(detect, folder, tmp_path):
    detect(folder, threshold=0.4)
    found = tmp_path / "results" / "a"
    with (found / NAMES[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    points = points_of(found)
    assert len(rows) == len(points) == 2
    for row, point in zip(rows, points, strict=True):
        assert (row["label"] == "figure") == (point["name"] == "mitotic figure")
        assert float(row["probability"]) == pytest.approx(point["probability"], abs=2e-6)
        assert (float(row["x_um"]) - 0.25) / 1000 == pytest.approx(point["point"][0], abs=1e-5)
        assert float(row["x_px"]) * 0.5 == pytest.approx(float(row["x_um"]), abs=0.01)
        assert (float(row["box_x1_px"]) + float(row["box_x2_px"])) / 2 == pytest.approx(float(row["x_px"]), abs=0.02)
    with PIL.Image.open(found / NAMES[2]) as picture:
        assert picture.size == SIZE
    record = json.loads((found / NAMES[3]).read_text())
    names = [point["name"] for point in points]
    assert (record["figures"], record["candidates"]) == (names.count("mitotic figure"), len(names) - record["figures"])
    assert (record["threshold"], record["members"], record["precision"]) == (0.4, 1, "f32")
    assert record["tiles"] > 0
    seconds = record["seconds"]
    assert seconds["detect"] >= seconds["pixels"] + seconds["fusion"] > 0
    assert record["settings"]["threads"] >= 1 and record["settings"]["working_mpp"] == 0.5


def test_the_record_names_the_bundle_and_the_engine(detect, folder, tmp_path, tiny_bundle):
    result = detect(folder)
    record = json.loads((tmp_path / "results" / "a" / "run.json").read_text())
    assert record["bundle_hash"] == sha256_of(tiny_bundle / BUNDLE_FILE)
    engine, device = record["engine"].split(" on ", maxsplit=1)
    assert f"engine: {engine} for member0.onnx on {device}, f32" in result.stdout, "as the log says"


def test_the_same_input_twice_is_the_same_bytes(detect, folder, tmp_path):
    for output in ("one", "other"):
        detect(folder, output=output, members=2, views=3)
    assert contents(tmp_path / "one" / "a") == contents(tmp_path / "other" / "a")


def test_a_bad_image_is_reported_and_the_others_go_on(detect, folder, tmp_path, save_tiff, pixels):
    (folder / "0 empty.tif").touch()
    save_tiff(folder / "grey.tif", pixels[..., 0], photometric="minisblack")
    save_tiff(folder / "z.tif", pixels)
    result = detect(folder, output="out")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.startswith("error: ") for line in lines] == [True, True]
    assert "0 empty.tif: the file is empty" in lines[0] and "grey.tif: 1 channel(s) found" in lines[1]
    assert results(tmp_path / "out") == [f"{name}/{file}" for name in "az" for file in NAMES]
    assert result.stdout.splitlines()[-1].startswith("2 of 4 image(s) done; results in ")


def test_an_image_that_breaks_off_changes_nothing_of_the_next(detect, folder, tmp_path, save_tiff, pixels):
    detect(folder, output="alone")
    broken = save_tiff(folder / "0.tif", np.tile(pixels, (3, 1, 1)), rowsperstrip=16, compression="zlib")
    content = bytearray(broken.read_bytes())
    with PIL.Image.open(broken) as image:
        offset, count = image.tag_v2[273][-1], image.tag_v2[279][-1]
    content[offset : offset + count] = bytes(count)
    broken.write_bytes(content)
    result = detect(folder, output="after")
    assert result.exit_code == 2 and "0.tif: strip" in result.stderr
    assert results(tmp_path / "after") == [f"a/{file}" for file in NAMES]
    assert contents(tmp_path / "after" / "a") == contents(tmp_path / "alone" / "a")


def test_an_earlier_result_is_replaced_and_one_of_a_bad_image_is_kept(detect, folder, tmp_path, draw, save_tiff):
    detect(folder)
    before = contents(tmp_path / "results" / "a")
    save_tiff(folder / "deep" / "a.tif", draw(SIZE))
    assert detect(folder).exit_code == 0
    after = contents(tmp_path / "results" / "a")
    assert points_of(tmp_path / "results" / "a") == [] and sorted(after) == sorted(before)
    (folder / "deep" / "a.tif").write_bytes(b"")
    assert detect(folder).exit_code == 2
    assert contents(tmp_path / "results" / "a") == after


def test_results_inside_the_searched_folder_are_not_searched_again(detect, folder, tmp_path):
    for _ in range(2):
        result = detect(folder, output=folder)
        assert result.exit_code == 0
        assert "1 image(s) done" in result.stdout


def test_without_a_scale_the_remedy_is_said(detect, tmp_path, save_tiff, pixels):
    path = save_tiff(tmp_path / "a.tif", pixels, mpp=None)
    result = detect(path)
    assert result.exit_code == 2
    assert result.stderr == f"error: {path}: no pixel size in the file; pass --mpp, as in --mpp 0.25\n"
    assert not (tmp_path / "results" / "a").exists()
    dots = save_tiff(tmp_path / "dpi.tif", pixels, mpp=None, resolution=(72, 72), resolutionunit="INCH")
    assert "pass --mpp" in detect(dots).stderr
    assert detect(path, dots, mpp=0.5).exit_code == 0


def test_the_scale_that_is_given_wins_over_the_file(detect, folder, tmp_path, save_tiff, pixels):
    detect(folder, output="right", threshold=0.3)
    save_tiff(folder / "deep" / "a.tif", pixels, mpp=0.25)
    detect(folder, output="given", threshold=0.3, mpp=0.5)
    assert contents(tmp_path / "right" / "a") == contents(tmp_path / "given" / "a")


@pytest.mark.parametrize("mpp", [40, 0.001, 250])
def test_a_scale_that_no_microscope_has_is_refused(detect, folder, mpp):
    result = detect(folder, mpp=mpp)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: --mpp {mpp:g}: micrometres per pixel are expected, 0.05 to 2.0")


@pytest.mark.parametrize("kind", ["rgba", "16 bits", "png", "jpeg", "one pixel", "odd name"])
def test_images_of_many_kinds_have_results(detect, tmp_path, save_tiff, pixels, kind):
    path = tmp_path / ("image.dat" if kind == "odd name" else "image.tif")
    if kind in ("png", "jpeg"):
        path = path.with_suffix("." + kind)
        PIL.Image.fromarray(pixels).save(path)
    elif kind == "rgba":
        save_tiff(path, np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]), extrasamples=["unassalpha"])
    elif kind == "16 bits":
        save_tiff(path, pixels.astype(np.uint16) * 257)
    else:
        save_tiff(path, pixels[:1, :1] if kind == "one pixel" else pixels)
    result = detect(path, mpp=0.5, threshold=0.3)
    assert (result.exit_code, result.stderr) == (0, "")
    assert results(tmp_path / "results") == [f"image/{file}" for file in NAMES]
    assert len(points_of(tmp_path / "results" / "image")) == (0 if kind == "one pixel" else 2)


def test_without_a_path_it_works_on_the_sample_that_run_sh_names(detect, folder, tmp_path):
    result = detect(env={SAMPLE_VARIABLE: str(folder)})
    assert result.exit_code == 0 and "a.tif:" in result.stdout
    nothing = detect(env={SAMPLE_VARIABLE: None})
    assert nothing.exit_code == 2 and "name an image or a folder" in nothing.stderr


@pytest.mark.parametrize("name", ["my sample", "my:sample", ": "])
def test_a_sample_folder_with_any_name_is_one_path(detect, tmp_path, save_tiff, pixels, name):
    save_tiff(tmp_path / name / "a.tif", pixels)
    result = detect(env={SAMPLE_VARIABLE: str(tmp_path / name)})
    assert result.exit_code == 0, result.stderr
    assert "1 image(s) done" in result.stdout


def test_a_path_that_is_given_comes_before_the_sample(detect, folder, tmp_path):
    result = detect(folder, env={SAMPLE_VARIABLE: str(tmp_path / "none")})
    assert result.exit_code == 0 and "1 image(s) done" in result.stdout


def test_no_image_and_no_such_path_are_one_line(detect, tmp_path):
    (tmp_path / "in").mkdir()
    for path, message in [(tmp_path / "in", "no image in this folder"), (tmp_path / "x.tif", "no such file or folder")]:
        result = detect(path)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"error: {path}: {message}")
        assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".tif", "y" * 300])
def test_a_name_that_no_file_can_have_is_one_line(detect, folder, name):
    result = detect(folder, name)
    assert result.exit_code == 2
    assert result.stderr == f"error: {name}: no such file or folder\n"


def test_a_path_that_may_not_be_looked_at_is_one_line(detect, folder, forbid):
    forbid(folder)
    result = detect(folder / "deep" / "a.tif")
    assert result.exit_code == 2
    assert result.stderr == f"error: {folder / 'deep' / 'a.tif'}: no such file or folder\n"


def test_a_folder_that_may_not_be_searched_is_one_line(detect, folder, forbid):
    forbid(folder)
    result = detect(folder)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {folder}: no image in this folder")


def test_an_image_whose_folder_cannot_have_its_name_counts_as_failed(detect, folder, tmp_path, save_tiff, pixels):
    name = "x" * 251  # with .tif as long as a name can be; with .part too long
    save_tiff(tmp_path / "short.tif", pixels).rename(folder / f"{name}.tif")
    result = detect(folder)
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and line.endswith(f"{name}: cannot be written (File name too long)")
    assert "1 of 2 image(s) done" in result.stdout


@pytest.mark.parametrize("output", ["results", "o" * 300])
def test_an_error_shows_its_traceback_where_that_is_asked_for(detect, folder, output):
    (folder / "deep" / "a.tif").write_bytes(b"")
    plain, traced = detect(folder, output=output), detect(folder, "--debug", output=output)
    assert plain.exit_code == traced.exit_code == (2 if output == "results" else 5)
    assert len(plain.stderr.splitlines()) == 1
    assert traced.stderr.startswith("Traceback") and traced.stderr.endswith(plain.stderr)


def test_an_output_that_cannot_be_written_is_said_before_the_work(detect, folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("algorithm.detector.Detector.detect", lambda *_: pytest.fail("the work began"))
    result = detect(folder, output=tmp_path / "file")
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'file'}: cannot be written (")


def test_a_result_that_cannot_be_written_counts_as_failed(detect, folder, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a").write_text("in the way")
    result = detect(folder)
    assert result.exit_code == 5
    assert "0 of 1 image(s) done" in result.stdout


@pytest.mark.parametrize(
    ("damage", "message"), [("missing", "no model bundle there"), ("hash", "sha256 is"), ("key", "unknown key 'x'")]
)
def test_a_bad_bundle_is_one_line(detect, folder, tmp_path, tiny_bundle, damage, message):
    model = tmp_path / "model"
    if damage != "missing":
        shutil.copytree(tiny_bundle, model)
        with (model / ("member1.onnx" if damage == "hash" else "bundle.yaml")).open("ab") as file:
            file.write(b"x: 1\n")
    result = detect(folder, model=model)
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert not (tmp_path / "results").exists()


def test_the_threshold_decides_what_is_a_figure(detect, folder, tmp_path):
    names = {}
    for threshold in (0.06, 0.999):
        detect(folder, threshold=threshold)
        names[threshold] = [point["name"] for point in points_of(tmp_path / "results" / "a")]
    assert names == {0.06: ["mitotic figure"] * 2, 0.999: ["non-mitotic figure"] * 2}


def test_members_take_part(detect, folder, tmp_path):
    scores = []
    for members in (1, 2, None):
        assert detect(folder, members=members).exit_code == 0
        scores.append([point["probability"] for point in points_of(tmp_path / "results" / "a")])
    assert scores[1] == scores[2], "all members of the bundle are the default"
    assert scores[0][0] > scores[1][0], "the second member is less sure"


def test_more_members_than_there_are_is_one_line(detect, folder):
    result = detect(folder, members=3)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: 3 members asked for, the bundle in ") and line.endswith("has 2")


@pytest.mark.parametrize(
    "options",
    [
        {"views": 9},
        {"views": 0},
        {"members": 0},
        {"threshold": 1.5},
        {"threshold": "nan"},
        {"mpp": 0},
        {"mpp": "nan"},
        {"mpp": "inf"},
        {"precision": "int8"},
        {"threads": 0},
    ],
)
def test_values_out_of_range_are_wrong_usage(detect, folder, options):
    result = detect(folder, **options)
    assert result.exit_code == 2
    assert "Invalid value for '--" in result.stderr
