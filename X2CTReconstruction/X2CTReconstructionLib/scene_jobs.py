"""Jobs for a MRML scene: the request before, and the nodes after."""

from pathlib import Path

from X2CTLib.jobs import Job
from X2CTLib.preview import Preview
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request
from X2CTReconstructionLib.study import Study, add_study


def reconstruction_job(scene, request: Request, folder: Path) -> Job:
    """A reconstruction as a `Study` in the scene.

    Args:
        scene: The `vtkMRMLScene`.
        request: The radiographs, and what to do with them.
        folder: For what comes from the process.
    """
    output = folder / "output"

    def finish() -> Study:
        reconstruction = Reconstruction.load(output)
        return add_study(scene, reconstruction, *reconstruction.examine())

    return Job({"request": request.to_dict(), "output": str(output)}, finish)


def preview_job(request: Request, folder: Path) -> Job:
    """What a request would reconstruct from, as a `Preview`; its pictures are in `folder`."""
    output = folder / "output"
    return Job({"preview": request.to_dict(), "output": str(output)}, lambda: Preview.load(output))
