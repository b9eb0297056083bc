"""Trainings: what, how large, on what; and how those stand that there are."""

import contextlib

import qt
import slicer
from slicer.i18n import tr as _

from X2CTLib.errors import X2CTError
from X2CTPanelLib.section import Section, fill
from X2CTTrainingPanelLib.data_section import DataSection

REFRESH_INTERVAL_MS = 2000


class TrainingSection(Section):
    """Start, stop, resume; list, curves and preview."""

    def __init__(self, panel):
        super().__init__(panel)
        self._runs = {}
        self._plotted = set()
        self._previewed = set()
        self._timer = qt.QTimer()
        self._timer.setInterval(REFRESH_INTERVAL_MS)
        self._timer.connect("timeout()", self.refresh)
        self.ui.estimateButton.connect("clicked(bool)", self.onEstimate)
        self.ui.startButton.connect("clicked(bool)", self.onStart)
        self.ui.stopButton.connect("clicked(bool)", self.onStop)
        self.ui.resumeButton.connect("clicked(bool)", self.onResume)
        self.ui.curvesButton.connect("clicked(bool)", self.onShowCurves)
        self.ui.runPreviewButton.connect("clicked(bool)", self.onShowPreview)
        self.ui.runComboBox.connect("currentIndexChanged(int)", self._showRun)

    def enter(self):
        """Find the runs that there are, and look at them now and then."""
        for followed in (self._plotted, self._previewed):
            followed.clear()  # the scene may be another
        self._timer.start()
        self.refresh()

    def leave(self):
        """Nobody looks."""
        self._timer.stop()

    def parametersChanged(self):
        """Another folder has other runs."""
        if self.logic.runsFolder != self.parameters.runsFolder:
            self.refresh()

    def update(self, ready):
        """What can be started, stopped and resumed."""
        anyData = ready and any(self._data.chosen().values())
        self.ui.estimateButton.enabled = anyData
        self.ui.startButton.enabled = anyData and bool(self.parameters.runName.strip())
        run = self.chosenRun()
        self.ui.stopButton.enabled = bool(run and run.active)
        self.ui.resumeButton.enabled = bool(run and run.state in ("stopped", "failed"))
        self.ui.curvesButton.enabled = self.ui.runPreviewButton.enabled = run is not None

    def chosenRun(self):
        """The run that is chosen, or None."""
        return self._runs.get(self._chosenName())

    def refresh(self):
        """Show how the runs stand."""
        self.logic.runsFolder = self.parameters.runsFolder
        if not self.logic.isReady():
            return
        with slicer.util.tryWithErrorDisplay(_("The runs could not be listed.")):
            self._runs = self.logic.runs()
            self.ui.runsTableView.setMRMLTableNode(self.logic.showRuns())
            fill(self.ui.runComboBox, self._runs)
            self._showRun()
        self.panel.updatePanel()

    def onEstimate(self):
        """Say what the training would take."""
        with slicer.util.tryWithErrorDisplay(_("The experiment cannot be used."), waitCursor=True):
            self.logic.installDependencies()
            need = self.logic.need(self._data.cases(), **self.panel.experiment(), **self._adjustments())
            self.ui.needLabel.text = _(
                "{parameters:.1f} million parameters; about {memory:.1f} GB of memory where it trains, and "
                "{disk:.1f} GB of disk, of which {free:.0f} GB are free"
            ).format(
                parameters=need.parameters / 1e6,
                memory=need.memory_bytes / 1e9,
                disk=need.disk_bytes / 1e9,
                free=self.logic.freeDisk() / 1e9,
            )

    def onStart(self):
        """Begin a training; the volumes of the scene become a data set in its folder."""
        p = self.parameters
        with slicer.util.tryWithErrorDisplay(_("The training could not be started."), waitCursor=True):
            self.logic.installDependencies()
            self.logic.startTraining(
                p.runName.strip(),
                device=p.device,
                **self._data.chosen(),
                **self.panel.experiment(),
                **self._adjustments(),
            )
            self.refresh()
            self.ui.runComboBox.currentIndex = list(self._runs).index(p.runName.strip())

    def onStop(self):
        """Ask the chosen run to stop."""
        with slicer.util.tryWithErrorDisplay(_("The training could not be stopped.")):
            self.logic.stopTraining(self._chosenName())
            self.refresh()

    def onResume(self):
        """Go on with the chosen run."""
        with slicer.util.tryWithErrorDisplay(_("The training could not be resumed.")):
            self.logic.resumeTraining(self._chosenName())
            self.refresh()

    def onShowCurves(self):
        """Bring the chosen run's curves into the views; they follow the run from now on."""
        name = self._chosenName()
        with slicer.util.tryWithErrorDisplay(_("The curves could not be shown.")):
            chart = self.logic.showCurves(name)
            self._plotted.add(name)
            if slicer.app.layoutManager():
                slicer.modules.plots.logic().ShowChartInLayout(chart)

    def onShowPreview(self):
        """Bring a validation case into the slices, as the chosen run makes it; it follows the run from now on."""
        name = self._chosenName()
        with slicer.util.tryWithErrorDisplay(_("There is no preview.")):
            made, true = self.logic.showPreview(name)
            self._previewed.add(name)
            # The true case is there, to be faded in.
            slicer.util.setSliceViewerLayers(background=made, foreground=true, foregroundOpacity=0.0, fit=True)

    @property
    def _data(self):
        return self.panel.sections[DataSection]

    def _chosenName(self):
        return self.ui.runComboBox.currentText

    def _adjustments(self):
        """What differs from the experiment."""
        p = self.parameters
        return {
            "length": p.lengthFactor,
            "batch": p.batch or None,
            "learning_rate": p.learningRate or None,
            "width": p.networkWidth or None,
            "precision": p.precision,
        }

    def _showRun(self):
        """Progress and newest picture of the chosen run, and the curves and previews that were asked for."""
        run = self.chosenRun()
        picture = run and self.logic.newestPreview(self._chosenName())
        self.ui.runProgressBar.value = round(100 * run.fraction) if run else 0
        self.ui.runStatusLabel.text = f"{run.state}. {run.message}" if run else _("There are no runs in this folder.")
        self.ui.runPictureLabel.text = f'<img src="{picture}">' if picture else ""
        for name in self._plotted & self._runs.keys():
            self.logic.showCurves(name)
        for name in self._previewed & self._runs.keys():
            with contextlib.suppress(X2CTError):  # another run of this name has begun
                self.logic.showPreview(name)
