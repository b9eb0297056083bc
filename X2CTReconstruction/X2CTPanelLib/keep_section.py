"""Step 7: what is kept of a reconstruction, as files that name nobody unless that is asked for."""

from pathlib import Path

from slicer.i18n import tr as _

from X2CTPanelLib.section import Section


class KeepSection(Section):
    """Kinds of files, a folder, a name. Folder and name may tell who the patient is: no scene keeps them."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.exportDirectoryButton.directory = str(Path.home())
        self.ui.exportButton.connect("clicked(bool)", self.onExport)

    def update(self, ready):
        """Only reconstructions are exported; Slicer saves the rest."""
        self.ui.exportButton.enabled = bool(
            ready and self._kinds() and self.logic.studyOf(self.parameters.resultVolume)
        )

    def onExport(self):
        """Write what is checked."""
        volume = self.parameters.resultVolume
        name = "".join(letter if letter.isalnum() else "_" for letter in volume.GetName())
        folder = Path(self.ui.exportDirectoryButton.directory) / name
        kinds, patient = self._kinds(), self.ui.patientLineEdit.text.strip()
        files = self.panel.work(
            lambda progress: self.logic.export(volume, folder, kinds, patient, progress),
            _("The study could not be exported."),
        )
        if files:
            self.panel.showStatus(
                1, _("Wrote {names} to {folder}").format(names=", ".join(file.name for file in files), folder=folder)
            )

    def _kinds(self):
        p = self.parameters
        chosen = {
            "nrrd": p.exportNrrd,
            "nifti": p.exportNifti,
            "dicom": p.exportDicom,
            "table": p.exportTable,
            "report": p.exportReport,
            "scene": p.exportScene,
        }
        return [kind for kind, wanted in chosen.items() if wanted]
