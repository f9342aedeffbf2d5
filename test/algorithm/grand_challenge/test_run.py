"""`run`: one case from /input to /output, or one clear line and no file."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import tifffile
from click.testing import CliRunner

from algorithm.cli import main
from algorithm.grand_challenge.inputs import find_image

FOLDER = "images/histopathology-roi-cropout"
NAME = "mitotic-figures.json"
SIZE = (220, 150)
PLACES = [(60.0, 50.0), (150.0, 90.0)]


@pytest.fixture(scope="module")
def pixels(draw, figure):
    return draw(SIZE, [figure(*place) for place in PLACES])


@pytest.fixture
def image(case):
    """Where the image of the case goes."""
    return case / "input" / FOLDER / "0f.tif"


@pytest.fixture
def pixels_at_40x(draw, figure):
    """The case at half the bundle's um/px."""
    return draw((2 * SIZE[0], 2 * SIZE[1]), [figure(2 * x, 2 * y) for x, y in PLACES], mpp=(0.25, 0.25))


@pytest.fixture
def run(case, tiny_bundle):
    """Return a function that runs the case; it gives click's result."""

    def called(*more, model=tiny_bundle, output=None):
        folders = ["--input", case / "input", "--output", output or case / "output", "--model", model]
        options = ["--precision", "f32", "--threads", 1, "--members", 1, *more]
        return CliRunner().invoke(main, [str(part) for part in ["run", *folders, *options]])

    return called


@pytest.fixture
def points(case, run):
    """Return a function that runs the case and gives the points of its file."""

    def found(*more):
        result = run(*more)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        assert [path.name for path in (case / "output").iterdir()] == [NAME]
        return json.loads((case / "output" / NAME).read_text())["points"]

    return found


def refused(case, result, code, message):
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert list((case / "output").rglob("*")) == []


def at_places(points, mpp, *, within_um=1.5):
    figures = sorted(point["point"] for point in points if point["name"] == "mitotic figure")
    wanted = [((x - 0.5) * mpp / 1000, (y - 0.5) * mpp / 1000, 0) for x, y in PLACES]
    assert len(figures) == len(wanted)
    np.testing.assert_allclose(figures, wanted, atol=within_um / 1000)


def test_a_case_ends_with_a_file_and_short_lines_of_progress(image, run, case, save_tiff, pixels, points):
    save_tiff(image, pixels)
    at_places(points("--threshold", 0.3), 0.5)
    lines = run().stdout.splitlines()
    assert lines[0].startswith("engine: openvino for member0.onnx")
    assert lines[1] == "image: 0f.tif, 220 x 150 px, 0.5000 um/px, TIFF"
    assert lines[2] == "1 of 6 tiles and sheets" and lines[7] == "6 of 6 tiles and sheets"
    assert "figures" in lines[8] and str(case / "output" / NAME) in lines[8]
    assert max(map(len, lines)) < 300


def test_an_image_without_figures_is_an_empty_list(image, save_tiff, draw, points):
    save_tiff(image, draw(SIZE))
    assert points() == []


def test_the_same_case_twice_is_the_same_file(image, save_tiff, pixels, run, case):
    save_tiff(image, pixels)
    contents = []
    for _ in range(2):
        run("--views", 2)
        contents.append((case / "output" / NAME).read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("scale", [{"mpp": None}, {"mpp": None, "resolution": (72, 72), "resolutionunit": "INCH"}])
def test_without_a_plausible_resolution_that_of_a_scan_at_40x_is_taken_and_that_is_said(
    image, save_tiff, pixels_at_40x, run, points, scale
):
    save_tiff(image, pixels_at_40x, **scale)
    at_places(points("--threshold", 0.3), 0.5)
    assert "0f.tif: no plausible pixel size in the file; taken as 0.25 um/px, a scan at 40x" in run().stdout


def test_millimetres_are_those_of_the_file_and_not_of_the_bundle(image, save_tiff, pixels_at_40x, points):
    save_tiff(image, pixels_at_40x, mpp=0.25)
    at_places(points("--threshold", 0.3), 0.5)


def test_the_origin_of_an_mha_is_added(image, pixels, points):
    stored = SimpleITK.GetImageFromArray(pixels, isVector=True)
    stored.SetSpacing((0.0005, 0.0005))
    stored.SetOrigin((3.0, -2.0))
    SimpleITK.WriteImage(stored, str(image.with_suffix(".mha")))
    found = points("--threshold", 0.3)
    for point in found:
        point["point"] = [point["point"][0] - 3.0, point["point"][1] + 2.0, 0]
    at_places(found, 0.5)


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (64, 64), "compression": "zlib"},
        {"rowsperstrip": 16},
        {"rowsperstrip": 16, "compression": "lzw"},
        {"mpp": None, "resolution": (50_800, 50_800), "resolutionunit": "INCH"},
    ],
)
def test_tiled_and_striped_files_and_inches_are_read(image, save_tiff, pixels, points, options):
    save_tiff(image, pixels, **options)
    at_places(points("--threshold", 0.3), 0.5)


def test_an_alpha_channel_and_16_bits_are_read(image, save_tiff, pixels, points):
    save_tiff(image, np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]), extrasamples=["unassalpha"])
    at_places(points("--threshold", 0.3), 0.5)
    save_tiff(image, pixels.astype(np.uint16) * 257)
    at_places(points("--threshold", 0.3), 0.5)


def test_an_image_smaller_than_a_tile_is_searched(image, save_tiff, draw, figure, points):
    save_tiff(image, draw((70, 60), [figure(40, 30)]))
    (point,) = points("--threshold", 0.3)
    assert point["point"] == pytest.approx([39.5 * 0.0005, 29.5 * 0.0005, 0], abs=0.001)


def test_an_image_of_one_pixel_has_a_result(image, save_tiff, points):
    save_tiff(image, np.full((1, 1, 3), 230, np.uint8))
    assert points() == []


def test_all_candidates_are_given_and_the_threshold_only_names_them(image, save_tiff, pixels, points):
    save_tiff(image, pixels)
    low, high = points("--threshold", 0.2), points("--threshold", 0.99)
    assert [point["probability"] for point in low] == [point["probability"] for point in high]
    assert {point["name"] for point in low} == {"mitotic figure"}
    assert {point["name"] for point in high} == {"non-mitotic figure"}


def test_no_image_is_one_line(case, run):
    refused(case, run(), 2, "no image found")


def test_no_input_folder_is_one_line(case, run):
    shutil.rmtree(case / "input")
    refused(case, run(), 2, "no such input folder")


def test_two_images_are_one_line(case, image, run, save_tiff, pixels):
    save_tiff(image, pixels)
    save_tiff(image.with_name("1a.tif"), pixels)
    refused(case, run(), 2, "2 images found where one is expected")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty (0 bytes)"), (b"II*\0" + bytes(50), "TIFF"), (b"hello" * 99, "not an image")],
)
def test_a_file_that_is_no_image_is_one_line(case, image, run, content, message):
    image.write_bytes(content)
    refused(case, run(), 2, message)


def test_a_tiff_of_which_no_strip_can_be_read_is_one_line(case, image, run, save_tiff, pixels):
    save_tiff(image, pixels, rowsperstrip=8, compression="zlib")
    with tifffile.TiffFile(image) as file:
        strips = list(zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True))
    data = bytearray(image.read_bytes())
    for offset, count in strips:
        data[offset : offset + count] = bytes(count)
    image.write_bytes(data)
    refused(case, run(), 2, "is damaged")


def test_a_grey_image_is_one_line(case, image, run, pixels):
    tifffile.imwrite(image, pixels[..., 0], photometric="minisblack")
    refused(case, run(), 2, "1 channel(s) found; an H&E image in RGB is needed")


def test_an_output_that_cannot_be_written_is_one_line(case, image, run, save_tiff, pixels):
    save_tiff(image, pixels)
    (case / "file").write_text("in the way")
    result = run(output=case / "file" / "output")
    refused(case, result, 5, "cannot be written")
    assert (case / "file").read_text() == "in the way"


def test_an_output_that_cannot_be_written_is_found_before_the_work(case, image, run, save_tiff, pixels, monkeypatch):
    save_tiff(image, pixels)
    (case / "file").write_text("in the way")
    monkeypatch.setattr("algorithm.detector.Detector.detect", lambda *_: pytest.fail("the work began"))
    refused(case, run(output=case / "file"), 5, "cannot be written (")


def test_a_folder_in_the_place_of_the_file_is_one_line(case, image, run, save_tiff, pixels):
    save_tiff(image, pixels)
    (case / "output" / NAME / "somebody's").mkdir(parents=True)
    result = run()
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {case / 'output' / NAME}: cannot be replaced (")


@pytest.mark.parametrize("failure", ["image", "no image", "members", "bundle", "bug"])
def test_a_case_that_fails_leaves_no_result_of_an_earlier_one(
    case, image, run, save_tiff, pixels, monkeypatch, failure
):
    save_tiff(image, pixels)
    assert run().exit_code == 0
    assert [path.name for path in (case / "output").iterdir()] == [NAME]
    options = {}
    if failure == "image":
        image.write_bytes(b"")
    elif failure == "no image":
        image.unlink()
    elif failure == "bug":
        monkeypatch.setattr("algorithm.detector.Detector.detect", lambda *_: 1 / 0)
    elif failure == "bundle":
        options = {"model": case / "none"}
    result = run(*(["--members", 3] if failure == "members" else []), **options)
    assert result.exit_code == {"bundle": 3, "bug": 1}.get(failure, 2)
    assert list((case / "output").iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "message"),
    [("", "cannot be searched (Permission denied)"), ("images", "no image found"), (FOLDER, "cannot be searched (")],
)
def test_an_input_that_may_not_be_looked_at_is_one_line(case, image, run, save_tiff, pixels, forbid, folder, message):
    save_tiff(image, pixels)
    forbid(case / "input" / folder)
    refused(case, run(), 2, message)


def test_a_name_that_no_folder_can_have_is_one_line(case, run):
    refused(case, run("--input", "x" * 300), 2, "no such input folder")
    refused(case, run(output="x" * 300), 5, "cannot be written (File name too long)")


def test_a_missing_bundle_is_one_line_before_any_image_is_opened(case, run):
    refused(case, run(model=case / "none"), 3, "no model bundle there")


def test_a_damaged_bundle_is_one_line(case, run, tiny_bundle):
    model = shutil.copytree(tiny_bundle, case / "model")
    with (model / "member0.onnx").open("ab") as file:
        file.write(b"x")
    refused(case, run(model=model), 3, "sha256 is")


def test_a_bundle_with_an_unknown_key_is_one_line(case, run, tiny_bundle):
    model = shutil.copytree(tiny_bundle, case / "model")
    with (model / "bundle.yaml").open("a") as file:
        file.write("treshold: 0.5\n")
    refused(case, run(model=model), 3, "unknown key 'treshold' (known: schema_version")


def test_more_members_than_the_bundle_has_is_one_line(case, image, run, save_tiff, pixels):
    save_tiff(image, pixels)
    refused(case, run("--members", 3), 2, "3 members asked for, the bundle in")


def test_a_precision_that_is_not_there_is_one_line(case, image, run, save_tiff, pixels, monkeypatch):
    save_tiff(image, pixels)
    monkeypatch.setattr("algorithm.engines.openvino.native_bf16", lambda: False)
    refused(case, run("--precision", "bf16"), 4, "this CPU has no bf16 arithmetic")


def test_a_bug_keeps_its_traceback(case, image, run, save_tiff, pixels, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    save_tiff(image, pixels)
    monkeypatch.setattr("algorithm.writers.points_json.write", broken)
    result = run()
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1
    assert list((case / "output").iterdir()) == []


def tree(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_as_the_platform_calls_it_nothing_but_the_output_is_written(
    case, image, save_tiff, pixels, tiny_bundle, python
):
    save_tiff(image, pixels)
    shutil.copytree(tiny_bundle, case / "model")
    (case / "work").mkdir()
    (case / "nobody").mkdir()  # libraries that report home keep an identifier there
    for folder in ("input", "work", "model"):  # root writes all the same, so the tree is looked at as well
        os.chmod(case / folder, 0o555)
    before = tree(case)
    options = ["--input", case / "input", "--output", case / "output", "--model", case / "model", "--threads", 1]
    environment = {"HOME": str(case / "nobody"), "TMPDIR": str(case / "nowhere")}
    result = python("-m", "algorithm", "run", *options, cwd=case / "work", env=environment)
    os.chmod(case / "input", 0o755), os.chmod(case / "work", 0o755), os.chmod(case / "model", 0o755)
    assert (result.returncode, result.stderr) == (0, "")
    after = tree(case)
    assert set(after) - set(before) == {f"output/{NAME}"}
    assert all(after[name] == before[name] for name in before)
    assert sorted(path.name for path in case.iterdir()) == ["input", "model", "nobody", "output", "work"]


def test_in_a_process_of_its_own_an_error_is_one_line_and_its_code(case, image, tiny_bundle, python):
    image.write_bytes(b"")
    options = ["--input", case / "input", "--output", case / "output", "--model", tiny_bundle, "--threads", 1]
    result = python("-m", "algorithm", "run", *options, cwd=case)
    assert result.returncode == 2
    assert result.stderr == f"error: {image}: the file is empty (0 bytes); copy or export it again\n"
    for arguments in (["--debug", "run", *options], ["run", *options, "--debug"]):
        with_trace = python("-m", "algorithm", *arguments, cwd=case)
        assert with_trace.returncode == 2
        assert "Traceback" in with_trace.stderr and "the file is empty" in with_trace.stderr.splitlines()[-1]


def test_the_sample_of_the_repository_has_the_layout_of_the_platform():
    sample = Path(__file__).resolve().parents[2] / "input" / "interf0"
    image = find_image(sample)
    (item,) = json.loads((sample / "inputs.json").read_text())
    assert image.parent == sample / item["socket"]["relative_path"]
