"""Variety: every sample is another body, taken at another distance, on another film.

All randomness comes from the generator that is handed in, so a sample can be repeated on any device.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from X2CTLib.drr import radiographs
from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry
from X2CTLib.intensity import normalise
from X2CTTrainingLib.experiment import NotNegative, Settings, Share

AIR = -1024.0


class Augmentation(Settings):
    """How much samples vary.

    Attributes:
        strength: Factor of all that follows; at 0, as in the paper, the cases stay as they are.
        turn_deg: Largest rotation of the body around its long axis; about the other two it is a half of it.
        scale: Largest relative change of size, along each axis for itself.
        crop: Largest part of the cube's edge that is cut off; the rest is enlarged to the whole.
        shift: Largest shift of the body, in parts of the cube's edge.
        bend: Largest standard deviation of the elastic deformation, in parts of the cube's edge.
        angle_deg: Largest error of the gantry's two angles, of each view for itself.
        sid_mm: Largest change of the distance from source to detector.
        gap_mm: Largest change of the distance from isocentre to detector.
        zoom: Standard deviation of the relative change of the pixels' size.
        offset_mm: Standard deviation of the isocentre's shift along each axis, of each view for itself.
        sharpen: Largest weight of an unsharp mask.
        blur: Largest standard deviation of the detector's blur, in pixels.
        gamma: Standard deviation of the logarithm of the contrast curve's exponent.
        saturation: Largest slope of the sigmoid that burns out the brightest and the darkest.
        noise: Largest standard deviation of the noise, the image being in [0, 1].
    """

    strength: NotNegative = 0.0
    turn_deg: NotNegative = 8.0
    scale: Share = 0.13
    crop: Share = 0.07
    shift: Share = 0.03
    bend: Share = 0.025
    angle_deg: NotNegative = 2.0
    sid_mm: NotNegative = 250.0
    gap_mm: NotNegative = 50.0
    zoom: Share = 0.025
    offset_mm: NotNegative = 4.0
    sharpen: NotNegative = 0.9
    blur: NotNegative = 0.9
    gamma: NotNegative = 0.3
    saturation: NotNegative = 4.0
    noise: NotNegative = 0.03

    @property
    def amounts(self):
        """The same at strength 1."""
        amounts = {name: value * self.strength for name, value in msgspec.structs.asdict(self).items()}
        return Augmentation(**{**amounts, "strength": 1.0})


def sample(
    hu: Float[Tensor, "k j i"],
    projections: Sequence[ProjectionGeometry],
    augmentation: Augmentation,
    rng: torch.Generator,
) -> tuple[Float[Tensor, "view r c"], Float[Tensor, "k j i"]]:
    """One training pair: the views of a deformed body, and that body in HU, on the device of `hu`.

    Args:
        hu: A standard cube.
        projections: The standard geometry of each view.
        augmentation: How much to vary.
        rng: A generator of the CPU.
    """
    body = deform(hu.float(), augmentation, rng)
    geometry = VolumeGeometry.cube(body.shape[0])
    images = []
    for projection in projections:
        integrals = radiographs(body[None], geometry, jittered(projection, augmentation, rng))[0]
        images.append(develop(integrals, augmentation, rng))
    return torch.stack(images), body


def deform(hu: Float[Tensor, "k j i"], augmentation: Augmentation, rng: torch.Generator) -> Float[Tensor, "k j i"]:
    """A body that is turned, scaled, cropped, shifted and bent."""
    grid = deformation(hu.shape, augmentation, rng).to(hu.device)
    return F.grid_sample((hu - AIR)[None, None], grid, align_corners=False)[0, 0] + AIR


def deformation(
    shape: tuple[int, int, int], augmentation: Augmentation, rng: torch.Generator
) -> Float[Tensor, "1 k j i lps"]:
    """Where the voxels of a deformed body come from, as `grid_sample` wants it.

    It turns, scales, crops, shifts and bends; it never mirrors, for the heart is on the left.
    """
    a = augmentation.amounts
    angles = [math.radians(_around(0, limit, rng)) for limit in (a.turn_deg, a.turn_deg / 2, a.turn_deg / 2)]
    crop = 1 + uniform(rng, 0, a.crop / (1 - a.crop))
    scales = torch.tensor([_around(1, a.scale, rng) for _ in range(3)]) * crop
    # The axes of grids are left, posterior, superior.
    rotation = torch.eye(3)
    for axes, angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        turn = torch.eye(3)
        turn[axes[0], axes[0]] = turn[axes[1], axes[1]] = math.cos(angle)
        turn[axes[0], axes[1]], turn[axes[1], axes[0]] = -math.sin(angle), math.sin(angle)
        rotation = rotation @ turn
    # Grids span [-1, 1].
    shift = 2 * torch.tensor([_around(0, a.shift, rng) for _ in range(3)])
    theta = torch.cat([rotation / scales, shift[:, None]], dim=1)
    grid = F.affine_grid(theta[None], [1, 1, *shape], align_corners=False)
    bends = 2 * uniform(rng, 0, a.bend) * torch.randn(1, 3, 6, 6, 6, generator=rng)
    bends = F.interpolate(bends, size=tuple(shape), mode="trilinear", align_corners=False)
    return grid + bends.permute(0, 2, 3, 4, 1)


def jittered(projection: ProjectionGeometry, augmentation: Augmentation, rng: torch.Generator) -> ProjectionGeometry:
    """A standard projection, as it varies between rooms, patients and framings."""
    a = augmentation.amounts
    zoom = 1 + a.zoom * torch.randn((), generator=rng).item()
    offset = a.offset_mm * torch.randn(3, generator=rng).double().numpy()
    moved = replace(
        projection,
        pixel_mm=projection.pixel_mm * zoom,
        isocentre_lps=tuple((projection.isocentre_lps + offset).tolist()),
        gantry_deg=_around(projection.gantry_deg, a.angle_deg, rng),
        cranial_deg=_around(projection.cranial_deg, a.angle_deg, rng),
    )
    if projection.parallel:
        return moved
    sid = _around(projection.sid_mm, a.sid_mm, rng)
    sad = sid - _around(projection.sid_mm - projection.sad_mm, a.gap_mm, rng)
    # The same field of view at the isocentre.
    return replace(moved, sid_mm=sid, sad_mm=sad, pixel_mm=moved.pixel_mm * sid / sad / projection.magnification)


def develop(image: Float[Tensor, "r c"], augmentation: Augmentation, rng: torch.Generator) -> Float[Tensor, "r c"]:
    """Line integrals to a display image, by a film, a detector and a taste of its own each time."""
    a = augmentation.amounts
    image = normalise(image)
    if a.sharpen and uniform(rng, 0, 1) < 0.5:
        smooth = _blurred(image, uniform(rng, 4, 10))
        image = image + uniform(rng, -0.2, 1) * a.sharpen * (image - smooth)
    if a.blur:
        image = _blurred(image, uniform(rng, 0.05, 1) * a.blur)
    image = normalise(image) ** math.exp(a.gamma * torch.randn((), generator=rng).item())
    if a.saturation:
        slope = uniform(rng, 0.01, a.saturation)
        image = normalise(torch.sigmoid(slope * (image - uniform(rng, 0.3, 0.7))))
    noise = torch.randn(image.shape, generator=rng).to(image.device)
    return normalise(image + uniform(rng, 0, a.noise) * noise)


def uniform(rng: torch.Generator, low: float, high: float) -> float:
    """One number between two."""
    return low + (high - low) * torch.rand((), generator=rng).item()


def _around(middle: float, reach: float, rng: torch.Generator) -> float:
    return uniform(rng, middle - reach, middle + reach)


def _blurred(image: Float[Tensor, "r c"], sigma: float) -> Float[Tensor, "r c"]:
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1.0, device=image.device) / sigma).square())
    kernel = kernel / kernel.sum()
    padded = F.pad(image[None, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])[0, 0]
