"""Variety for the organ segmenter: other bodies, other tissues, as sharp as a scan or as smooth as a reconstruction.

Cubes are at 5 mm. A voxel's class is given as shares, one for each class, because at that size many voxels hold two.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from monai.networks.layers import GaussianFilter
from torch import Tensor

from X2CTLib.networks.segmenter import CLASSES
from X2CTTrainingLib.augmentation import AIR, Augmentation, deformation, uniform

_LUNGS = [CLASSES.index("right lung"), CLASSES.index("left lung")]
_HEART, _LIVER = CLASSES.index("heart"), CLASSES.index("liver")


@dataclass(frozen=True)
class OrganSample:
    """A cube at 5 mm.

    Attributes:
        hu: Hounsfield units.
        shares: Of `CLASSES`, then of `organ_labels.SOFT`; what is missing to 1 is unknown.
        blood: Share of heart and vessels, which contrast medium fills; zero where they are not known.
    """

    hu: Float[Tensor, "k j i"]
    shares: Float[Tensor, "c k j i"]
    blood: Float[Tensor, "k j i"]


def vary(sample: OrganSample, augmentation: Augmentation, rng: torch.Generator) -> OrganSample:
    """Another body, with other tissues, taken in another way."""
    sample = _deformed(sample, augmentation, rng)
    hu = _other_tissues(sample, rng)
    if uniform(rng, 0, 1) < 0.5:
        hu = GaussianFilter(3, uniform(rng, 0.15, 1.4))(hu[None, None])[0, 0]  # voxels: up to 7 mm
    if uniform(rng, 0, 1) < 0.5:
        hu = hu + uniform(rng, 0, 50) * torch.randn(hu.shape, generator=rng)
    varied = replace(sample, hu=hu)
    if uniform(rng, 0, 1) < 0.3:
        varied = _cut(varied, axis=0, low=int(uniform(rng, 0, 14)), high=int(uniform(rng, 0, 10)))
    if uniform(rng, 0, 1) < 0.15:
        side = int(uniform(rng, 1, 7))
        varied = _cut(varied, axis=2, low=side, high=side)
    if uniform(rng, 0, 1) < 0.15:
        varied = _on_a_couch(varied, rng)
    return varied


def _deformed(sample: OrganSample, augmentation: Augmentation, rng: torch.Generator) -> OrganSample:
    grid = deformation(sample.hu.shape, augmentation, rng)
    # Outside the cube there is air, of which nothing is an organ.
    above_air = torch.cat([torch.stack([sample.hu - AIR, torch.ones_like(sample.hu), sample.blood]), sample.shares])
    moved = F.grid_sample(above_air[None], grid, align_corners=False)[0]
    above_air, inside, blood, *shares = moved
    shares[0] = shares[0] + 1 - inside
    return OrganSample(above_air + AIR, torch.stack(shares), blood)


def _other_tissues(sample: OrganSample, rng: torch.Generator) -> Float[Tensor, "k j i"]:
    """Contrast medium, breath, dense or faint bones, and uneven shading."""
    hu, shares = sample.hu, sample.shares
    soft, lungs = ((hu + 200) / 150).clamp(0, 1), shares[_LUNGS].sum(dim=0)
    hu = hu + uniform(rng, -30, 30) * soft + uniform(rng, -80, 120) * lungs + uniform(rng, -25, 60) * shares[_LIVER]
    if uniform(rng, 0, 1) < 0.3:
        hu = hu + uniform(rng, -20, 80) * shares[_HEART]
    if uniform(rng, 0, 1) < 0.3:
        hu = hu + uniform(rng, 0, 350) * sample.blood
    hu = torch.where(hu > 90, 90 + uniform(rng, 0.35, 1.15) * (hu - 90), hu)
    if uniform(rng, 0, 1) < 0.5:
        waves = F.interpolate(torch.randn(1, 1, 10, 10, 10, generator=rng), size=hu.shape, mode="trilinear")[0, 0]
        hu = hu + uniform(rng, 0, 40) * waves * (soft + lungs).clamp(max=1)
    return hu.clamp(AIR, 1500)


def _cut(sample: OrganSample, axis: int, low: int, high: int) -> OrganSample:
    """A scan that ends within the cube."""
    kept = torch.zeros(sample.hu.shape[axis], dtype=torch.bool)
    kept[low : len(kept) - high] = True
    kept = kept.reshape([-1 if a == axis else 1 for a in range(3)])
    shares = torch.where(kept, sample.shares, 0)
    shares[0] += ~kept
    return replace(sample, hu=torch.where(kept, sample.hu, AIR), shares=shares)


def _on_a_couch(sample: OrganSample, rng: torch.Generator) -> OrganSample:
    """A plate behind the body."""
    back = int((sample.hu > -300).any(dim=2).any(dim=0).nonzero().max()) + 1
    middle = sample.hu.shape[2] // 2
    thick, half = int(uniform(rng, 1, 4)), int(uniform(rng, 15, middle))
    hu = sample.hu.clone()
    hu[:, back : back + thick, middle - half : middle + half] = uniform(rng, -700, 100)
    return replace(sample, hu=hu)
