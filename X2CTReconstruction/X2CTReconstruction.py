"""3D Slicer module: a CT volume from a PA and a lateral chest radiograph.

The four classes that Slicer looks for. The engine is in X2CTLib, the scene work in X2CTReconstructionLib. What needs
packages that Slicer lacks is imported where it is used: they are installed on the first Reconstruct, not at start-up.
"""

import importlib.util
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from X2CTLib.cards import models_for, own_models_folder, views_read
from X2CTLib.corrections import Correction
from X2CTLib.downloads import choose, read_manifest
from X2CTLib.errors import InputError
from X2CTLib.jobs import Job, JobRunner
from X2CTLib.progress import silent
from X2CTLib.request import Request
from X2CTPanelLib.keep_section import KeepSection
from X2CTPanelLib.measure_section import MeasureSection
from X2CTPanelLib.model_section import ModelSection
from X2CTPanelLib.panel import Panel
from X2CTPanelLib.parameters import Preset, X2CTReconstructionParameterNode
from X2CTPanelLib.radiographs_section import RadiographsSection
from X2CTPanelLib.reconstruct_section import ReconstructSection
from X2CTPanelLib.samples import registerSampleData, sampleFiles
from X2CTPanelLib.see_section import SeeSection
from X2CTPanelLib.trust_section import TrustSection
from X2CTReconstructionLib import dependencies, radiograph_views
from X2CTReconstructionLib.inputs import correction_of, radiograph_file
from X2CTReconstructionLib.views import switch_layout


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

    SECTIONS = (
        RadiographsSection,
        ModelSection,
        ReconstructSection,
        SeeSection,
        TrustSection,
        MeasureSection,
        KeepSection,
    )

    def makeLogic(self):
        """The module's logic."""
        return X2CTReconstructionLogic()


class X2CTReconstructionLogic(ScriptedLoadableModuleLogic):
    """Everything the panel does, for Slicer's Python console and for `--no-main-window`, too.

    Example::

        logic = slicer.util.getModuleLogic("X2CTReconstruction")
        logic.installDependencies()
        paVolume, lateralVolume = logic.loadSampleCase()
        study = logic.reconstruct(paVolume, lateralVolume, device="cpu")
        logic.showRendering(study.volume)
        table = logic.measure(study.volume)
        files = logic.export(study.volume, "chest", kinds=("nrrd", "dicom", "table"))
        cases = logic.batch("radiographs", "chests")

    Attributes:
        jobs: `X2CTLib.jobs.JobRunner`, for who does not want to wait: it starts and polls what the methods that end in
            Job return.
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

    def isReady(self):
        """Whether the packages are there."""
        return all(importlib.util.find_spec(name) for name in ("torch", "jaxtyping", "safetensors"))

    def loadRadiograph(self, path):
        """Load one file as one radiograph, grey or colour; the node remembers the file, and no view shows it yet.

        Raises:
            RuntimeError: Slicer cannot read it.
        """
        # Without singleFile, files that are numbered alike would be stacked into a volume.
        return slicer.util.loadVolume(str(path), {"singleFile": True, "show": False, "name": Path(path).stem})

    def loadSampleCase(self):
        """Load the sample radiographs; returns the PA and the lateral volume node."""
        return tuple(self.loadRadiograph(file) for file in sampleFiles())

    def findPairs(self, paths, wanted=()):
        """Find the radiographs in files and folders; `X2CTLib.pairing.Pair`s, one a patient.

        Args:
            paths: Files and folders.
            wanted: The views, PA or LATERAL, that a lone file that says nothing may be.

        Raises:
            InputError: There are none.
        """
        from X2CTLib.pairing import find_pairs

        return find_pairs(paths, wanted)

    def missingViews(self, paVolume, lateralVolume, model=None):
        """The views that a model needs and that are not there, as they are called on the panel."""
        given = {"PA": (paVolume, _("PA")), "LATERAL": (lateralVolume, _("lateral"))}
        return [given[view][1] for view in views_read(model) if not given[view][0]]

    def modelsFor(self, paVolume, lateralVolume):
        """Names of the models that need no other radiographs than those that are there."""
        return models_for([view for view, volume in (("PA", paVolume), ("LATERAL", lateralVolume)) if volume])

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
        request, folder = self._request(paVolume, lateralVolume, options)
        return self._job(request, folder)

    def _request(self, paVolume, lateralVolume, options):
        folder = self.jobs.new_folder()
        volumes = {name: volume for name, volume in (("PA", paVolume), ("LATERAL", lateralVolume)) if volume}
        files = {name: radiograph_file(volume, folder / name.lower()) for name, volume in volumes.items()}
        corrections = {name: correction_of(volume) for name, volume in volumes.items()}
        corrections = {name: correction for name, correction in corrections.items() if correction != Correction()}
        return Request(files, corrections, **options), folder

    def close(self):
        """End the worker process, whatever it does, and remove its files."""
        self.jobs.close()

    def _job(self, request, folder):
        from X2CTReconstructionLib.scene_jobs import reconstruction_job

        return reconstruction_job(slicer.mrmlScene, request, folder)

    def previewJob(self, paVolume=None, lateralVolume=None, **options):
        """As `reconstructionJob`, but only reads the radiographs; its result is a `X2CTLib.preview.Preview`."""
        from X2CTReconstructionLib.scene_jobs import preview_job

        request, folder = self._request(paVolume, lateralVolume, options)
        return preview_job(request, folder)

    def downloadJob(self, manifest, name):
        """A model of a manifest (file or https address) comes to the user's models; returns its weights file.

        Raises:
            InputError: The manifest cannot be had, or has no such model.
        """
        (file,) = [file for file in choose(read_manifest(manifest), name).files if file.name.endswith(".safetensors")]
        request = {"manifest": str(manifest), "name": name}
        return Job(request, lambda: own_models_folder() / file.name, "X2CTLib.downloads")

    def studyOf(self, volume):
        """The study that a volume of the scene belongs to, or None; `X2CTReconstructionLib.study.Study`."""
        if volume is None or not volume.GetAttribute("X2CT.Card") or not self.isReady():
            return None
        from X2CTReconstructionLib.study import Study

        return Study(volume)

    def measure(self, volume, segmenter="built-in", progress=None):
        """Find and measure the organs of any chest CT in the scene, and wait for it.

        Args:
            volume: `vtkMRMLScalarVolumeNode` in HU.
            segmenter: "built-in", or "TotalSegmentator", which takes minutes.
            progress: As `reconstruct` takes it.

        Returns:
            A new table node; `organsOf` has the organs.

        Raises:
            X2CTError: There is no chest in it, or no such segmenter.
        """
        if segmenter != "TotalSegmentator":
            return self.jobs.run(self.measureJob(volume), progress)
        from X2CTReconstructionLib.measuring import measure_by_total_segmentator

        return measure_by_total_segmentator(slicer.mrmlScene, volume, progress or silent)

    def measureJob(self, volume):
        """The job of `measure` with the built-in segmenter."""
        from X2CTReconstructionLib.scene_jobs import measure_job

        return measure_job(slicer.mrmlScene, volume, self.jobs.new_folder())

    def measureAgain(self, volume):
        """Measure the organs of a volume as they are after editing; returns its table node, which is filled anew."""
        from X2CTReconstructionLib.measuring import measure_again

        return measure_again(slicer.mrmlScene, volume)

    def organsOf(self, volume):
        """The segmentation node of what was found in a volume, or None."""
        return volume.GetNodeReference("X2CT.Segmentation")

    def export(self, volume, folder, kinds=("nrrd", "table", "report"), patientName="", progress=None):
        """Write a reconstruction as files.

        Args:
            volume: The volume of a study.
            folder: Made if missing.
            kinds: Of "nrrd", "nifti", "dicom", "table", "report" and "scene".
            patientName: Written into the files; empty for nobody's.
            progress: As `reconstruct` takes it; if it raises an error, nothing is written.

        Returns:
            The files' paths.

        Raises:
            X2CTError: It cannot be written, or the volume is no reconstruction.
        """
        from X2CTReconstructionLib.export import Patient, export_study

        study = self.studyOf(volume)
        if study is None:
            raise InputError(_("{name} is no reconstruction; save it with Slicer.").format(name=volume.GetName()))
        return export_study(study, Path(folder), kinds, Patient(patientName), progress or silent)

    def batch(self, folder, output, progress=None, **options):
        """Reconstruct all pairs of radiographs below a folder, as `x2ct batch` does, and leave the scene as it is.

        Args:
            folder: Searched as `findPairs` does.
            output: Gets a folder for each patient, with volume, pictures, measurements and report, and a table of all.
            progress: As `reconstruct` takes it.
            options: As `reconstruct` takes them.

        Returns:
            `X2CTReconstructionLib.batch.Case`s: what each measures, or in words why it could not be reconstructed.

        Raises:
            X2CTError: There are no radiographs.
        """
        from X2CTReconstructionLib.batch import run_batch

        return run_batch(self.findPairs([folder]), Request({}, **options), Path(output), progress or silent)

    def showInputs(self, paVolume, lateralVolume):
        """Show the radiographs to reconstruct from side by side, as they were set right by hand."""
        if slicer.app.layoutManager():
            switch_layout(slicer.mrmlScene, radiograph_views.LAYOUT_ID, radiograph_views.LAYOUT_XML)
            slicer.app.processEvents()  # new views take their sizes
            radiograph_views.show_radiographs(slicer.mrmlScene, {"PA": paVolume, "LATERAL": lateralVolume})

    def showStudy(self, volume):
        """Show a volume in the views: of a reconstruction, both radiographs beside its slices and 3D."""
        if not slicer.app.layoutManager():
            return
        study = self.studyOf(volume)
        if study is None:
            slicer.util.setSliceViewerLayers(background=volume, fit=True)
            slicer.util.resetThreeDViews()
        else:
            from X2CTReconstructionLib.layout import LAYOUT_ID, LAYOUT_XML, fill_layout

            switch_layout(slicer.mrmlScene, LAYOUT_ID, LAYOUT_XML)
            slicer.app.processEvents()  # new views take their sizes
            fill_layout(slicer.mrmlScene, study)
            self.lookFrom(volume, "PA")

    def showRadiographs(self, volume):
        """Show the radiographs of a study in their views again: Segment Editor, for one, shows its volume in all."""
        study = self.studyOf(volume)
        if study:
            from X2CTReconstructionLib.layout import show_radiographs_of

            show_radiographs_of(slicer.mrmlScene, study)

    def registerLayouts(self):
        """Make the layouts of `showInputs` and `showStudy` known to Slicer, as far as they can be.

        A saved scene that is shown in one of them needs that before it is loaded.
        """
        node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if node is None:
            return
        node.AddLayoutDescription(radiograph_views.LAYOUT_ID, radiograph_views.LAYOUT_XML)
        if self.isReady():
            from X2CTReconstructionLib.layout import LAYOUT_ID, LAYOUT_XML

            node.AddLayoutDescription(LAYOUT_ID, LAYOUT_XML)

    def setWindow(self, volume, name):
        """Show a volume in one of the windows of `X2CTReconstructionLib.presets.WINDOWS`."""
        from X2CTReconstructionLib.presets import WINDOWS

        volume.GetDisplayNode().SetWindowLevel(*WINDOWS[name])

    def showUncertainty(self, volume, opacity):
        """Lay the uncertainty of a reconstruction over it in the slices; 0 takes it away."""
        from X2CTReconstructionLib.slices import show_uncertainty

        show_uncertainty(slicer.mrmlScene, self.studyOf(volume), opacity)

    def showRatioLines(self, volume, visible=True):
        """Show or hide the lines of a study's cardiothoracic ratio."""
        study = self.studyOf(volume)
        for line in study.cardiothoracic_lines if study else ():
            line.SetDisplayVisibility(visible)

    def followRatioLines(self, volume):
        """Keep the table of a study up to date while its lines are dragged, until `stop` of what this returns."""
        study = self.studyOf(volume)
        if study is None:
            return None
        from X2CTReconstructionLib.cardiothoracic import CardiothoracicObserver

        return CardiothoracicObserver(study)

    def showRendering(self, volume, visible=True, preset=Preset.BODY.value, shiftHu=0.0):
        """Show a volume in 3D with a volume rendering preset, or hide it; without a volume, do nothing."""
        if volume is None:
            return
        if visible:
            dependencies.install_packages(dependencies.ENGINE)
            from X2CTReconstructionLib.rendering import show_volume_rendering

            # Without a graphics card, the user has chosen another method in the settings of Volume Rendering.
            method = slicer.modules.volumerendering.logic().GetDefaultRenderingMethod()
            show_volume_rendering(slicer.mrmlScene, volume, preset, shiftHu, method)
            return
        for index in range(volume.GetNumberOfDisplayNodes()):
            display = volume.GetNthDisplayNode(index)
            if display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
                display.SetVisibility(False)

    def cropRendering(self, volume, cropped=True):
        """Cut what `showRendering` shows with a box that can be dragged, or show all of it."""
        if cropped or (volume.GetNodeReference("display") and self.isReady()):
            from X2CTReconstructionLib.rendering import crop_volume_rendering

            crop_volume_rendering(slicer.mrmlScene, volume, cropped)

    def showDetectors(self, volume, visible=True):
        """Let the radiographs of a study stand at their detectors in 3D."""
        study = self.studyOf(volume)
        if study:
            from X2CTReconstructionLib.detectors import show_radiographs_in_3d

            show_radiographs_in_3d(slicer.mrmlScene, study, visible)

    def showOrgans(self, volume, inSlices=True, in3D=True):
        """Show the organs of a volume, if they are known: outlined in the slices, as surfaces in 3D."""
        organs = self.organsOf(volume)
        if organs and self.isReady():
            from X2CTLib.anatomy import LABELS
            from X2CTReconstructionLib.segments import show_organs

            show_organs(organs, LABELS.keys() - {"body"}, inSlices, in3D)

    def lookFrom(self, volume, direction):
        """Turn the 3D view.

        Args:
            volume: What to look at.
            direction: "PA", "LATERAL", "OBLIQUE" as in figure 6 of the paper, or of a study "SOURCE" of the X-rays, and
                "BEHIND" of volume and radiographs.
        """
        from X2CTReconstructionLib.cameras import look_from, look_from_behind, look_from_source

        view = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLViewNode")
        if direction == "SOURCE":
            look_from_source(view, next(iter(self.studyOf(volume).radiographs.values())))
        elif direction == "BEHIND":
            look_from_behind(view, self.studyOf(volume))
        else:
            look_from(view, volume, direction)


class X2CTReconstructionTest(ScriptedLoadableModuleTest):
    """The sample case in Slicer, from the files to the nodes."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_sampleCase()

    def test_sampleCase(self):
        """The volume has the cube's geometry, is in HU, and is not mirrored."""
        logic = X2CTReconstructionLogic()
        if not logic.isReady():
            self.skipTest("The Python packages are not installed in this Slicer.")
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
