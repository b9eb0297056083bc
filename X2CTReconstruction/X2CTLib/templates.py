"""The mean standard view of many bodies, by which radiographs are framed."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from X2CTLib.framing import Framing, find_framing
from X2CTLib.geometry import CUBE_MM
from X2CTLib.matching import cut
from X2CTLib.radiograph import Radiograph

_MARGIN_MM = 10.0


def mean_view(views: Sequence[Float[np.ndarray, "r c"]], rounds: int = 2) -> Float[np.ndarray, "r c"]:
    """The mean of standard DRRs of one view, after bringing their lungs to one place and size (a Procrustes mean).

    It is sharper than the plain mean, and the rows that some CTs did not scan do not darken it.

    Args:
        views: In [0, 1], of any number of patients.
        rounds: How often the DRRs are aligned to the mean.
    """
    crops = [_Crop(view) for view in views]
    framings = [crop.as_given for crop in crops]
    for _ in range(rounds):
        mean = _mean(crops, framings)
        found = [find_framing(Radiograph(crop.pixels), mean, crop.field_mm) for crop in crops]
        framings = _without_drift(found, crops)
    return _mean(crops, framings)


class _Crop:
    """The part of a DRR that shows what its CT scanned, without the margin where rays leave the scan sideways."""

    def __init__(self, view: Float[np.ndarray, "r c"]) -> None:
        self.size = len(view)
        pixel_mm = CUBE_MM / self.size
        margin = round(_MARGIN_MM / pixel_mm)
        rows = np.flatnonzero(view.max(axis=1) > 0.05)
        first, last = (rows[0], rows[-1]) if len(rows) > 4 * margin else (0, self.size - 1)
        pixels = view[first + margin : last + 1 - margin, margin : self.size - margin]
        self.pixels = np.ascontiguousarray(pixels, np.float32)
        self.field_mm = pixel_mm * max(self.pixels.shape)
        middle = (self.size - 1) / 2 - margin
        self.as_given = Framing(pixel_mm, (middle - first, middle), False, 1.0)


def _mean(crops: Sequence[_Crop], framings: Sequence[Framing]) -> Float[np.ndarray, "r c"]:
    """The mean of framed DRRs; where less than half of them show something, it is carried on from the border."""
    size = crops[0].size
    step_mm = CUBE_MM / size
    cuts, shown = zip(
        *(
            cut(torch.from_numpy(crop.pixels), framing.centre, step_mm / framing.mm_per_pixel, (size, size))
            for crop, framing in zip(crops, framings, strict=True)
        ),
        strict=True,
    )
    count = torch.stack(shown).sum(dim=0).numpy()
    most = 2 * count >= len(crops)
    rows, columns = (np.flatnonzero(2 * most.sum(axis=axis) >= size)[[0, -1]] for axis in (1, 0))
    mean = (torch.stack(cuts).sum(dim=0).numpy() / np.maximum(count, 1))[
        rows[0] : rows[1] + 1, columns[0] : columns[1] + 1
    ]
    border = [(first, size - 1 - last) for first, last in (rows, columns)]
    return np.pad(mean, border, mode="edge").astype(np.float32)


def _without_drift(found: Sequence[Framing], crops: Sequence[_Crop]) -> list[Framing]:
    """The framings, of the same mean size and position as the DRRs were given in."""
    pairs = [(framing, crop.as_given) for framing, crop in zip(found, crops, strict=True)]
    growth = math.exp(np.mean([math.log(new.mm_per_pixel / old.mm_per_pixel) for new, old in pairs]))
    down, right = np.mean([np.subtract(old.centre, new.centre) for new, old in pairs], axis=0)
    return [
        replace(
            framing,
            mm_per_pixel=framing.mm_per_pixel / growth,
            centre=(framing.centre[0] + down, framing.centre[1] + right),
        )
        for framing in found
    ]
