"""Digitally reconstructed radiographs: line integrals of a volume along the rays of a projection geometry.

Joseph's method (1982), in torch: a ray is followed from slice to slice of the volume axis along which it crosses most
of them, the slice is sampled bilinearly where the ray crosses it, and the crossing weighs the way to the next slice.
A pixel's value is the mean over its area. Everything is differentiable in the volume.

Where the detector is parallel to the slices, the sampling of a slice is a scaling along each of its two axes, so it
becomes two small matrix products, of a band of pixels with the few voxels behind it, and the mean over the area is
exact. Elsewhere each ray is followed on its own axis, and pixels wider than a voxel are sampled by several rays.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Real
from torch import Tensor

from X2CTLib.errors import InputError
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry

MU_WATER_PER_MM = 0.0193
"""Linear attenuation of water at 70 keV, about the mean energy of a 120 kVp chest beam (NIST XCOM)."""

_POINTS_AT_ONCE, _WEIGHTS_AT_ONCE = 1 << 22, 1 << 19
_BAND = 32
"""Pixels along an axis of the detector whose weights of voxels are one matrix."""


def attenuation(hu: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Linear attenuation per mm of Hounsfield units; nothing attenuates less than vacuum."""
    return (hu.float() * (MU_WATER_PER_MM / 1000) + MU_WATER_PER_MM).clamp_min(0)


def radiographs(
    hu: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry
) -> Float[Tensor, "b r c"]:
    """Radiographs of CTs before any display processing: the attenuation that each ray meets (bright is dense)."""
    return line_integrals(attenuation(hu), geometry, projection)


def project_views(
    hu: Real[np.ndarray, "k j i"], geometry: VolumeGeometry, projections: Mapping[View, ProjectionGeometry]
) -> dict[View, Float[np.ndarray, "r c"]]:
    """The same of one CT in several views."""
    volume = torch.from_numpy(np.asarray(hu, dtype=np.float32))[None]
    return {view: radiographs(volume, geometry, projection)[0].numpy() for view, projection in projections.items()}


def line_integrals(
    volume: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry
) -> Float[Tensor, "b r c"]:
    """Integrate volumes along the rays of a projection.

    Args:
        volume: Values at the voxels of `geometry`; outside there is nothing.
        geometry: Where the voxels lie, by any invertible affine matrix: oblique, flipped, anisotropic, sheared.
        projection: Source and detector. What lies behind the detector counts as if it stood farther back.

    Returns:
        Value times millimetres for each pixel, rows and columns as the view displays them.

    Raises:
        InputError: The source is inside the volume or beside it.
    """
    _check_source(geometry, projection)
    rays = _Rays(geometry, projection)
    axis = rays.separable_axis()
    return _integrate_general(volume, rays) if axis is None else _integrate_separable(volume, rays, axis)


def _check_source(geometry: VolumeGeometry, projection: ProjectionGeometry) -> None:
    """Raise InputError unless the whole volume is in front of the source."""
    if projection.parallel:
        return
    nearest = float((geometry.corners_lps @ projection.beam_lps).min() - projection.source_lps @ projection.beam_lps)
    if nearest <= 0:
        raise InputError(
            f"The X-ray source, {projection.sad_mm:g} mm before the isocentre, does not lie outside of the volume. "
            f"Move it away: the source-to-isocentre distance must be above {projection.sad_mm - nearest:.0f} mm here."
        )


class _Rays:
    """The rays of a projection in voxel indices (i, j, k).

    Attributes:
        pixels: 4x4 matrix from (column, row, mm towards the source) to indices.
        source: The source's indices; None for parallel rays.
        size: Rows and columns of the detector.
        subdivision: Rays along an edge of a pixel that sample it as finely as the voxels lie.
    """

    def __init__(self, geometry: VolumeGeometry, projection: ProjectionGeometry) -> None:
        to_ijk = np.linalg.inv(geometry.ijk_to_lps)
        self.pixels = to_ijk @ projection.pixel_to_lps
        self.source = None if projection.parallel else (to_ijk @ [*projection.source_lps, 1.0])[:3]
        self.size = projection.rows, projection.columns
        self.subdivision = math.ceil(projection.pixel_mm / projection.magnification / geometry.spacing.min() - 0.01)
        self._to_mm = geometry.ijk_to_lps[:3, :3]

    def ends(self, subdivision: int = 1) -> Float[np.ndarray, "3 r c"]:
        """The indices at which rays meet the detector, `subdivision` of them along an edge of each pixel."""
        rows, columns = ((np.arange(n * subdivision) + 0.5) / subdivision - 0.5 for n in self.size)
        right, down, _, first = self.pixels[:3].T[:, :, None, None]
        return first + right * columns + down * rows[:, None]

    def directions(self, ends: Float[np.ndarray, "3 r c"]) -> Float[np.ndarray, "3 r c"]:
        """Each ray's direction, from the source to its end."""
        if self.source is None:
            return np.broadcast_to(-self.pixels[:3, 2, None, None], ends.shape)
        return ends - self.source[:, None, None]

    def steps_mm(self, directions: Float[np.ndarray, "3 ..."], axis: int) -> Float[np.ndarray, "..."]:
        """Millimetres of each ray between two neighbouring slices of an axis."""
        lengths = np.linalg.norm(np.tensordot(self._to_mm, directions, 1), axis=0)
        return lengths / np.abs(directions[axis])

    def separable_axis(self) -> int | None:
        """The axis whose slices are parallel to the detector, their two axes being the detector's; None if none is."""
        moving = np.abs(self.pixels[:3, :2]) > 1e-9 * np.abs(self.pixels[:3, :2]).max()
        if sorted(moving.sum(axis=1)) != [0, 1, 1] or (moving.sum(axis=0) != 1).any():
            return None
        axis = int(moving.sum(axis=1).argmin())
        steepest = np.abs(self.directions(self.ends())).argmax(axis=0)
        return axis if (steepest == axis).all() else None


def _integrate_separable(volume: Float[Tensor, "b k j i"], rays: _Rays, axis: int) -> Float[Tensor, "b r c"]:
    """Sum over the slices of an axis of two matrix products."""
    down, across = (other for other in (2, 1, 0) if other != axis)
    slices = volume.permute(0, 3 - axis, 3 - down, 3 - across).float()
    height, width = slices.shape[2:]
    image = 0.0
    # A few slices at a time, whose weights stay in the processor's cache.
    at_once = max(1, _WEIGHTS_AT_ONCE // (_BAND * max(height, width)))
    for first, part in _parts(slices, at_once):
        levels = np.arange(first, first + part.shape[1])[:, None]
        along_height = _pixel_weights(rays, axis, down, levels, height, volume.device)
        along_width = list(_pixel_weights(rays, axis, across, levels, width, volume.device))
        bands = []
        for voxels, weights in along_height:
            # (b s v u) -> (b s h u) -> (b h s u) -> (b, h, s u) x (s u, w)
            half = (weights @ part[:, :, voxels]).transpose(1, 2)
            fields = [half[..., voxels].flatten(2) @ weights.mT.flatten(0, 1) for voxels, weights in along_width]
            bands.append(torch.cat(fields, dim=2))
        image = image + torch.cat(bands, dim=1)
    swapped = abs(rays.pixels[down, 0]) > abs(rays.pixels[down, 1])
    image = image.transpose(1, 2) if swapped else image
    steps = rays.steps_mm(rays.directions(rays.ends()), axis)
    return image * torch.from_numpy(steps.astype(np.float32)).to(volume.device)


def _parts(slices: Float[Tensor, "b s v u"], at_once: int) -> Iterator[tuple[int, Float[Tensor, "b some v u"]]]:
    """The slices in groups, each with the number of its first."""
    return zip(range(0, slices.shape[1], at_once), slices.split(at_once, dim=1), strict=True)


def _pixel_weights(
    rays: _Rays, axis: int, other: int, levels: Float[np.ndarray, "s 1"], count: int, device
) -> Iterator[tuple[slice, Float[Tensor, "s band some"]]]:
    """Weights of the voxels along an axis of the slices in each pixel along that axis of the detector.

    They are given for a band of pixels at a time, with which of the `count` voxels lie behind it.
    """
    # The detector axis that runs along this axis of the slices: 0 columns, 1 rows.
    detector = int(abs(rays.pixels[other, 0]) < abs(rays.pixels[other, 1]))
    pixels = rays.pixels[other, 3] + rays.pixels[other, detector] * np.arange(rays.size[1 - detector])
    wall = rays.pixels[axis, 3]
    if rays.source is None:
        scale = np.ones(levels.shape)
        positions = pixels + (levels - wall) / rays.pixels[axis, 2] * rays.pixels[other, 2]
    else:
        # How far along the ray from the source to the detector each slice is; 1 at the detector.
        scale = (levels - rays.source[axis]) / (wall - rays.source[axis])
        positions = rays.source[other] + scale * (pixels - rays.source[other])
    step = rays.pixels[other, detector] * scale
    reach = np.abs(step).max() / 2 + 1
    for begin in range(0, positions.shape[1], _BAND):
        band = positions[:, begin : begin + _BAND]
        low, high = np.clip([np.floor(band.min() - reach), np.ceil(band.max() + reach) + 1], 0, count).astype(int)
        samples = torch.arange(low, high, dtype=torch.float32, device=device)
        yield slice(low, high), _area_weights(band, step, samples)


def _area_weights(
    positions: Float[np.ndarray, "s n"], step: Float[np.ndarray, "s 1"], samples: Float[Tensor, " some"]
) -> Float[Tensor, "s n some"]:
    """Weights of samples in the mean of their linear interpolation over pixels, which lie a step apart."""
    device = samples.device
    edges = np.concatenate([positions - step / 2, positions[:, -1:] + step / 2], axis=1)
    offset = torch.as_tensor(edges, dtype=torch.float32, device=device)[..., None] - samples
    return _hat_integral(offset).diff(dim=1) / torch.as_tensor(step, dtype=torch.float32, device=device)[..., None]


def _hat_integral(x: Tensor) -> Tensor:
    """The integral of the linear interpolation kernel up to x, less a half."""
    x = x.clamp(-1, 1)
    return x - x * x.abs() / 2


def _integrate_general(volume: Float[Tensor, "b k j i"], rays: _Rays) -> Float[Tensor, "b r c"]:
    """Follow each ray along the axis on which it crosses most slices, so that it passes no voxel by."""
    ends = rays.ends(rays.subdivision)
    directions = rays.directions(ends).reshape(3, -1)
    starts = ends.reshape(3, -1)
    steepest = np.abs(directions).argmax(axis=0)
    image = volume.new_zeros(len(volume), starts.shape[1], dtype=torch.float32)
    for axis in range(3):
        (chosen,) = np.nonzero(steepest == axis)
        if len(chosen):
            steps = rays.steps_mm(directions[:, chosen], axis).astype(np.float32)
            sums = _sum_of_crossings(volume, starts[:, chosen], directions[:, chosen], axis)
            index = torch.from_numpy(chosen).to(volume.device)
            image = image.index_copy(1, index, sums * torch.from_numpy(steps).to(volume.device))
    return F.avg_pool2d(image.reshape(-1, *ends.shape[1:]), rays.subdivision)


def _sum_of_crossings(
    volume: Float[Tensor, "b k j i"], starts: Float[np.ndarray, "3 n"], directions: Float[np.ndarray, "3 n"], axis: int
) -> Float[Tensor, "b n"]:
    """Sum over the slices of an axis, sampled bilinearly at the points where the rays cross them."""
    down, across = (other for other in (2, 1, 0) if other != axis)
    slices = volume.permute(0, 3 - axis, 3 - down, 3 - across).float()
    height, width = slices.shape[2:]
    # Zeros around a slice, so that it fades out over one voxel as in the separable case.
    size = torch.tensor([width + 2, height + 2], dtype=torch.float32)
    slopes = torch.from_numpy(directions[[across, down]] / directions[axis])
    offsets = torch.from_numpy(starts[[across, down]]) - slopes * torch.from_numpy(starts[axis])
    sums = slices.new_zeros(len(slices), starts.shape[1])
    at_once = max(1, _POINTS_AT_ONCE // starts.shape[1])
    for first, part in _parts(slices, at_once):
        levels = torch.arange(first, first + part.shape[1], dtype=torch.float64)[:, None, None]
        points = (offsets + levels * slopes).float().movedim(1, 2)
        grid = ((points + 1) * 2 + 1) / size - 1
        padded = F.pad(part, (1, 1, 1, 1)).transpose(0, 1)
        sampled = F.grid_sample(padded, grid[:, :, None].to(slices.device), padding_mode="zeros", align_corners=False)
        sums = sums + sampled.sum(dim=(0, 3))
    return sums
