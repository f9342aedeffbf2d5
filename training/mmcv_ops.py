"""mmdet without a compiler: mmcv-lite holds all of mmcv but its compiled operations.

`import mmdet.models` looks for `mmcv._ext` and fails where it is missing. RTMDet needs none of its operations
for training, and plain torch is enough for suppression. Importing this module before mmdet puts a module in
that place in which any other operation says that it is not there when it is called.
"""

import importlib.util
import sys
from types import ModuleType

import torch


class _Operations(ModuleType):
    """What stands for `mmcv._ext`."""

    def __init__(self) -> None:
        super().__init__("mmcv._ext")
        self.__spec__ = importlib.util.spec_from_loader("mmcv._ext", loader=None)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_args: object, **_named: object) -> None:
            raise NotImplementedError(f"mmcv._ext.{name} is a compiled operation; mmcv-lite has none")

        return missing

    @staticmethod
    def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int) -> torch.Tensor:
        """Return the numbers of the boxes (n, 4) that are kept, best score first."""
        order = scores.argsort(descending=True)
        size = boxes[:, 2:] - boxes[:, :2] + offset
        area = size.prod(dim=1)
        kept = []
        while len(order):
            best, order = order[0], order[1:]
            kept.append(best)
            low = torch.maximum(boxes[best, :2], boxes[order, :2])
            high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
            shared = (high - low + offset).clamp(min=0).prod(dim=1)
            order = order[shared <= iou_threshold * (area[best] + area[order] - shared)]
        return torch.stack(kept) if kept else order


if importlib.util.find_spec("mmcv._ext") is None:
    sys.modules["mmcv._ext"] = _Operations()
