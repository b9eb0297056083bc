"""The scene and its four views: what they show, and how."""

import numpy as np
from slicer import vtkMRMLAbstractViewNode
from trame_server import Server
from trame_server.utils.typed_state import TypedState
from trame_slicer.core import SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import SliceView, ThreeDView, ViewLayoutDefinition
from vtkmodules.vtkCommonCore import vtkObject

from X2CTReconstructionLib.pictures import letters
from X2CTReconstructionLib.presets import WINDOWS
from X2CTReconstructionLib.rendering import show_volume_rendering
from X2CTReconstructionLib.study import Study, remove_study
from X2CTWeb.logic.still_quality import StillQuality
from X2CTWeb.state import AppState

ORIENTATIONS = ("Coronal", "Sagittal", "Axial")
_BACKGROUND_3D = ("#0c0f14", "#1d232c")
_STILL_JPEG_QUALITY = 92


def edge_letters(view: SliceView) -> dict[str, str]:
    """The patient's side at each edge of a slice view, and in front of it, where its offset grows."""
    matrix = view.get_view_node().GetSliceToRAS()
    right, up, front = (np.array([matrix.GetElement(row, column) for row in range(3)]) for column in range(3))
    sides = {"left": -right, "right": right, "top": up, "bottom": -up, "front": front, "back": -front}
    return {side: letters(direction) for side, direction in sides.items()}


class ViewerLogic:
    """Shows one study at a time in three slices and in 3D.

    Attributes:
        slices: The slice views by their orientation.
        threed: The 3D view.
    """

    def __init__(self, server: Server, slicer_app: SlicerApp, typed_state: TypedState[AppState]) -> None:
        self._app = slicer_app
        self._data = typed_state.data
        self._study: Study | None = None
        self._create_views(server)
        display = typed_state.name.display
        typed_state.bind_changes(
            {
                display.preset: self._apply_preset,
                display.window: self._apply_window,
                display.organs: self._apply_organs,
            }
        )

    @property
    def scene(self):
        """The `vtkMRMLScene`."""
        return self._app.scene

    def show(self, study: Study) -> None:
        """Show a study of the scene instead of the one before, which is removed."""
        self.clear()
        self._study = study
        self._still_quality.draft()
        show_volume_rendering(self.scene, study.volume, self._data.display.preset)
        study.segmentation.GetDisplayNode().SetVisibility3D(False)
        self._apply_window(self._data.display.window)
        self._apply_organs(self._data.display.organs)
        self._app.display_manager.show_volume_in_slice_background(study.volume)
        self._app.display_manager.reset_views()

    def clear(self) -> None:
        """Remove the study from the scene."""
        if self._study:
            self._app.display_manager.show_volume_in_slice_background(None)
            remove_study(self.scene, self._study)
            self._study = None

    def _create_views(self, server: Server) -> None:
        manager = self._app.view_manager
        register_rca_factories(
            manager,
            server,
            slice_view_ui_f=_no_overlay,
            three_d_view_ui_f=_no_overlay,
            interactive_quality=_STILL_JPEG_QUALITY,
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
        self._still_quality = StillQuality(self.threed)
        manager.set_current_view_ids([view.get_singleton_tag() for view in manager.get_views()])

    def _apply_preset(self, preset: str) -> None:
        if self._study:
            show_volume_rendering(self.scene, self._study.volume, preset)

    def _apply_window(self, name: str) -> None:
        if self._study:
            self._study.volume.GetScalarVolumeDisplayNode().SetWindowLevel(*WINDOWS[name])

    def _apply_organs(self, visible: bool) -> None:
        if self._study:
            display = self._study.segmentation.GetDisplayNode()
            display.SetVisibility2D(visible)
            display.SetVisibility2DFill(False)


def _no_overlay(*_) -> None:
    """The page draws over the views itself, where they stand in its grid."""
