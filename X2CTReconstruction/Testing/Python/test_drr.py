"""Line integrals against geometry: chords, magnification, positions; never against another run of the same code."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from X2CTLib.drr import MU_WATER_PER_MM, attenuation, line_integrals, radiographs
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
}


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


@pytest.mark.parametrize(("orientation", "view", "preset"), list(itertools.product(ORIENTATIONS, View, PRESETS)))
def test_a_marker_appears_where_geometry_puts_it(orientation, view, preset):
    marker = np.array([22.0, -14.0, 18.0])
    projection = preset(view)
    image = line_integrals(a_blob(a_geometry(orientation), marker), a_geometry(orientation), projection)[0]
    assert np.abs(centroid(image) - projection.project(marker)).max() < 0.5


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
