"""A batch assigned at once, against mmdet's own way image by image."""

import pytest
import torch
from mmdet.structures.bbox import distance2bbox
from mmengine.structures import InstanceData

from training.model import build_network
from training.settings import load_settings

WIDE, HIGH, STRIDES = 128, 96, (8, 16, 32)
SHAPE = {"img_shape": (HIGH, WIDE), "pad_shape": (HIGH, WIDE)}


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


def predictions(
    images: int, classes: int = 1, seed: int = 0, reach: float = 40
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return logits and distances of a batch, level by level, as a network in training gives them; reach: px."""
    made = torch.Generator().manual_seed(seed)
    logits, sides = [], []
    for stride in STRIDES:
        size = HIGH // stride, WIDE // stride
        logits.append((2 * torch.randn(images, classes, *size, generator=made) - 3).requires_grad_())
        sides.append((1 + reach * torch.rand(images, 4, *size, generator=made)).requires_grad_())
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
    return [(torch.tensor([WIDE, HIGH]) * torch.rand(int(count), 2, generator=made)).tolist() for count in counts]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("images", "reach"), [(1, 40), (20, 40), (20, 0.5), (130, 20)])
def test_losses_and_gradients_are_those_of_mmdet(heads, images, reach, seed):
    """With a reach of half a pixel, as at the start of a training, no answer overlaps a box by much."""
    theirs, ours = heads()
    boxes = truth([(50, 50)], *crowd(images - 1, seed))
    results = []
    for head in (theirs, ours):
        logits, sides = predictions(images, seed=seed, reach=reach)
        found = losses(head, logits, sides, boxes)
        sum(found["loss_cls"] + found["loss_bbox"]).backward()
        results.append((found, [tensor.grad for tensor in logits + sides]))
    (expected, gradients), (found, own) = results
    for name in ("loss_cls", "loss_bbox"):
        assert any(level.detach() > 0 for level in expected[name])
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(own, gradients, rtol=1e-2, atol=1e-5)


def test_targets_of_two_classes_are_those_of_mmdet(heads):
    theirs, ours = heads(classes=2)
    boxes = truth(*crowd(12, 7), labels=(0, 1))
    logits, sides = predictions(12, classes=2, seed=3)
    expected = losses(theirs, logits, sides, boxes)
    torch.testing.assert_close(losses(ours, logits, sides, boxes), expected, rtol=1e-5, atol=1e-6)


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


@pytest.mark.parametrize("lost", [1, 2])
def test_boxes_without_a_place_in_them_are_given_to_nobody_else(heads, lost):
    """They lie outside of their own patches: only places of other images are left to ask for."""
    _, ours = heads()
    logits, sides = predictions(lost + 1)
    among = told(ours, logits, sides, truth(*[[(-40, 40)]] * lost, [(40, 40), (50, 44)]))
    assert not any(among[:lost])
    assert among[lost] == told(ours, logits, sides, truth(*[[]] * lost, [(40, 40), (50, 44)]))[lost]


def test_what_it_would_not_follow_is_refused(configs):
    model = load_settings(configs / "gpu_finest.py").model
    for key, value, reason in (
        ("pos_weight", 2.0, "pos_weight"),
        ("allowed_border", 0, "allowed_border"),
        ("assigner", {"type": "DynamicSoftLabelAssigner", "topk": 13}, "WholeBatchAssigner"),
    ):
        with pytest.raises(ValueError, match=reason):
            build_network({**model, "train_cfg": {**model["train_cfg"], key: value}})


def test_patches_that_would_reach_their_neighbours_are_refused(heads):
    _, ours = heads()
    sizes = [(96 // stride, 2592 // stride) for stride in STRIDES]
    with pytest.raises(ValueError, match="2560 px"):
        ours.get_anchors(sizes, [SHAPE], device="cpu")


def told(head: torch.nn.Module, logits: list, sides: list, boxes: list[InstanceData]) -> list[dict]:
    """Return the targets of each image: {place: its box} of the places that got one."""
    images = len(boxes)
    anchors, flags = head.get_anchors([level.shape[-2:] for level in logits], [SHAPE] * images, device="cpu")
    scores, distances = (
        torch.cat([level.detach().permute(0, 2, 3, 1).flatten(1, 2) for level in part], dim=1)
        for part in (logits, sides)
    )
    answers = distance2bbox(torch.cat(anchors[0])[:, :2], distances)
    _, labels, _, targets, _, _ = head.get_targets(scores, answers, anchors, flags, boxes, [SHAPE] * images)
    labels, targets = torch.cat(labels, dim=1), torch.cat(targets, dim=1)
    return [
        {int(place): targets[image, place].tolist() for place in (labels[image] == 0).nonzero()}
        for image in range(images)
    ]
