"""A CT as it is projected: its standard cube on disk, for a front end that shows it and projects it again and again."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Int16

from X2CTLib.ct import EMPTY_HU, FINE_VOXELS, read_ct, standard_cube
from X2CTLib.files import whole_folder
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.progress import Progress, part, silent
from X2CTLib.resampling import antialias, resample

_VALUES, _COARSE, _RECORD = "values.npy", "coarse.npy", "ct.json"


@dataclass(frozen=True)
class PreparedCt:
    """What `prepare` has written.

    Attributes:
        values: The .npy file of `hu`.
        hu: The standard cube; read from the file as it is needed.
        coarse: The same in the voxels of a reconstruction.
        geometry: Where the cube lies in the patient.
        words: The CT's own size.
    """

    values: Path
    hu: Int16[np.ndarray, "k j i"]
    coarse: Int16[np.ndarray, "v v v"]
    geometry: VolumeGeometry
    words: str

    @classmethod
    def load(cls, folder: Path):
        """Read it."""
        values, record = folder / _VALUES, json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        hu = np.load(values, mmap_mode="r")
        geometry = VolumeGeometry(hu.shape, np.array(record["ijk_to_lps"]))
        return cls(values, hu, np.load(folder / _COARSE), geometry, record["words"])


def prepare(ct: Path, folder: Path, progress: Progress = silent) -> None:
    """Write the standard cube of a CT into a folder.

    Raises:
        InputError: The CT cannot be read, or there is no body in it.
    """
    progress(0.0, "Reading the CT")
    hu, geometry = read_ct(ct)
    cube, place = standard_cube(hu, geometry, FINE_VOXELS, part(progress, 0.2, 0.9))
    with whole_folder(folder) as scratch:
        np.save(scratch / _VALUES, cube)
        np.save(scratch / _COARSE, _coarse(cube, place))
        record = {"ijk_to_lps": place.ijk_to_lps.tolist(), "words": _words(geometry)}
        (scratch / _RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")


def _coarse(hu: Int16[np.ndarray, "k j i"], place: VolumeGeometry) -> Int16[np.ndarray, "v v v"]:
    coarse = VolumeGeometry.cube(centre_lps=tuple(place.centre_lps))
    smooth = antialias(place.to_image(hu.astype(np.float32)), float(coarse.spacing[0]))
    return np.rint(sitk.GetArrayFromImage(resample(smooth, coarse, EMPTY_HU))).astype(np.int16)


def _words(geometry: VolumeGeometry) -> str:
    size = " × ".join(str(count) for count in reversed(geometry.shape))
    return f"{size} voxels of {' × '.join(f'{mm:.2g}' for mm in geometry.spacing)} mm"
