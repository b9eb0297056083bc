"""Radiographs of the CT volumes in the scene, with a preview that follows the sliders."""

import qt
import slicer
from slicer import vtkMRMLMarkupsNode, vtkMRMLTransformableNode
from slicer.i18n import tr as _

from X2CTLib.errors import X2CTError
from X2CTPanelLib.section import Section
from X2CTTrainingPanelLib.parameters import VIEWS

PREVIEW_DELAY_MS = 10


class DrrSection(Section):
    """Volume, geometry, exposure; preview, nodes, files."""

    def __init__(self, panel):
        super().__init__(panel)
        self._preset = None
        self._shown = None
        self._followed = []
        self._timer = qt.QTimer()
        self._timer.setInterval(PREVIEW_DELAY_MS)
        self._timer.connect("timeout()", self.onPreview)
        self.ui.createDrrsButton.connect("clicked(bool)", self.onCreate)
        self.ui.exportDrrsButton.connect("clicked(bool)", self.onExport)

    def enter(self):
        """The lengths are the scene's, not the preset's."""
        self._preset = self.parameters.drrGeometry
        self.parametersChanged()

    def leave(self):
        """Compute no preview for nobody."""
        self._timer.stop()
        self._follow(None, None)

    def parametersChanged(self):
        """Take the lengths of another preset, and ask for a preview of what has changed."""
        parameters = self.parameters
        if parameters.drrGeometry != self._preset:
            self._preset = parameters.drrGeometry
            sid, sad, width, height = self.logic.presetLengths(self._preset)
            parameters.sidMm, parameters.sadMm = sid or parameters.sidMm, sad or parameters.sadMm
            parameters.detectorWidthMm, parameters.detectorHeightMm = width, height
        self._follow(parameters.drrVolume, parameters.isocentre)
        if self._settings() != self._shown:
            self.onMoved()

    def update(self, ready):
        """What can be projected."""
        chosen = ready and self.parameters.drrVolume is not None
        for button in (self.ui.createDrrsButton, self.ui.exportDrrsButton):
            button.enabled = chosen
        parallel = self.parameters is not None and self.parameters.drrGeometry == "parallel"
        self.ui.sidSlider.enabled = self.ui.sadSlider.enabled = not parallel

    def onMoved(self, caller=None, event=None):
        """The preview is out of date: what else changes in the next moment goes into the same new one."""
        if self.parameters.drrVolume and self.parameters.showPreview and not self._timer.active:
            self._timer.start()

    def _follow(self, volume, isocentre):
        """Observe what the user may drag, and nothing else."""
        for node, event in self._followed:
            self.panel.removeObserver(node, event, self.onMoved)
        moving = (
            (volume, vtkMRMLTransformableNode.TransformModifiedEvent),
            (isocentre, vtkMRMLMarkupsNode.PointModifiedEvent),
        )
        self._followed = [(node, event) for node, event in moving if node]
        for node, event in self._followed:
            self.panel.addObserver(node, event, self.onMoved)

    def onPreview(self):
        """Show the radiographs as they would be."""
        self._timer.stop()
        if not self.logic.isReady():
            self.ui.drrPreviewLabel.text = _("The preview appears once the Python packages are installed.")
            return
        self._shown = self._settings()
        volume, isocentre, settings = self._shown
        try:
            pictures = self.logic.previewDRR(volume, isocentre, **settings)
            self.ui.drrPreviewLabel.text = " ".join(f'<img src="{self.logic.pictureUri(p)}">' for p in pictures)
        except X2CTError as error:
            self.ui.drrPreviewLabel.text = str(error)

    def onCreate(self):
        """Radiographs of all chosen volumes as nodes."""
        _volume, isocentre, settings = self._settings()
        self.panel.start(lambda: self.logic.drrJob(self._volumes(), isocentre, **settings), self._showNodes)

    def onExport(self):
        """The same as files."""
        _volume, isocentre, settings = self._settings()
        folder = self.parameters.exportFolder
        self.panel.start(
            lambda: self.logic.exportJob(self._volumes(), folder, isocentre, **settings),
            lambda files: self.panel.showStatus(
                1, _("Wrote {count} files to {folder}").format(count=len(files), folder=folder)
            ),
        )

    def _showNodes(self, nodes):
        slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)
        self.panel.showStatus(1, _("Added {count} volumes").format(count=len(nodes)))

    def _volumes(self):
        """The chosen volume, and those that are checked besides."""
        volume = self.parameters.drrVolume
        return [volume, *(node for node in self.ui.drrFurtherSelector.checkedNodes() if node is not volume)]

    def _settings(self):
        """What the panel says: volume, isocentre, and the settings of `DrrSettings`."""
        p = self.parameters
        parallel = p.drrGeometry == "parallel"
        settings = {
            "views": VIEWS[p.drrViews],
            "geometry": p.drrGeometry,
            "sid_mm": None if parallel else p.sidMm,
            "sad_mm": None if parallel else p.sadMm,
            "detector_mm": (p.detectorWidthMm, p.detectorHeightMm),
            "pixels": p.detectorPixels,
            "gantry_deg": p.gantryDeg,
            "cranial_deg": p.cranialDeg,
            "body_only": p.bodyOnly,
            "kvp": p.kvp or None,
            "scatter": p.scatter,
            "photons": p.photons or None,
            "blur_mm": p.blurMm,
        }
        return p.drrVolume, p.isocentre, settings
