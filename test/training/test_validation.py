"""The loss on held-back slides."""

from dataclasses import replace

import pytest
import torch

from training.importers import read_folders
from training.index import IndexedImage
from training.patches import collated
from training.runner import make_network
from training.settings import Settings, load_settings
from training.validation import ValidationLoss


@pytest.fixture(scope="module")
def settings(tmp_path_factory, write_config, write_slides) -> Settings:
    folder = tmp_path_factory.mktemp("validation")
    data = write_slides(folder / "drawn", ("H03", "H05"))
    return load_settings(write_config(folder / "tiny.py", data, [], batch=4, validation_patches=8))


@pytest.fixture(scope="module")
def images(settings) -> list[IndexedImage]:
    return read_folders(settings.data)


@pytest.fixture
def network(settings) -> torch.nn.Module:
    return make_network(settings)


def test_the_same_network_has_the_same_loss_at_every_look(settings, images, network):
    assert ValidationLoss(images, settings)(network) == ValidationLoss(images, settings)(network) > 0


def test_runs_of_another_seed_or_augmentation_look_at_the_same_patches(settings, images, network):
    augment = settings.augment.model_copy(update={"value": 0.5, "zoom": 0.5})
    other = settings.model_copy(update={"seed": 7, "augment": augment})
    assert ValidationLoss(images, settings)(network) == ValidationLoss(images, other)(network)


def test_looking_leaves_the_network_as_it_was(settings, images, network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    ValidationLoss(images, settings)(network)
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(weights.grad is None for weights in network.parameters())


def test_a_network_that_learned_these_slides_has_a_lower_loss(settings, images, network):
    loss = ValidationLoss(images, settings)
    before, optimizer = loss(network), torch.optim.AdamW(network.parameters(), lr=2e-3)
    batch = network.data_preprocessor(collated([loss._data[draw] for draw in loss._draws]), True)
    for _ in range(25):
        optimizer.zero_grad()
        network.parse_losses(network(**batch, mode="loss"))[0].backward()
        optimizer.step()
    assert loss(network) < 0.8 * before


def test_slides_without_any_cell_have_a_loss_too(settings, images, network):
    bare = [replace(image, annotations=()) for image in images]
    assert ValidationLoss(bare, settings)(network) > 0
