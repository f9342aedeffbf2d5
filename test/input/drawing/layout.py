"""Where things are: a register of discs that keep their distance from each other."""

import numpy as np


class Crowd:
    """Discs that have their place. A new one is admitted only where it touches none of them."""

    def __init__(self) -> None:
        """Nobody is there yet."""
        self._discs = np.empty((1024, 3), np.float32)  # x, y, radius, px
        self._count = 0

    def has_room(self, x: float, y: float, radius_px: float) -> bool:
        """Whether a disc at (x, y) px would overlap none that is there."""
        discs = self._discs[: self._count]
        gap = np.hypot(discs[:, 0] - x, discs[:, 1] - y) - discs[:, 2]
        return bool((gap > radius_px).all())

    def add(self, x: float, y: float, radius_px: float) -> None:
        """Register a disc, whether there is room or not."""
        if self._count == len(self._discs):
            self._discs = np.concatenate([self._discs, np.empty_like(self._discs)])
        self._discs[self._count] = x, y, radius_px
        self._count += 1

    def admit(self, x: float, y: float, radius_px: float) -> bool:
        """Add the disc if there is room; say whether."""
        room = self.has_room(x, y, radius_px)
        if room:
            self.add(x, y, radius_px)
        return room


def far_apart(
    rng: np.random.Generator,
    allowed: np.ndarray,
    *,
    count: int,
    distance_px: float,
    margin_px: int,
    taken: list[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Places (x, y) px where allowed (height, width, bool) holds, distance_px from each other and from taken.

    None lies nearer than margin_px to the border. Raises ValueError when the image has no room for so many.
    """
    height, width = allowed.shape
    places: list[tuple[int, int]] = []
    for _ in range(4000):
        x = int(rng.integers(margin_px, width - margin_px))
        y = int(rng.integers(margin_px, height - margin_px))
        others = np.array(taken + places or [(-(10**6), -(10**6))])
        if allowed[y, x] and np.hypot(*(others - (x, y)).T).min() >= distance_px:
            places.append((x, y))
        if len(places) == count:
            return places
    raise ValueError(f"room for {len(places)} of {count} places {distance_px} px apart; allow more of the image")
