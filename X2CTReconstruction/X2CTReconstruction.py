"""3D Slicer module: a CT volume from a PA and a lateral chest radiograph.

The four classes that Slicer looks for. The engine is in X2CTLib, the scene work in X2CTReconstructionLib. What needs
packages that Slicer lacks is imported where it is used: they are installed on the first Reconstruct, not at start-up.
"""

import importlib.util
from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from X2CTLib.cards import views_read
from X2CTLib.corrections import Correction
from X2CTLib.jobs import JobRunner
from X2CTLib.request import Request
from X2CTPanelLib.model_section import ModelSection
from X2CTPanelLib.panel import Panel
from X2CTPanelLib.parameters import Preset, X2CTReconstructionParameterNode
from X2CTPanelLib.radiographs_section import RadiographsSection
from X2CTPanelLib.reconstruct_section import ReconstructSection
from X2CTPanelLib.samples import registerSampleData, sampleFiles
from X2CTPanelLib.see_section import SeeSection
from X2CTReconstructionLib import dependencies
from X2CTReconstructionLib.inputs import correction_of, radiograph_file


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


class X2CTReconstructionWidget(Panel):
    """The panel: seven steps from top to bottom."""

    SECTIONS = (RadiographsSection, ModelSection, ReconstructSection, SeeSection)

    def makeLogic(self):
        """The module's logic."""
        return X2CTReconstructionLogic()


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
        self.jobs = JobRunner(slicer.app.temporaryPath, dependencies.python_slicer)

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
        return tuple(self.loadRadiograph(file) for file in sampleFiles())

    def findPairs(self, paths):
        """Find the radiographs in files and folders; `X2CTLib.pairing.Pair`s, one a patient.

        Raises:
            InputError: There are none.
        """
        from X2CTLib.pairing import find_pairs

        return find_pairs(paths)

    def missingViews(self, paVolume, lateralVolume, model=None):
        """The views that a model needs and that are not there, as they are called on the panel."""
        given = {"PA": (paVolume, _("PA")), "LATERAL": (lateralVolume, _("lateral"))}
        return [given[view][1] for view in views_read(model) if not given[view][0]]

    def reconstruct(self, paVolume=None, lateralVolume=None, progress=None, **options):
        """Reconstruct a CT from the radiographs in the scene that the model reads, and wait for it.

        Args:
            paVolume: `vtkMRMLScalarVolumeNode` of one slice, or None. What was set right in it by hand is kept with
                it: `X2CTReconstructionLib.inputs.set_correction`.
            lateralVolume: The same.
            progress: Called with the fraction done and what is being done.
            options: Of `X2CTLib.request.Request`: model, styler, device, precision, override, uncertainty_passes.

        Returns:
            X2CTReconstructionLib.study.Study: the nodes that were added.

        Raises:
            X2CTError: An input or the model cannot be used.
        """
        return self.jobs.run(self.reconstructionJob(paVolume, lateralVolume, **options), progress)

    def reconstructFiles(self, paPath=None, lateralPath=None, progress=None, **options):
        """As `reconstruct`, from files (DICOM or picture)."""
        files = {name: Path(path) for name, path in (("PA", paPath), ("LATERAL", lateralPath)) if path}
        return self.jobs.run(self._job(Request(files, **options), self.jobs.new_folder()), progress)

    def reconstructionJob(self, paVolume=None, lateralVolume=None, **options):
        """The job of `reconstruct`, for who does not want to wait.

        Raises:
            InputError: A volume is not a radiograph.
        """
        folder = self.jobs.new_folder()
        volumes = {name: volume for name, volume in (("PA", paVolume), ("LATERAL", lateralVolume)) if volume}
        files = {name: radiograph_file(volume, folder / name.lower()) for name, volume in volumes.items()}
        corrections = {name: correction_of(volume) for name, volume in volumes.items()}
        corrections = {name: correction for name, correction in corrections.items() if correction != Correction()}
        return self._job(Request(files, corrections, **options), folder)

    def close(self):
        """End the worker process, whatever it does, and remove its files."""
        self.jobs.close()

    def _job(self, request, folder):
        from X2CTReconstructionLib.scene_jobs import reconstruction_job

        return reconstruction_job(slicer.mrmlScene, request, folder)

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

    def showRendering(self, volume, visible=True, preset=Preset.BODY.value):
        """Show a volume in 3D with a volume rendering preset, or hide it; without a volume, do nothing."""
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
