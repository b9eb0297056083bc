"""What the styler learns from: standard views of radiographs, and of DRRs."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from X2CTLib.geometry import View

_HELD_OUT = 4
"""One patient in so many is held out."""


@dataclass(frozen=True, eq=False)
class StyleImage:
    """A standard view in one style or the other.

    Attributes:
        name: As cards and reports call it.
        patient: Images of one patient are trained with, or held out, together.
        view: Which projection it is.
        pixels: float32 in [0, 1].
        shown: Where it shows something; elsewhere the picture, or the CT, had ended.
    """

    name: str
    patient: str
    view: View
    pixels: Float[np.ndarray, "r c"]
    shown: Bool[np.ndarray, "r c"]


def of_view(images: Iterable[StyleImage], view: View) -> list[StyleImage]:
    """Those of one view."""
    return [image for image in images if image.view is view]


def held_out(patient: str) -> bool:
    """Whether a patient's radiographs are kept from training; by a hash, so that it never changes."""
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % _HELD_OUT == 0
