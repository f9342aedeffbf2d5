"""MITOS-ATYPIA-14 as the contest gives it."""

from algorithm.frames import Mpp

MPP_BY_SCANNER = {  # published with the contest, not in the files
    "H": Mpp(0.2275, 0.2275),  # Hamamatsu NanoZoomer 2.0-HT
    "A": Mpp(0.2455, 0.2455),  # Aperio ScanScope XT
}


def scale_of(frame: str) -> Mpp | None:
    """Return um/px of a frame by the scanner's letter, with which its name begins."""
    return MPP_BY_SCANNER.get(frame[0])
