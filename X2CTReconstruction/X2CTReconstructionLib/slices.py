"""What the slice views show of a study, and where they cut."""

import numpy as np
import slicer

from X2CTLib.geometry import ras_of
from X2CTReconstructionLib.study import Study
from X2CTReconstructionLib.views import fit, show_alone
from X2CTReconstructionLib.volumes import volume_geometry


def show_volume(slice_node, volume) -> None:
    """Show a volume alone in a slice view, through its middle and as large as fits."""
    show_alone(slice_node, volume)
    fit(slice_node, ras_of(volume_geometry(volume).corners_lps))


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
