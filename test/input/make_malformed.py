"""Writes a corpus of malformed images: python test/input/make_malformed.py FOLDER [--seed N]

Good files of a dozen kinds, then each of them cut short, with flipped bytes and with absurd headers. The same seed
gives the same bytes. What a reader must do with each: give pixels or one clear error, soon and in little memory.
"""

import argparse
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import SimpleITK
import tifffile

WIDTH, HEIGHT = 310, 223
SCALE = {"photometric": "rgb", "resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER", "metadata": None}
JPEG_TILES = {"tile": (64, 64), "compression": "jpeg"}
APERIO = "Aperio Image Library v11.2.1 |AppMag = 40|MPP = 0.25"
KEPT = (0.01, 0.1, 0.4, 0.7, 0.95, 0.999)  # share of a file that is left when it is cut short
FLIPS = (1, 8, 64)  # bytes that are changed, all over a file
HEAD = 400  # bytes; flips in here hit headers

Good = dict[str, bytes]  # file name -> content
Bad = Iterator[tuple[str, bytes]]


def tissue() -> np.ndarray:
    """Return (HEIGHT, WIDTH, 3) uint8, something smooth."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([150 + 80 * np.sin(x / 9) * np.cos(y / 13), 140 + 60 * np.sin(y / 17), 90 + x / 4], -1).astype("u1")


def good_files(scratch: Path) -> Good:
    """Return one good file of each kind, as bytes."""
    writers: dict[str, Callable[[Path], object]] = {
        "strips.tif": lambda path: tifffile.imwrite(path, tissue(), rowsperstrip=20, **SCALE),
        "mapped.tif": lambda path: tifffile.imwrite(path, tissue(), **SCALE),
        "lzw.tif": lambda path: tifffile.imwrite(path, tissue(), rowsperstrip=20, compression="lzw", **SCALE),
        "deflate.tif": lambda path: tifffile.imwrite(path, tissue(), tile=(64, 80), compression="zlib", **SCALE),
        "jpeg.tif": lambda path: tifffile.imwrite(path, tissue(), **JPEG_TILES, **SCALE),
        "big.tif": lambda path: tifffile.imwrite(path, tissue(), bigtiff=True, byteorder=">", **SCALE),
        "pyramid.tif": _pyramid,
        "aperio.tif": _aperio,
        "itk.mha": lambda path: SimpleITK.WriteImage(_itk(), str(path), False),
        "packed.mha": lambda path: SimpleITK.WriteImage(_itk(), str(path), True),
        "one.png": lambda path: PIL.Image.fromarray(tissue()).save(path, dpi=(101_600, 101_600)),
        "one.jpg": lambda path: PIL.Image.fromarray(tissue()).save(path, quality=90),
    }
    contents = {}
    for name, write in writers.items():
        write(scratch / name)
        contents[name] = (scratch / name).read_bytes()
        (scratch / name).unlink()
    return contents


def _itk() -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(tissue(), isVector=True)
    image.SetSpacing((0.00025, 0.00025))
    return image


def _pyramid(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        file.write(tissue(), subifds=1, **JPEG_TILES, **SCALE)
        file.write(tissue()[::2, ::2], subfiletype=1, photometric="rgb", metadata=None, **JPEG_TILES)


def _aperio(path: Path) -> None:
    options = {"photometric": "rgb", "metadata": None, "tile": (256, 256), "compression": "jpeg"}
    with tifffile.TiffWriter(path) as file:
        file.write(tissue(), description=APERIO, **options)
        file.write(tissue()[::4, ::4], photometric="rgb", metadata=None, description=APERIO, rowsperstrip=16)
        file.write(tissue()[::4, ::4], description=APERIO, **options)


def cut(good: Good) -> Bad:
    """Yield every file cut short at several places."""
    for name, content in good.items():
        for share in KEPT:
            yield f"cut-{share}-{name}", content[: int(len(content) * share)]


def flipped(good: Good, rng: np.random.Generator) -> Bad:
    """Yield every file with changed bytes: anywhere, in its first bytes, in its last (where a TIFF's tags may lie)."""
    for name, content in good.items():
        places = {"all": (4, len(content)), "head": (4, HEAD), "tail": (len(content) - HEAD, len(content))}
        for where, (first, end) in places.items():
            for count in FLIPS:
                broken = bytearray(content)
                for place in rng.integers(first, end, count):
                    broken[place] = rng.integers(256)
                yield f"flip-{where}-{count}-{name}", bytes(broken)


# What a tag of the first page is set to. Tags whose values do not fit into the entry get another offset by that.
ABSURD_TAGS = {
    "ImageWidth": (0, 1, 1_000_000, 2**31 - 1, 2**32 - 1),
    "ImageLength": (0, 1, 1_000_000, 2**31 - 1, 2**32 - 1),
    "BitsPerSample": (0, 2**32 - 1),
    "Compression": (0, 5, 6, 7, 34_712, 50_000, 65_535),
    "PhotometricInterpretation": (0, 3, 5, 6, 32_803, 65_535),
    "SamplesPerPixel": (0, 1, 2, 4, 65_535),
    "PlanarConfiguration": (0, 2, 9),
    "RowsPerStrip": (0, 1, 2**32 - 1),
    "TileWidth": (0, 1, 2**30, 2**32 - 1),
    "TileLength": (0, 1, 2**30, 2**32 - 1),
    "StripOffsets": (0, 2**32 - 1),
    "StripByteCounts": (0, 2**32 - 1),
    "TileOffsets": (0, 2**32 - 1),
    "TileByteCounts": (0, 2**32 - 1),
    "Predictor": (2, 3, 9),
    "XResolution": (0, 2**32 - 1),
    "SampleFormat": (0, 3, 9),
}
TAGGED = ("strips.tif", "deflate.tif", "jpeg.tif", "aperio.tif")


def absurd_tags(good: Good) -> Bad:
    """Yield TIFFs whose tags say what cannot be."""
    for name in TAGGED:
        places = _entries(good[name])
        for tag, values in ABSURD_TAGS.items():
            for value in values if tag in places else ():
                yield f"tag-{tag}-{value}-{name}", _with_value(good[name], places[tag], value)
        both = _with_value(good[name], places["ImageWidth"], 1_000_000)
        yield f"tag-million-squared-{name}", _with_value(both, places["ImageLength"], 1_000_000)


def wrong_segments(good: Good, rng: np.random.Generator) -> Bad:
    """Yield TIFFs whose strips or tiles lie elsewhere or are of another length."""
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "same": lambda values: np.full_like(values, values[0]),
        "reversed": lambda values: values[::-1],
        "halved": lambda values: values // 2,
        "doubled": lambda values: values * 2,
        "random": lambda values: rng.integers(0, 2**32 - 1, len(values)).astype(values.dtype),
    }
    for name in ("strips.tif", "lzw.tif", "jpeg.tif", "aperio.tif"):
        kind = "Strip" if name in ("strips.tif", "lzw.tif") else "Tile"
        for tag in (f"{kind}Offsets", f"{kind}ByteCounts"):
            place = _entries(good[name])[tag]
            _, kind_of_value, count, offset = struct.unpack_from("<HHII", good[name], place)
            form = np.dtype("<u2" if kind_of_value == 3 else "<u4")
            values = np.frombuffer(good[name], form, count, offset)
            for what, change in changes.items():
                broken = bytearray(good[name])
                broken[offset : offset + values.nbytes] = np.asarray(change(values), form).tobytes()
                yield f"segments-{tag}-{what}-{name}", bytes(broken)


def loops(good: Good) -> Bad:
    """Yield TIFFs whose chain of pages never ends, or leads nowhere."""
    for name in TAGGED:
        content = good[name]
        [first] = struct.unpack_from("<I", content, 4)
        [entries] = struct.unpack_from("<H", content, first)
        end = first + 2 + 12 * entries
        for what, target in {"itself": first, "beyond": 2**32 - 9, "odd": first + 1, "start": 1}.items():
            broken = bytearray(content)
            struct.pack_into("<I", broken, end, target)
            yield f"chain-{what}-{name}", bytes(broken)
            struct.pack_into("<I", broken, 4, target)
            yield f"first-{what}-{name}", bytes(broken)


def _entries(content: bytes) -> dict[str, int]:
    """Return where the entry of each tag of the first page lies, in a little-endian classic TIFF."""
    [first] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, first)
    places = [first + 2 + 12 * number for number in range(count)]
    return {tifffile.TIFF.TAGS[struct.unpack_from("<H", content, place)[0]]: place for place in places}


def _with_value(content: bytes, place: int, value: int) -> bytes:
    """Return a TIFF whose entry says one unsigned value of 32 bits."""
    broken = bytearray(content)
    tag = struct.unpack_from("<H", content, place)[0]
    struct.pack_into("<HHII", broken, place, tag, 4, 1, value)
    return bytes(broken)


META_IMAGE = {
    "ObjectType": "Image",
    "NDims": "2",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "ElementSpacing": "0.00025 0.00025",
    "DimSize": "310 223",
    "ElementNumberOfChannels": "3",
    "ElementType": "MET_UCHAR",
    "ElementDataFile": "LOCAL",  # the last: pixels follow
}
ABSURD_LINES = {
    "NDims": ("0", "-1", "3", "4000000000", "two"),
    "DimSize": ("0 0", "-310 223", "1000000 1000000", "99999999999999999999 1", "310", "310 223 9", "nan nan"),
    "ElementSpacing": ("0 0", "-1 -1", "nan nan", "1e400 1", "x"),
    "ElementNumberOfChannels": ("0", "-3", "1", "4", "1000000000"),
    "ElementType": ("MET_DOUBLE", "MET_NONE", "", "MET_UCHAR_ARRAY"),
    "ElementDataFile": ("/etc/passwd", "../../secret.raw", "LIST", "none.raw", "", "picture%d.raw 1 9999999 1"),
    "BinaryData": ("False",),
    "CompressedData": ("True",),
    "HeaderSize": ("-1", "99999999999", "-99"),
}


def meta_images() -> Bad:
    """Yield MetaImages whose header says what cannot be."""
    pixels = tissue().tobytes()
    for key, values in ABSURD_LINES.items():
        for number, value in enumerate(values):
            facts = {name: text for name, text in META_IMAGE.items() if name != "ElementDataFile"} | {key: value}
            facts["ElementDataFile"] = facts.pop("ElementDataFile", "LOCAL")
            head = "".join(f"{name} = {text}\n" for name, text in facts.items())
            yield f"header-{key}-{number}.mha", head.encode() + pixels


def rasters(good: Good) -> Bad:
    """Yield PNGs and JPEGs that claim to be huge, or hold a bomb."""
    png = good["one.png"]
    for side in (0, 1_000_000, 2**31 - 1):
        facts = struct.pack(">II", side, side) + png[24:29]
        yield f"huge-{side}.png", png[:16] + facts + struct.pack(">I", zlib.crc32(b"IHDR" + facts)) + png[33:]
    bomb = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(bomb)) + b"zTXt" + bomb + struct.pack(">I", zlib.crc32(b"zTXt" + bomb))
    yield "bomb.png", png[:33] + chunk + png[33:]
    jpeg = bytearray(good["one.jpg"])
    place = jpeg.index(b"\xff\xc0") + 5
    for side in (0, 65_500):
        struct.pack_into(">HH", jpeg, place, side, side)
        yield f"huge-{side}.jpg", bytes(jpeg)


def others(rng: np.random.Generator) -> Bad:
    """Yield what is no image at all."""
    yield "empty.tif", b""
    yield "byte.tif", b"I"
    yield "signature.tif", b"II*\0"
    yield "signature-big.tif", b"MM\0+\0\x08\0\0"
    yield "zeros.tif", bytes(100_000)
    yield "random.tif", rng.bytes(100_000)
    yield "text.tif", b"a figure, a figure\n" * 1000
    yield "archive.tif", b"PK\x03\x04" + rng.bytes(5000)
    yield "dicom.tif", bytes(128) + b"DICM" + rng.bytes(5000)
    yield "only-magic.mha", b"ObjectType = Image\n"
    yield "hundred-thousand-lines.mha", b"ObjectType = Image\n" + b"Comment = x\n" * 100_000


def write_corpus(folder: Path, seed: int) -> int:
    """Write all of it; return how many files there are."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    good = good_files(folder)
    count = 0
    for made in (
        cut(good),
        flipped(good, rng),
        absurd_tags(good),
        wrong_segments(good, rng),
        loops(good),
        meta_images(),
        rasters(good),
        others(rng),
    ):
        for name, content in made:
            (folder / name).write_bytes(content)
            count += 1
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    print(f"{write_corpus(wanted.folder, wanted.seed)} malformed images in {wanted.folder}")
