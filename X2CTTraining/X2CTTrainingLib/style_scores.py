"""How far images are from a style, and how much of their anatomy a change of style keeps.

The distance is the sliced Wasserstein distance between 7x7 patches of Laplacian pyramids (Karras et al., ICLR 2018): it
needs no trained network, and compares every scale of texture from the finest to the overall brightness. Anatomy is
compared by gradient correlation, which no change of tone moves (Penney et al., IEEE TMI 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from X2CTLib.geometry import View
from X2CTLib.styler import Styler, style
from X2CTTrainingLib.style_images import StyleImage

LEVELS = 3
"""Of the pyramid: 128, 64 and 32 pixels an edge. A coarser patch would compare bodies rather than styles."""
_PATCH = 7
_PATCHES_PER_LEVEL = 4096
_DIRECTIONS = 128
_BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


@dataclass(frozen=True)
class ViewScores:
    """How a styler does on the held-out radiographs of one view.

    Attributes:
        view: Which one.
        radiographs: Their number.
        original: Distance of the radiographs from held-out DRRs.
        styled: The same of the styled radiographs.
        floor: The same of the DRRs of CTs that were trained with: bodies differ, too, and the more the fewer they are.
        correlations: Gradient correlation of each radiograph before and after.
    """

    view: View
    radiographs: int
    original: float
    styled: float
    floor: float
    correlations: Float[np.ndarray, " n"]

    def to_dict(self) -> dict[str, float]:
        """What a card says."""
        return {
            "radiographs": self.radiographs,
            "distance to DRRs, original": round(self.original, 4),
            "distance to DRRs, styled": round(self.styled, 4),
            "distance of other DRRs": round(self.floor, 4),
            "gradient correlation, mean": round(float(self.correlations.mean()), 4),
            "gradient correlation, least": round(float(self.correlations.min()), 4),
        }


def restyle(styler: Styler, images: Sequence[StyleImage]) -> list[StyleImage]:
    """The same images after the styler."""
    return [replace(image, pixels=style({image.view: image.pixels}, styler)[image.view]) for image in images]


def score_view(
    radiographs: Sequence[StyleImage],
    styled: Sequence[StyleImage],
    drrs: Sequence[StyleImage],
    trained_drrs: Sequence[StyleImage],
) -> ViewScores:
    """Score held-out radiographs of one view.

    Every image is blanked where its partner in the other set shows nothing, as in training: how far pictures and CTs
    reach is no question of style.

    Args:
        radiographs: Held out.
        styled: The same, styled.
        drrs: Held out, too.
        trained_drrs: Of the CTs that were trained with.
    """
    count = max(len(radiographs), len(drrs))
    shown = [a.shown & b.shown for a, b in zip(_repeated(radiographs, count), _repeated(drrs, count), strict=True)]

    def blanked(images: Sequence[StyleImage]) -> Float[Tensor, "n h w"]:
        pairs = zip(_repeated(images, count), shown, strict=True)
        return torch.from_numpy(np.stack([image.pixels * mask for image, mask in pairs]))

    reference = blanked(drrs)
    original, after, floor = (
        float(style_distance(blanked(images), reference).mean()) for images in (radiographs, styled, trained_drrs)
    )
    pairs = zip(radiographs, styled, strict=True)
    correlations = np.array([gradient_correlation(one.pixels, other.pixels) for one, other in pairs])
    return ViewScores(radiographs[0].view, len(radiographs), original, after, floor, correlations)


def _repeated(images: Sequence[StyleImage], count: int) -> list[StyleImage]:
    """Images evenly drawn from a set, or the set over and over."""
    if len(images) >= count:
        return [images[index * len(images) // count] for index in range(count)]
    return [images[index % len(images)] for index in range(count)]


def style_distance(
    images: Float[Tensor, "n h w"], reference: Float[Tensor, "m h w"], seed: int = 0
) -> Float[np.ndarray, " level"]:
    """Sliced Wasserstein distance of two sets of images at each level of their Laplacian pyramids, finest first.

    Patches are measured in standard deviations of the reference's. So unlike in Karras et al., who normalise each set
    by itself, a difference of contrast or brightness counts.

    Args:
        images: In [0, 1].
        reference: In [0, 1]; the same size.
        seed: Of the patches that are looked at and the directions that they are projected on.
    """
    rng = torch.Generator().manual_seed(seed)
    distances = []
    for mine, theirs in zip(laplacian_pyramid(images), laplacian_pyramid(reference), strict=True):
        patches, others = _patches(mine, rng), _patches(theirs, rng)
        mean, spread = others.mean(), others.std()
        directions = F.normalize(torch.randn(_PATCH**2, _DIRECTIONS, generator=rng), dim=0)
        one, other = ((((p - mean) / spread) @ directions).sort(dim=0).values for p in (patches, others))
        distances.append(float((one - other).abs().mean()))
    return np.array(distances)


def laplacian_pyramid(images: Float[Tensor, "n h w"]) -> list[Float[Tensor, "n _ _"]]:
    """What each halving of the resolution loses, and the rest at the coarsest."""
    levels = []
    for _ in range(LEVELS - 1):
        smaller = _smooth(images)[:, ::2, ::2]
        enlarged = F.interpolate(smaller[:, None], size=images.shape[1:], mode="bilinear", align_corners=True)[:, 0]
        levels.append(images - enlarged)
        images = smaller
    return [*levels, images]


def _smooth(images: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    padded = F.pad(images[:, None], (2, 2, 2, 2), mode="reflect")
    return F.conv2d(F.conv2d(padded, _BINOMIAL[None, None, :, None]), _BINOMIAL[None, None, None, :])[:, 0]


def _patches(level: Float[Tensor, "n h w"], rng: torch.Generator) -> Float[Tensor, "p 49"]:
    """Patches at random places."""
    count, height, width = level.shape
    image, row, column = (
        torch.randint(high, (_PATCHES_PER_LEVEL,), generator=rng)
        for high in (count, height - _PATCH + 1, width - _PATCH + 1)
    )
    steps = torch.arange(_PATCH)
    rows, columns = row[:, None, None] + steps[:, None], column[:, None, None] + steps
    return level[image[:, None, None], rows, columns].flatten(1)


def gradient_correlation(one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"]) -> float:
    """Mean normalised cross-correlation of the two images' derivatives along rows and columns; 1 for equal edges."""
    pairs = zip(np.gradient(one), np.gradient(other), strict=True)
    return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]))
