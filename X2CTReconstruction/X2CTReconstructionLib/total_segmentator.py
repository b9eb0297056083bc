"""Organs from the extension TotalSegmentator, where that is installed: slower than the built-in segmenter, and finer.

Its logic's calls are those of SlicerTotalSegmentator with version 2 of TotalSegmentator, whose segments have the names
of their structures as identifiers.
"""

import numpy as np
import slicer
from jaxtyping import UInt8

from X2CTLib.anatomy import LABELS
from X2CTLib.ct import body_mask
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.progress import Progress, silent
from X2CTReconstructionLib.segments import STRUCTURES, read_segments
from X2CTReconstructionLib.volumes import hounsfield, world_geometry

_FAST = True  # at 3 mm, which is enough for cubes of 2.5 mm and minutes quicker


def available() -> bool:
    """Whether this is a Slicer with the extension."""
    return hasattr(getattr(slicer, "modules", None), "totalsegmentator")


def segment(scene, volume, progress: Progress = silent) -> UInt8[np.ndarray, "k j i"]:
    """Label lungs, bones, heart and liver by TotalSegmentator, and the rest of the body by thresholds.

    It may ask to install its Python packages, and returns after a minute or more.

    Args:
        scene: The `vtkMRMLScene` of the application.
        volume: A CT, `vtkMRMLScalarVolumeNode`.
        progress: Told what TotalSegmentator says; it does not say how far it is.

    Returns:
        The values of `X2CTLib.anatomy.LABELS` on the volume's voxels, 0 outside the body.

    Raises:
        InputError: The extension is missing or failed, or there is no body.
    """
    if not available():
        raise InputError("TotalSegmentator is not installed. Install it in the Extensions Manager.")
    geometry = world_geometry(volume)
    body = body_mask(hounsfield(volume), geometry)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    try:
        _run(volume, segmentation, progress)
        # It reads and writes voxels without what lies above them.
        segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        organs, _ = read_segments(segmentation, geometry)
    finally:
        scene.RemoveNode(segmentation)
    progress(1.0, "Labelled the organs")
    return np.where(organs > 0, organs, LABELS["body"] * body).astype(np.uint8)


def _run(volume, segmentation, progress: Progress) -> None:
    logic = slicer.util.getModuleLogic("TotalSegmentator")
    logic.logCallback = lambda text: progress(0.0, text)
    try:
        logic.setupPythonRequirements()
        logic.process(volume, segmentation, _FAST, False, "total", list(STRUCTURES))
    except Cancelled:
        raise
    except Exception as error:  # whatever another extension raises
        raise InputError(f"TotalSegmentator failed: {error} Use the built-in segmenter instead.") from error
