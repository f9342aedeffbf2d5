"""What the sets call a mitotic figure and an imposter."""

import re
from typing import Literal

from training.importers.base import Options
from training.index import DataError, Label

MEANINGS: dict[str, Label] = {
    **dict.fromkeys(
        (
            "mf", "mitosis", "mitoses", "mitose", "mitotic", "mitotic figure", "mitotic figures", "mitotic cell",
            "mitotic cells", "atypical mitotic figure",
        ),
        "MF",
    ),
    **dict.fromkeys(
        (
            "nmf", "nonmitosis", "non mitosis", "not mitosis", "non mitotic", "nonmitotic", "not mitotic",
            "non mitotic figure", "non mitotic figures", "not mitotic figure", "non mitotic cell",
            "hard negative", "hard negatives", "hard negative look alike", "hard negative lookalike",
            "imposter", "imposters",
            "imposter non mitotic figure", "mitotic figure look alike", "mitotic figure lookalike", "mitosis like",
            "mitotic like figure", "look alike", "lookalike",
        ),
        "NMF",
    ),
}  # fmt: skip
Meaning = Label | Literal["drop"]


class Classes:
    """Names of classes and what they mean: those above, and what --classes adds as NAME=MF, NAME=NMF, NAME=drop."""

    def __init__(self, options: Options) -> None:
        self._meanings: dict[str, Meaning] = {**MEANINGS}
        for text in options.classes:
            name, _, meaning = text.rpartition("=")
            if meaning not in ("MF", "NMF", "drop") or not name:
                raise DataError(f"--classes {text}: give NAME=MF, NAME=NMF or NAME=drop")
            self._meanings[_plain(name)] = meaning

    def meaning(self, name: str, where: str) -> Meaning:
        """Return what a class means. Raises DataError for one that nobody knows."""
        try:
            return self._meanings[_plain(name)]
        except KeyError:
            raise DataError(
                f"{where}: class {name!r} is neither known as a mitotic figure nor as an imposter; "
                f'say what it is: --classes "{name}=MF", "{name}=NMF" or "{name}=drop"'
            ) from None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()
