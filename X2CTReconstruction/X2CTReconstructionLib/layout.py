"""The views of a study in the Slicer desktop: each radiograph beside the slice that it compares with, and 3D."""

from X2CTLib.geometry import View
from X2CTReconstructionLib.slices import cut_at_line, show_radiograph, show_volume
from X2CTReconstructionLib.study import Study

LAYOUT_ID = 2019
"""Among the layouts of a `vtkMRMLLayoutNode`; Slicer's own have smaller numbers."""
RADIOGRAPH_VIEWS = {View.PA: "PA", View.LATERAL: "Lateral"}
"""Singleton tags of the slice views in which the radiographs are."""
VOLUME_VIEWS = {"Green": "Coronal", "Yellow": "Sagittal", "Red": "Axial"}
"""Those of Slicer's own slice views, and what they show."""

_SLICE = """<item><view class="vtkMRMLSliceNode" singletontag="{tag}">
<property name="orientation" action="default">{orientation}</property>
<property name="viewlabel" action="default">{label}</property>
<property name="viewcolor" action="default">{colour}</property>
<property name="viewgroup" action="default">{group}</property>
</view></item>"""
_THREED = """<item><view class="vtkMRMLViewNode" singletontag="1">
<property name="viewlabel" action="default">1</property>
</view></item>"""


def row(*items: str) -> str:
    """Views beside each other, in a layout of type vertical."""
    return f'<item><layout type="horizontal">{"".join(items)}</layout></item>'


def slice_view(tag: str, label: str, orientation: str, colour: str, group: int) -> str:
    """A slice view in a `row`; linked views and crosshairs end at the border of a group."""
    return _SLICE.format(tag=tag, label=label, orientation=orientation, colour=colour, group=group)


def _radiograph(view: View, label: str, orientation: str) -> str:
    return slice_view(RADIOGRAPH_VIEWS[view], label, orientation, "#8FA3B8", group=1)


def _volume(tag: str, colour: str) -> str:
    return slice_view(tag, tag[0], VOLUME_VIEWS[tag], colour, group=0)


LAYOUT_XML = '<layout type="vertical">{}{}</layout>'.format(
    row(_radiograph(View.PA, "PA", "Coronal"), _volume("Green", "#6EB04B"), _THREED),
    row(_radiograph(View.LATERAL, "LAT", "Sagittal"), _volume("Yellow", "#EDD54C"), _volume("Red", "#F34A33")),
)
"""As `vtkMRMLLayoutNode.AddLayoutDescription` takes it; colours and labels of the slices are Slicer's own."""


def add_layout(layout_node) -> None:
    """Make the layout known, if it is not; a saved scene that is shown in it needs that before it is loaded."""
    layout_node.AddLayoutDescription(LAYOUT_ID, LAYOUT_XML)


def switch_layout(scene, layout_id: int = LAYOUT_ID, description: str = LAYOUT_XML) -> None:
    """Switch to the layout or another one, in a scene with views: that of the desktop with its main window."""
    layout_node = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    layout_node.AddLayoutDescription(layout_id, description)
    layout_node.SetViewArrangement(layout_id)


def show_radiographs(scene, study: Study) -> None:
    """Show the radiographs of a study in their views, where these are; all else may take a view for its own picture.

    Args:
        scene: As `switch_layout` takes it.
        study: Where it has one radiograph only, the other's view is empty.
    """
    radiographs = study.radiographs
    for view, tag in RADIOGRAPH_VIEWS.items():
        if node := _slice_node(scene, tag):
            show_radiograph(node, radiographs.get(view))


def fill_layout(scene, study: Study) -> None:
    """Show a study in the layout: in each view its own picture, as large as fits, the slices through the heart's line.

    Views that have just been made must have taken their sizes: then they fit what they show, and forget where they cut.
    """
    show_radiographs(scene, study)
    for tag in VOLUME_VIEWS:
        show_volume(_slice_node(scene, tag), study.volume)
        for heart in study.cardiothoracic_lines[:1]:
            cut_at_line(_slice_node(scene, tag), heart)
    # On a radiograph a line at the heart would lie wrong: what is in the patient is magnified there.
    views = [*(_slice_node(scene, tag) for tag in VOLUME_VIEWS), scene.GetSingletonNode("1", "vtkMRMLViewNode")]
    for line in study.cardiothoracic_lines:
        line.GetDisplayNode().SetViewNodeIDs([view.GetID() for view in views])


def _slice_node(scene, tag: str):
    return scene.GetSingletonNode(tag, "vtkMRMLSliceNode")
