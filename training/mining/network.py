"""What mines: a bundle or a checkpoint, run through `algorithm`, its detections kept on disk as they come."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithm import __version__
from algorithm.atomic import write_bytes
from algorithm.bundle import LoadedBundle, load_bundle, sha256_of
from algorithm.detector import Detector, Options
from algorithm.errors import ImageError
from algorithm.frames import Points
from training.index import DataError, IndexedImage
from training.members import has_seen, members_without, with_members
from training.opening import open_picture


@dataclass(frozen=True)
class Network:
    """A detector that reports down to its network's floor. name and digest: for the record.

    training: the facts of what it was trained on, as bundles and checkpoints carry them.
    """

    detector: Detector
    name: str
    digest: str
    training: dict[str, Any]

    @property
    def floor(self) -> float:
        """Return the raw score below which the network says nothing."""
        return self.detector.bundle.facts.score_floor

    def of(self, _image: IndexedImage) -> "Network":
        """Return the network for an image: this one."""
        return self

    def slides_seen(self, images: Iterable[IndexedImage]) -> list[str]:
        """Return the slides that it was trained on, also under another name of their glass."""
        return sorted({image.slide for image in images if has_seen(self.training, image)})


class UnseenMembers:
    """A bundle each of whose slides is mined by the members that did not see it, as members of other folds."""

    def __init__(self, bundle: LoadedBundle) -> None:
        """Open no member yet: which are wanted, the images say."""
        self.name = f"{_title(bundle)}, out of fold"
        self.digest = sha256(f"{bundle.hash} out of fold".encode()).hexdigest()
        self.floor = bundle.facts.score_floor
        self._bundle = bundle
        self._opened: dict[tuple[int, ...], Network] = {}

    def of(self, image: IndexedImage) -> Network:
        """Return the members that did not see this image, as one network. Raises DataError where all did."""
        members = members_without(self._bundle.facts, image)
        if not members:
            raise DataError(f"{self.name}: all members were trained on slide {image.slide}; name others by --slides")
        if members not in self._opened:
            digest = sha256(f"{self._bundle.hash} {members}".encode()).hexdigest()
            self._opened[members] = _network(with_members(self._bundle, members), digest)
        return self._opened[members]

    def slides_seen(self, images: Iterable[IndexedImage]) -> list[str]:
        """Return no slide. Raises DataError, before anything is mined, where `of` would."""
        for image in images:
            self.of(image)
        return []


@dataclass(frozen=True)
class OutOfFold:
    """The networks of a cross-validation: each mines the slides that it never saw. by_slide: (data set, slide)."""

    name: str
    by_slide: dict[tuple[str, str], Network]

    @property
    def floor(self) -> float:
        """Return the raw score below which one of the networks says nothing."""
        return max(network.floor for network in self.by_slide.values())

    @property
    def digest(self) -> str:
        """Return what tells these networks from others."""
        return sha256("".join(sorted({network.digest for network in self.by_slide.values()})).encode()).hexdigest()

    def of(self, image: IndexedImage) -> Network:
        """Return the network that did not see this image. Raises DataError where all of them may have."""
        network = self.by_slide.get((image.dataset, image.slide))
        if network is None:
            raise DataError(
                f"{self.name}: slide {image.slide} of {image.dataset} is in no fold; name others by --slides"
            )
        return network

    def slides_seen(self, images: Iterable[IndexedImage]) -> list[str]:
        """Return the slides that their own networks were trained on: none, unless the folds are of other data."""
        return sorted({slide for image in images for slide in self.of(image).slides_seen([image])})


Miner = Network | OutOfFold | UnseenMembers


def network_of_bundle(folder: Path) -> Network:
    """Return the network(s) of a bundle; the score is the mean over its members and views, not calibrated."""
    bundle = load_bundle(folder)
    return _network(bundle, bundle.hash)


def unseen_members_of_bundle(folder: Path) -> UnseenMembers:
    """Return a bundle's members, for each slide those that did not see it."""
    return UnseenMembers(load_bundle(folder))


def _network(bundle: LoadedBundle, digest: str) -> Network:
    [first, *_] = bundle.facts.scales().values()
    everything = bundle.facts.of_members(first).model_copy(update={"reporting_threshold": 0.0})
    # full: what one member alone finds faint would never be looked at; it brings no scales together
    detector = Detector(LoadedBundle(bundle.folder, everything, bundle.hash), Options(ensemble="full"))
    return Network(detector, _title(bundle), digest, bundle.facts.training)


def _title(bundle: LoadedBundle) -> str:
    return f"{bundle.facts.name} {bundle.facts.version}"


def network_of_checkpoint(path: Path) -> Network:
    """Return the network of an EMA checkpoint. Raises CheckpointError."""
    from training.evaluation.checkpoint import detector_of  # torch: not for bundles
    from training.model import load_checkpoint

    network, facts = load_checkpoint(path)
    return Network(detector_of([network], facts), path.name, sha256_of(path), facts.training)


def networks_of_crossval(folder: Path) -> OutOfFold:
    """Return the averages of each fold of `python -m training crossval`, together, for the slides it held back.

    Raises DataError where a fold is not done.
    """
    from training.evaluation.checkpoint import detector_of  # torch: not for bundles
    from training.experiments.folds import fold_runs
    from training.experiments.scored import average_names, is_scored
    from training.model import load_checkpoint
    from training.run import SETTINGS_NAME
    from training.settings import read_settings

    by_slide: dict[tuple[str, str], Network] = {}
    for run, slides in fold_runs(folder):
        if not is_scored(run):
            raise DataError(f"{run}: this fold is not done; type the crossval command again to finish it")
        paths = [run / f"{name}.pth" for name in average_names(read_settings(folder / SETTINGS_NAME))]
        loaded = [load_checkpoint(path) for path in paths]
        digest = sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()
        detector = detector_of([network for network, _ in loaded], loaded[0][1])
        network = Network(detector, run.name, digest, loaded[0][1].training)
        by_slide |= dict.fromkeys(slides, network)
    return OutOfFold(f"out of fold of {folder.name}", by_slide)


def detect(network: Network, image: IndexedImage, keep_in: Path) -> tuple[Points, NDArray[np.float64]]:
    """Return all detections of an image, xy (n, 2) px and raw score (n,), from keep_in where they are known.

    What was detected is kept there, whole or not at all, under a name that changes with network, picture and
    scale: a run that was killed goes on, and another threshold or margin costs no second run.
    """
    path = keep_in / f"{_key(network, image)}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        return np.array(kept["xy"], np.float64).reshape(-1, 2), np.array(kept["score"], np.float64)
    with open_picture(image) as opened:
        found, _ = network.detector.detect(opened)
    score = found.score.astype(np.float64)
    content = {"image": image.name, "xy": found.xy.tolist(), "score": score.tolist()}
    write_bytes(path, json.dumps(content).encode())
    return found.xy, score


def _key(network: Network, image: IndexedImage) -> str:
    """Return the name of what this network finds in this image. Raises ImageError where the file is not there."""
    try:
        file = image.path.stat()
    except OSError as error:
        raise ImageError(f"{image.path}: cannot be read ({error.strerror})") from error
    facts = [
        __version__, network.digest, network.detector.views, str(image.path.resolve()), file.st_size, file.st_mtime_ns,
        image.size, image.window, image.mpp,
    ]  # fmt: skip
    return sha256(json.dumps(facts).encode()).hexdigest()[:16]
