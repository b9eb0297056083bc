"""Radiographs in slice views that lie in them: those of a study beside its volume, and those that were loaded alone.

Without the engine's packages: radiographs are looked at before these are installed.
"""

import numpy as np
import slicer
import vtk

from X2CTReconstructionLib.inputs import correction_of
from X2CTReconstructionLib.views import fit, layout, row, show_alone, slice_node, slice_view

LAYOUT_ID = 2021
"""Among the layouts of a `vtkMRMLLayoutNode`, beside those of studies and comparisons."""
TAGS = {"PA": "PA", "LATERAL": "Lateral"}
"""Singleton tags of the slice views in which the radiographs are, by the name of the radiograph's view."""
_LABELS = {"PA": ("PA", "Coronal"), "LATERAL": ("LAT", "Sagittal")}


def radiograph_view(name: str) -> str:
    """The slice view of a radiograph in a `views.row`; its name is PA or LATERAL."""
    return slice_view(TAGS[name], *_LABELS[name], "#8FA3B8", group=1)


LAYOUT_XML = layout(row(*map(radiograph_view, TAGS)))
"""Both radiographs side by side."""


def show_radiographs(scene, radiographs: dict[str, object]) -> None:
    """Show radiographs in their views, where a layout has these; all else may take a view for its own picture.

    Args:
        scene: The `vtkMRMLScene`.
        radiographs: Volume nodes by the names of their views; the view of a missing one is empty.
    """
    for name, tag in TAGS.items():
        if node := slice_node(scene, tag):
            _show(node, radiographs.get(name))


def _show(node, radiograph) -> None:
    """Show a radiograph as it was set right by hand; the view is linked to no other, because none cuts there."""
    composite = show_alone(node, radiograph)
    composite.SetLinkedControl(False)
    composite.SetHotLinkedControl(False)
    if radiograph and radiograph.GetImageData():
        centre, right, down = _frame(radiograph)
        node.SetSliceToRASByNTP(*np.cross(down, right), *right, 0, 0, 0, 0)
        fit(node, centre + np.array([across * right + along * down for across in (-0.5, 0.5) for along in (-0.5, 0.5)]))
        if display := radiograph.GetDisplayNode():
            display.SetInvertDisplayScalarRange(correction_of(radiograph).inverted)


def _frame(radiograph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middle of a corrected radiograph, and the vectors along its upper edge and down its left one: RAS, in mm."""
    matrix = vtk.vtkMatrix4x4()
    radiograph.GetIJKToRASMatrix(matrix)
    to_ras = slicer.util.arrayFromVTKMatrix(matrix)[:3]
    columns, rows, _ = radiograph.GetImageData().GetDimensions()
    centre = to_ras @ [(columns - 1) / 2, (rows - 1) / 2, 0, 1]
    right, down = columns * to_ras[:, 0], rows * to_ras[:, 1]
    correction = correction_of(radiograph)
    for _ in range(correction.quarter_turns % 4):
        right, down = down, -right
    right = -right if correction.mirrored else right
    at_left, at_top, at_right, at_bottom = correction.crop
    centre = centre + (at_left - at_right) / 2 * right + (at_top - at_bottom) / 2 * down
    return centre, (1 - at_left - at_right) * right, (1 - at_top - at_bottom) * down
