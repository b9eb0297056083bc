"""Scores say what is physically there: checked on a boxy chest whose every voxel is known."""

import numpy as np
import pytest

from X2CTLib.anatomy import LABELS, cardiothoracic_lines
from X2CTLib.geometry import CUBE_MM, VolumeGeometry
from X2CTLib.phantom import LABELS as PHANTOM_LABELS
from X2CTLib.phantom import make_phantom
from X2CTTrainingLib import scores
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.scores import Truth, find_organs, phantom_organs, planimetry, score

VOXELS = 32
VOXEL_ML = (CUBE_MM / VOXELS) ** 3 / 1000
HU = {"skin": 20, "fat": -100, "right lung": -800, "left lung": -800, "heart": 40, "liver": 60, "spine": 400}


def painted() -> np.ndarray:
    """Phantom labels of a chest: lungs on both sides of a heart that lies to the left, liver below, spine behind."""
    labels = np.zeros((VOXELS,) * 3, np.uint8)
    boxes = {
        "skin": np.s_[2:30, 7:26, 3:29],
        "fat": np.s_[2:30, 8:25, 4:28],
        "liver": np.s_[3:8, 10:20, 6:16],
        "right lung": np.s_[8:24, 10:20, 6:14],
        "left lung": np.s_[8:24, 10:20, 18:26],
        "heart": np.s_[8:15, 10:17, 13:21],
        "spine": np.s_[2:30, 21:24, 14:18],
    }
    for name, box in boxes.items():
        labels[box] = PHANTOM_LABELS[name]
    return labels


def chest(labels: np.ndarray) -> Case:
    """A case with these labels and the Hounsfield units that go with them."""
    hu = np.full(labels.shape, -1024, np.int16)
    for name, value in HU.items():
        hu[labels == PHANTOM_LABELS[name]] = value
    return Case("chest", "chest", "chest", hu, real=False, labels=labels)


@pytest.fixture
def a_truth() -> Truth:
    return Truth.of(chest(painted()))


def scored(truth: Truth, labels: np.ndarray) -> dict[str, float]:
    """Scores of a chest with other labels than the truth."""
    case = chest(labels)
    return score(truth, case.hu, phantom_organs(labels))


def test_a_perfect_answer_has_no_error(a_truth):
    found = score(a_truth, a_truth.hu, a_truth.organs)
    dice = {name: value for name, value in found.items() if name.startswith("Dice")}
    assert set(dice) == {f"Dice of {organ}" for organ in scores.ORGANS}
    assert set(dice.values()) == {1.0}
    errors = {name: value for name, value in found.items() if "error" in name or "residual" in name}
    assert len(errors) == 1 + 2 * len(scores.TISSUES) + 2 * 3 + 2 + 2
    assert all(value == pytest.approx(0, abs=1e-4) for value in errors.values())
    assert found["reprojection correlation PA"] == pytest.approx(1)
    assert found["PSNR volume, peak 2500 (dB)"] == np.inf


def test_an_answer_that_is_50_hu_too_bright_is_so_in_every_tissue(a_truth):
    found = score(a_truth, a_truth.hu + 50, a_truth.organs)
    for tissue in scores.TISSUES:
        assert found[f"mean error in {tissue} (HU)"] == pytest.approx(50)
        assert found[f"mean absolute error in {tissue} (HU)"] == pytest.approx(50)


def test_the_sign_of_an_error_is_that_of_answer_less_truth(a_truth):
    dark = np.where(a_truth.hu == HU["spine"], 250, a_truth.hu)
    found = score(a_truth, dark, a_truth.organs)
    assert found["mean error in bone, above 200 HU (HU)"] == pytest.approx(-150)
    assert found["mean absolute error in bone, above 200 HU (HU)"] == pytest.approx(150)
    assert found["mean error in fat, -190 to -30 HU (HU)"] == 0


def test_lungs_that_are_one_voxel_longer_have_the_volume_of_it_too_much(a_truth):
    labels = painted()
    for side in ("right lung", "left lung"):
        labels[24][labels[23] == PHANTOM_LABELS[side]] = PHANTOM_LABELS[side]
    more = np.count_nonzero(labels == PHANTOM_LABELS["right lung"]) - np.count_nonzero(
        a_truth.organs == LABELS["right lung"]
    )
    assert more == 80
    found = scored(a_truth, labels)
    assert found["lung volume error (mL)"] == pytest.approx(2 * 80 * VOXEL_ML)
    true = scores.volume_ml(a_truth.organs, "lungs")
    assert found["absolute lung volume error (%)"] == pytest.approx(100 * 160 * VOXEL_ML / true)
    volume = np.count_nonzero(a_truth.organs == LABELS["right lung"])
    assert found["Dice of right lung"] == pytest.approx(2 * volume / (2 * volume + 80))
    assert found["Dice of heart"] == 1


def test_a_mirrored_answer_is_worse_in_every_way_that_sees_sides(a_truth):
    upright, mirrored = scored(a_truth, painted()), scored(a_truth, painted()[:, :, ::-1].copy())
    assert mirrored["Dice of heart"] < 0.9 and mirrored["Dice of liver"] < 0.5
    assert mirrored["SSIM slice-wise"] < upright["SSIM slice-wise"]
    assert mirrored["reprojection residual PA (% of RMS)"] > 5
    assert mirrored["reprojection correlation PA"] < 0.99
    assert mirrored["lung volume error (mL)"] == 0


def test_the_cardiothoracic_ratio_is_that_of_the_widths(a_truth):
    assert cardiothoracic_lines(a_truth.organs, VolumeGeometry.cube(VOXELS)).ratio == pytest.approx(8 / 20)
    wide = painted()
    wide[10:12, 10:17, 12:22] = PHANTOM_LABELS["heart"]
    found = scored(a_truth, wide)
    assert found["cardiothoracic ratio error"] == pytest.approx((10 - 8) / 20)
    assert found["absolute cardiothoracic ratio error"] == pytest.approx(0.1)
    more = np.count_nonzero(wide == PHANTOM_LABELS["heart"]) - np.count_nonzero(painted() == PHANTOM_LABELS["heart"])
    assert found["heart volume error (mL)"] == pytest.approx(more * VOXEL_ML) and more > 0


def test_what_a_case_does_not_have_is_not_scored(a_truth):
    labels = painted()
    labels[labels == PHANTOM_LABELS["heart"]] = PHANTOM_LABELS["fat"]
    labels[labels == PHANTOM_LABELS["spine"]] = PHANTOM_LABELS["fat"]
    found = score(Truth.of(chest(labels)), a_truth.hu, a_truth.organs)
    assert "Dice of heart" not in found and "Dice of bones" not in found
    assert not [name for name in found if "cardiothoracic" in name or "bone" in name]


def test_organs_that_an_answer_lacks_are_missed(a_truth):
    found = score(a_truth, np.full_like(a_truth.hu, -1024), np.zeros_like(a_truth.organs))
    assert all(found[f"Dice of {organ}"] == 0 for organ in scores.ORGANS)
    assert found["absolute lung volume error (%)"] == pytest.approx(100)
    assert found["reprojection residual PA (% of RMS)"] == pytest.approx(100)


def test_planimetry_is_that_of_the_true_silhouettes(a_truth):
    """A pixel is 1 cm2. A lung is 16 rows high, 8 columns wide and 10 deep; the heart hides a little of it."""
    hidden = 7 * (1 + 3)
    estimate = 9.6 * (16 * 8 + 16 * 8 - hidden + 16 * 10) - 1367
    true = scores.volume_ml(a_truth.organs, "lungs")
    assert planimetry(a_truth)["lung volume error (mL)"] == pytest.approx(estimate - true)


def test_a_brighter_body_leaves_a_residual_of_its_line_integrals():
    """Water to 1.1 times water: every line integral is 10 % more."""
    hu = np.full((VOXELS,) * 3, -1000, np.int16)
    hu[4:28, 8:24, 4:28] = 0
    labels = np.where(hu == 0, PHANTOM_LABELS["muscle"], 0).astype(np.uint8)
    truth = Truth.of(Case("water", "water", "water", hu, real=False, labels=labels))
    found = scores.reprojection(np.where(hu == 0, 100, hu), truth)
    for view in ("PA", "LATERAL"):
        assert found[f"reprojection residual {view} (% of RMS)"] == pytest.approx(10, abs=1e-3)
        assert found[f"reprojection correlation {view}"] == pytest.approx(1)


def test_a_phantoms_organs_are_found_where_they_were_drawn():
    phantom = make_phantom(5)
    truth = Truth.of(Case("p", "p", "p", phantom.hu, real=False, labels=phantom.labels))
    found = scores.score_organs(find_organs(phantom.hu), truth)
    assert found["Dice of right lung"] > 0.95 and found["Dice of left lung"] > 0.95
    assert found["Dice of heart"] > 0.9 and found["Dice of liver"] > 0.88
    assert found["Dice of bones"] > 0.7
    assert found["absolute lung volume error (%)"] < 3 and found["absolute heart volume error (%)"] < 8
