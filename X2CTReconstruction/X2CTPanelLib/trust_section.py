"""Step 5: what a reconstruction is worth."""

import json

from slicer.i18n import tr as _

from X2CTPanelLib.section import Section
from X2CTPanelLib.trust_page import comparisonPage, trustPage


class TrustSection(Section):
    """Words, pictures side by side, and the uncertainty over the slices."""

    def __init__(self, panel):
        super().__init__(panel)
        self._shown = None
        self._opacity = None

    def enter(self):
        """The scene may be another."""
        self._shown, self._opacity = None, self.parameters.uncertaintyOpacity
        self.parametersChanged()

    def parametersChanged(self):
        """Say what the chosen volume is worth, and lay its uncertainty over it."""
        volume, opacity = self.parameters.resultVolume, self.parameters.uncertaintyOpacity
        study = self.logic.studyOf(volume)
        if self._shown is None or self._shown != (volume and volume.GetID(), bool(study)):
            self._shown = volume and volume.GetID(), bool(study)
            self.ui.trustLabel.text = trustPage(study) if study else self._noStudy(volume)
            notes = volume.GetAttribute("X2CT.Notes") if volume else None
            if notes:
                self.ui.notesTextEdit.plainText = "\n".join(json.loads(notes))
            self.ui.comparisonLabel.text = comparisonPage(study) if study else ""
        self.ui.uncertaintySlider.enabled = bool(study and study.uncertainty)
        if study and opacity != self._opacity:
            self._opacity = opacity
            self.logic.showUncertainty(volume, opacity)

    def _noStudy(self, volume):
        if volume is None:
            return _("What a reconstruction is worth is said here.")
        if not self.logic.isReady():
            return _("This can be said once the Python packages are installed.")
        return _("{name} is not a reconstruction of this module.").format(name=volume.GetName())
