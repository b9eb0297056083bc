"""Jobs for a MRML scene: the request before, and the nodes after."""

from pathlib import Path

import numpy as np

from X2CTLib.examination import read_examination
from X2CTLib.jobs import Job
from X2CTLib.preview import Preview
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request
from X2CTReconstructionLib.measuring import add_organs
from X2CTReconstructionLib.study import Study, add_study
from X2CTReconstructionLib.volumes import hounsfield, world_geometry


def reconstruction_job(scene, request: Request, folder: Path) -> Job:
    """A reconstruction as a `Study` in the scene.

    Args:
        scene: The `vtkMRMLScene`.
        request: The radiographs, and what to do with them.
        folder: For what comes from the process.
    """
    output = folder / "output"

    def finish() -> Study:
        return add_study(scene, Reconstruction.load(output), *read_examination(output))

    return Job({"request": request.to_dict(), "output": str(output)}, finish)


def preview_job(request: Request, folder: Path) -> Job:
    """What a request would reconstruct from, as a `Preview`; its pictures are in `folder`."""
    output = folder / "output"
    return Job({"preview": request.to_dict(), "output": str(output)}, lambda: Preview.load(output), yields=True)


def measure_job(scene, volume, folder: Path) -> Job:
    """The organs of any chest CT and a table of what they measure, as `measuring.add_organs` adds them.

    Args:
        scene: The `vtkMRMLScene`.
        volume: A `vtkMRMLScalarVolumeNode` in HU.
        folder: For what goes to the process and comes from it.

    Raises:
        InputError: It is no CT.
    """
    geometry, values, output = world_geometry(volume), folder / "volume.npy", folder / "output"
    np.save(values, hounsfield(volume))
    request = {"measure": {"values": str(values), "ijk_to_lps": geometry.ijk_to_lps.tolist()}, "output": str(output)}
    return Job(request, lambda: add_organs(scene, volume, geometry, *read_examination(output)))
