"""RTMDet whose backbone alone learns, by classifying patches: weights to begin a detector from."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import training.mmcv_ops  # noqa: F401  # before anything of mmdet.models

from mmdet.models import RTMDet  # isort: skip
from mmdet.registry import MODELS  # isort: skip
from mmdet.structures import DetDataSample  # isort: skip


@MODELS.register_module()
class PatchClassifier(RTMDet):
    """Says of a patch what is in its middle: a cell of one of the detector's classes, or none of them.

    Neck and head are there as the run's seed initialised them, so that `--pretrained` takes the weights as those of any
    detector, these with them. Patches of two boxes' side have their cell in the middle (training.cutting); only a cell
    within a box's half of the image's border may leave it, and its patch then counts as neither.
    """

    detects = False

    def __init__(self, neck: Mapping[str, Any], **detector: Any) -> None:
        super().__init__(neck=neck, **detector)
        self._classes = self.bbox_head.num_classes
        for other in (self.neck, self.bbox_head):
            other.requires_grad_(False)  # several processes wait for the gradient of all that has one
        self.classify = nn.Linear(neck["in_channels"][-1], self._classes + 1)

    def loss(self, batch_inputs: Tensor, batch_data_samples: Sequence[DetDataSample]) -> dict[str, Tensor]:
        """Return the cross entropy over figure, imposter and neither, {"loss_class"}; inputs (n, 3, height, width)."""
        height, width = batch_inputs.shape[2:]
        wanted = [middle_class(sample, (width, height), none=self._classes) for sample in batch_data_samples]
        logits = self.classify(self.backbone(batch_inputs)[-1].mean(dim=(2, 3)))
        return {"loss_class": nn.functional.cross_entropy(logits.float(), torch.tensor(wanted, device=logits.device))}


def middle_class(sample: DetDataSample, size: tuple[int, int], *, none: int) -> int:
    """Return the label of the box nearest to the middle of a patch (width, height) among those over it, else none."""
    boxes = sample.gt_instances.bboxes
    middle = torch.tensor(size, device=boxes.device) / 2
    over = ((boxes[:, :2] <= middle) & (middle <= boxes[:, 2:])).all(dim=1)
    if not over.any():
        return none
    off = (boxes[:, :2] + boxes[:, 2:]).div(2).sub(middle).norm(dim=1)
    return int(sample.gt_instances.labels[torch.where(over, off, torch.inf).argmin()])
