"""Layouts and slice views of Slicer, whatever they show. Without the engine's packages."""

import numpy as np
import slicer

_SLICE = """<item><view class="vtkMRMLSliceNode" singletontag="{tag}">
<property name="orientation" action="default">{orientation}</property>
<property name="viewlabel" action="default">{label}</property>
<property name="viewcolor" action="default">{colour}</property>
<property name="viewgroup" action="default">{group}</property>
</view></item>"""


def layout(*rows: str) -> str:
    """Rows of views below each other, as `vtkMRMLLayoutNode.AddLayoutDescription` takes it."""
    return f'<layout type="vertical">{"".join(rows)}</layout>'


def row(*items: str) -> str:
    """Views beside each other, in a `layout`."""
    return f'<item><layout type="horizontal">{"".join(items)}</layout></item>'


def slice_view(tag: str, label: str, orientation: str, colour: str, group: int) -> str:
    """A slice view in a `row`; linked views and crosshairs end at the border of a group."""
    return _SLICE.format(tag=tag, label=label, orientation=orientation, colour=colour, group=group)


def switch_layout(scene, layout_id: int, description: str) -> None:
    """Switch to a layout, in a scene with views: that of the desktop with its main window."""
    layout_node = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    layout_node.AddLayoutDescription(layout_id, description)
    layout_node.SetViewArrangement(layout_id)


def slice_node(scene, tag: str):
    """The `vtkMRMLSliceNode` of a view; None where no layout has made it yet."""
    return scene.GetSingletonNode(tag, "vtkMRMLSliceNode")


def show_alone(node, volume):
    """Let a slice view show a volume and nothing else, or nothing for None; returns its composite node."""
    composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(node)
    composite.SetBackgroundVolumeID(volume.GetID() if volume else None)
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    return composite


def fit(node, corners: np.ndarray) -> None:
    """Move a slice view to the middle of what has these corners, and make that fill it.

    Args:
        node: A `vtkMRMLSliceNode`.
        corners: (points, 3), in RAS.
    """
    node.JumpSliceByCentering(*corners.mean(axis=0))
    in_plane = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:3, :2]
    pixels = np.array(node.GetDimensions()[:2])
    width, height = pixels * max(np.ptp(corners @ in_plane, axis=0) / pixels)
    node.SetFieldOfView(width, height, node.GetFieldOfView()[2])
