"""From a CT file to the standard cube that networks learn from."""

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from Benchmarks.racing import Contender, Settings, race
from Benchmarks.results import Result, seconds
from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.geometry import CUBE_MM, VolumeGeometry
from X2CTLib.phantom import make_phantom

_SHAPE = (512, 512, 300)
_SECONDS = 4.0


def measure(settings: Settings) -> list[Result]:
    """Seconds of a CT of 512 x 512 x 300 voxels, as NIfTI."""
    outcomes = race({"cube": Contender(prepare, (settings.scale,))}, settings)
    shape = " x ".join(str(round(count * settings.scale)) for count in _SHAPE)
    return [seconds("data path", f"a file of {shape} to the cube", outcomes["cube"], _SECONDS)]


def prepare(scale: float):
    """A phantom as a scanner would have sampled it, in a file."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "ct.nii.gz"
    small = make_phantom(0).hu
    image = VolumeGeometry.cube(len(small)).to_image(small)
    size = [round(count * scale) for count in _SHAPE]
    spacing = CUBE_MM / np.array(size)
    reference = sitk.Image(size, sitk.sitkInt16)
    reference.SetSpacing(spacing.tolist())
    reference.SetOrigin((np.array(image.GetOrigin()) - np.array(image.GetSpacing()) / 2 + spacing / 2).tolist())
    reference.SetDirection(image.GetDirection())
    sitk.WriteImage(sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, -1024), path)

    def run() -> None:
        standard_cube(*read_ct(Path(folder.name) / "ct.nii.gz"))  # the folder lives as long as this function

    return run
