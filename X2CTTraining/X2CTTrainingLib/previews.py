"""Pictures of how a training stands."""

import numpy as np
from jaxtyping import Float, UInt8

from X2CTLib.geometry import HU_RANGE
from X2CTTrainingLib.sections import sections


def sheet(truth: Float[np.ndarray, "k j i"], answer: Float[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "r c"]:
    """Axial, coronal and sagittal middle slices: above of the CT, below of what a network made of its radiographs."""
    rows = [[*sections(hu, tuple(size // 2 for size in hu.shape)).values()] for hu in (truth, answer)]
    low, high = HU_RANGE
    pixels = np.clip((np.block(rows).astype(np.float32) - low) / (high - low), 0, 1)
    return np.round(255 * pixels).astype(np.uint8)
