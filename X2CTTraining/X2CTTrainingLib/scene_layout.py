"""The views of a comparison in the Slicer desktop: a case, what was made of it, and the difference, side by side."""

from collections.abc import Sequence

import slicer

from X2CTReconstructionLib.slices import show_volume
from X2CTReconstructionLib.views import layout, row, slice_node, slice_view, switch_layout

LAYOUT_ID = 2020
"""Among the layouts of a `vtkMRMLLayoutNode`, beside that of `X2CTReconstructionLib.layout`."""
COLUMNS = {"True": "#6EB04B", "Reconstructed": "#EDD54C", "Difference": "#F34A33"}
ORIENTATIONS = ("Axial", "Coronal")


def _row(orientation: str) -> str:
    views = (slice_view(what + orientation, what, orientation, colour, group=2) for what, colour in COLUMNS.items())
    return row(*views)


LAYOUT_XML = layout(*map(_row, ORIENTATIONS))


def show_side_by_side(scene, volumes: Sequence) -> None:
    """Switch to the layout, and show a `vtkMRMLScalarVolumeNode` in each of its columns; they are scrolled together.

    Args:
        scene: A scene with views: that of the desktop with its main window.
        volumes: As many as `COLUMNS`.
    """
    switch_layout(scene, LAYOUT_ID, LAYOUT_XML)
    for what, volume in zip(COLUMNS, volumes, strict=True):
        for orientation in ORIENTATIONS:
            node = slice_node(scene, what + orientation)
            show_volume(node, volume)
            composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(node)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
