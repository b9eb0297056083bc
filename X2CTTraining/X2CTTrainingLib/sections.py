"""Slices of a standard cube as radiologists look at them: the patient faces the viewer, or is seen from the left."""

import numpy as np
from jaxtyping import Shaped, UInt8

from X2CTTrainingLib.scores import organ

PLANES = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}
"""Each plane with the patient's directions at the picture's left, right, upper and lower edge."""


def sections(hu: Shaped[np.ndarray, "k j i"], centre: tuple[int, int, int]) -> dict[str, Shaped[np.ndarray, "r c"]]:
    """The slices through a voxel (k, j, i), upright, by `PLANES`; the axial one is seen from the feet."""
    k, j, i = centre
    return {"axial": hu[k].copy(), "coronal": hu[::-1, j].copy(), "sagittal": hu[::-1, :, i].copy()}


def lungs_middle(organs: UInt8[np.ndarray, "k j i"]) -> tuple[int, int, int]:
    """The voxel in the middle of the lungs; of the cube if there are none."""
    lungs = organ(organs, "lungs")
    places = np.argwhere(lungs if lungs.any() else np.ones_like(lungs))
    return tuple(int(place) for place in np.round(places.mean(axis=0)))
