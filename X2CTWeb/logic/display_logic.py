"""What the views show of a study, as the page's controls say."""

from trame_server.utils.typed_state import TypedState

from X2CTReconstructionLib.cameras import look_from, look_from_behind, look_from_source
from X2CTReconstructionLib.detectors import show_radiographs_in_3d
from X2CTReconstructionLib.presets import WINDOWS
from X2CTReconstructionLib.rendering import (
    crop_volume_rendering,
    fit_crop_box,
    hide_volume_rendering,
    show_volume_rendering,
)
from X2CTReconstructionLib.segments import show_organs
from X2CTReconstructionLib.slices import cut_at_line, show_uncertainty
from X2CTReconstructionLib.study import Study, remove_study, show_study
from X2CTWeb.logic.viewer_logic import ViewerLogic
from X2CTWeb.state import RECONSTRUCT, AppState, DisplayState


class DisplayLogic:
    """Shows one study of the scene at a time: that of the page's mode."""

    def __init__(self, typed_state: TypedState[AppState], viewer: ViewerLogic) -> None:
        self._data = typed_state.data
        self._viewer = viewer
        self._studies: dict[str, Study] = {}
        display = typed_state.name.display
        typed_state.bind_changes(
            {
                (display.preset, display.shift, display.crop): self._apply_in_3d,
                display.detectors: self._apply_detectors,
                (display.window, display.uncertainty): self._apply_in_slices,
                display.lines: self._apply_lines,
                (display.organs, display.organs_in): self._apply_organs,
                typed_state.name.mode: self._on_mode,
            }
        )

    @property
    def _study(self) -> Study | None:
        return self._studies.get(self._data.mode)

    def show(self, study: Study, mode: str = RECONSTRUCT) -> None:
        """Show a study of the scene in a mode instead of the one before, which is removed."""
        self.clear(mode)
        self._studies[mode] = study
        self._switch()
        if study is self._study:
            self._apply()

    def clear(self, mode: str = RECONSTRUCT) -> None:
        """Remove the study of a mode from the scene."""
        if study := self._studies.pop(mode, None):
            self._switch()
            remove_study(self._viewer.scene, study)

    def look_from(self, direction: str) -> None:
        """Turn the 3D view as `X2CTReconstructionLib.cameras` says; "SOURCE" is that of the first radiograph."""
        view_node = self._viewer.threed.get_view_node()
        if direction == "SOURCE":
            look_from_source(view_node, next(iter(self._study.radiographs.values())))
        else:
            look_from(view_node, self._study.volume, direction)

    def reset(self) -> None:
        """Show the study as studies are shown at first."""
        fit_crop_box(self._study.volume)
        self._data.display = DisplayState(enlarged=self._data.display.enlarged)
        self._apply()

    def _on_mode(self, *_) -> None:
        """Show the mode's study; the views look on from where they are, so that the two compare."""
        self._switch()
        self._apply_in_3d()
        self._apply_in_slices()
        self._apply_organs()

    def _switch(self) -> None:
        for mode, study in self._studies.items():
            show_study(study, mode == self._data.mode)
        self._viewer.show(self._study.volume if self._study else None)

    def _apply(self) -> None:
        self._apply_in_3d()
        self._apply_in_slices()
        self._apply_organs()
        self._viewer.reset()
        self.look_from("PA")
        self._apply_lines(self._data.display.lines)
        self._apply_detectors(self._data.display.detectors)

    def _apply_in_3d(self, *_) -> None:
        if self._study:
            scene, volume, display = self._viewer.scene, self._study.volume, self._data.display
            self._viewer.draft()
            if display.preset:
                show_volume_rendering(scene, volume, display.preset, display.shift)
            else:
                hide_volume_rendering(volume)
            crop_volume_rendering(scene, volume, display.crop)

    def _apply_detectors(self, visible: bool) -> None:
        if self._study and self._study.radiographs:
            self._viewer.draft()
            show_radiographs_in_3d(self._viewer.scene, self._study, visible)
            if visible:
                look_from_behind(self._viewer.threed.get_view_node(), self._study)

    def _apply_in_slices(self, *_) -> None:
        if self._study:
            display = self._data.display
            self._study.volume.GetScalarVolumeDisplayNode().SetWindowLevel(*WINDOWS[display.window])
            show_uncertainty(self._viewer.scene, self._study, display.uncertainty / 100)

    def _apply_lines(self, visible: bool) -> None:
        """Where they are shown, the slices show the heart's from end to end."""
        lines = self._study.cardiothoracic_lines if self._study else []
        for line in lines:
            line.SetDisplayVisibility(visible)
        if visible and lines:
            for view in self._viewer.slices.values():
                cut_at_line(view.get_view_node(), lines[0])

    def _apply_organs(self, *_) -> None:
        if self._study and self._study.segmentation:
            self._viewer.draft()
            display = self._data.display
            show_organs(
                self._study.segmentation, display.organs, "slices" in display.organs_in, "3d" in display.organs_in
            )
