"""Step 4: the volume in the views."""

import slicer
from slicer.i18n import tr as _

from X2CTPanelLib.section import Section


class SeeSection(Section):
    """The views follow the panel; what else is in the scene stays as it is."""

    def __init__(self, panel):
        super().__init__(panel)
        self._shown = {}
        self.ui.layoutButton.connect("clicked(bool)", self.onLayout)
        self.ui.lookPaButton.connect("clicked(bool)", lambda: self._look("PA"))
        self.ui.lookLateralButton.connect("clicked(bool)", lambda: self._look("LATERAL"))
        self.ui.lookSourceButton.connect("clicked(bool)", lambda: self._look("SOURCE"))

    def enter(self):
        """The scene is left as it was found; one that was saved in our layouts can be loaded."""
        self.logic.registerLayouts()
        self.logic.showRadiographs(self.parameters.resultVolume)
        self._shown = self._wanted()

    def parametersChanged(self):
        """Show what is wanted and was not."""
        wanted, shown = self._wanted(), self._shown
        self._shown = wanted
        volume = self.parameters.resultVolume
        with slicer.util.tryWithErrorDisplay(_("The volume could not be shown so.")):
            if shown["volume"] != wanted["volume"]:
                self.logic.showRendering(slicer.mrmlScene.GetNodeByID(shown["volume"]), visible=False)
            if volume is None:
                return
            if shown != wanted | {"window": shown["window"]}:
                self.logic.showRendering(volume, *wanted["rendering"])
                self.logic.cropRendering(volume, wanted["crop"])
                self.logic.showDetectors(volume, wanted["detectors"])
                self.logic.showOrgans(volume, *wanted["organs"])
            if wanted["detectors"] and not shown["detectors"]:
                self._look("BEHIND")
            if shown["window"] != wanted["window"]:
                self.logic.setWindow(volume, wanted["window"])

    def update(self, ready):
        """What can be shown."""
        volume = self.parameters.resultVolume if self.parameters else None
        study = self.logic.studyOf(volume)
        for widget in (self.ui.layoutButton, self.ui.lookPaButton, self.ui.lookLateralButton, self.ui.windowComboBox):
            widget.enabled = volume is not None
        rendered = volume is not None and self.parameters.showRendering
        for widget in (self.ui.presetComboBox, self.ui.opacityShiftSlider, self.ui.cropCheckBox):
            widget.enabled = rendered
        self.ui.detectorsCheckBox.enabled = self.ui.lookSourceButton.enabled = study is not None
        organs = volume is not None and self.logic.organsOf(volume) is not None
        self.ui.organsInSlicesCheckBox.enabled = self.ui.organsIn3DCheckBox.enabled = organs

    def onLayout(self):
        """Both radiographs beside the slices and 3D."""
        with slicer.util.tryWithErrorDisplay(_("The views could not be arranged.")):
            self.logic.showStudy(self.parameters.resultVolume)

    def _look(self, direction):
        with slicer.util.tryWithErrorDisplay(_("The 3D view could not be turned.")):
            self.logic.lookFrom(self.parameters.resultVolume, direction)

    def _wanted(self):
        p = self.parameters
        return {
            "volume": p.resultVolume.GetID() if p.resultVolume else "",
            "rendering": (p.showRendering, p.preset.value, p.opacityShift),
            "crop": p.cropBox and p.showRendering,
            "detectors": p.radiographsIn3D,
            "organs": (p.organsInSlices, p.organsIn3D),
            "window": p.window.value,
        }
