import pytest
import torch

from X2CTLib.geometry import View
from X2CTTrainingLib.discriminator import Discriminator
from X2CTTrainingLib.losses import least_squares_loss, projection_loss, reconstruction_loss


def test_the_full_discriminator_has_the_papers_parameters():
    assert sum(p.numel() for p in Discriminator().parameters()) / 1e6 == pytest.approx(11.1, rel=0.01)


def test_the_discriminator_judges_patches():
    scores = Discriminator(width=0.1)(torch.rand(1, 64, 64, 64), torch.rand(1, 2, 64, 64))
    assert scores.shape == (1, 1, 6, 6, 6)


def test_the_discriminator_looks_at_both_radiographs():
    torch.manual_seed(0)
    discriminator, volume, images = Discriminator(width=0.1), torch.rand(1, 32, 32, 32), torch.rand(1, 2, 32, 32)
    for view in range(2):
        other = images.clone()
        other[:, view] = torch.rand(32, 32)
        assert not torch.allclose(discriminator(volume, images), discriminator(volume, other))


@pytest.mark.parametrize(("view", "axis"), [(View.PA, 3), (View.LATERAL, 4)])
def test_a_radiograph_lies_in_the_volume_as_it_was_taken(view, axis):
    """What the layers see beside the volume: rows upwards, the same all along the axis that the view cannot see."""
    discriminator, seen = Discriminator(width=0.1, views=[view]), []
    discriminator.layers.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    image = torch.rand(1, 1, 64, 64)
    discriminator(torch.rand(1, 32, 32, 32), image)
    beside = seen[0][0, 1]
    pooled = torch.nn.functional.avg_pool2d(image, 2)[0, 0].flip(0)
    assert all(torch.allclose(plane, pooled) for plane in beside.unbind(axis - 2))


def test_without_a_condition_the_radiographs_do_not_matter():
    torch.manual_seed(0)
    discriminator, volume = Discriminator(width=0.1, views=[]), torch.rand(1, 32, 32, 32)
    one, other = (discriminator(volume, torch.rand(1, 2, 32, 32)) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.allclose(one, discriminator(1 - volume, torch.rand(1, 2, 32, 32)))


def test_losses_of_a_constant_offset():
    truth = torch.rand(1, 8, 8, 8)
    assert reconstruction_loss(truth + 0.1, truth).item() == pytest.approx(0.01, rel=1e-4)
    assert projection_loss(truth - 0.1, truth).item() == pytest.approx(0.1, rel=1e-4)
    assert least_squares_loss(torch.full((2, 3), 0.5), 1.0).item() == pytest.approx(0.125)


def test_the_projection_loss_sees_what_projections_see():
    """Moving matter along one axis changes two of the three projections."""
    truth, moved = torch.zeros(1, 4, 4, 4), torch.zeros(1, 4, 4, 4)
    truth[0, 1, 1, 1] = moved[0, 1, 1, 2] = 1
    assert projection_loss(moved, truth).item() == pytest.approx(2 * (2 * 0.25 / 16) / 3)
