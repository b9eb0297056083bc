"""CT volumes of a scene as the engine wants them."""

import numpy as np
import slicer
import vtk
from jaxtyping import Float

from X2CTLib.ct import EMPTY_HU
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry, lps_to_ras


def volume_geometry(volume) -> VolumeGeometry:
    """Where the voxels of a volume node lie, or the pixels of a radiograph, before any transform above it."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    shape = tuple(reversed(volume.GetImageData().GetDimensions()))
    return VolumeGeometry(shape, lps_to_ras(slicer.util.arrayFromVTKMatrix(matrix)))


def world_geometry(volume) -> VolumeGeometry:
    """Where the voxels of a `vtkMRMLScalarVolumeNode` lie in the world, under all transforms above it.

    Raises:
        InputError: It is no volume, or a transform above it is not linear.
    """
    image = volume.GetImageData()
    if not image or min(image.GetDimensions()) < 2 or image.GetNumberOfScalarComponents() != 1:
        raise InputError(f"{volume.GetName()} is not a CT: a volume of several slices with one value a voxel.")
    geometry = volume_geometry(volume)
    transform = volume.GetParentTransformNode()
    if transform:
        if not transform.IsTransformToWorldLinear():
            raise InputError(
                f"{volume.GetName()} is under {transform.GetName()}, which is not linear. "
                "Harden the transform in the module Transforms first; that resamples the volume."
            )
        to_world = vtk.vtkMatrix4x4()
        transform.GetMatrixTransformToWorld(to_world)
        ijk_to_world = slicer.util.arrayFromVTKMatrix(to_world) @ geometry.ijk_to_ras
        geometry = VolumeGeometry(geometry.shape, lps_to_ras(ijk_to_world))
    return geometry


def hounsfield(volume) -> Float[np.ndarray, "k j i"]:
    """The values of a `vtkMRMLScalarVolumeNode`, not below those of air."""
    return np.maximum(slicer.util.arrayFromVolume(volume), EMPTY_HU).astype(np.float32)
