import pytest
import torch

from X2CTLib.geometry import View, clinical_projection, parallel_projection
from X2CTTrainingLib.augmentation import AIR, Augmentation, deform, develop, jittered, sample

STRONG = Augmentation(strength=1.0)
PROJECTIONS = [clinical_projection(view) for view in View]


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def a_body():
    """A box of water in air, with a dense spot at the patient's left, front and top."""
    hu = torch.full((32, 32, 32), AIR)
    hu[4:28, 8:24, 6:26] = 0
    hu[20:24, 10:13, 20:24] = 1500
    return hu


def centre(hu: torch.Tensor) -> torch.Tensor:
    return torch.nonzero(hu > 500).float().mean(dim=0)


@pytest.mark.parametrize("seed", range(8))
def test_a_deformed_body_is_never_mirrored(a_body, seed):
    k, j, i = (centre(deform(a_body, STRONG, rng(seed))) - torch.nonzero(a_body > -500).float().mean(dim=0)).tolist()
    assert k > 0 and j < 0 and i > 0


def test_the_same_seed_repeats_and_another_does_not(a_body):
    images, body = sample(a_body, PROJECTIONS, STRONG, rng(3))
    again, same = sample(a_body, PROJECTIONS, STRONG, rng(3))
    assert torch.equal(images, again) and torch.equal(body, same)
    assert not torch.equal(body, sample(a_body, PROJECTIONS, STRONG, rng(4))[1])


def test_hounsfield_units_stay_in_their_range(a_body):
    body = deform(a_body, STRONG, rng(1))
    assert body.min() >= AIR - 1e-2 and body.max() <= 1500 + 1e-2


def test_views_are_images_in_zero_to_one(a_body):
    images, _ = sample(a_body, PROJECTIONS, STRONG, rng(5))
    assert images.shape == (2, 128, 128)
    assert images.min() == 0 and images.max() == 1 and torch.isfinite(images).all()


def test_developing_keeps_dense_bright():
    image = torch.linspace(0, 3, 128).expand(128, 128)
    for seed in range(8):
        developed = develop(image, STRONG, rng(seed))
        assert developed[:, 96:].mean() > developed[:, :32].mean() + 0.3


def test_projections_vary_around_the_clinical_one():
    projections = [jittered(PROJECTIONS[0], STRONG, rng(seed)) for seed in range(50)]
    magnifications = [p.magnification for p in projections]
    assert 1.05 < min(magnifications) < max(magnifications) < 1.2
    widths = [p.columns * p.pixel_mm / p.magnification for p in projections]
    assert sum(widths) / len(widths) == pytest.approx(320, rel=0.02)


def test_a_jittered_projection_without_distances_stays_parallel():
    assert jittered(parallel_projection(View.PA), STRONG, rng(0)).parallel


def test_without_strength_a_case_is_as_it_is(a_body):
    images, body = sample(a_body, PROJECTIONS, Augmentation(), rng(0))
    assert torch.allclose(body, a_body, atol=0.1)
    again, _ = sample(a_body, PROJECTIONS, Augmentation(), rng(1))
    assert torch.equal(images, again)


def test_a_crop_enlarges_what_is_left(a_body):
    cropped = deform(a_body, Augmentation(strength=1, turn_deg=0, scale=0, shift=0, bend=0, crop=0.4), rng(2))
    assert (cropped > -500).sum() > 1.05 * (a_body > -500).sum()
