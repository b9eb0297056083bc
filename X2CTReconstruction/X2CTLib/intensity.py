"""The brightness of a radiograph as the networks see it, the same for DRRs and for real radiographs."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

_LOW, _HIGH = 0.01, 0.99


def display_range(image: Float[np.ndarray, "r c"]) -> tuple[float, float]:
    """The values that `normalise` makes black and white."""
    low, high = np.quantile(image, (_LOW, _HIGH))
    return float(low), float(high)


def normalise(image: Float[Tensor, "*b r c"]) -> Float[Tensor, "*b r c"]:
    """Stretch the 1st to the 99th percentile of each image over [0, 1] and clip.

    A radiograph's grey values are known up to an unknown exposure and display window only; this takes both away.
    An image of one value becomes zero.
    """
    flat = image.flatten(-2).float()
    low, high = torch.quantile(flat, torch.tensor([_LOW, _HIGH], device=image.device), dim=-1, keepdim=True)
    span = (high - low).clamp_min(torch.finfo(torch.float32).tiny)
    return ((flat - low) / span).clamp(0, 1).reshape(image.shape)


def normalise_shown(image: Float[Tensor, "r c"], shown: Bool[Tensor, "r c"]) -> Float[Tensor, "r c"]:
    """The same by the pixels that show something alone; the others become 0."""
    result = torch.zeros_like(image)
    if shown.any():
        result[shown] = normalise(image[shown][None])[0]
    return result
