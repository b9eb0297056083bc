import numpy as np
import pytest

from X2CTLib.metrics import evaluate, psnr_slices, psnr_volume, ssim_slices


@pytest.fixture
def a_volume():
    return np.random.default_rng(1).uniform(-1000, 1000, (16, 18, 20))


def test_a_constant_error_has_the_same_psnr_in_every_slice(a_volume):
    assert psnr_slices(a_volume + 50, a_volume) == pytest.approx(20 * np.log10(4095 / 50))
    assert psnr_volume(a_volume + 50, a_volume) == pytest.approx(20 * np.log10(2500 / 50))


def test_psnr_is_averaged_over_the_slices_that_have_an_error_and_over_the_axes():
    truth = np.zeros((16, 18, 20))
    prediction = truth.copy()
    prediction[3] = 100
    across_k = 20 * np.log10(4095 / 100)
    along_k = 10 * np.log10(4095**2 / (100**2 / 16))
    assert psnr_slices(prediction, truth) == pytest.approx((across_k + 2 * along_k) / 3)
    assert psnr_volume(prediction, truth) == pytest.approx(10 * np.log10(2500**2 / (100**2 / 16)))


def test_identical_volumes_are_infinitely_and_wholly_alike(a_volume):
    assert psnr_slices(a_volume, a_volume) == np.inf
    assert psnr_volume(a_volume, a_volume) == np.inf
    assert ssim_slices(a_volume, a_volume) == pytest.approx(1)


def test_values_that_the_networks_cannot_tell_apart_are_equal():
    dense, void = np.full((12, 12, 12), 1476), np.full((12, 12, 12), -1024)
    assert psnr_volume(dense + 1500, dense) == np.inf
    assert psnr_slices(void - 2000, void) == np.inf


def test_ssim_of_flat_volumes_is_the_luminance_term():
    first, second = np.full((12, 13, 14), -24), np.full((12, 13, 14), 976)
    x, y, c1 = 1000, 2000, (0.01 * 2500) ** 2
    assert ssim_slices(first, second) == pytest.approx((2 * x * y + c1) / (x**2 + y**2 + c1), abs=1e-3)


def test_ssim_sees_structure_that_psnr_does_not(a_volume):
    noisy = a_volume + np.random.default_rng(2).normal(0, 300, a_volume.shape)
    shifted = a_volume + np.sqrt(np.mean((np.clip(noisy, -1024, 1476) - a_volume) ** 2))
    assert psnr_volume(noisy, a_volume) == pytest.approx(psnr_volume(shifted, a_volume), abs=0.5)
    assert ssim_slices(noisy, a_volume) < ssim_slices(shifted, a_volume)


def test_evaluate_names_what_it_measures(a_volume):
    scores = evaluate(a_volume + 50, a_volume)
    assert scores["PSNR slice-wise, peak 4095 (dB)"] == psnr_slices(a_volume + 50, a_volume)
    assert scores["PSNR volume, peak 2500 (dB)"] == psnr_volume(a_volume + 50, a_volume)
    assert scores["SSIM slice-wise"] == ssim_slices(a_volume + 50, a_volume)
    assert scores["mean absolute error (HU)"] == pytest.approx(50)


def test_volumes_of_different_shapes_are_not_compared(a_volume):
    with pytest.raises(ValueError, match="shape"):
        evaluate(a_volume, a_volume[1:])
