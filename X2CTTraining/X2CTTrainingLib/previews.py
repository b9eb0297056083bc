"""Pictures of how a training stands."""

import numpy as np
from jaxtyping import Float, UInt8

from X2CTLib.geometry import HU_RANGE


def sheet(truth: Float[np.ndarray, "k j i"], answer: Float[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "r c"]:
    """Axial, coronal and sagittal middle slices: above of the CT, below of what a network made of its radiographs."""
    return np.concatenate([np.concatenate(_slices(hu), axis=1) for hu in (truth, answer)])


def _slices(hu: Float[np.ndarray, "k j i"]) -> list[UInt8[np.ndarray, "r c"]]:
    # Seen from the feet, from the front and from the left, as radiologists do.
    k, j, i = (size // 2 for size in hu.shape)
    low, high = HU_RANGE
    slices = hu[k], hu[::-1, j], hu[::-1, :, i]
    return [(255 * np.clip((np.asarray(s, np.float32) - low) / (high - low), 0, 1)).astype(np.uint8) for s in slices]
