"""DRRs while somebody drags a slider: of a volume that was made coarse beforehand, on few pixels."""

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float

from X2CTLib.ct import EMPTY_HU, body_mask
from X2CTLib.exposure import LINE_INTEGRALS, MOST_PHOTONS, Exposure, expose
from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry
from X2CTLib.intensity import normalise

PIXELS = 96
"""Along the longer edge of the detector, while somebody drags."""
_SPACING_MM = 4.0


def without_table(hu: Float[np.ndarray, "k j i"], geometry: VolumeGeometry) -> Float[np.ndarray, "k j i"]:
    """Hounsfield units with nothing but the body.

    Raises:
        InputError: There is no body.
    """
    return np.where(body_mask(hu, geometry), hu, np.float32(EMPTY_HU))


class QuickDrr:
    """Projects one volume again and again.

    Args:
        hu: Hounsfield units.
        geometry: Where they lie; any affine matrix.
        body_only: Whether the table is left out.

    Raises:
        InputError: There is no body.
    """

    def __init__(self, hu: Float[np.ndarray, "k j i"], geometry: VolumeGeometry, body_only: bool = False) -> None:
        self.geometry = coarse_geometry(geometry)
        factors = _factors(geometry)[::-1]
        coarse = F.avg_pool3d(torch.from_numpy(np.ascontiguousarray(hu, np.float32))[None, None], factors)[0, 0].numpy()
        self.hu = torch.from_numpy(without_table(coarse, self.geometry) if body_only else coarse)

    def image(
        self, projection: ProjectionGeometry, exposure: Exposure = LINE_INTEGRALS, pixels: int = PIXELS
    ) -> Float[np.ndarray, "r c"]:
        """The radiograph in [0, 1].

        Args:
            projection: How it is to be taken.
            exposure: The same.
            pixels: Along the longer edge of the detector, instead of the projection's.

        Raises:
            InputError: The source is inside the volume or beside it.
        """
        factor = max(projection.rows, projection.columns) / pixels
        rows, columns = (max(1, round(n / factor)) for n in (projection.rows, projection.columns))
        coarse = replace(projection, rows=rows, columns=columns, pixel_mm=projection.pixel_mm * factor)
        if exposure.photons:
            # A larger pixel is met by more of them.
            exposure = replace(exposure, photons=min(exposure.photons * factor**2, MOST_PHOTONS))
        return normalise(expose(self.hu[None], self.geometry, coarse, exposure)[0]).numpy()


def coarse_geometry(geometry: VolumeGeometry) -> VolumeGeometry:
    """Where the means of blocks of voxels lie."""
    factors = np.array(_factors(geometry))
    matrix = geometry.ijk_to_lps.copy()
    matrix[:3, 3] += matrix[:3, :3] @ ((factors - 1) / 2)
    matrix[:3, :3] *= factors
    return VolumeGeometry(tuple(n // f for n, f in zip(geometry.shape, factors[::-1], strict=True)), matrix)


def _factors(geometry: VolumeGeometry) -> tuple[int, int, int]:
    """Voxels along i, j and k that become one."""
    sizes = zip(geometry.spacing, reversed(geometry.shape), strict=True)
    return tuple(min(max(1, math.ceil(_SPACING_MM / mm - 0.01)), count) for mm, count in sizes)
