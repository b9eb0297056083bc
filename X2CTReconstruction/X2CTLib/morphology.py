"""Mathematical morphology of masks with balls, as SimpleITK has it but many times quicker.

A ball of radius r holds the voxels that are no farther than r + 1/2 from its middle.
"""

import math

import numpy as np
from jaxtyping import Bool


def dilated(mask: Bool[np.ndarray, "k j i"], radius: int) -> Bool[np.ndarray, "k j i"]:
    """With all that a ball reaches whose middle is in the mask."""
    # A ball is made of rods along i: lengthen the mask by each length of rod, then join shifted planes.
    padded = np.pad(mask, radius)
    lengthened = [padded]
    for reach in range(1, radius + 1):
        longer = lengthened[-1].copy()
        longer[..., reach:] |= padded[..., :-reach]
        longer[..., :-reach] |= padded[..., reach:]
        lengthened.append(longer)
    joined = np.zeros(mask.shape, bool)
    depth, rows, columns = mask.shape
    for k in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            rest = (radius + 0.5) ** 2 - (k - radius) ** 2 - (j - radius) ** 2
            if rest >= 0:
                rod = lengthened[math.isqrt(int(rest))]
                joined |= rod[k : k + depth, j : j + rows, radius : radius + columns]
    return joined


def eroded(mask: Bool[np.ndarray, "k j i"], radius: int) -> Bool[np.ndarray, "k j i"]:
    """Only the middles of balls that are within the mask; beyond the edge of the volume it goes on."""
    return ~dilated(~mask, radius)


def opened(mask: Bool[np.ndarray, "k j i"], radius: int) -> Bool[np.ndarray, "k j i"]:
    """Without what is too thin for a ball."""
    return dilated(eroded(mask, radius), radius)


def closed(mask: Bool[np.ndarray, "k j i"], radius: int) -> Bool[np.ndarray, "k j i"]:
    """With the gaps that are too narrow for a ball; beyond the edge of the volume there is nothing."""
    inner = (slice(radius, -radius),) * 3
    return eroded(dilated(np.pad(mask, radius), radius), radius)[inner]
