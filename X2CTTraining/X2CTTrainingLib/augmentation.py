"""Variety: every step sees another body, taken at another distance, on another film.

All randomness comes from the generator that is handed in, so a step can be repeated.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from X2CTLib.drr import radiographs
from X2CTLib.geometry import CUBE_MM, ProjectionGeometry, View, VolumeGeometry, clinical_projection
from X2CTLib.intensity import normalise

AIR = -1024.0


def uniform(rng: torch.Generator, low: float, high: float) -> float:
    """One number between two."""
    return low + (high - low) * torch.rand((), generator=rng).item()


def deform(hu: Float[Tensor, "k j i"], rng: torch.Generator) -> Float[Tensor, "k j i"]:
    """Turn, scale, shift and bend a body; never mirrored, for the heart is on the left."""
    angles = [math.radians(uniform(rng, -limit, limit)) for limit in (8, 5, 5)]
    scales = torch.tensor([uniform(rng, 0.88, 1.14) for _ in range(3)]) * uniform(rng, 0.93, 1.07)
    rotation = torch.eye(3)
    for axes, angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        turn = torch.eye(3)
        turn[axes[0], axes[0]] = turn[axes[1], axes[1]] = math.cos(angle)
        turn[axes[0], axes[1]], turn[axes[1], axes[0]] = -math.sin(angle), math.sin(angle)
        rotation = rotation @ turn
    shift = torch.tensor([uniform(rng, -0.06, 0.06) for _ in range(3)])
    theta = torch.cat([rotation / scales, shift[:, None]], dim=1)
    grid = F.affine_grid(theta[None], [1, 1, *hu.shape], align_corners=False)
    bends = torch.randn(1, 3, 6, 6, 6, generator=rng) * uniform(rng, 0, 0.05)
    bends = F.interpolate(bends, size=hu.shape, mode="trilinear", align_corners=False)
    moved = F.grid_sample((hu - AIR)[None, None], grid + bends.permute(0, 2, 3, 4, 1), align_corners=False)
    return moved[0, 0] + AIR


def jittered_projection(view: View, rng: torch.Generator) -> ProjectionGeometry:
    """The clinical geometry, as it varies between rooms, patients and framings."""
    standard = clinical_projection(view)
    sid = uniform(rng, 1500, 2000)
    sad = sid - uniform(rng, 130, 230)
    scale = 1 + 0.025 * torch.randn((), generator=rng).item()
    shift = 4 * torch.randn(3, generator=rng)
    pixel = CUBE_MM / standard.rows * sid / sad * scale
    return ProjectionGeometry(view, standard.rows, standard.columns, pixel, sid, sad, tuple(shift.tolist()))


def develop(image: Float[Tensor, "r c"], rng: torch.Generator) -> Float[Tensor, "r c"]:
    """Line integrals to a display image, by a film, a detector and a taste of its own each time."""
    image = normalise(image)
    if uniform(rng, 0, 1) < 0.5:
        smooth = _blur(image, uniform(rng, 4, 10))
        image = image + uniform(rng, -0.2, 0.9) * (image - smooth)
    image = normalise(_blur(image, uniform(rng, 0.05, 0.9)))
    image = image ** math.exp(0.3 * torch.randn((), generator=rng).item())
    slope = uniform(rng, 0.01, 4)
    image = normalise(torch.sigmoid(slope * (image - uniform(rng, 0.3, 0.7))))
    return normalise(image + uniform(rng, 0, 0.03) * torch.randn(image.shape, generator=rng))


def _blur(image: Float[Tensor, "r c"], sigma: float) -> Float[Tensor, "r c"]:
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1.0) / sigma).square())
    kernel = kernel / kernel.sum()
    padded = F.pad(image[None, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])[0, 0]


def sample(
    hu: Float[Tensor, "k j i"], rng: torch.Generator
) -> tuple[Float[Tensor, "view r c"], Float[Tensor, "k j i"]]:
    """One training pair: the two standard views of a deformed body, and that body in HU."""
    body = deform(hu.float(), rng)
    geometry = VolumeGeometry.cube(body.shape[0])
    images = [develop(radiographs(body[None], geometry, jittered_projection(view, rng))[0], rng) for view in View]
    return torch.stack(images), body
