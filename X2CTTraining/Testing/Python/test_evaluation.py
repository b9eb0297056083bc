import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.anatomy import LABELS
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.phantom import LABELS as PHANTOM_LABELS
from X2CTLib.progress import CancelToken
from X2CTTrainingLib import evaluation, scores
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.evaluation import (
    CORRELATION,
    MEAN_VOLUME,
    PLANIMETRY,
    TRUE_VOLUME,
    Estimate,
    cross_patient_correlation,
    evaluate_answers,
    mean_volume,
)
from X2CTTrainingLib.predictions import predictions_in

VOXELS = 32
PSNR = "PSNR volume, peak 2500 (dB)"
PERCENT = "absolute lung volume error (%)"


def thresholds(hu: np.ndarray) -> np.ndarray:
    """Organs of a boxy chest: quick, and enough to see what an evaluation does with them."""
    if hu.max() < -300:
        raise InputError("There is no body in this CT.")
    organs = np.select([hu > 200, hu > -300], [LABELS["bones"], LABELS["body"]], 0).astype(np.uint8)
    inside = (hu < -400) & (hu > -950)
    organs[inside] = np.where(np.arange(len(hu)) < len(hu) / 2, LABELS["right lung"], LABELS["left lung"])[
        np.nonzero(inside)[2]
    ]
    return organs


@pytest.fixture(autouse=True)
def _quick_segmentation(monkeypatch):
    monkeypatch.setattr(evaluation, "find_organs", thresholds)
    monkeypatch.setattr(scores, "find_organs", thresholds)


def patient(name: str, lung_rows: int, voxels: int = VOXELS, **about) -> Case:
    """A body with two lungs, so many rows high, and a spine."""
    rng = np.random.default_rng(lung_rows)
    hu = np.full((voxels,) * 3, -1024, np.int16)
    hu[2:30, 8:26, 4:28] = rng.integers(30, 50, (28, 18, 24))
    hu[8 : 8 + lung_rows, 10:20, 6:14] = -800
    hu[8 : 8 + lung_rows, 10:20, 18:26] = -800
    hu[2:30, 21:24, 14:18] = 400
    return Case(name, about.pop("patient", name), name, hu, **about)


@pytest.fixture
def cases() -> list[Case]:
    return [patient("a", 12), patient("b", 14), patient("c", 18)]


@pytest.fixture
def training() -> list[Case]:
    return [patient("s", 13), patient("t", 17)]


def truth_itself(case: Case) -> np.ndarray:
    return case.hu


def test_every_answer_to_every_case_is_scored_beside_the_mean_volume(cases, training):
    found = evaluate_answers(cases, training, {"perfect": truth_itself})
    assert [(row["case"], row["answer"]) for row in found.rows if row["answer"] != PLANIMETRY] == [
        (case.name, answer) for answer in ("perfect", MEAN_VOLUME) for case in cases
    ]
    assert not found.failures
    summary = found.summary()
    assert summary["perfect"]["Dice of lungs"] == Estimate(1.0, 3, 0.0)
    assert summary["perfect"][PERCENT].mean == 0 < summary[MEAN_VOLUME][PERCENT].mean
    assert summary["perfect"][PSNR].mean == np.inf > summary[MEAN_VOLUME][PSNR].mean
    assert set(summary[PLANIMETRY]) == {name for name in found.scores if "lung volume" in name}


def test_the_mean_volume_is_that_of_the_patients_and_else_of_the_phantoms(training):
    phantom = patient("p", 5, real=False)
    mean = (training[0].hu.astype(float) + training[1].hu) / 2
    assert np.allclose(mean_volume([*training, phantom]), mean)
    assert np.allclose(mean_volume([phantom]), phantom.hu)


def test_an_answer_that_knows_no_patient_correlates_with_itself(cases, training):
    mean, bump = mean_volume(training), np.zeros((VOXELS,) * 3)
    bump[3:6] = 100
    found = evaluate_answers(cases, training, {"collapsed": lambda case: mean + bump, "perfect": truth_itself})
    assert found.summary()["collapsed"][CORRELATION].mean == pytest.approx(1)
    true = found.summary()[TRUE_VOLUME][CORRELATION]
    assert found.summary()["perfect"][CORRELATION].mean == pytest.approx(true.mean) and true.mean < 0.7


def test_cross_patient_correlation_is_the_mean_over_all_pairs():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(8, 8, 8))
    volumes = [common + rng.normal(size=(8, 8, 8)) for _ in range(4)]
    pairs = [np.corrcoef(volumes[a].ravel(), volumes[b].ravel())[0, 1] for a in range(4) for b in range(a)]
    assert cross_patient_correlation(volumes) == pytest.approx(np.mean(pairs))
    assert cross_patient_correlation([common, 2 * common + 5]) == pytest.approx(1)


def test_an_estimate_has_the_interval_of_students_t():
    assert Estimate.of([3.0, 3.0, 3.0]) == Estimate(3.0, 3, 0.0)
    found = Estimate.of([1.0, 2.0, 3.0])
    assert found.mean == 2 and found.margin == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert Estimate.of([1.0]).margin is None
    assert Estimate.of([1.0, np.inf]) == Estimate(np.inf, 2, None)


def test_intervals_cover_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    found = [Estimate.of(rng.normal(5, 2, 4)) for _ in range(2000)]
    covered = np.mean([abs(estimate.mean - 5) <= estimate.margin for estimate in found])
    assert covered == pytest.approx(0.95, abs=0.02)


def test_a_patient_with_two_cases_counts_once(training):
    cases = [patient("a1", 12, patient="a"), patient("a2", 12, patient="a"), patient("b", 16)]
    rows = evaluate_answers(cases, training, {}).summary()[MEAN_VOLUME]
    alone = evaluate_answers(cases[1:], training, {}).summary()[MEAN_VOLUME]
    assert rows[PERCENT].patients == 2
    assert rows[PERCENT].mean == pytest.approx(alone[PERCENT].mean)


def test_what_fails_is_named_and_the_rest_scored(cases, training):
    def answer(case: Case) -> np.ndarray:
        if case.name == "b":
            raise InputError("The disk is gone.")
        return {"a": case.hu, "c": np.full_like(case.hu, -1024), "d": np.full(case.hu.shape, np.nan)}[case.name]

    empty = Case("empty", "empty", "empty", np.full((VOXELS,) * 3, -1024, np.int16))
    found = evaluate_answers([empty, *cases, patient("d", 15)], training, {"shaky": answer})
    assert [failure.split(":")[0] for failure in found.failures] == ["empty", "b, shaky", "c, shaky", "d, shaky"]
    assert "The disk is gone." in found.failures[1] and "no body" in found.failures[2]
    rows = {row["case"]: row for row in found.rows if row["answer"] == "shaky"}
    assert set(rows) == {"a", "c"}
    assert rows["c"]["Dice of lungs"] == 0 and rows["c"][PERCENT] == pytest.approx(100)
    assert found.summary()[MEAN_VOLUME][PSNR].patients == 4


def test_a_phantom_shows_what_the_segmentation_itself_misses(training):
    labels = np.zeros((VOXELS,) * 3, np.uint8)
    case = patient("p", 12, real=False, labels=labels)
    labels[case.hu > -300] = PHANTOM_LABELS["muscle"]
    labels[8:20, 10:20, 6:14] = PHANTOM_LABELS["right lung"]
    labels[8:20, 10:20, 18:26] = PHANTOM_LABELS["left lung"]
    labels[20, 10:20, 6:14] = PHANTOM_LABELS["right lung"]  # consolidated: thresholds miss it
    found = evaluate_answers([case], training, {"perfect": truth_itself}).summary()
    assert found[TRUE_VOLUME]["Dice of right lung"].mean == pytest.approx(24 / 25)
    assert found["perfect"]["Dice of right lung"] == found[TRUE_VOLUME]["Dice of right lung"]


@pytest.mark.parametrize("twin", [{"name": "z", "patient": "a"}, {"name": "a", "patient": "z"}])
def test_a_patient_on_both_sides_is_an_error(cases, twin):
    name = twin["name"]
    with pytest.raises(InputError, match="training data"):
        evaluate_answers(cases, [patient(name, 12, patient=twin["patient"])], {})


def test_cases_of_one_name_are_an_error(training):
    with pytest.raises(InputError, match="called a"):
        evaluate_answers([patient("a", 12), Case("a", "other", "other", patient("a", 14).hu)], training, {})


def test_progress_rises_and_cancel_stops(cases, training):
    told: list[float] = []
    evaluate_answers(cases, training, {"perfect": truth_itself}, lambda fraction, _: told.append(fraction))
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1
    token = CancelToken()
    with pytest.raises(Cancelled):
        evaluate_answers(cases, training, {"perfect": truth_itself}, lambda *_: token.cancel(), token)


# Folders of predicted volumes


def write(path, hu: np.ndarray, geometry: VolumeGeometry) -> None:
    sitk.WriteImage(geometry.to_image(hu), str(path))


def test_a_volume_in_another_geometry_is_the_same_answer(cases, tmp_path):
    cube = VolumeGeometry.cube(VOXELS)
    write(tmp_path / "a.nrrd", cases[0].hu, cube)
    # Another orientation of the same voxels, and a margin of air.
    matrix = cube.ijk_to_lps @ np.array([[-1, 0, 0, 31], [0, -1, 0, 31], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    write(tmp_path / "b.nii.gz", cases[1].hu[:, ::-1, ::-1], VolumeGeometry(cube.shape, matrix))
    padded = np.pad(cases[2].hu, 2, constant_values=-1024)
    shift = cube.ijk_to_lps @ np.array([[1, 0, 0, -2], [0, 1, 0, -2], [0, 0, 1, -2], [0, 0, 0, 1.0]])
    write(tmp_path / "c.nrrd", padded, VolumeGeometry(padded.shape, shift))
    answer = predictions_in(tmp_path, cases)
    for case in cases:
        assert np.allclose(answer(case), case.hu, atol=0.01), case.name


def test_a_finer_volume_is_brought_to_the_cube(cases, tmp_path):
    fine = np.kron(cases[0].hu, np.ones((2, 2, 2), np.int16))
    write(tmp_path / "a.nrrd", fine, VolumeGeometry.cube(2 * VOXELS))
    found = predictions_in(tmp_path, cases[:1])(cases[0])
    inner = np.s_[10:18, 12:18, 8:12]
    assert np.allclose(found[inner], cases[0].hu[inner], atol=1)


def test_missing_predictions_are_named(cases, tmp_path):
    write(tmp_path / "b.nrrd", cases[1].hu, VolumeGeometry.cube(VOXELS))
    with pytest.raises(InputError, match=r"no volume .* for a, c\."):
        predictions_in(tmp_path, cases)
