"""What is measured on labels that are drawn, so that every number is known; `test_organs` segments."""

import numpy as np
import pytest

from X2CTLib.anatomy import LABELS, LungAreas, lung_areas, measure, planimetry_lung_volume, segment
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.progress import CancelToken

RADIUS = 40.0
BALL_ML = 4 / 3 * np.pi * RADIUS**3 / 1000


def volume(spacing, axes=((1, 0, 0), (0, 1, 0), (0, 0, 1)), size_mm=(250, 160, 180)):
    """A grid around the origin whose i, j and k grow along the columns of `axes`."""
    extents = np.abs(np.asarray(axes).T @ np.diag(size_mm)).max(axis=1)
    shape = np.ceil(extents / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(axes) @ np.diag(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ (shape - 1) / 2
    return VolumeGeometry(tuple(shape[::-1].tolist()), matrix)


def points_of(geometry):
    k, j, i = np.meshgrid(*map(np.arange, geometry.shape), indexing="ij")
    return np.moveaxis(np.stack([i, j, k], axis=-1) @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3], -1, 0)


def two_balls(geometry, left_radius=RADIUS):
    """A body of 220 x 130 x 160 mm with a ball for each lung, a heart to the left between them, a spine and a liver."""
    x, y, z = points_of(geometry)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[(abs(x) < 110) & (abs(y) < 65) & (abs(z) < 80)] = LABELS["body"]
    labels[(x + 60) ** 2 + y**2 + z**2 < RADIUS**2] = LABELS["right lung"]
    labels[(x - 60) ** 2 + y**2 + z**2 < left_radius**2] = LABELS["left lung"]
    labels[(x - 5) ** 2 + (y + 20) ** 2 + z**2 < 15**2] = LABELS["heart"]
    labels[x**2 + (y - 30) ** 2 + (z + 45) ** 2 < 25**2] = LABELS["bones"]
    labels[(x + 50) ** 2 + y**2 + (z + 60) ** 2 < 15**2] = LABELS["liver"]
    return np.choose(labels, [-1000, 0, -800, -800, 400, 40, 60]), labels


def values(hu, labels, geometry):
    return {m.name: m.value for m in measure(hu, labels, geometry)}


@pytest.fixture(scope="module")
def a_case():
    geometry = volume((2.5, 2.5, 2.5))
    return *two_balls(geometry), geometry


def test_volumes_of_balls_are_true_within_two_per_cent(a_case):
    found = values(*a_case)
    for name in ("Right lung volume", "Left lung volume"):
        assert found[name] == pytest.approx(BALL_ML, rel=0.02)
    assert found["Lungs volume"] == pytest.approx(2 * BALL_ML, rel=0.02)
    assert found["Bones volume"] == pytest.approx(4 / 3 * np.pi * 25**3 / 1000, rel=0.02)
    assert found["Heart volume"] == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.05)
    assert found["Liver volume"] == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.05)
    assert found["Body volume"] == pytest.approx(22 * 13 * 16, rel=0.02)


def test_extents_and_diameters_are_those_of_the_drawing(a_case):
    found = values(*a_case)
    expected = {
        "Right lung width": 80,
        "Left lung depth": 80,
        "Right lung height": 80,
        "Body width": 220,
        "Body depth": 130,
        "Body height": 160,
        "Inner thoracic width": 200,
        "Inner thoracic depth": 80,
        "Inner thoracic height": 80,
        "Outer thoracic width": 220,
        "Outer thoracic depth": 130,
    }
    for name, length in expected.items():
        assert found[name] == pytest.approx(length, abs=5), name
    assert found["Right lung density"] == pytest.approx(-800, abs=10)


def test_units_are_few_and_cut_organs_say_so(a_case):
    hu, labels, geometry = a_case
    assert {m.unit for m in measure(hu, labels, geometry)} == {"mL", "mm", "HU", ""}
    half = VolumeGeometry((geometry.shape[0] // 2, *geometry.shape[1:]), geometry.ijk_to_lps)
    notes = {m.name: m.note for m in measure(hu[: half.shape[0]], labels[: half.shape[0]], half)}
    assert "edge of the volume in height" in notes["Right lung volume"]
    assert "edge" in notes["Right lung height"]
    assert "partial" in notes["Liver volume"]
    assert "edge" not in notes["Right lung width"]


def test_the_cardiothoracic_ratio_is_that_of_the_widest_places(a_case):
    found = values(*a_case)
    assert found["Cardiothoracic ratio"] == pytest.approx(30 / 200, abs=0.02)


def test_the_grid_does_not_change_what_is_measured():
    geometry = volume((2.0, 2.0, 2.5), ((0.96, -0.28, 0), (0.28, 0.96, 0), (0, 0, 1)), (290, 230, 180))
    found = values(*two_balls(geometry, left_radius=32.0), geometry)
    assert found["Right lung volume"] == pytest.approx(BALL_ML, rel=0.02)
    assert found["Left lung volume"] == pytest.approx(BALL_ML * 0.8**3, rel=0.02)
    assert found["Right lung height"] == pytest.approx(80, abs=5)


def test_what_is_not_there_is_not_measured(a_case):
    hu, labels, geometry = a_case
    without = np.where(np.isin(labels, [LABELS["body"], LABELS["bones"]]), labels, 0)
    names = set(values(hu, without, geometry))
    assert "Bones volume" in names
    assert not any(organ in name for name in names for organ in ("lung", "Heart", "Liver", "ratio", "thoracic"))


def test_air_alone_is_an_error_and_cancelling_stops():
    geometry = VolumeGeometry.cube(16)
    with pytest.raises(InputError, match="no body"):
        segment(np.full(geometry.shape, -1000), geometry)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        segment(np.zeros(geometry.shape), geometry, cancel=cancel)


def test_lung_areas_are_silhouettes_without_their_thin_rims(a_case):
    _, labels, geometry = a_case
    areas = lung_areas(labels, geometry)
    from_front = np.pi * (RADIUS**2 - (0.1 * 130) ** 2) / 100  # a fifth of 130 mm, half of it on each side
    from_left = np.pi * (RADIUS**2 - (0.05 * 220) ** 2) / 100  # both lungs share the fifth of 220 mm
    assert areas.right_cm2 == pytest.approx(from_front, rel=0.05)
    assert areas.left_cm2 == pytest.approx(from_front, rel=0.05)
    assert areas.lateral_cm2 == pytest.approx(from_left, rel=0.05)


def test_planimetry_follows_its_formula():
    measurement = planimetry_lung_volume(LungAreas(200.0, 180.0, 250.0))
    assert measurement.value == pytest.approx(9.6 * 630 - 1367)
    assert measurement.unit == "mL"
    assert "silhouettes" in measurement.note
