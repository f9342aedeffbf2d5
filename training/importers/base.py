"""What every format takes and gives."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from algorithm.frames import Mpp
from training.index import IndexedImage


@dataclass(frozen=True)
class Dropped:
    """What an importer left out or changed, and why: `why` is the same text for all that share a reason."""

    what: str
    why: str


@dataclass(frozen=True)
class Imported:
    """The images of one source, what of it was left out, and what was changed on the way."""

    images: list[IndexedImage]
    dropped: list[Dropped] = field(default_factory=list)
    changed: list[Dropped] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What the user says about the data; None or empty: nothing. A format's OPTIONS names those it uses.

    images: where pictures lie. allow_missing: keep annotations whose picture is not there. mpp: um/px, wins over
    what the set or the file says. data_set: name of the data set. prefix: put before the names of slides.
    metadata: a table of scanner, tumour and species. classes: names of folders, or NAME=MF, NAME=NMF, NAME=drop.
    """

    images: Path | None = None
    allow_missing: bool = False
    mpp: float | None = None
    data_set: str = ""
    prefix: str | None = None
    metadata: Path | None = None
    classes: tuple[str, ...] = ()

    @property
    def scale(self) -> Mpp | None:
        """Return mpp for both axes."""
        return None if self.mpp is None else Mpp(self.mpp, self.mpp)

    @property
    def given(self) -> set[str]:
        """Return the names of the options that say something."""
        return {one.name for one in fields(self) if getattr(self, one.name) != one.default}


FILE, FOLDER = frozenset({"file"}), frozenset({"folder"})  # what a source can be
NAMING = frozenset({"mpp", "data_set", "prefix"})  # options of every format
PICTURES = frozenset({"images", "allow_missing"})  # of those whose pictures may lie elsewhere
