"""RTMDet's head with the boxes of a whole batch assigned at once instead of image by image.

mmdet assigns each image's boxes alone, in some hundred small steps, and reads a number back from the GPU for each box.
Here the images are laid out side by side, so far from each other that no box reaches a neighbour, and mmdet's
assigner is asked once for them all. The targets are the same (test/training/test_targets.py). Every box is compared
with every place near a box, so work and memory grow with the square of the batch: on a CPU this is slower than
mmdet's way from some thirty patches on.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import one_hot

import training.mmcv_ops  # noqa: F401  # before anything of mmdet.models

from mmdet.models.dense_heads import RTMDetSepBNHead  # isort: skip
from mmdet.models.task_modules.assigners import DynamicSoftLabelAssigner  # isort: skip
from mmdet.registry import MODELS, TASK_UTILS  # isort: skip

# From the corner of one image to that of the next, px. A place costs 10 to the power of its distance in strides less 3,
# which is infinite as float32 for all places of other images while these are no wider than LARGEST_PX; among 256 images
# (16 a row) a box is exact to 0.004 px.
APART_PX = 4096
LARGEST_PX = 2560


@TASK_UTILS.register_module()
class WholeBatchAssigner(DynamicSoftLabelAssigner):
    """mmdet's assigner without its loop over boxes, in each turn of which the GPU would be waited for."""

    def dynamic_k_matching(
        self, cost: Tensor, pairwise_ious: Tensor, num_gt: int, valid_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the overlap and the box of each place that gets one; valid_mask is narrowed to those places."""
        candidates = min(self.topk, len(cost))
        wanted = torch.topk(pairwise_ious, candidates, dim=0).values.sum(0).int().clamp(min=1)  # places for each box
        cheapest = torch.topk(cost, candidates, dim=0, largest=False).indices
        # a box without any place in its own image finds only infinite costs
        among = (torch.arange(candidates, device=cost.device)[:, None] < wanted) & cost.gather(0, cheapest).isfinite()
        matched = torch.zeros_like(cost, dtype=torch.bool).scatter_(0, cheapest, among)
        of_many = matched.sum(1, keepdim=True) > 1  # boxes that ask for one place: the cheapest gets it
        matched = torch.where(of_many, one_hot(cost.argmin(1), num_gt).bool(), matched)
        taken = matched.any(1)
        valid_mask[valid_mask.clone()] = taken
        return (matched * pairwise_ious).sum(1)[taken], matched[taken].int().argmax(1)


@MODELS.register_module()
class WholeBatchHead(RTMDetSepBNHead):
    """mmdet's RTMDetSepBNHead for images of one size, at most LARGEST_PX wide, in which no boxes are ignored.

    Raises ValueError for settings of mmdet's head that it would not follow.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if not self.train_cfg:
            return
        if self.train_cfg["allowed_border"] >= 0 or self.train_cfg["pos_weight"] > 0:
            raise ValueError("WholeBatchHead knows no allowed_border and no pos_weight; take RTMDetSepBNHead")
        if not isinstance(self.assigner, WholeBatchAssigner):
            raise ValueError("WholeBatchHead needs train_cfg.assigner.type WholeBatchAssigner")

    def get_anchors(self, featmap_sizes, batch_img_metas, device="cuda"):
        """Return the places of the network's outputs, the same for each image; every one of them is valid."""
        places = self.prior_generator.grid_priors(featmap_sizes, device=device, with_stride=True)
        if max(featmap_sizes[0]) * max(self.prior_generator.strides[0]) > LARGEST_PX:
            raise ValueError(f"patches wider than {LARGEST_PX} px reach their neighbours; take RTMDetSepBNHead")
        return [places] * len(batch_img_metas), []

    def get_targets(
        self,
        cls_scores: Tensor,
        bbox_preds: Tensor,
        anchor_list: Sequence[Sequence[Tensor]],
        valid_flag_list: Sequence,
        batch_gt_instances: Sequence[InstanceData],
        batch_img_metas: Sequence[dict],
        batch_gt_instances_ignore: Sequence | None = None,
        unmap_outputs: bool = True,
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor], list[Tensor], list]:
        """Return what each place should answer, level by level, as mmdet's heads do; see RTMDetHead.get_targets."""
        priors = torch.cat(list(anchor_list[0]))  # (places, 4): x, y and the stride twice
        images, places = cls_scores.shape[:2]
        device = cls_scores.device
        boxes = torch.cat([truth.bboxes for truth in batch_gt_instances]).to(device)
        kinds = torch.cat([truth.labels for truth in batch_gt_instances]).to(device)
        counts = torch.tensor([len(truth) for truth in batch_gt_instances])
        home = torch.repeat_interleave(torch.arange(images), counts).to(device)  # of each box, its image

        metrics = torch.zeros(images * places, device=device)
        labels = torch.full((images * places,), self.num_classes, dtype=torch.long, device=device)
        targets = torch.zeros(images * places, 4, device=device)
        if len(boxes):
            found, overlaps = self._assigned(cls_scores, bbox_preds, priors, boxes, kinds, home)
            hit = found >= 0
            metrics = torch.where(hit, overlaps.to(metrics.dtype), metrics)
            labels = torch.where(hit, kinds[found.clamp(min=0)], labels)
            targets = torch.where(hit[:, None], boxes[found.clamp(min=0)].to(targets.dtype), targets)

        sizes = [len(level) for level in anchor_list[0]]

        def by_level(flat: Tensor) -> list[Tensor]:
            return list(flat.reshape(images, places, *flat.shape[1:]).split(sizes, dim=1))

        anchors = [level[None].expand(images, -1, -1) for level in anchor_list[0]]
        weights = by_level(torch.ones_like(metrics))
        return anchors, by_level(labels), weights, by_level(targets), by_level(metrics), []

    def _assigned(
        self, scores: Tensor, predicted: Tensor, priors: Tensor, boxes: Tensor, kinds: Tensor, home: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the box of each place, -1 for none, and their overlap, (images * places,)."""
        images, places = scores.shape[:2]
        numbers, a_row = torch.arange(images, device=scores.device), ceil(images**0.5)
        shift = APART_PX * torch.stack([numbers % a_row, numbers // a_row], dim=1).to(priors.dtype)  # (images, 2)
        of_place = shift.repeat_interleave(places, dim=0)
        moved = priors.repeat(images, 1)
        moved[:, :2] += of_place
        result = self.assigner.assign(
            InstanceData(
                scores=scores.detach().float().flatten(0, 1),
                bboxes=predicted.detach().float().flatten(0, 1) + of_place.repeat(1, 2),
                priors=moved,
            ),
            InstanceData(bboxes=boxes + shift[home].repeat(1, 2), labels=kinds),
        )
        return result.gt_inds - 1, result.max_overlaps
