"""The scene and its four views."""

import numpy as np
from slicer import vtkMRMLAbstractViewNode
from trame_server import Server
from trame_slicer.core import SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import SliceView, ThreeDView, ViewLayoutDefinition
from vtkmodules.vtkCommonCore import vtkObject

from X2CTReconstructionLib.pictures import letters
from X2CTWeb.logic.still_quality import StillQuality

ORIENTATIONS = ("Coronal", "Sagittal", "Axial")
_BACKGROUND_3D = ("#0c0f14", "#1d232c")
_JPEG_QUALITY = 90
"""That of trame's still pictures: if its moving ones had another one, it would draw everything twice."""


def edge_letters(view: SliceView) -> dict[str, str]:
    """The patient's side at each edge of a slice view, and in front of it, where its offset grows."""
    matrix = view.get_view_node().GetSliceToRAS()
    right, up, front = (np.array([matrix.GetElement(row, column) for row in range(3)]) for column in range(3))
    sides = {"left": -right, "right": right, "top": up, "bottom": -up, "front": front, "back": -front}
    return {side: letters(direction) for side, direction in sides.items()}


class ViewerLogic:
    """Shows one volume at a time in three slices; `DisplayLogic` says what is seen of it, and in 3D.

    Attributes:
        slices: The slice views by their orientation.
        threed: The 3D view.
    """

    def __init__(self, server: Server, slicer_app: SlicerApp) -> None:
        self._app = slicer_app
        self._create_views(server)

    @property
    def scene(self):
        """The `vtkMRMLScene`."""
        return self._app.scene

    def show(self, volume) -> None:
        """Show a `vtkMRMLScalarVolumeNode` in the slices, or None."""
        self._app.display_manager.show_volume_in_slice_background(volume)

    def reset(self) -> None:
        """Make all views show all that there is, from where they look at first."""
        self._app.display_manager.reset_views()

    def draft(self) -> None:
        """What is drawn in 3D is new: draw it roughly now, and sharpen it afterwards."""
        self._still_quality.draft()

    def _create_views(self, server: Server) -> None:
        manager = self._app.view_manager
        register_rca_factories(
            manager,
            server,
            slice_view_ui_f=_no_overlay,
            three_d_view_ui_f=_no_overlay,
            interactive_quality=_JPEG_QUALITY,
        )
        vtkObject.GlobalWarningDisplayOff()  # trame-slicer's slice views observe an event that VTK 9.6 calls outdated
        self.slices: dict[str, SliceView] = {
            orientation: manager.create_view(ViewLayoutDefinition.slice_view(orientation))
            for orientation in ORIENTATIONS
        }
        vtkObject.GlobalWarningDisplayOn()
        self.threed: ThreeDView = manager.create_view(ViewLayoutDefinition.threed_view(background_color=_BACKGROUND_3D))
        self.threed.set_orientation_marker(
            vtkMRMLAbstractViewNode.OrientationMarkerTypeAxes, vtkMRMLAbstractViewNode.OrientationMarkerSizeSmall
        )
        self.threed.renderer().SetUseDepthPeeling(False)  # without a graphics card it loses what is translucent
        self._still_quality = StillQuality(self.threed)
        manager.set_current_view_ids([view.get_singleton_tag() for view in manager.get_views()])


def _no_overlay(*_) -> None:
    """The page draws over the views itself, where they stand in its grid."""
