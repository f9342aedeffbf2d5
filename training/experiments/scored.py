"""A run with what its averages, and all of them together, say of slides that it never saw."""

from collections.abc import Sequence
from pathlib import Path

from training import processes
from training.evaluation.checkpoint import detector_of
from training.evaluation.predictions import Predicted, predict
from training.evaluation.store import read_predictions, write_predictions
from training.hooks.ema import ema_path
from training.index import IndexedImage
from training.members import unseen_member
from training.model import load_checkpoint
from training.pretrained import read_source
from training.pretrained.record import recorded
from training.run import train_on
from training.settings import Settings

ENSEMBLE = "ensemble"


def run_scored(
    settings: Settings,
    images: list[IndexedImage],
    held: list[IndexedImage],
    work_dir: Path,
    pretrained: Path | None = None,
) -> None:
    """Train on images unless that is done, and keep what each average and all of them say of the held-back ones.

    Goes on from the last checkpoint in work_dir, else from pretrained weights, where there are any: of a bundle
    from the member that saw none of the held-back images.
    Raises SettingsError where the run began from others, be it done or not.
    """
    if pretrained:
        pretrained = unseen_member(pretrained, held, settings.mpp)
    if is_scored(work_dir):
        recorded(work_dir, read_source(pretrained) if pretrained else None)
        return
    train_on(settings, images, held, work_dir, pretrained)
    if processes.rank() == 0:
        networks = {name: load_checkpoint(work_dir / f"{name}.pth")[0] for name in average_names(settings)}
        for name, network in networks.items():
            write_predictions(work_dir / f"{name}.csv", predict(held, detector_of([network], settings)))
        together = predict(held, detector_of(list(networks.values()), settings))
        write_predictions(work_dir / f"{ENSEMBLE}.csv", together)
    processes.wait()


def is_scored(work_dir: Path) -> bool:
    """Return whether a run is trained and scored: the ensemble's predictions are written last."""
    return (work_dir / f"{ENSEMBLE}.csv").exists()


def scored(work_dir: Path, name: str, held: Sequence[IndexedImage]) -> list[Predicted]:
    """Return what a network of a scored run said of the held-back images; name: one of `network_names`."""
    return read_predictions(work_dir / f"{name}.csv", held)


def average_names(settings: Settings) -> list[str]:
    """Return the averages' names: their last state. What was chosen by the held-back slides would flatter them."""
    return [ema_path(Path(), momentum).stem for momentum in settings.ema_momentums]


def network_names(settings: Settings) -> list[str]:
    """Return the names of what is scored: each average, and the ensemble of all."""
    return [*average_names(settings), ENSEMBLE]
