"""The views of a study in the Slicer desktop: each radiograph beside the slice that it compares with, and 3D."""

from X2CTReconstructionLib.radiograph_views import radiograph_view, show_radiographs
from X2CTReconstructionLib.slices import cut_at_line, show_volume
from X2CTReconstructionLib.study import Study
from X2CTReconstructionLib.views import layout, row, slice_node, slice_view

LAYOUT_ID = 2019
"""Among the layouts of a `vtkMRMLLayoutNode`; Slicer's own have smaller numbers."""
VOLUME_VIEWS = {"Green": "Coronal", "Yellow": "Sagittal", "Red": "Axial"}
"""Singleton tags of Slicer's own slice views, and what they show."""

_THREED = """<item><view class="vtkMRMLViewNode" singletontag="1">
<property name="viewlabel" action="default">1</property>
</view></item>"""


def _volume(tag: str, colour: str) -> str:
    return slice_view(tag, tag[0], VOLUME_VIEWS[tag], colour, group=0)


LAYOUT_XML = layout(
    row(radiograph_view("PA"), _volume("Green", "#6EB04B"), _THREED),
    row(radiograph_view("LATERAL"), _volume("Yellow", "#EDD54C"), _volume("Red", "#F34A33")),
)
"""Colours and labels of the slices are Slicer's own."""


def show_radiographs_of(scene, study: Study) -> None:
    """Show the radiographs of a study in their views, where these are."""
    show_radiographs(scene, {view.name: radiograph for view, radiograph in study.radiographs.items()})


def fill_layout(scene, study: Study) -> None:
    """Show a study in the layout: in each view its own picture, as large as fits, the slices through the heart's line.

    Views that have just been made must have taken their sizes: then they fit what they show, and forget where they cut.
    """
    show_radiographs_of(scene, study)
    for tag in VOLUME_VIEWS:
        show_volume(slice_node(scene, tag), study.volume)
        for heart in study.cardiothoracic_lines[:1]:
            cut_at_line(slice_node(scene, tag), heart)
    # On a radiograph a line at the heart would lie wrong: what is in the patient is magnified there.
    views = [*(slice_node(scene, tag) for tag in VOLUME_VIEWS), scene.GetSingletonNode("1", "vtkMRMLViewNode")]
    for line in study.cardiothoracic_lines:
        line.GetDisplayNode().SetViewNodeIDs([view.GetID() for view in views])
