"""Volumes that somebody else has predicted, as answers to cases."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.ct import EMPTY_HU, read_ct
from X2CTLib.errors import InputError
from X2CTLib.geometry import CUBE_MM, VolumeGeometry
from X2CTLib.resampling import antialias, resample
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.evaluation import Answer

_SUFFIXES = (".nrrd", ".nii.gz")


def predictions_in(folder: Path, cases: Sequence[Case]) -> Answer:
    """Predicted volumes, `<case name>.nrrd` or `.nii.gz`, in Hounsfield units.

    Each lies in its own geometry, in which the cube's centre is the origin, as `x2ct reconstruct` writes volumes.

    Raises:
        InputError: There is no prediction for some of the cases.
    """
    files = {case.name: _prediction(folder, case.name) for case in cases}
    if missing := [name for name, file in files.items() if file is None]:
        raise InputError(f"{folder} holds no volume (.nrrd or .nii.gz) for {', '.join(missing)}.")

    def answer(case: Case) -> Float[np.ndarray, "k j i"]:
        hu, geometry = read_ct(files[case.name])
        cube = VolumeGeometry.cube(len(case.hu))
        smooth = antialias(geometry.to_image(hu), CUBE_MM / len(case.hu))
        return sitk.GetArrayFromImage(resample(smooth, cube, EMPTY_HU))

    return answer


def _prediction(folder: Path, name: str) -> Path | None:
    return next((file for suffix in _SUFFIXES if (file := Path(folder) / f"{name}{suffix}").is_file()), None)
