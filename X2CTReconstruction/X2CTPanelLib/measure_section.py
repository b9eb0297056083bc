"""Step 6: organs and what they measure, in a reconstruction or in any chest CT."""

import slicer
from slicer.i18n import tr as _

from X2CTPanelLib.parameters import Segmenter
from X2CTPanelLib.section import Section


class MeasureSection(Section):
    """Segment, edit, measure again."""

    def __init__(self, panel):
        super().__init__(panel)
        self._following = None
        self._linesShown = None
        self.ui.measureButton.connect("clicked(bool)", self.onMeasure)
        self.ui.editSegmentationButton.connect("clicked(bool)", self.onEdit)
        self.ui.measureAgainButton.connect("clicked(bool)", self.onMeasureAgain)

    def enter(self):
        """The scene may be another."""
        self._linesShown = None
        self.parametersChanged()

    def leave(self):
        """Follow no lines any more."""
        self._follow(None)

    def parametersChanged(self):
        """The table follows the lines of the chosen volume, which are shown if that is wanted."""
        p = self.parameters
        wanted = p.resultVolume and p.resultVolume.GetID(), p.showRatioLines
        if wanted != self._linesShown:
            self._linesShown = wanted
            self._follow(p.resultVolume)
            self.logic.showRatioLines(p.resultVolume, p.showRatioLines)

    def update(self, ready):
        """What can be measured and edited."""
        volume = self.parameters.resultVolume if self.parameters else None
        segmented = bool(volume and self.logic.organsOf(volume))
        missing = ready and self.parameters.segmenter is Segmenter.TOTAL_SEGMENTATOR and not self._totalSegmentator()
        self.ui.measureButton.enabled = ready and volume is not None and not missing
        self.ui.measureButton.toolTip = (
            _("TotalSegmentator is not installed; the Extensions Manager offers it.")
            if missing
            else _("Find the organs of the volume and measure them; any chest CT will do.")
        )
        self.ui.editSegmentationButton.enabled = self.ui.measureAgainButton.enabled = ready and segmented

    def onMeasure(self):
        """Find the organs anew; those that were found before stay in the scene."""
        volume, segmenter = self.parameters.resultVolume, self.parameters.segmenter

        def show(table):
            parameters = self.logic.getParameterNode()
            parameters.measurements = table
            self.logic.showOrgans(volume, parameters.organsInSlices, parameters.organsIn3D)
            self._show(_("Measured {name}").format(name=volume.GetName()))

        if segmenter is Segmenter.BUILT_IN:
            self.panel.start(lambda: self.logic.measureJob(volume), show)
        elif table := self.panel.work(
            lambda progress: self.logic.measure(volume, segmenter.value, progress),
            _("The volume could not be measured."),
        ):
            show(table)

    def onMeasureAgain(self):
        """Measure the organs as they are now."""
        p = self.parameters
        with slicer.util.tryWithErrorDisplay(_("The organs could not be measured."), waitCursor=True):
            p.measurements = self.logic.measureAgain(p.resultVolume)
            self._show(_("Measured the organs as they are now"))

    def onEdit(self):
        """Open the organs in the Segment Editor."""
        volume = self.parameters.resultVolume
        organs = self.logic.organsOf(volume)
        self.parameters.organsInSlices = True
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        editor.setSegmentationNode(organs)
        editor.setSourceVolumeNode(volume)

    def _follow(self, volume):
        if self._following:
            self._following.stop()
        self._following = self.logic.followRatioLines(volume)

    def _show(self, message):
        self.ui.measurementsTableView.resizeColumnsToContents()
        self.panel.showStatus(1, message)

    def _totalSegmentator(self):
        return hasattr(slicer.modules, "totalsegmentator")
