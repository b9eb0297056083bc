"""Step 4: the volume in the views."""

import json

import slicer
from slicer.i18n import tr as _

from X2CTPanelLib.section import Section


class SeeSection(Section):
    """Volume rendering and slices follow the panel; what else is in the scene stays as it is."""

    def __init__(self, panel):
        super().__init__(panel)
        self._rendered = None

    def enter(self):
        """The scene is left as it was found."""
        self._rendered = self._wantedRendering()

    def parametersChanged(self):
        """Follow the panel's choice of volume, rendering and preset."""
        wanted, rendered = self._wantedRendering(), self._rendered
        if wanted == rendered:
            return
        self._rendered = wanted
        with slicer.util.tryWithErrorDisplay(_("The volume could not be rendered.")):
            if rendered[0] != wanted[0]:
                self.logic.showRendering(slicer.mrmlScene.GetNodeByID(rendered[0]), visible=False)
            self.logic.showRendering(self.parameters.resultVolume, *wanted[1:])

    def update(self, ready):
        """What was assumed about the radiographs of the volume."""
        volume = self.parameters.resultVolume if self.parameters else None
        notes = volume.GetAttribute("X2CT.Notes") if volume else None
        if notes:
            self.ui.notesTextEdit.plainText = "\n".join(json.loads(notes))

    def _wantedRendering(self):
        p = self.parameters
        return p.resultVolume.GetID() if p.resultVolume else "", p.showRendering, p.preset.value
