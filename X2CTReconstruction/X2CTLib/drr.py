"""Digitally reconstructed radiographs: line integrals of a volume along the rays of a projection geometry.

Joseph's method, in torch: a ray is followed from slice to slice of the volume axis that runs most along the beam, the
slice is sampled bilinearly where the ray crosses it, and the crossing weighs the way to the next slice. Where the
detector is parallel to the slices, the sampling of a slice is a scaling along each of its two axes, so it becomes two
small matrix products, and a pixel's value is the exact mean over its area. Everything is differentiable in the volume.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry

MU_WATER_PER_MM = 0.0193
"""Linear attenuation of water at 70 keV, about the mean energy of a 120 kVp chest beam (NIST XCOM)."""

_SLICES_AT_ONCE = 16


def attenuation(hu: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Linear attenuation per mm of Hounsfield units; nothing attenuates less than vacuum."""
    return (hu.float() * (MU_WATER_PER_MM / 1000) + MU_WATER_PER_MM).clamp_min(0)


def radiographs(
    hu: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry
) -> Float[Tensor, "b r c"]:
    """Radiographs of CTs before any display processing: the attenuation that each ray meets (bright is dense)."""
    return line_integrals(attenuation(hu), geometry, projection)


def line_integrals(
    volume: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry
) -> Float[Tensor, "b r c"]:
    """Integrate volumes along the rays of a projection.

    Args:
        volume: Values at the voxels of `geometry`; outside there is nothing.
        geometry: Where the voxels lie, in any orientation and spacing.
        projection: Source and detector.

    Returns:
        Value times millimetres for each pixel, rows and columns as the view displays them.
    """
    to_ijk = np.linalg.inv(geometry.ijk_to_lps)
    axis = int(np.abs(to_ijk[:3, :3] @ projection.beam_lps * geometry.spacing).argmax())
    # The order in which `volume` and indices are looked at: along the beam, then the two axes of a slice.
    order = [axis, *(other for other in (2, 1, 0) if other != axis)]
    slices = volume.permute(0, *(3 - other for other in order)).float()
    pixels = to_ijk @ projection.pixel_to_lps
    source = None if projection.parallel else (to_ijk @ [*projection.source_lps, 1.0])[order[:3]]
    rays = _Rays(pixels[order], source, pixels[:3, 2][order], (projection.rows, projection.columns))
    integrate = _integrate_separable if rays.separable else _integrate_general
    crossings = integrate(slices, rays)
    return crossings * _step_lengths(rays, geometry, order).to(volume.device)


class _Rays:
    """The rays of a projection in voxel indices, ordered (along the beam, slice row, slice column)."""

    def __init__(self, pixels, source, towards_source, size) -> None:
        self.pixels, self.source, self.towards_source, self.size = pixels, source, towards_source, size
        moving = np.abs(pixels[:, :2]) > 1e-9 * np.abs(pixels[:, :2]).max()
        # Slices parallel to the detector, and each slice axis along one detector axis.
        self.separable = (
            not moving[0].any() and (moving[1:].sum(axis=0) == 1).all() and (moving[1:].sum(axis=1) == 1).all()
        )
        self.swapped = bool(moving[1, 0])

    def scale(self, slices: np.ndarray) -> np.ndarray:
        """How far along the ray from the source to the detector each slice is; 1 at the detector."""
        return (slices - self.source[0]) / (self.pixels[0, 3] - self.source[0])

    def directions(self) -> np.ndarray:
        """Each ray's direction in indices (3, r, c); its length goes once from source to detector."""
        rows, columns = (np.arange(n, dtype=float) for n in self.size)
        if self.source is None:
            return np.broadcast_to(self.towards_source[:, None, None], (3, *self.size))
        ends = self.pixels[:, 3, None, None] + (
            self.pixels[:, 0, None, None] * columns + self.pixels[:, 1, None, None] * rows[:, None]
        )
        return ends - self.source[:, None, None]


def _step_lengths(rays: _Rays, geometry: VolumeGeometry, order: list[int]) -> Float[Tensor, "r c"]:
    """Millimetres of each ray between two neighbouring slices."""
    directions = rays.directions()
    columns = geometry.ijk_to_lps[:3, :3][:, order]
    lengths = np.linalg.norm(np.einsum("xa,arc->xrc", columns, directions), axis=0)
    return torch.from_numpy((lengths / np.abs(directions[0])).astype(np.float32))


def _integrate_separable(slices: Float[Tensor, "b s v u"], rays: _Rays) -> Float[Tensor, "b r c"]:
    """Sum over slices of two matrix products."""
    batch, depth, height, width = slices.shape
    weights = []
    for index, count in ((1, height), (2, width)):
        # The detector axis that runs along this axis of the slices: 0 columns, 1 rows.
        detector = int(abs(rays.pixels[index, 0]) < abs(rays.pixels[index, 1]))
        positions = rays.pixels[index, 3] + rays.pixels[index, detector] * np.arange(rays.size[1 - detector])
        step = np.full(depth, abs(rays.pixels[index, detector]))
        positions = np.tile(positions, (depth, 1))
        if rays.source is not None:
            scale = rays.scale(np.arange(depth, dtype=float))
            positions = rays.source[index] + scale[:, None] * (positions - rays.source[index])
            step = step * scale
        weights.append(_area_weights(positions, step, count, slices.device))
    along_height, along_width = weights
    # (b s v u) -> (b s h u) -> (b, h, s u) x (s u, w)
    half = (along_height @ slices).transpose(1, 2).reshape(batch, along_height.shape[1], depth * width)
    image = half @ along_width.transpose(1, 2).reshape(depth * width, -1)
    return image.transpose(1, 2) if rays.swapped else image


def _area_weights(positions: np.ndarray, step: np.ndarray, count: int, device) -> Float[Tensor, "s n count"]:
    """Weights of `count` samples in the mean of their linear interpolation over pixels of width `step`."""
    offset = torch.as_tensor(positions, dtype=torch.float32, device=device)[..., None] - torch.arange(
        count, dtype=torch.float32, device=device
    )
    width = torch.as_tensor(step, dtype=torch.float32, device=device)[:, None, None]
    return (_hat_integral(offset + width / 2) - _hat_integral(offset - width / 2)) / width


def _hat_integral(x: Tensor) -> Tensor:
    """The integral of the linear interpolation kernel up to x, less a half."""
    x = x.clamp(-1, 1)
    return x - x * x.abs() / 2


def _integrate_general(slices: Float[Tensor, "b s v u"], rays: _Rays) -> Float[Tensor, "b r c"]:
    """Sum over slices sampled bilinearly at the points where the rays cross them."""
    batch, depth, height, width = slices.shape
    # Zeros around a slice, so that it fades out over one voxel as in the separable case.
    size = torch.tensor([width + 2, height + 2], dtype=torch.float32)
    directions = torch.from_numpy(np.ascontiguousarray(rays.directions()))
    start = _points_on_rays(rays)
    image = slices.new_zeros(batch, *rays.size)
    for first in range(0, depth, _SLICES_AT_ONCE):
        part = slices[:, first : first + _SLICES_AT_ONCE]
        level = torch.arange(first, first + part.shape[1], dtype=torch.float64)[:, None, None]
        way = (level - start[0]) / directions[0]
        point = torch.stack([start[2] + way * directions[2], start[1] + way * directions[1]], dim=-1).float()
        grid = ((point + 1) * 2 + 1) / size - 1
        padded = F.pad(part, (1, 1, 1, 1)).transpose(0, 1)
        sampled = F.grid_sample(padded, grid.to(slices.device), padding_mode="zeros", align_corners=False)
        image = image + sampled.sum(dim=0)
    return image


def _points_on_rays(rays: _Rays) -> Float[Tensor, "3 r c"]:
    """A point of each ray in indices: the source, or the pixel's centre for parallel rays."""
    if rays.source is not None:
        return torch.from_numpy(rays.source)[:, None, None]
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in rays.size)
    pixels = torch.from_numpy(rays.pixels)
    return pixels[:, 3, None, None] + pixels[:, 0, None, None] * columns + pixels[:, 1, None, None] * rows[:, None]
