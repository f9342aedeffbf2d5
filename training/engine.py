"""A checkpoint as an engine of algorithm, so that it is scored through the same tiles and fusion as a bundle."""

from collections import deque

import torch

from algorithm.engines import Engine, Raw
from algorithm.images import Pixels
from training.model import TileNetwork
from training.precision import autocast, precision


class TorchEngine(Engine):
    """Runs a network in torch; for scoring checkpoints during training, not for release."""

    name = "torch"

    def __init__(self, network: torch.nn.Module, *, tile_px: int, score_floor: float, top_k: int) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.precision = precision(self.device)
        self.tile_px = tile_px
        tiles = TileNetwork(network, tile_px=tile_px, score_floor=score_floor, top_k=top_k)
        self._network = tiles.eval().to(self.device, memory_format=torch.channels_last)
        self._done: deque[Raw] = deque()

    @torch.inference_mode()
    def submit(self, tiles: Pixels) -> None:
        """Run at once; the result waits."""
        with autocast(self.device):
            boxes, scores = self._network(torch.from_numpy(tiles).to(self.device))
        self._done.append(Raw(boxes.float().cpu().numpy(), scores.float().cpu().numpy()))

    def result(self) -> Raw:
        """Return the oldest result."""
        return self._done.popleft()
