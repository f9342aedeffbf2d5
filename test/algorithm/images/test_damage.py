"""Whatever a file holds, it is an image or one clear ImageError."""

import logging
import shutil

import numpy as np
import pytest
import tifffile

from algorithm.errors import ImageError
from algorithm.images import SUFFIXES, open_image

GREY = np.full((40, 50), 120, np.uint8)


def read_all(path):
    with open_image(path) as image:
        return image.read(0, 0, *image.size)


def refused(path, message):
    with pytest.raises(ImageError, match=message) as caught:
        read_all(path)
    assert str(path) in str(caught.value), "the message names the file"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello\nworld\n" * 50, "not an image of a known format"),
        (bytes(4096), "not an image of a known format"),
        (b"II*\0" + bytes(100), "TIFF"),
        (b"II*\0", "TIFF"),
        (b"MM\0*" + b"\xff" * 100, "TIFF"),
        (b"II+\0" + b"\xff" * 100, "TIFF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "cannot be decoded"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "cannot be decoded"),
        (b"ObjectType = Image\nNDims = 2\n", "a MetaImage without DimSize, ElementType, ElementDataFile"),
        (b"%PDF-1.7\n", "not an image of a known format"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, content, message, capfd):
    path = tmp_path / "thing"
    path.write_bytes(content)
    refused(path, message)
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused(tmp_path / "none.tif", "No such file")
    refused(tmp_path, "a folder; an image file is needed")


def test_content_counts_and_not_the_name(tmp_path, store):
    for kind, name in [
        ("tiff deflate tiles", "a.png"),
        ("png", "b.tif"),
        ("mha", "c.tiff"),
        ("jpeg", "d.tif"),
    ]:
        stored = store(kind)
        path = shutil.copy(stored.path, tmp_path / name)
        assert np.abs(read_all(path).astype(int) - stored.pixels).max() <= stored.greys


def test_every_kind_of_file_that_is_read_is_found_in_folders(stored):
    assert stored.path.suffix in (*SUFFIXES, ".nrrd")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(stored, tmp_path, share, capfd):
    if stored.path.suffix in (".mhd", ".nrrd"):
        pytest.skip("SimpleITK reads these and speaks on stderr")
    data = stored.path.read_bytes()
    path = tmp_path / f"cut{stored.path.suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    if stored.path.suffix in (".png", ".jpg") and share == 0.999:
        path.write_bytes(data[:-40])
    if stored.path.suffix == ".svs":
        with pytest.raises(ImageError):
            read_all(path)
    else:
        refused(path, "cut short|damaged|cannot be")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "kind",
    ["tiff deflate tiles", "tiff lzw strips", "tiff jpeg tiles", "tiff jpeg strips", "tiff lzw planes"],
)
def test_a_broken_later_segment_is_an_error_of_the_window_that_needs_it(store, tmp_path, kind):
    stored = store(kind)
    with tifffile.TiffFile(stored.path) as file:
        page = file.pages[0]
        offset, count = page.dataoffsets[-1], page.databytecounts[-1]
    data = bytearray(stored.path.read_bytes())
    data[offset : offset + count] = bytes(count)
    path = tmp_path / "broken.tif"
    path.write_bytes(data)
    with open_image(path) as image:
        first = image.read(0, 0, 60, 10)
        assert np.abs(first.astype(int) - stored.pixels[:10, :60]).max() <= stored.greys
        for _ in range(2):  # an error is not kept for a picture
            with pytest.raises(ImageError, match=r"broken.tif: (tile|strip) \d+ of \d+ is damaged .*again"):
                image.read(300, 215, 10, 8)


def test_a_jpeg_tile_whose_end_is_lost_is_not_filled_with_grey(store, tmp_path):
    stored = store("tiff jpeg tiles")
    with tifffile.TiffFile(stored.path) as file:
        offset, count = file.pages[0].dataoffsets[3], file.pages[0].databytecounts[3]
    data = bytearray(stored.path.read_bytes())
    data[offset + count // 2 : offset + count] = bytes(count - count // 2)
    path = tmp_path / "half.tif"
    path.write_bytes(data)
    refused(path, "tile 4 of 20 is damaged")


@pytest.mark.parametrize("kind", ["tiff deflate tiles", "tiff mapped", "tiff jpeg strips", "png", "mha compressed"])
def test_random_damage_never_raises_anything_else(store, tmp_path, kind):
    data = store(kind).path.read_bytes()
    rng = np.random.default_rng(3)
    path = tmp_path / f"random{store(kind).path.suffix}"
    for _ in range(40):
        broken = bytearray(data)
        for place in rng.integers(8, len(broken), 12):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        try:
            with open_image(path) as image:
                image.read(0, 0, 60, 60)
        except ImageError as error:
            assert str(path) in str(error)


def test_mha_with_a_damaged_stream_is_refused(store, tmp_path, capfd):
    data = bytearray(store("mha compressed").path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20] = b"x" * 20
    path = tmp_path / "a.mha"
    path.write_bytes(data)
    refused(path, "the pixels cannot be decoded")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": GREY, "photometric": "minisblack"}, r"1 channel\(s\) found; an H&E image in RGB"),
        ({"data": np.zeros((40, 50, 3), np.float32), "photometric": "rgb"}, "pixels of type float32"),
        ({"data": np.zeros((40, 50, 3), np.int16), "photometric": "rgb"}, "pixels of type int16"),
        ({"data": np.zeros((40, 50, 4), np.uint8), "photometric": "separated"}, "stored as SEPARATED"),
        ({"data": np.zeros((40, 50, 3), np.uint8), "photometric": "cielab"}, "stored as CIELAB"),
        (
            {"data": np.zeros((5, 40, 50, 3), np.uint8), "photometric": "rgb"},
            "5 images of 50 x 40 px in one TIFF",
        ),
        ({"data": np.zeros((40, 50, 5), np.uint8), "photometric": "rgb"}, r"5 channel\(s\) found"),
    ],
)
def test_tiffs_that_are_no_rgb_image_are_refused(tmp_path, options, message):
    path = tmp_path / "a.tif"
    options = dict(options)
    tifffile.imwrite(path, options.pop("data"), **options, metadata=None)
    refused(path, message)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mha"])
def test_grey_images_are_refused(tmp_path, writers, suffix):
    if suffix == ".mha":
        import SimpleITK

        path = tmp_path / "grey.mha"
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(GREY), str(path))
    else:
        path = writers["raster"](tmp_path / f"grey{suffix}", GREY)
    refused(path, r"1 channel\(s\) found; an H&E image in RGB is needed")


def test_what_would_not_fit_in_memory_is_refused_before_it_is_decoded(stored, monkeypatch):
    for module in ("base", "tiff_pixels"):
        monkeypatch.setattr(f"algorithm.images.{module}.MAX_DECODED_PX", 1000, raising=False)
    suffixes = (".png", ".jpg", ".mhd", ".mha", ".nrrd")
    if stored.path.suffix in suffixes and stored.path.name != "mha.mha":  # that one is mapped
        refused(stored.path, "310 x 223 px in a format that must be decoded whole .*tiled TIFF")
    else:
        assert read_all(stored.path).shape == (223, 310, 3)


def test_itk_images_of_other_types_are_refused(tmp_path, picture):
    import SimpleITK

    image = SimpleITK.GetImageFromArray(picture.astype(np.float32), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "a.mha"))
    refused(tmp_path / "a.mha", "pixels of type vector of 32-bit float; RGB of 8 or 16 bits")


def test_turned_and_stacked_itk_images_are_refused(tmp_path, picture):
    import SimpleITK

    image = SimpleITK.GetImageFromArray(picture, isVector=True)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image, image]), str(tmp_path / "stack.mha"))
    refused(tmp_path / "stack.mha", "310 x 223 x 2 px; one flat image is needed")
    image.SetDirection((0.0, 1.0, 1.0, 0.0))
    SimpleITK.WriteImage(image, str(tmp_path / "turned.mha"))
    refused(tmp_path / "turned.mha", "turned or mirrored .* save it with the identity")


def test_a_mirax_slide_without_its_folder_is_not_taken_for_its_preview(tmp_path, store):
    path = shutil.copy(store("jpeg").path, tmp_path / "slide.mrxs")
    refused(path, "its folder slide/ must lie beside it")


def test_what_tifffile_logs_does_not_leak(store, capfd, monkeypatch):
    heard = []
    handler = logging.Handler()
    handler.emit = heard.append
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with open_image(store("tiff mapped").path):
        tifffile.logger().error("invalid tag")
    assert not heard
    assert capfd.readouterr() == ("", "")
