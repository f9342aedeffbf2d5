"""The header of a MetaImage (MHA) and the pixels that lie in the file itself."""

import re
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithm.errors import ImageError

HEADER = re.compile(rb"\s*(ObjectType|ObjectSubType|NDims|Comment|TransformType|DimSize)\s*=", re.IGNORECASE)
HEADER_BYTES = 65_536  # a header is some hundred bytes of text
NEEDED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
FLAT = ("2", "3")  # dimensions; the third may be one slice
HEADER_SIZE = re.compile(r"-1|\d{1,9}")  # -1: the pixels are the last bytes
SMALL_COUNT = re.compile(r"0*[1-9]\d{0,8}")
ELEMENT_TYPES = {"MET_UCHAR": "u1", "MET_USHORT": "u2"}


class LocalData(NamedTuple):
    """Where the pixels of an MHA lie in the file itself."""

    offset: int
    length: int | None  # bytes as stored; None goes on to the end of the file
    dtype: np.dtype[np.generic]
    is_compressed: bool


def is_metaimage(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a MetaImage."""
    return HEADER.match(head) is not None


def local_data(path: Path) -> LocalData | None:
    """Return where the pixels lie, or None where SimpleITK has to find them (other files or types, text).

    Raises ImageError where the header lacks or garbles a field, of which SimpleITK would complain on stderr or die.
    """
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    fields, offset = _fields(head)
    missing = [name for name in NEEDED if name.lower() not in fields]
    if missing:
        raise ImageError(f"{path}: a MetaImage without {', '.join(missing)} in its header; export it again")
    _check_numbers(fields, path)
    where = fields["elementdatafile"]
    if where.lower().startswith("list") or "%" in where:  # SimpleITK goes on without those that are not there
        raise ImageError(f"{path}: pixels in a list of files ({where!r}); save one flat image in one file")
    kind = ELEMENT_TYPES.get(fields["elementtype"].removesuffix("_ARRAY"))
    is_binary = fields.get("binarydata", "true").lower() != "false"
    is_local = where.lower() == "local" and "headersize" not in fields
    if not is_local or not is_binary or kind is None:
        return None
    big_endian = fields.get("binarydatabyteordermsb", fields.get("elementbyteordermsb", "false"))
    length = fields.get("compresseddatasize", "")
    return LocalData(
        offset=offset,
        length=int(length) if length.isdigit() else None,
        dtype=np.dtype((">" if big_endian.lower() == "true" else "<") + kind),
        is_compressed=fields.get("compresseddata", "false").lower() == "true",
    )


def _check_numbers(fields: dict[str, str], path: Path) -> None:
    """Refuse numbers of dimensions, sizes and channels with which SimpleITK reads beyond its own arrays."""
    axes, sizes = fields["ndims"], fields["dimsize"].split()
    channels = fields.get("elementnumberofchannels", "1")
    whole = all(SMALL_COUNT.fullmatch(text) for text in (axes, channels, *sizes))
    whole = whole and HEADER_SIZE.fullmatch(fields.get("headersize", "0")) is not None
    if not whole or axes not in FLAT or len(sizes) != int(axes):
        said = f"NDims {axes!r}, DimSize {fields['dimsize']!r}, ElementNumberOfChannels {channels!r}"
        said += f", HeaderSize {fields['headersize']!r}" if "headersize" in fields else ""
        raise ImageError(f"{path}: no flat image by its header ({' '.join(said.split())}); export it again")


def mapped(path: Path, local: LocalData, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    """Return uncompressed pixels, (height, width, channels), without reading them. Raises ImageError."""
    need, have = int(np.prod(shape)) * local.dtype.itemsize, path.stat().st_size - local.offset
    if have < need:
        raise ImageError(f"{path}: cut short, {have} bytes of pixels where {need} are needed; copy or export it again")
    return np.asarray(np.memmap(path, local.dtype, "r", local.offset, shape))


def inflated(path: Path, local: LocalData, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    """Return the pixels of a compressed MHA, checked against their size and checksum. Raises ImageError."""
    pixels = np.empty(shape, local.dtype)
    target = pixels.data.cast("B")
    inflate, filled = zlib.decompressobj(), 0
    try:
        with path.open("rb") as file:
            file.seek(local.offset)
            left = local.length if local.length is not None else path.stat().st_size - local.offset
            while not inflate.eof and (data := file.read(min(left, HEADER_BYTES))):
                left -= len(data)
                part = inflate.decompress(data, len(target) - filled + 1)
                target[filled : filled + len(part)] = part
                filled += len(part)
        if not inflate.eof or filled != len(target):
            raise ValueError(f"{filled} bytes of pixels where {len(target)} are needed")
    except (zlib.error, ValueError, OSError) as error:
        raise ImageError(f"{path}: the pixels cannot be decoded ({error}); copy or export it again") from error
    return pixels


def _fields(head: bytes) -> tuple[dict[str, str], int]:
    """Return the fields, names in lower case, and where the text ends: after ElementDataFile."""
    fields: dict[str, str] = {}
    start = 0
    while "elementdatafile" not in fields and (end := head.find(b"\n", start)) >= 0:
        name, _, value = head[start:end].decode("latin-1").partition("=")
        fields[name.strip().lower()] = value.strip()
        start = end + 1
    return fields, start
