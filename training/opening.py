"""Opening the picture of an indexed image, be it a file or a part of one."""

from algorithm.errors import ImageError
from algorithm.images import Image, Pixels, open_image
from training.index import IndexedImage


class Window(Image):
    """A part of an image, with the face of a whole one; it owns the image that it is cut from."""

    def __init__(self, whole: Image, window: tuple[int, int, int, int]) -> None:
        x, y, width, height = window
        if x < 0 or y < 0 or x + width > whole.size[0] or y + height > whole.size[1]:
            raise ImageError(f"{whole.path}: window {window} leaves the image of {whole.size[0]} x {whole.size[1]} px")
        super().__init__(whole.path, size=(width, height), mpp=whole.mpp, label=whole.label)
        self._whole = whole
        self._corner = x, y

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        return self._whole.read(self._corner[0] + x, self._corner[1] + y, width, height)

    def _release(self) -> None:
        self._whole.close()


def as_indexed(whole: Image, image: IndexedImage) -> Image:
    """Return of an open file what the index means by this image. Raises ImageError when its size is not the index's."""
    opened = whole if image.window is None else Window(whole, image.window)
    if opened.size != image.size:
        raise ImageError(
            f"{image.path}: {opened.size[0]} x {opened.size[1]} px, {image.size[0]} x {image.size[1]} "
            "in the index; another version of the picture? Import it again"
        )
    return opened


def open_picture(image: IndexedImage) -> Image:
    """Return the open picture at the index's scale. Raises ImageError, also when its size is not the index's."""
    whole = open_image(image.path, mpp=image.mpp)
    try:
        return as_indexed(whole, image)
    except ImageError:
        whole.close()
        raise
