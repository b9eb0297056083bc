"""From one grid to another, without aliasing."""

import numpy as np
import SimpleITK as sitk

from X2CTLib.geometry import VolumeGeometry


def antialias(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Remove what a grid of `spacing_mm` cannot show; an axis that is as coarse already stays as it is."""
    # Averaging blocks of little more than half a new voxel is harmless and makes the Gaussian cheap.
    image = sitk.BinShrink(image, [max(1, int(0.6 * spacing_mm / spacing)) for spacing in image.GetSpacing()])
    for axis, spacing in enumerate(image.GetSpacing()):
        if spacing < 0.95 * spacing_mm:
            # A full width at half maximum of the new voxel, less what the old voxel has averaged.
            image = sitk.RecursiveGaussian(image, np.sqrt(spacing_mm**2 - spacing**2) / 2.355, direction=axis)
    return image


def resample(
    image: sitk.Image, geometry: VolumeGeometry, outside: float, interpolator: int = sitk.sitkLinear
) -> sitk.Image:
    """The image on another grid, `outside` where it does not reach."""
    spacing = geometry.spacing
    return sitk.Resample(
        image,
        [int(n) for n in reversed(geometry.shape)],
        sitk.Transform(3, sitk.sitkIdentity),
        interpolator,
        geometry.ijk_to_lps[:3, 3].tolist(),
        spacing.tolist(),
        (geometry.ijk_to_lps[:3, :3] / spacing).ravel().tolist(),
        outside,
    )


def lps_grid(geometry: VolumeGeometry, spacing_mm: float) -> VolumeGeometry:
    """A grid along the patient's axes that holds the whole of a volume; of such a grid, the grid itself."""
    corners = geometry.corners_lps
    low, high = corners.min(axis=0), corners.max(axis=0)
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = low
    size = np.ceil((high - low) / spacing_mm - 1e-6).astype(int) + 1
    return VolumeGeometry(tuple(size[::-1].tolist()), matrix)
