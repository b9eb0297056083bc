"""Line integrals against geometry: chords, magnification, positions; never against another run of the same code."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from X2CTLib.drr import MU_WATER_PER_MM, attenuation, line_integrals, radiographs
from X2CTLib.errors import InputError
from X2CTLib.geometry import (
    ProjectionGeometry,
    View,
    VolumeGeometry,
    clinical_projection,
    paper_projection,
    parallel_projection,
)

PRESETS = [paper_projection, clinical_projection, parallel_projection]
TURN = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]]) @ np.array(
    [[1.0, 0.0, 0.0], [0.0, 0.995, -0.0998749], [0.0, 0.0998749, 0.995]]
)
ORIENTATIONS = {
    "axial": np.diag([2.0, 2.0, 2.0]),
    "flipped": np.diag([-2.0, -2.0, -2.0]),
    "sagittal": np.array([[0, 0, 2.0], [2.0, 0, 0], [0, 2.0, 0]]),
    "anisotropic": np.diag([1.5, 2.0, 3.0]),
    "oblique": TURN * 2.0,
    "oblique, left-handed": TURN @ np.diag([-1.5, 2.0, 2.5]),
    "half way between two axes": np.array([[1.5, 1.5, 0], [-1.5, 1.5, 0], [0, 0, 2.0]]),
    "gantry tilted": np.diag([2.0, 2.0, 2.5]) @ np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 1.0]]),
    "sheared and flipped": TURN @ np.array([[-2.0, 0.4, 0], [0, 2.0, -0.5], [0.3, 0, 2.5]]),
}
ANGLES = [(20.0, 0.0), (0.0, -25.0), (45.0, 0.0), (-135.0, 40.0), (0.0, 90.0)]


def a_geometry(orientation: str, size: int = 64) -> VolumeGeometry:
    """A volume of that orientation around the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = ORIENTATIONS[orientation]
    matrix[:3, 3] = -matrix[:3, :3] @ np.full(3, (size - 1) / 2)
    return VolumeGeometry((size,) * 3, matrix)


def positions(geometry: VolumeGeometry) -> np.ndarray:
    """LPS of every voxel, (k, j, i, 3)."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    return np.stack([i, j, k, np.ones_like(i)], axis=-1) @ geometry.ijk_to_lps[:3].T


def a_blob(geometry: VolumeGeometry, centre, sigma: float = 5.0) -> torch.Tensor:
    """A Gaussian of integral one around a point."""
    distance = ((positions(geometry) - centre) ** 2).sum(-1)
    values = np.exp(-distance / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** 1.5
    return torch.from_numpy(values.astype(np.float32))[None]


def centroid(image: torch.Tensor) -> np.ndarray:
    """(row, column) of the centre of mass."""
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in image.shape)
    image = image.double()
    return np.array([(image.sum(1) * rows).sum() / image.sum(), (image.sum(0) * columns).sum() / image.sum()])


@pytest.mark.parametrize("view", View)
def test_a_unit_impulse_integrates_to_one(view):
    volume = torch.zeros(1, 32, 32, 32)
    volume[0, 20, 12, 17] = 1
    projection = parallel_projection(view, pixels=48)
    image = line_integrals(volume, VolumeGeometry.cube(32), projection)
    assert image.sum().item() * projection.pixel_mm**2 / 10.0**3 == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("angles", ANGLES)
@pytest.mark.parametrize("orientation", ["axial", "anisotropic", "sheared and flipped"])
def test_a_unit_impulse_integrates_to_one_at_any_angle(orientation, angles):
    geometry = a_geometry(orientation, 33)
    volume = torch.zeros(1, 33, 33, 33)
    volume[0, 16, 16, 16] = 1
    projection = ProjectionGeometry(View.PA, 160, 160, 0.25, gantry_deg=angles[0], cranial_deg=angles[1])
    image = line_integrals(volume, geometry, projection)
    voxel = abs(np.linalg.det(geometry.ijk_to_lps[:3, :3]))
    assert image.sum().item() * projection.pixel_mm**2 / voxel == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize(("orientation", "view", "preset"), list(itertools.product(ORIENTATIONS, View, PRESETS)))
def test_a_marker_appears_where_geometry_puts_it(orientation, view, preset):
    marker = np.array([22.0, -14.0, 18.0])
    projection = preset(view)
    image = line_integrals(a_blob(a_geometry(orientation), marker), a_geometry(orientation), projection)[0]
    assert np.abs(centroid(image) - projection.project(marker)).max() < 0.5


@pytest.mark.parametrize(("orientation", "angles"), list(itertools.product(ORIENTATIONS, ANGLES)))
def test_markers_appear_where_geometry_puts_them_at_any_angle(orientation, angles):
    """Three of them, of different weights, so that a mirrored picture would show."""
    geometry = a_geometry(orientation)
    markers = np.array([[22.0, -14.0, 18.0], [-20.0, -5.0, 6.0], [4.0, 24.0, -20.0]])
    projection = dataclasses.replace(
        clinical_projection(View.PA), rows=100, gantry_deg=angles[0], cranial_deg=angles[1], isocentre_lps=(5, -3, 2)
    )
    volume = sum(weight * a_blob(geometry, marker, 4.0) for weight, marker in zip((1, 2, 3), markers, strict=True))
    image = line_integrals(volume, geometry, projection)[0]
    expected = np.average(projection.project(markers), axis=0, weights=(1, 2, 3))
    assert np.abs(centroid(image) - expected).max() < 0.5
    for marker in markers:
        row, column = np.round(projection.project(marker)).astype(int)
        around = image[row - 6 : row + 7, column - 6 : column + 7]
        assert image[row, column] > 0.9 * around.max()


@pytest.mark.parametrize("angles", ANGLES)
def test_turning_the_patient_is_turning_the_gantry_the_other_way(angles):
    """The general path beside the separable one, on a volume with edges."""
    geometry = VolumeGeometry.cube(32)
    volume = torch.rand(1, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    standard = dataclasses.replace(clinical_projection(View.PA, 96), sad_mm=1500.0)
    turned = dataclasses.replace(standard, gantry_deg=angles[0], cranial_deg=angles[1])
    rotation = np.eye(4)
    rotation[:3, :3] = turned.axes_lps.T @ standard.axes_lps
    moved = VolumeGeometry(geometry.shape, rotation @ geometry.ijk_to_lps)
    seen = line_integrals(volume, moved, turned)
    expected = line_integrals(volume, geometry, standard)
    assert (seen - expected).square().mean().sqrt() < 0.01 * expected.square().mean().sqrt()


@pytest.mark.parametrize("preset", [clinical_projection, parallel_projection])
@pytest.mark.parametrize("orientation", ["axial", "anisotropic", "gantry tilted"])
def test_both_ways_to_integrate_agree(orientation, preset):
    geometry = a_geometry(orientation)
    volume = a_blob(geometry, np.array([10.0, -6.0, 14.0]), 12.0)
    projection = dataclasses.replace(preset(View.LATERAL), rows=80, pixel_mm=3.3)
    image = line_integrals(volume, geometry, projection)
    # The smallest turn that makes the rays too many for the separable way.
    other = line_integrals(volume, geometry, dataclasses.replace(projection, gantry_deg=1e-4))
    assert (image - other).square().mean().sqrt() < 0.005 * image.square().mean().sqrt()


@pytest.mark.parametrize(("orientation", "view"), list(itertools.product(ORIENTATIONS, View)))
def test_what_a_ray_meets_does_not_depend_on_how_the_volume_lies(orientation, view):
    projection = clinical_projection(view)
    centre = np.array([10.0, 5.0, -8.0])
    image = line_integrals(a_blob(a_geometry(orientation), centre, 8), a_geometry(orientation), projection)[0]
    # A ray that passes the centre of a normalised Gaussian at a distance d: exp(-d^2 / 2 sigma^2) / (2 pi sigma^2).
    row, column = np.round(projection.project(centre)).astype(int)
    distance = np.linalg.norm(projection.project(centre) - [row, column]) * 2.5
    expected = np.exp(-(distance**2) / (2 * 64)) / (2 * np.pi * 64)
    assert image[row, column].item() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("orientation", "view"), list(itertools.product(["axial", "oblique"], View)))
def test_the_chord_of_a_sphere(orientation, view):
    geometry = a_geometry(orientation)
    distance = np.linalg.norm(positions(geometry), axis=-1)
    ball = torch.from_numpy(np.clip(0.5 + (40 - distance) / 2, 0, 1).astype(np.float32))[None]
    projection = ProjectionGeometry(view, 65, 65, 2.0)
    image = line_integrals(ball, geometry, projection)[0]
    assert image[32, 32].item() == pytest.approx(80, rel=0.01)
    assert image[32, 32 + 12].item() == pytest.approx(2 * np.sqrt(40**2 - 24**2), rel=0.02)
    assert image[32 + 25, 32].item() == pytest.approx(0, abs=0.1)


def test_the_chord_of_a_cube():
    volume = torch.zeros(1, 64, 64, 64)
    volume[:, 16:48, 16:48, 16:48] = 1
    for view in View:
        image = line_integrals(volume, a_geometry("axial"), ProjectionGeometry(view, 33, 33, 1.0))[0]
        assert torch.allclose(image, torch.tensor(64.0))


def test_slanted_rays_have_longer_chords():
    projection = ProjectionGeometry(View.PA, 65, 65, 4.0, sid_mm=500.0, sad_mm=400.0)
    slab = torch.zeros(1, 64, 64, 64)
    slab[:, :, 24:40, :] = 1
    image = line_integrals(slab, a_geometry("axial"), projection)[0]
    slant = np.hypot(500, 10 * 4.0) / 500
    assert image[32, 32].item() == pytest.approx(32, rel=1e-4)
    assert image[32, 42].item() == pytest.approx(32 * slant, rel=1e-4)


def test_each_ray_is_followed_on_its_own_axis():
    """A sheet of one voxel is crossed by all rays: on one axis for all, those that run more along another miss it."""
    projection = ProjectionGeometry(View.PA, 5, 65, 1.6, sid_mm=600.0, sad_mm=400.0, gantry_deg=45)
    geometry = a_geometry("axial")
    ends = projection.pixel_to_lps @ [*np.mgrid[:65, 2:3, :1].reshape(3, -1), np.ones(65)]
    ways = ends[:3].T - projection.source_lps
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    for axis in (0, 1):
        sheet = torch.zeros(1, 64, 64, 64)
        sheet.transpose(3 - axis, 3)[..., 31] = 1
        image = line_integrals(sheet, geometry, projection)[0, 2]
        along = np.abs(ways[:, axis]) > np.abs(ways[:, 1 - axis])
        assert 20 < along.sum() < 45
        assert np.allclose(image[along], 2 / np.abs(ways[along, axis]), rtol=1e-4)


@pytest.mark.parametrize("preset", [paper_projection, clinical_projection])
def test_things_at_the_isocentre_are_magnified_by_sid_over_sad(preset):
    projection = preset(View.PA)
    geometry = a_geometry("axial")
    left, right = (
        centroid(line_integrals(a_blob(geometry, np.array([x, 0, 0])), geometry, projection)[0]) for x in (-30.0, 30.0)
    )
    distance = (right[1] - left[1]) * projection.pixel_mm
    assert distance / 60 == pytest.approx(projection.sid_mm / projection.sad_mm, rel=1e-3)


def test_the_isocentre_is_seen_in_the_middle():
    centre = np.array([30.0, -20.0, 10.0])
    geometry = a_geometry("axial")
    for view in View:
        projection = dataclasses.replace(clinical_projection(view), isocentre_lps=tuple(centre))
        assert np.allclose(centroid(line_integrals(a_blob(geometry, centre), geometry, projection)[0]), 63.5, atol=0.05)


def test_a_wide_pixel_is_the_mean_of_the_narrow_ones_in_it():
    geometry = a_geometry("oblique")
    volume = torch.rand(1, 64, 64, 64, generator=torch.Generator().manual_seed(0))
    wide = ProjectionGeometry(View.PA, 16, 24, 6.0, sid_mm=1000.0, sad_mm=800.0)
    narrow = dataclasses.replace(wide, rows=64, columns=96, pixel_mm=1.5)
    means = torch.nn.functional.avg_pool2d(line_integrals(volume, geometry, narrow), 4)
    assert torch.allclose(line_integrals(volume, geometry, wide), means, rtol=0.01, atol=0.05)


@pytest.mark.parametrize("sad", [35.0, 85.0])
def test_a_source_inside_the_volume_is_refused(sad):
    projection = ProjectionGeometry(View.PA, 16, 16, 6.0, sid_mm=1000.0, sad_mm=sad, gantry_deg=45)
    with pytest.raises(InputError, match="above 89 mm"):
        line_integrals(torch.zeros(1, 64, 64, 64), a_geometry("axial"), projection)


@pytest.mark.parametrize("orientation", ["axial", "oblique"])
def test_a_batch_is_its_volumes(orientation):
    geometry = a_geometry(orientation, 24)
    volumes = torch.rand(2, 24, 24, 24, generator=torch.Generator().manual_seed(0))
    projection = clinical_projection(View.LATERAL, pixels=40)
    both = line_integrals(volumes, geometry, projection)
    assert torch.allclose(both[1:], line_integrals(volumes[1:], geometry, projection), rtol=1e-4)


@pytest.mark.parametrize("orientation", ["axial", "oblique"])
def test_the_gradient_is_the_back_projection(orientation):
    geometry = a_geometry(orientation, 16)
    projection = clinical_projection(View.PA, pixels=20)
    generator = torch.Generator().manual_seed(0)
    volume = torch.rand(1, 16, 16, 16, generator=generator, requires_grad=True)
    other = torch.rand(1, 20, 20, generator=generator)
    (line_integrals(volume, geometry, projection) * other).sum().backward()
    # Linear in the volume: <P v, o> = <v, P^T o>.
    projected = (line_integrals(volume, geometry, projection) * other).sum()
    assert (volume.grad * volume).sum().item() == pytest.approx(projected.item(), rel=1e-4)
    assert volume.grad.abs().sum() > 0


def test_water_and_air_attenuate_as_they_should():
    assert attenuation(torch.tensor([0.0, -1000.0, -1024.0])).tolist() == pytest.approx(
        [MU_WATER_PER_MM, 0, 0], abs=1e-8
    )
    water = torch.zeros(1, 64, 64, 64)
    image = radiographs(water, a_geometry("axial"), ProjectionGeometry(View.PA, 9, 9, 1.0))
    assert image[0, 4, 4].item() == pytest.approx(128 * MU_WATER_PER_MM, rel=1e-4)
