"""A batch assigned at once, against mmdet's own way image by image."""

import pytest
import torch
from mmengine.structures import InstanceData

from training.model import build_network
from training.settings import load_settings

SIDE, STRIDES = 96, (8, 16, 32)
SHAPE = {"img_shape": (SIDE, SIDE), "pad_shape": (SIDE, SIDE)}


@pytest.fixture(scope="module")
def heads(configs, tmp_path_factory, thin_network):
    """Return mmdet's head and ours for the same network, with one class or two."""

    def pair(classes: int = 1) -> tuple[torch.nn.Module, torch.nn.Module]:
        built = []
        for base in ("cpu_half", "gpu_finest"):
            path = tmp_path_factory.mktemp("config") / "thin.py"
            path.write_text(f"_base_ = ['{configs / base}.py']\nclasses = {classes}\n{thin_network}")
            built.append(build_network(load_settings(path).model).bbox_head)
        return built[0], built[1]

    return pair


def predictions(images: int, classes: int = 1, seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return logits and distances of a batch, level by level, as a network in training gives them."""
    made = torch.Generator().manual_seed(seed)
    logits, sides = [], []
    for stride in STRIDES:
        cells = SIDE // stride
        logits.append((2 * torch.randn(images, classes, cells, cells, generator=made) - 3).requires_grad_())
        sides.append((5 + 40 * torch.rand(images, 4, cells, cells, generator=made)).requires_grad_())
    return logits, sides


def truth(*images: list[tuple[float, float]], half: float = 16.0, labels: tuple[int, ...] = (0,)) -> list[InstanceData]:
    """Return the boxes around these places; labels: taken in turn."""
    made = []
    for places in images:
        at = torch.tensor(places, dtype=torch.float32).reshape(-1, 2)
        kinds = torch.tensor([labels[n % len(labels)] for n in range(len(at))], dtype=torch.long)
        made.append(InstanceData(bboxes=torch.cat([at - half, at + half], dim=1), labels=kinds))
    return made


def losses(
    head: torch.nn.Module, logits: list, sides: list, boxes: list[InstanceData]
) -> dict[str, list[torch.Tensor]]:
    return head.loss_by_feat(logits, sides, boxes, [dict(SHAPE) for _ in boxes])


def crowd(images: int, seed: int) -> list[list[tuple[float, float]]]:
    """Return places of none to four cells in each image, some of them so near that their boxes overlap."""
    made = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 5, (images,), generator=made)
    return [(SIDE * torch.rand(int(count), 2, generator=made)).tolist() for count in counts]


@pytest.mark.parametrize("seed", range(5))
def test_losses_and_gradients_are_those_of_mmdet(heads, seed):
    theirs, ours = heads()
    boxes = truth(*crowd(20, seed))
    results = []
    for head in (theirs, ours):
        logits, sides = predictions(20, seed=seed)
        found = losses(head, logits, sides, boxes)
        sum(found["loss_cls"] + found["loss_bbox"]).backward()
        results.append((found, [tensor.grad for tensor in logits + sides]))
    (expected, gradients), (found, own) = results
    for name in ("loss_cls", "loss_bbox"):
        assert expected[name][0].detach() > 0
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(own, gradients, rtol=1e-3, atol=1e-6)


def test_targets_of_two_classes_are_those_of_mmdet(heads):
    theirs, ours = heads(classes=2)
    boxes = truth(*crowd(12, 7), labels=(0, 1))
    logits, sides = predictions(12, classes=2, seed=3)
    expected = losses(theirs, logits, sides, boxes)
    found = losses(ours, logits, sides, boxes)
    torch.testing.assert_close(found["loss_cls"], expected["loss_cls"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("empty", [1, 6])
def test_a_batch_without_boxes_is_all_background(heads, empty):
    theirs, ours = heads()
    logits, sides = predictions(empty)
    expected = losses(theirs, logits, sides, truth(*[[]] * empty))
    found = losses(ours, logits, sides, truth(*[[]] * empty))
    torch.testing.assert_close(found, expected)
    assert not any(level.detach() for level in found["loss_bbox"])


def test_an_image_does_not_learn_from_its_neighbours(heads):
    """Which other images share a batch changes nothing in what an image is told."""
    _, ours = heads()
    logits, sides = predictions(3)
    alone, among = truth([(40, 40)]), truth([(8, 90), (60, 20)], [(40, 40)], [(41, 41)])
    parts = [[level[1:2] for level in levels] for levels in (logits, sides)]
    assert told(ours, *parts, alone)[0] == told(ours, logits, sides, among)[1]


def test_a_box_without_a_place_in_it_is_given_to_nobody_else(heads):
    """It lies outside of its own patch: only places of the image beside it are left to ask for."""
    _, ours = heads()
    logits, sides = predictions(2)
    lost = truth([(-40, 40)], [(40, 40)])
    nothing, usual = told(ours, logits, sides, lost)
    assert not nothing
    assert usual == told(ours, logits, sides, truth([], [(40, 40)]))[1]


def told(head: torch.nn.Module, logits: list, sides: list, boxes: list[InstanceData]) -> list[dict]:
    """Return the targets of each image: {place: (its box, rounded)} of the places that got one."""
    images = len(boxes)
    flat = [torch.cat([level.permute(0, 2, 3, 1).flatten(1, 2) for level in part], dim=1) for part in (logits, sides)]
    anchors, flags = head.get_anchors([level.shape[-2:] for level in logits], [SHAPE] * images, device="cpu")
    _, labels, _, targets, _, _ = head.get_targets(*flat, anchors, flags, boxes, [SHAPE] * images)
    labels, targets = torch.cat(labels, dim=1), torch.cat(targets, dim=1)
    return [
        {int(place): targets[image, place].round().tolist() for place in (labels[image] == 0).nonzero()}
        for image in range(images)
    ]
