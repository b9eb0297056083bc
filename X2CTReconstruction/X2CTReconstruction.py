"""3D Slicer module: a CT volume from a PA and a lateral chest radiograph.

The four classes that Slicer looks for. The engine is in X2CTLib, the scene work in X2CTReconstructionLib. What needs
packages that Slicer lacks is imported where it is used: they are installed on the first Reconstruct, not at start-up.
"""

import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from X2CTLib.cards import reconstruction_models, views_read
from X2CTLib.errors import X2CTError
from X2CTLib.request import Request
from X2CTLib.worker import Worker
from X2CTReconstructionLib import dependencies
from X2CTReconstructionLib.inputs import radiograph_file
from X2CTReconstructionLib.presets import PRESETS

RESOURCES = Path(__file__).parent / "Resources"
SAMPLE = "x2ct_lidc_0001"
"""Files of the sample case in Resources/SampleData: radiographs computed from a CT of the LIDC-IDRI collection."""
POLL_INTERVAL_MS = 100


class X2CTReconstruction(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X2CT Reconstruction")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Tomographic Reconstruction")]
        self.parent.dependencies = ["VolumeRendering"]
        self.parent.contributors = ["X2CTGAN contributors"]
        self.parent.helpText = _("""
<p>Reconstructs a chest CT volume from a PA and a lateral radiograph (DICOM or picture) with the network of X2CT-GAN,
shows it in slices and in volume rendering, and measures it.</p>
<p><b>The volume is SYNTHETIC, not an acquired CT; research use only.</b></p>
<p>Choose the PA and the lateral radiograph of one patient, or load the sample case, and press Reconstruct. The first
time, the Python packages that the network needs are installed.</p>
<p>Please cite: X. Ying, H. Guo, K. Ma, J. Wu, Z. Weng, Y. Zheng. X2CT-GAN: Reconstructing CT from Biplanar X-Rays with
Generative Adversarial Networks. CVPR 2019, pages 10619-10628.</p>
""")
        self.parent.acknowledgementText = _("""
<p>The method is that of Ying et al. (CVPR 2019). The sample case is computed from a CT of the LIDC-IDRI collection of
The Cancer Imaging Archive (CC BY 3.0).</p>
""")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Offer the sample case in the Sample Data module, where there is one."""
    try:
        from SampleData import SampleDataLogic
    except ImportError:
        return
    # Each radiograph comes with its sidecar, which the reader finds beside it.
    files = [f"{SAMPLE}_{view}.{kind}" for view in ("pa", "lateral") for kind in ("json", "png")]
    SampleDataLogic.registerCustomSampleDataSource(
        category="X2CTGAN",
        sampleName="X2CTChestPair",
        thumbnailFileName=str(RESOURCES / "Icons" / "X2CTReconstruction.png"),
        uris=[(RESOURCES / "SampleData" / name).as_uri() for name in files],
        fileNames=files,
        nodeNames=[None, "PA radiograph", None, "Lateral radiograph"],
        loadFileProperties={"singleFile": True},
    )


@parameterNodeWrapper
class X2CTReconstructionParameterNode:
    """What the panel remembers in the scene.

    Attributes:
        paVolume: The PA radiograph.
        lateralVolume: The lateral radiograph.
        resultVolume: The volume that is rendered.
        showRendering: Whether it is shown in 3D.
        preset: Volume rendering preset.
        measurements: The table on the panel.
    """

    paVolume: vtkMRMLScalarVolumeNode
    lateralVolume: vtkMRMLScalarVolumeNode
    resultVolume: vtkMRMLScalarVolumeNode
    showRendering: bool = True
    preset: Annotated[str, Choice(PRESETS)] = PRESETS[0]
    measurements: vtkMRMLTableNode


class X2CTReconstructionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: it shows parameters and calls one logic method a button."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._models = []
        self._rendered = None
        self._timer = None

    def setup(self):
        """Load the panel and connect it."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/X2CTReconstruction.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = X2CTReconstructionLogic()
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self.onPoll)

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.paFileButton.connect("clicked(bool)", self.onOpenPa)
        self.ui.lateralFileButton.connect("clicked(bool)", self.onOpenLateral)
        self.ui.sampleButton.connect("clicked(bool)", self.onLoadSampleCase)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self.updatePanel)
        self.ui.reconstructButton.connect("clicked(bool)", self.onReconstruct)
        self.ui.cancelButton.connect("clicked(bool)", self.onCancel)
        self.initializeParameterNode()

    def cleanup(self):
        """Leave nothing behind: no timer, no process, no observer."""
        self._timer.stop()
        self.logic.close()
        self.removeObservers()

    def enter(self):
        """The user opens this module."""
        self.initializeParameterNode()

    def exit(self):
        """The user goes to another module; a running reconstruction goes on."""
        self.setParameterNode(None)

    def onReload(self):
        """Reload the libraries, too, for developers."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("X2CTLib", "X2CTReconstructionLib")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller, event):
        """The nodes go; what is being reconstructed from them is of no use any more."""
        self.onCancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        """Start afresh if this module is open."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Take the scene's parameter node, and see which models there are."""
        self.setParameterNode(self.logic.getParameterNode())
        self.listModels()

    def listModels(self):
        """Offer the extension's models and the user's own; the chosen one stays if it is still there."""
        chosen, models = self._model(), reconstruction_models()
        self._models = list(models)
        self.ui.modelComboBox.clear()
        for name in models.values():
            self.ui.modelComboBox.addItem(name)
        if chosen in models:
            self.ui.modelComboBox.currentIndex = self._models.index(chosen)

    def _model(self):
        """The chosen weights file, or None."""
        index = self.ui.modelComboBox.currentIndex
        return self._models[index] if 0 <= index < len(self._models) else None

    def setParameterNode(self, parameterNode):
        """Bind the panel to a parameter node, or to none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
            self._rendered = self._wantedRendering()  # the scene is left as it was found
        self.updatePanel()

    def onParametersModified(self, caller=None, event=None):
        """A parameter has changed, on the panel or from elsewhere."""
        self.updatePanel()
        self.updateRendering()

    def updatePanel(self):
        """Say what can be done now, and what was assumed about the shown volume."""
        parameters = self._parameterNode
        chosen = (parameters.paVolume, parameters.lateralVolume) if parameters else (None, None)
        missing = self.logic.missingViews(*chosen, self._model())
        running = self._timer.active
        self.ui.reconstructButton.enabled = not missing and not running
        self.ui.reconstructButton.toolTip = (
            _("Choose the {views} radiograph first.").format(views=_(" and the ").join(missing))
            if missing
            else _("Reconstruct the volume.")
        )
        self.ui.cancelButton.enabled = running
        notes = parameters.resultVolume.GetAttribute("X2CT.Notes") if parameters and parameters.resultVolume else None
        self.ui.notesTextEdit.plainText = "\n".join(json.loads(notes or "[]"))

    def updateRendering(self):
        """Follow the panel's choice of volume, rendering and preset; leave the rest of the scene alone."""
        wanted, rendered = self._wantedRendering(), self._rendered
        if wanted == rendered:
            return
        self._rendered = wanted
        with slicer.util.tryWithErrorDisplay(_("The volume could not be rendered.")):
            if rendered[0] != wanted[0]:
                self.logic.showRendering(slicer.mrmlScene.GetNodeByID(rendered[0]), visible=False)
            self.logic.showRendering(self._parameterNode.resultVolume, *wanted[1:])

    def _wantedRendering(self):
        parameters = self._parameterNode
        volumeId = parameters.resultVolume.GetID() if parameters.resultVolume else ""
        return volumeId, parameters.showRendering, parameters.preset

    def onOpenPa(self):
        """Load the PA radiograph from a file."""
        self._parameterNode.paVolume = self._openRadiograph(_("PA radiograph")) or self._parameterNode.paVolume

    def onOpenLateral(self):
        """Load the lateral radiograph from a file."""
        self._parameterNode.lateralVolume = (
            self._openRadiograph(_("Lateral radiograph")) or self._parameterNode.lateralVolume
        )

    def _openRadiograph(self, title):
        """The node of a file that the user chooses, or None."""
        filters = _("Radiographs ({patterns});;All files (*)").format(
            patterns="*.dcm *.png *.jpg *.jpeg *.tif *.tiff *.nrrd *.nhdr *.nii *.nii.gz *.mha"
        )
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters)
        if not path:
            return None
        with slicer.util.tryWithErrorDisplay(_("The radiograph could not be loaded."), waitCursor=True):
            return self.logic.loadRadiograph(path)

    def onLoadSampleCase(self):
        """Load the sample radiographs and choose them."""
        with slicer.util.tryWithErrorDisplay(_("The sample case could not be loaded."), waitCursor=True):
            self._parameterNode.paVolume, self._parameterNode.lateralVolume = self.logic.loadSampleCase()

    def onReconstruct(self):
        """Start the worker process; the timer listens to it."""
        with slicer.util.tryWithErrorDisplay(_("The reconstruction could not be started.")):
            self.logic.installDependencies()
            self.logic.start(self._parameterNode.paVolume, self._parameterNode.lateralVolume, self._model())
            self._timer.start()
            self._showStatus(0, _("Starting"))

    def onCancel(self):
        """Stop at once."""
        if self._timer.active:
            self._timer.stop()
            self.logic.close()
            self._showStatus(0, _("Cancelled; nothing was added to the scene."))

    def onPoll(self):
        """See what the worker has to say; never waits."""
        for event in self.logic.poll():
            if event["event"] == "progress":
                self._showStatus(event["fraction"], event["message"])
                continue
            self._timer.stop()
            if event["event"] == "error":
                self._showStatus(0, event["message"])
                slicer.util.errorDisplay(event["message"], windowTitle=_("X2CT Reconstruction"))
            else:
                self._showStatus(1, _("Adding the volume to the scene"))
                with slicer.util.tryWithErrorDisplay(_("The volume could not be added."), waitCursor=True):
                    self.showStudy(self.logic.addStudy())

    def showStudy(self, study):
        """Choose the new volume and its measurements, and bring it into the views."""
        parameters = self.logic.getParameterNode()
        parameters.measurements = study.measurements
        parameters.resultVolume = study.volume
        self.ui.measurementsTableView.resizeColumnsToContents()
        slicer.util.setSliceViewerLayers(background=study.volume, fit=True)
        if slicer.app.layoutManager():
            slicer.util.resetThreeDViews()
        self._showStatus(1, _("Done: {name}").format(name=study.volume.GetName()))

    def _showStatus(self, fraction, message):
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.statusLabel.text = message
        self.updatePanel()


class X2CTReconstructionLogic(ScriptedLoadableModuleLogic):
    """Everything the panel does, for Slicer's Python console and for `--no-main-window`, too.

    Example::

        from X2CTReconstruction import X2CTReconstructionLogic
        logic = X2CTReconstructionLogic()
        logic.installDependencies()
        study = logic.reconstructFiles("pa.dcm", "lateral.dcm")
        logic.showRendering(study.volume)
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._worker = None
        self._folder = None

    def getParameterNode(self):
        """The panel's parameters in the scene."""
        return X2CTReconstructionParameterNode(super().getParameterNode())

    def installDependencies(self):
        """Install the Python packages that are missing; Slicer asks first, and it takes minutes the first time.

        Raises:
            RuntimeError: The user declines, or PyTorch cannot be had.
        """
        dependencies.install(dependencies.ENGINE)

    def loadRadiograph(self, path):
        """Load one file as one radiograph, grey or colour; the node remembers the file.

        Raises:
            RuntimeError: Slicer cannot read it.
        """
        # Without singleFile, files that are numbered alike would be stacked into a volume.
        return slicer.util.loadVolume(str(path), {"singleFile": True, "name": Path(path).stem})

    def loadSampleCase(self):
        """Load the sample radiographs; returns the PA and the lateral volume node."""
        files = [RESOURCES / "SampleData" / f"{SAMPLE}_{view}.png" for view in ("pa", "lateral")]
        return tuple(self.loadRadiograph(file) for file in files)

    def missingViews(self, paVolume, lateralVolume, model=None):
        """The views that a model needs and that are not there, as they are called on the panel."""
        given = {"PA": (paVolume, _("PA")), "LATERAL": (lateralVolume, _("lateral"))}
        return [given[view][1] for view in views_read(model) if not given[view][0]]

    def reconstruct(self, paVolume=None, lateralVolume=None, model=None, progress=None):
        """Reconstruct a CT from the radiographs in the scene that the model reads, and wait for it.

        Args:
            paVolume: `vtkMRMLScalarVolumeNode` of one slice, or None.
            lateralVolume: The same.
            model: Weights file; None for the one that the extension brings.
            progress: Called with the fraction done and what is being done.

        Returns:
            X2CTReconstructionLib.study.Study: the nodes that were added.

        Raises:
            X2CTError: An input or the model cannot be used.
        """
        self.start(paVolume, lateralVolume, model)
        return self._wait(progress)

    def reconstructFiles(self, paPath=None, lateralPath=None, model=None, progress=None):
        """As `reconstruct`, from files (DICOM or picture)."""
        self._newFolder()
        self._submit(paPath, lateralPath, model)
        return self._wait(progress)

    def start(self, paVolume=None, lateralVolume=None, model=None):
        """Begin a reconstruction in the worker process and return; `poll` tells how it goes.

        Raises:
            InputError: A volume is not a radiograph.
        """
        folder = self._newFolder()
        volumes = {"pa": paVolume, "lateral": lateralVolume}
        files = [volume and radiograph_file(volume, folder / name) for name, volume in volumes.items()]
        self._submit(*files, model)

    def poll(self):
        """The worker's events since the last call, without waiting; `X2CTLib.worker` says what they are."""
        return self._worker.poll() if self._worker else []

    def close(self):
        """End the worker process, whatever it does, and remove its files."""
        if self._worker:
            self._worker.close()
        if self._folder:
            self._folder.cleanup()
        self._folder = None

    def addStudy(self):
        """After the event "done": measure the reconstruction and add it to the scene, as a `Study`."""
        from X2CTLib.reconstruction import Reconstruction
        from X2CTReconstructionLib.study import add_study

        reconstruction = Reconstruction.load(Path(self._folder.name) / "output")
        return add_study(slicer.mrmlScene, reconstruction, *reconstruction.examine())

    def measure(self, volume):
        """Measure any chest CT in the scene; returns the new table node."""
        from X2CTLib.anatomy import measure, segment
        from X2CTLib.geometry import VolumeGeometry, lps_to_ras
        from X2CTReconstructionLib.nodes import add_measurements

        hu = slicer.util.arrayFromVolume(volume)
        ijkToRas = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(ijkToRas)
        geometry = VolumeGeometry(hu.shape, lps_to_ras(slicer.util.arrayFromVTKMatrix(ijkToRas)))
        measurements = measure(hu, segment(hu, geometry), geometry)
        name = _("{name} measurements").format(name=volume.GetName())
        return add_measurements(slicer.mrmlScene, measurements, name)

    def showRendering(self, volume, visible=True, preset=PRESETS[0]):
        """Show a volume in 3D with one of `PRESETS`, or hide it; without a volume, do nothing."""
        if volume is None:
            return
        if visible:
            dependencies.install_packages(dependencies.ENGINE)
            from X2CTReconstructionLib.rendering import show_volume_rendering

            show_volume_rendering(slicer.mrmlScene, volume, preset)
            return
        for index in range(volume.GetNumberOfDisplayNodes()):
            display = volume.GetNthDisplayNode(index)
            if display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
                display.SetVisibility(False)

    def _newFolder(self):
        if self._folder:
            self._folder.cleanup()
        self._folder = tempfile.TemporaryDirectory(prefix="X2CT-", dir=slicer.app.temporaryPath)
        return Path(self._folder.name)

    def _submit(self, pa, lateral, model):
        if self._worker is None:
            self._worker = Worker(dependencies.python_slicer())
        output = Path(self._folder.name) / "output"
        files = {name: Path(path) for name, path in (("PA", pa), ("LATERAL", lateral)) if path}
        request = Request(files, model=model and Path(model))
        self._worker.submit({"request": request.to_dict(), "output": str(output)})

    def _wait(self, progress):
        while True:
            for event in self.poll():
                if event["event"] == "done":
                    return self.addStudy()
                if event["event"] == "error":
                    raise X2CTError(event["message"])
                if progress:
                    progress(event["fraction"], event["message"])
            time.sleep(POLL_INTERVAL_MS / 1000)


class X2CTReconstructionTest(ScriptedLoadableModuleTest):
    """The sample case in Slicer, from the files to the nodes."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_sampleCase()

    def test_sampleCase(self):
        """The volume has the cube's geometry, is in HU, and is not mirrored."""
        if importlib.util.find_spec("torch") is None:
            self.skipTest("PyTorch is not installed in this Slicer.")
        logic = X2CTReconstructionLogic()
        self.addCleanup(logic.close)
        self.delayDisplay("Reconstructing the sample case")
        study = logic.reconstruct(*logic.loadSampleCase())

        volume = study.volume
        self.assertEqual(volume.GetImageData().GetDimensions(), (128, 128, 128))
        self.assertEqual(volume.GetSpacing(), (2.5, 2.5, 2.5))
        hu = slicer.util.arrayFromVolume(volume)  # axes superior, posterior, left
        self.assertLess(hu[:, 0].mean(), -900, "air in front of the chest")
        heart = hu[40:64, 24:64]
        self.assertGreater(heart[..., 64:88].mean(), heart[..., 40:64].mean(), "the heart is on the left")
        below = hu[8:24]
        spine = (below[..., 52:76] > 100).nonzero()[1].mean()
        self.assertGreater(spine, (below > -300).nonzero()[1].mean() + 4, "the spine is behind")
        self.assertGreater(study.measurements.GetNumberOfRows(), 0)

        logic.showRendering(volume)
        self.delayDisplay("Test passed")
