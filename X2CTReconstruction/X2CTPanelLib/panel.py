"""What the widgets of both modules are: a .ui file, the scene's parameters, sections, and one job at a time."""

import sys
import time

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from X2CTLib.errors import Cancelled
from X2CTLib.jobs import POLL_INTERVAL_MS
from X2CTLib.progress import CancelToken


class Panel(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """A module's widget; a module file derives its own, with the attributes in capitals and `makeLogic`.

    Attributes:
        SECTIONS: Classes of its `Section`s, from top to bottom.
        LIBRARIES: The packages that are loaded anew with it.
        logic: Of the module; it has `jobs`, a `JobRunner`, `installDependencies` and `close`.
        parameters: The scene's parameter node; None while the module is not open.
        sections: By their classes.
    """

    SECTIONS = ()
    LIBRARIES = ("X2CTLib", "X2CTReconstructionLib", "X2CTPanelLib")

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameters = None
        self.sections = {}
        self._parameterNodeGuiTag = None
        self._timer = None
        self._stopping = None
        self._onDone = None
        self._quiet = False
        self._started = 0.0

    @property
    def busy(self):
        """Whether something is done that the user has asked for, and waits for."""
        return (self._timer.active and not self._quiet) or self._stopping is not None

    def makeLogic(self):
        """The module's logic."""
        raise NotImplementedError

    def setup(self):
        """Load the panel and connect it."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = self.makeLogic()
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self.onPoll)
        for section in self.SECTIONS:
            self.sections[section] = section(self)

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        for event in (slicer.mrmlScene.EndCloseEvent, slicer.mrmlScene.EndImportEvent):
            self.addObserver(slicer.mrmlScene, event, self.onSceneChanged)
        self.ui.cancelButton.connect("clicked(bool)", self.onCancel)
        self.initializeParameterNode()

    def cleanup(self):
        """Leave nothing behind: no timer, no process of ours, no observer."""
        self.setParameterNode(None)
        self._timer.stop()
        self.logic.close()
        self.removeObservers()

    def enter(self):
        """The user opens this module."""
        self.initializeParameterNode()

    def exit(self):
        """The user goes to another module; what runs goes on."""
        self.setParameterNode(None)

    def onReload(self):
        """Reload the libraries, too, for developers."""
        for name in [name for name in sys.modules if name.partition(".")[0] in self.LIBRARIES]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller, event):
        """The nodes go; what is being computed of them is of no use any more."""
        self.onCancel()
        self.setParameterNode(None)

    def onSceneChanged(self, caller, event):
        """A scene was closed or loaded: start afresh, or show what it remembers, if this module is open."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Take the scene's parameter node."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        """Bind the panel to a parameter node, or to none."""
        if self.parameters:
            for section in self.sections.values():
                section.leave()
            self.parameters.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self.parameters = parameterNode
        if self.parameters:
            self._parameterNodeGuiTag = self.parameters.connectGui(self.ui)
            self.addObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
            for section in self.sections.values():
                section.enter()
        self.updatePanel()

    def onParametersModified(self, caller=None, event=None):
        """A parameter has changed, on the panel or from elsewhere."""
        for section in self.sections.values():
            section.parametersChanged()
        self.updatePanel()

    def updatePanel(self):
        """Say what can be done now."""
        self.ui.cancelButton.enabled = self._timer.active or self.busy
        for section in self.sections.values():
            section.update(ready=bool(self.parameters) and not self.busy)

    def start(self, makeJob, onDone, quiet=False):
        """Have a job done in the process, with progress and Cancel; `onDone` gets what it was for.

        Args:
            makeJob: Called without arguments; one of the logic's methods that return a job.
            onDone: Called with what the job returns; the module may not be open then.
            quiet: Nobody has asked for it: nothing is installed, no dialog opens, and the rest can be used meanwhile.
        """
        with slicer.util.tryWithErrorDisplay(_("This could not be started."), show=not quiet, waitCursor=not quiet):
            if not quiet:
                self.logic.installDependencies()
            self.logic.jobs.start(makeJob())
            self._onDone, self._quiet = onDone, quiet
            self._started = time.monotonic()
            self._timer.start()
            self.showStatus(0, _("Starting"))

    def work(self, task, failure):
        """Do here what no process can, because it needs the scene; with progress and Cancel, too.

        Args:
            task: Called with its progress, which lets events come in, and raises `Cancelled` after Cancel.
            failure: What is said of an error.

        Returns:
            What the task returns; None if it was cancelled, or has failed.
        """

        def progress(fraction, message):
            self.showStatus(fraction, message)
            slicer.app.processEvents()
            stopping.check()

        self._stopping = stopping = CancelToken()
        with slicer.util.tryWithErrorDisplay(failure):
            try:
                self.logic.installDependencies()
                return task(progress)
            except Cancelled:
                self.showStatus(0, _("Cancelled; nothing was changed."))
            finally:
                self._stopping = None
                self.updatePanel()

    def onPoll(self):
        """See what the process has to say; never waits."""
        for event in self.logic.jobs.poll():
            if event["event"] == "progress":
                self.showStatus(event["fraction"], self._withTimeLeft(event["fraction"], event["message"]))
                continue
            self._timer.stop()
            if event["event"] == "error":
                self.showStatus(0, event["message"])
                if not self._quiet:
                    slicer.util.errorDisplay(event["message"], windowTitle=_("X2CT"))
            else:
                self.showStatus(1, _("Done"))
                with slicer.util.tryWithErrorDisplay(_("The result could not be added."), waitCursor=True):
                    self._onDone(self.logic.jobs.finish())
        if self._timer.active and not self.logic.jobs.busy:  # the console has had a job of its own done meanwhile
            self._timer.stop()
            self.showStatus(0, "")

    def onCancel(self):
        """Stop the job at once, and what is done here at its next step."""
        if self._stopping:
            self._stopping.cancel()
        if self._timer.active:
            self._timer.stop()
            self.logic.close()
            self.showStatus(0, _("Cancelled; nothing was added to the scene."))

    def showStatus(self, fraction, message):
        """Say how the job, or what else was asked for, stands."""
        self.ui.jobProgressBar.value = round(100 * fraction)
        self.ui.jobStatusLabel.text = message
        self.updatePanel()

    def _withTimeLeft(self, fraction, message):
        elapsed = time.monotonic() - self._started
        if fraction < 0.1 or elapsed < 2:
            return message
        return _("{message}; about {seconds:.0f} s left").format(
            message=message, seconds=elapsed * (1 - fraction) / fraction
        )
