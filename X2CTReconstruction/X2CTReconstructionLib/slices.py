"""What the slice views show of a study, and where they cut."""

import numpy as np
import slicer

from X2CTLib.geometry import ras_of
from X2CTReconstructionLib.study import Study
from X2CTReconstructionLib.volumes import volume_geometry


def show_volume(slice_node, volume) -> None:
    """Show a volume alone in a slice view, through its middle and as large as fits."""
    _show(slice_node, volume)
    _fit(slice_node, volume)


def show_radiograph(slice_node, radiograph) -> None:
    """Show a radiograph in a slice view that lies in its detector, upright and not mirrored; None for nothing.

    The view is linked to no other, because none cuts there.
    """
    composite = _show(slice_node, radiograph)
    composite.SetLinkedControl(False)
    composite.SetHotLinkedControl(False)
    if radiograph:
        right, down = volume_geometry(radiograph).ijk_to_ras[:3, :2].T
        slice_node.SetSliceToRASByNTP(*np.cross(down, right), *right, 0, 0, 0, 0)
        _fit(slice_node, radiograph)


def cut_at_line(slice_node, line) -> None:
    """Move a slice view to the middle of a `vtkMRMLMarkupsLineNode`."""
    slice_node.JumpSliceByOffsetting(*slicer.util.arrayFromMarkupsControlPoints(line, world=True).mean(axis=0))


def show_uncertainty(scene, study: Study, opacity: float) -> None:
    """Lay the uncertainty over the volume in all slice views that show it; an opacity of 0 takes it away.

    Args:
        scene: The `vtkMRMLScene`.
        study: It stays as it is if its uncertainty is not known.
        opacity: From 0 to 1.
    """
    shown = study.uncertainty.GetID() if study.uncertainty and opacity > 0 else None
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        if composite.GetBackgroundVolumeID() == study.volume.GetID():
            composite.SetForegroundVolumeID(shown)
            composite.SetForegroundOpacity(opacity)


def uncertainty_colours(study: Study, count: int = 9) -> list[tuple[float, float, float]]:
    """The colours of `show_uncertainty`, evenly over `nodes.UNCERTAINTY_SHOWN`; red, green and blue up to 1."""
    table = study.uncertainty.GetDisplayNode().GetColorNode().GetLookupTable()
    entries = np.linspace(0, table.GetNumberOfTableValues() - 1, count).round().astype(int)
    return [table.GetTableValue(entry)[:3] for entry in entries.tolist()]


def _show(slice_node, volume):
    composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(slice_node)
    composite.SetBackgroundVolumeID(volume.GetID() if volume else None)
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    return composite


def _fit(slice_node, volume) -> None:
    """Move a slice view to a volume's middle, and make the volume fill it."""
    corners = ras_of(volume_geometry(volume).corners_lps)
    slice_node.JumpSliceByCentering(*corners.mean(axis=0))
    in_plane = slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())[:3, :2]
    pixels = np.array(slice_node.GetDimensions()[:2])
    width, height = pixels * max(np.ptp(corners @ in_plane, axis=0) / pixels)
    slice_node.SetFieldOfView(width, height, slice_node.GetFieldOfView()[2])
