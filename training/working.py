"""Images at the working resolution: windows of them, and what is kept in memory between two reads."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from algorithm.images import Image, Pixels, open_image, resize
from training.index import IndexedImage
from training.opening import Window, open_picture

OPEN_FILES = 16  # opening a whole slide costs more than reading a patch of it


class WorkingImages:
    """Windows of images in working pixels. Small images stay decoded in memory as long as the budget lasts.

    Larger ones are read window by window, from files that are kept open.
    """

    def __init__(self, images: Sequence[IndexedImage], *, mpp: float, cache_bytes: int) -> None:
        self._images = images
        self._mpp = mpp
        self._room = cache_bytes
        self._kept: dict[int, Pixels] = {}
        self._open: OrderedDict[int, Image] = OrderedDict()
        # the parts of one file are decoded together: a contact sheet holds hundreds of them
        self._parts: dict[str, list[int]] = {}
        for number, image in enumerate(images):
            if image.window is not None:
                self._parts.setdefault(str(image.path), []).append(number)

    def size(self, number: int) -> tuple[int, int]:
        """Return (width, height) of an image, working px."""
        image = self._images[number]
        return round(image.size[0] * image.mpp.x / self._mpp), round(image.size[1] * image.mpp.y / self._mpp)

    def factor(self, number: int) -> tuple[float, float]:
        """Return working px to one image px, (x, y)."""
        (width, height), image = self.size(number), self._images[number]
        return width / image.size[0], height / image.size[1]

    def window(self, number: int, x: int, y: int, size_px: tuple[int, int]) -> Pixels:
        """Return the window with corner (x, y) and size (width, height), working px, filled up by reflection."""
        width, height = self.size(number)
        right, bottom = min(x + size_px[0], width), min(y + size_px[1], height)
        if number not in self._kept:
            self._keep(number)
        whole = self._kept.get(number)
        part = whole[y:bottom, x:right] if whole is not None else self._read(number, x, y, right, bottom)
        missing = ((0, size_px[1] - part.shape[0]), (0, size_px[0] - part.shape[1]), (0, 0))
        return np.pad(part, missing, mode="symmetric") if any(after for _, after in missing) else part

    def _keep(self, number: int) -> None:
        """Decode an image into memory, and with it the other parts of its file, as far as they fit."""
        image = self._images[number]
        wanted = [number] if image.window is None else self._parts[str(image.path)]
        sizes = {one: self.size(one) for one in wanted}
        if sum(width * height * 3 for width, height in sizes.values()) > self._room:
            return
        with open_picture(image) if image.window is None else open_image(image.path) as picture:
            for one, size in sizes.items():
                window = self._images[one].window
                part = picture if window is None else Window(picture, window)
                self._kept[one] = resize(part.read(0, 0, *part.size), size)
                self._room -= self._kept[one].nbytes

    def _read(self, number: int, x: int, y: int, right: int, bottom: int) -> Pixels:
        across, down = self.factor(number)
        corner = round(x / across), round(y / down)
        extent = round((right - x) / across), round((bottom - y) / down)
        return self._opened(number).read(*corner, *extent, out=(right - x, bottom - y))

    def _opened(self, number: int) -> Image:
        if number in self._open:
            self._open.move_to_end(number)
        else:
            if len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            self._open[number] = open_picture(self._images[number])
        return self._open[number]
