"""How alike the left and the right half of a picture are: a chest is so from the front, hardly from the side.

This file needs no package that Slicer lacks.
"""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

_PIXELS = 64
_SHIFTS = range(-_PIXELS // 5, _PIXELS // 5 + 1)


def symmetry(path: Path) -> float:
    """Correlation of a picture's fine structure with its mirror image, about the upright line where that is highest.

    Raises:
        RuntimeError: It cannot be read as one picture.
    """
    fine = _fine(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))
    parts = (fine[:, max(0, shift) : _PIXELS + min(0, shift)] for shift in _SHIFTS)
    return max(float(np.corrcoef(part.ravel(), part[:, ::-1].ravel())[0, 1]) for part in parts)


def _fine(picture: np.ndarray) -> np.ndarray:
    """A small square copy without its coarse brightness."""
    grey = np.squeeze(picture)
    grey = grey.mean(axis=2) if grey.ndim == 3 and grey.shape[2] <= 4 else grey
    image = sitk.GetImageFromArray(grey.astype(np.float32))
    steps = [length / _PIXELS for length in image.GetSize()]
    small = sitk.Resample(
        sitk.SmoothingRecursiveGaussian(image, [max(step / 2, 0.5) for step in steps]),
        [_PIXELS] * 2,
        sitk.Transform(),
        sitk.sitkLinear,
        [step / 2 - 0.5 for step in steps],
        steps,
    )
    small.SetSpacing([1, 1])
    return sitk.GetArrayFromImage(small - sitk.SmoothingRecursiveGaussian(small, _PIXELS / 8))
