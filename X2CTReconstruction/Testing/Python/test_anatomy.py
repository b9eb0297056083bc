import numpy as np
import pytest
import SimpleITK as sitk

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
    """A block of water, 220 x 130 x 160 mm, with a ball of air as each lung, a ball of bone below and a trachea."""
    x, y, z = points_of(geometry)
    hu = np.where((abs(x) < 110) & (abs(y) < 65) & (abs(z) < 80), 0.0, -1000.0)
    hu[(x**2 + (y - 10) ** 2 < 8**2) & (z > 0)] = -1000
    hu[(x + 60) ** 2 + y**2 + z**2 < RADIUS**2] = -800
    hu[(x - 60) ** 2 + y**2 + z**2 < left_radius**2] = -800
    hu[x**2 + (y - 30) ** 2 + (z + 45) ** 2 < 25**2] = 400
    return hu


def values(hu, labels, geometry):
    return {m.name: m.value for m in measure(hu, labels, geometry)}


@pytest.fixture(scope="module")
def a_case():
    geometry = volume((2.5, 2.5, 2.5))
    hu = two_balls(geometry)
    return hu, segment(hu, geometry), geometry


def test_volumes_of_balls_are_true_within_two_per_cent(a_case):
    found = values(*a_case)
    for name in ("Right lung volume", "Left lung volume"):
        assert found[name] == pytest.approx(BALL_ML, rel=0.02)
    assert found["Lungs volume"] == pytest.approx(2 * BALL_ML, rel=0.02)
    assert found["Bones volume"] == pytest.approx(4 / 3 * np.pi * 25**3 / 1000, rel=0.02)
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


def test_every_measurement_has_a_unit_and_cut_organs_say_so(a_case):
    hu, labels, geometry = a_case
    assert {m.unit for m in measure(hu, labels, geometry)} == {"mL", "mm", "HU"}
    half = VolumeGeometry((geometry.shape[0] // 2, *geometry.shape[1:]), geometry.ijk_to_lps)
    notes = {m.name: m.note for m in measure(hu[: half.shape[0]], labels[: half.shape[0]], half)}
    assert "edge of the volume in height" in notes["Right lung volume"]
    assert "edge" in notes["Right lung height"]
    assert "edge" not in notes["Right lung width"]


@pytest.mark.parametrize(
    ("spacing", "axes", "size_mm"),
    [
        ((1.5, 1.5, 3.0), ((-1, 0, 0), (0, 1, 0), (0, 0, -1)), (250, 160, 180)),
        ((3.0, 2.0, 2.0), ((0, 0, 1), (1, 0, 0), (0, -1, 0)), (250, 160, 180)),
        ((2.0, 2.0, 2.5), ((0.96, -0.28, 0), (0.28, 0.96, 0), (0, 0, 1)), (290, 230, 180)),
    ],
    ids=["flipped", "sagittal", "oblique"],
)
def test_any_orientation_finds_the_same_lungs_on_the_same_sides(spacing, axes, size_mm):
    geometry = volume(spacing, axes, size_mm)
    hu = two_balls(geometry, left_radius=32.0)
    labels = segment(hu, geometry)
    found = values(hu, labels, geometry)
    assert found["Right lung volume"] == pytest.approx(BALL_ML, rel=0.04)
    assert found["Left lung volume"] == pytest.approx(BALL_ML * 0.8**3, rel=0.05)
    x = points_of(geometry)[0]
    assert x[labels == LABELS["right lung"]].max() < 0 < x[labels == LABELS["left lung"]].min()
    assert found["Right lung height"] == pytest.approx(80, abs=5)


def test_the_trachea_is_not_lung(a_case):
    hu, labels, geometry = a_case
    assert np.isin(labels[hu == -1000], [0, LABELS["body"]]).all()
    x, y, z = points_of(geometry)
    trachea = (x**2 + (y - 10) ** 2 < 6**2) & (z > 10) & (z < 70)
    assert np.all(labels[trachea] == LABELS["body"])


def test_fused_lungs_are_parted_in_the_valley_between_them():
    """What a network makes of two lungs: smooth, and with a bridge in front of the heart."""
    geometry = volume((2.5, 2.5, 2.5))
    x, y, z = points_of(geometry)
    hu = np.where((abs(x) < 110) & (abs(y) < 65) & (abs(z) < 80), 0.0, -1000.0)
    hu[(abs(x) < 85) & (abs(y) < 45) & (abs(z) < 60)] = -800
    hu[((x - 10) / 25) ** 2 + ((y - 20) / 45) ** 2 < 1] = 40
    hu = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(geometry.to_image(hu), 5.0))
    labels = segment(hu, geometry)
    right, left = labels == LABELS["right lung"], labels == LABELS["left lung"]
    bridge = (abs(x - 10) < 8) & (y > -40) & (y < -32) & (abs(z) < 40)
    assert np.all(right[bridge] | left[bridge]), "the lungs are fused"
    assert np.mean(x[right] < 12) > 0.99
    assert np.mean(x[left] > 8) > 0.99
    assert right.sum() > left.sum() > 0.5 * right.sum()


def test_one_lung_alone_is_on_its_side():
    geometry = volume((2.5, 2.5, 2.5))
    hu = two_balls(geometry, left_radius=0.0)
    found = values(hu, segment(hu, geometry), geometry)
    assert found["Right lung volume"] == pytest.approx(BALL_ML, rel=0.02)
    assert "Left lung volume" not in found


def test_a_body_without_lungs_is_measured_without_them():
    geometry = volume((5.0, 5.0, 5.0))
    x, y, z = points_of(geometry)
    hu = np.where((abs(x) < 110) & (abs(y) < 65) & (abs(z) < 80), 0, -1000)
    found = values(hu, segment(hu, geometry), geometry)
    assert set(found) == {"Body volume", "Body width", "Body depth", "Body height"}


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
