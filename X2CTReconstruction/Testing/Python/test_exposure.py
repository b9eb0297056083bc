"""The physics of an exposure: hardening, scatter, noise and blur against what must hold of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from X2CTLib.drr import MU_WATER_PER_MM, attenuation, radiographs
from X2CTLib.errors import InputError
from X2CTLib.exposure import Exposure, blurred, expose, scattered, with_noise
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection, parallel_projection
from X2CTLib.spectrum import hardened, tube_spectrum, water_and_bone

CUBE = VolumeGeometry.cube(32)
PROJECTION = parallel_projection(View.PA, 32)


def a_slab(thickness: int, hu: float = 0.0) -> torch.Tensor:
    """A sheet across the beam, so many voxels of 10 mm thick, in air."""
    volume = torch.full((1, 32, 32, 32), -1024.0)
    volume[:, :, 4 : 4 + thickness] = hu
    return volume


def behind(thickness: int, exposure: Exposure, hu: float = 0.0) -> float:
    """-log(I/I0) in the middle behind a slab."""
    return expose(a_slab(thickness, hu), CUBE, PROJECTION, exposure)[0, 16, 16].item()


def a_body() -> torch.Tensor:
    """Soft tissue with two lungs and a spine in it, in air."""
    hu = torch.full((1, 32, 32, 32), -1024.0)
    hu[:, 2:30, 6:26, 4:28] = 40
    hu[:, 8:24, 8:20, 6:13] = hu[:, 8:24, 8:20, 19:26] = -800
    hu[:, 2:30, 21:24, 14:18] = 700
    return hu


# Hardening


def test_a_beam_holds_all_its_signal_below_its_peak_voltage():
    for kvp in (60, 90, 120):
        kev, signal = tube_spectrum(kvp, 2.5)
        assert signal.sum() == pytest.approx(1) and (signal > 0).all()
        assert kev.min() > 10 and kvp - 2 < kev.max() < kvp


def test_voltage_and_filter_harden_the_beam():
    means = [np.dot(*tube_spectrum(kvp, filter_mm)) for kvp, filter_mm in ((70, 1), (70, 2.5), (120, 2.5), (120, 10))]
    assert means == sorted(means)
    # A chest beam's mean lies at a third to a half of its peak.
    assert 0.33 < means[2] / 120 < 0.5


def test_the_half_value_layer_in_water():
    """Two to four centimetres of soft tissue halve a diagnostic beam."""
    kev, signal = tube_spectrum(80, 2.5)
    water = torch.linspace(0, 3, 3001).reshape(1, 1, -1)
    through = hardened(torch.stack([water, 0 * water]), kev, signal)
    half_mm = water[0, 0, (through[0, 0] > np.log(2)).nonzero()[0, 0]].item() / MU_WATER_PER_MM
    assert 20 < half_mm < 40


def test_a_beam_of_one_energy_gives_the_line_integral():
    hu = a_body()
    integrals = torch.stack([radiographs(hu, CUBE, PROJECTION)] * 2) * torch.tensor([0.7, 0.3])[:, None, None, None]
    beam = np.array([70.0]), np.array([1.0])
    assert torch.allclose(hardened(integrals, *beam), integrals.sum(0), rtol=1e-5)


def test_by_default_the_line_integral_is_left_as_it_is():
    assert torch.equal(expose(a_body(), CUBE, PROJECTION, Exposure()), radiographs(a_body(), CUBE, PROJECTION))


def test_the_effective_attenuation_of_water_falls_with_thickness():
    per_mm = [behind(thickness, Exposure(kvp=120)) / (10 * thickness) for thickness in (1, 5, 10, 20)]
    assert per_mm == sorted(per_mm, reverse=True)
    assert per_mm[0] > 1.1 * per_mm[-1]
    # Not below the coefficient of water at the highest energy.
    assert per_mm[-1] > 0.0162


def test_a_lower_voltage_is_attenuated_more_and_shows_bone_better():
    soft, hard = Exposure(kvp=60), Exposure(kvp=120)
    assert behind(10, soft) > behind(10, hard)
    contrast = [behind(2, exposure, hu=1200) / behind(2, exposure) for exposure in (soft, hard, Exposure())]
    assert contrast[0] > contrast[1] > contrast[2] == pytest.approx(2.2, rel=1e-3)


def test_water_and_bone_add_up_to_the_attenuation_of_the_ct():
    hu = torch.linspace(-1024, 3071, 4096).reshape(1, 1, 1, -1)
    water, bone = water_and_bone(hu)
    assert torch.allclose(water + bone, attenuation(hu))
    assert (water >= 0).all() and (bone >= 0).all()
    assert not bone[hu <= 100].any() and not water[hu > 1650].any()
    # Neither jumps.
    assert max(water.diff().abs().max(), bone.diff().abs().max()) < 2e-4


@pytest.mark.parametrize("kvp", [30, 200, float("nan")])
def test_voltages_beyond_radiography_are_refused(kvp):
    with pytest.raises(InputError, match="kVp"):
        Exposure(kvp=kvp)


# Scatter


def test_scatter_behind_a_slab_is_its_ratio_to_the_primary():
    projection = replace(PROJECTION, rows=24, columns=24)
    primary = radiographs(a_slab(10), CUBE, projection)
    assert torch.allclose(scattered(primary, 0.8, 4.0), 0.8 * torch.exp(-primary), rtol=1e-4)
    seen = expose(a_slab(10), CUBE, projection, Exposure(scatter=0.8))
    assert torch.allclose(torch.exp(-seen), 1.8 * torch.exp(-primary), rtol=1e-4)


def test_the_width_of_scatter_leaves_its_total():
    image = radiographs(a_body(), CUBE, PROJECTION)
    totals = [scattered(image, 1.0, sigma).sum().item() for sigma in (0.0, 1.0, 4.0, 50.0)]
    assert totals == pytest.approx([totals[0]] * 4, rel=1e-4)


def test_scatter_is_smooth_and_fogs_the_picture():
    image = radiographs(a_body(), CUBE, PROJECTION)
    background = scattered(image, 1.0, 4.0)
    assert background.min() >= 0
    assert background.diff().abs().max() < 0.1 * torch.exp(-image).diff().abs().max()
    foggy = expose(a_body(), CUBE, PROJECTION, Exposure(scatter=1.0))
    assert (foggy <= image + 1e-5).all()
    # Between a lung and the mediastinum.
    assert foggy[0, 16, 16] - foggy[0, 16, 9] < 0.9 * (image[0, 16, 16] - image[0, 16, 9])


def test_the_open_beam_scatters_nothing():
    assert not scattered(torch.zeros(1, 8, 8), 2.0, 3.0).any()


# Noise and blur


def test_noise_has_the_variance_of_its_dose():
    signal = torch.full((1, 200, 200), 0.25)
    for photons in (400, 40000):
        noisy = with_noise(signal, photons, seed=1)
        assert noisy.mean().item() == pytest.approx(0.25, rel=0.01)
        assert noisy.var().item() == pytest.approx(0.25 / photons, rel=0.05)


def test_noise_is_the_same_for_a_seed_and_only_then():
    exposures = [Exposure(photons=1e4, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (expose(a_body(), CUBE, PROJECTION, exposure) for exposure in exposures)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_thick_parts_are_noisier():
    """The logarithm of a few photons varies more: 1 / sqrt(count)."""
    thin, thick = (
        expose(a_slab(n), CUBE, clinical_projection(View.PA, 64), Exposure(photons=1e5))[0, 28:36, 28:36]
        for n in (2, 15)
    )
    assert thick.std() > 2 * thin.std()


def test_no_photon_leaves_a_finite_picture():
    assert torch.isfinite(expose(a_slab(28, hu=3000), CUBE, PROJECTION, Exposure(photons=10))).all()


@pytest.mark.parametrize("sigma", [0.3, 1.0, 7.0])
def test_blur_keeps_the_energy_and_has_its_width(sigma):
    point = torch.zeros(1, 65, 49)
    point[0, 32, 24] = 1
    image = blurred(point, sigma)[0]
    assert image.sum().item() == pytest.approx(1, rel=1e-5)
    distance = torch.arange(65) - 32.0
    if sigma < 5:
        assert (image.sum(1) * distance.square()).sum().sqrt().item() == pytest.approx(sigma, rel=0.02)
    corner = blurred(point.roll((32, 24), (1, 2)), sigma)
    assert corner.sum().item() == pytest.approx(1, rel=1e-5)


def test_blur_of_the_detector_smooths_the_noise():
    exposures = (Exposure(photons=1e4), Exposure(photons=1e4, blur_mm=15.0))
    sharp, soft = (expose(a_slab(5), CUBE, PROJECTION, exposure)[0, 8:24, 8:24].std() for exposure in exposures)
    assert soft < 0.6 * sharp


@pytest.mark.parametrize("wrong", [{"scatter": -1}, {"scatter_mm": 0}, {"blur_mm": -1}, {"photons": 0}])
def test_impossible_exposures_are_refused(wrong):
    with pytest.raises(InputError):
        Exposure(**wrong)
