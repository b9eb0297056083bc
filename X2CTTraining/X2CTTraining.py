"""3D Slicer module: radiographs computed from the CT volumes in the scene, and networks that are trained on them.

The classes that Slicer looks for. The engine is in X2CTLib and X2CTTrainingLib, whose scene*.py know MRML; the sections
of the panel are in X2CTTrainingPanelLib. What needs packages that Slicer lacks is imported where it is used.
"""

import importlib.util
import shutil
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from X2CTLib import cards
from X2CTLib.errors import X2CTError
from X2CTLib.jobs import JobRunner
from X2CTPanelLib.panel import Panel
from X2CTReconstructionLib import dependencies
from X2CTTrainingPanelLib.data_section import DataSection
from X2CTTrainingPanelLib.drr_section import DrrSection
from X2CTTrainingPanelLib.evaluation_section import EvaluationSection
from X2CTTrainingPanelLib.parameters import X2CTTrainingParameterNode
from X2CTTrainingPanelLib.training_section import TrainingSection

RESOURCES = Path(__file__).parent / "Resources"
BEAM = "X2CT beam"
RUNS = "X2CT runs"


class X2CTTraining(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X2CT Training")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Tomographic Reconstruction")]
        self.parent.dependencies = ["X2CTReconstruction"]
        self.parent.contributors = ["X2CTGAN contributors"]
        self.parent.helpText = _("""
<p>Computes radiographs (DRRs) from CT volumes, trains the networks of X2CT-GAN on CT volumes and phantoms, scores them,
and publishes them to the module X2CT Reconstruction.</p>
<p><b>What the networks make is SYNTHETIC, not an acquired CT; research use only.</b></p>
<p>A training runs in a process of its own: it goes on when Slicer is closed, and is listed when this module is opened
again. The first time, the Python packages that all this needs are installed.</p>
<p>Please cite: X. Ying, H. Guo, K. Ma, J. Wu, Z. Weng, Y. Zheng. X2CT-GAN: Reconstructing CT from Biplanar X-Rays with
Generative Adversarial Networks. CVPR 2019, pages 10619-10628.</p>
""")
        self.parent.acknowledgementText = _("<p>The method is that of Ying et al. (CVPR 2019).</p>")


class X2CTTrainingWidget(Panel):
    """The panel: its sections share one job."""

    SECTIONS = (DrrSection, DataSection, TrainingSection, EvaluationSection)
    LIBRARIES = (*Panel.LIBRARIES, "X2CTTrainingLib", "X2CTTrainingPanelLib")

    def makeLogic(self):
        """The module's logic."""
        return X2CTTrainingLogic()

    def experiment(self):
        """What is to be trained, as the logic's methods take it: an experiment, or one's own file, and the scale."""
        name = self.ui.experimentPathLineEdit.currentPath or self.parameters.experiment
        return {"experiment": name, "scale": self.parameters.scale}


class X2CTTrainingLogic(ScriptedLoadableModuleLogic):
    """Everything the panel does, for Slicer's Python console and for `--no-main-window`, too.

    Example::

        logic = slicer.util.getModuleLogic("X2CTTraining")
        logic.installDependencies()
        pa, lateral = logic.generateDRR(volume)[::2]
        data = logic.createDataset(volumes, "/data/chests")
        run = logic.startTraining("first", [data, "phantoms:60"], experiment="x2ct-gan-biplanar", scale="small")
        logic.findRun("first").state
        scores, summary = logic.evaluate([run.folder])
        logic.publish(run.folder, "My first model")

    Attributes:
        runsFolder: Where runs are looked for and made.
        cache: Folder for prepared cubes; None for the one of the command line.
        jobs: `X2CTLib.jobs.JobRunner`, for who does not want to wait: it starts and polls what the methods
            that end in Job return.
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.runsFolder = Path.home() / "X2CTGAN" / "runs"
        self.cache = None
        self.jobs = JobRunner(slicer.app.temporaryPath, dependencies.python_slicer, "X2CTTrainingLib.worker")
        self._quickDrr = (None, None)

    def getParameterNode(self):
        """The panel's parameters in the scene."""
        return X2CTTrainingParameterNode(super().getParameterNode())

    # Packages

    def installDependencies(self):
        """Install the Python packages that are missing; Slicer asks first, and it takes minutes the first time.

        Raises:
            RuntimeError: The user declines, or PyTorch cannot be had.
        """
        dependencies.install(dependencies.ENGINE)
        dependencies.install_packages(RESOURCES / "x2ct_training_requirements.txt")

    def isReady(self):
        """Whether the packages are there; without them, there is nothing to be seen of runs."""
        return all(importlib.util.find_spec(name) for name in ("torch", "jaxtyping", "msgspec", "psutil"))

    def close(self):
        """End what is being computed, and remove its files; trainings go on."""
        self.jobs.close()

    def _cache(self):
        from X2CTTrainingLib.datasets import CACHE

        return Path(self.cache or CACHE)

    # DRRs

    def generateDRR(self, volumeNode, isocentre=None, progress=None, **settings):
        """Project a CT volume, and wait for it.

        Args:
            volumeNode: `vtkMRMLScalarVolumeNode` in HU; any orientation and spacing, linear transforms above it apply.
            isocentre: `vtkMRMLMarkupsFiducialNode` whose first point the central rays pass; None: the volume's middle.
            progress: Called with the fraction done and what is being done.
            settings: Of `X2CTLib.drr_settings.DrrSettings`: views, geometry, sid_mm, kvp, ...

        Returns:
            For each view two volume nodes, where the detector stands: the values, and the picture of them in 16 bit.
            Their attribute X2CT.Projection is the geometry, as JSON.

        Raises:
            X2CTError: The volume or a setting cannot be used.
        """
        return self.jobs.run(self.drrJob([volumeNode], isocentre, **settings), progress)

    def exportDRR(self, volumeNodes, folder, isocentre=None, progress=None, **settings):
        """The same of volumes, as PNG, NRRD, DICOM (DX) and JSON files; returns their paths."""
        return self.jobs.run(self.exportJob(volumeNodes, folder, isocentre, **settings), progress)

    def drrJob(self, volumeNodes, isocentre=None, **settings):
        """The job of `generateDRR`, of several volumes."""
        from X2CTLib.drr_settings import DrrSettings
        from X2CTTrainingLib.scene_jobs import drr_job

        return drr_job(slicer.mrmlScene, volumeNodes, DrrSettings(**settings), isocentre, self.jobs.new_folder())

    def exportJob(self, volumeNodes, folder, isocentre=None, **settings):
        """The job of `exportDRR`."""
        from X2CTLib.drr_settings import DrrSettings
        from X2CTTrainingLib.scene_jobs import export_job

        return export_job(volumeNodes, DrrSettings(**settings), isocentre, self.jobs.new_folder(), Path(folder))

    def previewDRR(self, volumeNode, isocentre=None, **settings):
        """Low-resolution radiographs at once, and the beams in 3D.

        Returns:
            Pictures in [0, 1], one for each view.

        Raises:
            X2CTError: The volume or a setting cannot be used.
        """
        from X2CTLib.drr_settings import DrrSettings
        from X2CTLib.quick_drr import QuickDrr
        from X2CTReconstructionLib.volumes import hounsfield, world_geometry
        from X2CTTrainingLib import scene_volumes
        from X2CTTrainingLib.scene_drr import show_beam

        settings, geometry = DrrSettings(**settings), world_geometry(volumeNode)
        projections = settings.projections(scene_volumes.isocentre(geometry, isocentre))
        # The volume is made coarse again only if it is another, lies elsewhere, or has changed.
        known = (volumeNode.GetImageData(), volumeNode.GetImageData().GetMTime(), settings.body_only)
        known = (*known, geometry.ijk_to_lps.tobytes())
        if self._quickDrr[0] != known:
            self._quickDrr = known, QuickDrr(hounsfield(volumeNode), geometry, settings.body_only)
        show_beam(slicer.mrmlScene, projections, BEAM)
        return [self._quickDrr[1].image(projection, settings.exposure) for projection in projections]

    def pictureUri(self, picture):
        """A picture in [0, 1] as an address that a label can show."""
        from X2CTReconstructionLib.png import picture_uri

        return picture_uri(picture, (0, 1))

    def presetLengths(self, name):
        """What a geometry preset sets: SID and SAD (None for parallel rays), width and height of the detector in mm."""
        from X2CTLib.drr_settings import preset_lengths

        return preset_lengths(name)

    # Data

    def dicomSeries(self):
        """The CT series in Slicer's DICOM database, patient by patient; `X2CTTrainingLib.dicom_database.DicomSeries`.

        Raises:
            X2CTError: None is open.
        """
        from X2CTTrainingLib.dicom_database import ct_series

        return ct_series(getattr(slicer, "dicomDatabase", None))

    def createDataset(self, volumeNodes, folder, parts=None, dicomSeries=()):
        """Write CT volumes of the scene as a data set: NRRD files and a list of them.

        Args:
            volumeNodes: `vtkMRMLScalarVolumeNode`s; the patients they are filed under are kept apart in a split.
            folder: Made if missing.
            parts: "train", "validation" or "test" by the name of a volume; where there is none, it is left to chance.
            dicomSeries: Of `dicomSeries()`; they are listed, too, and read where they are.

        Returns:
            The list, a source for `startTraining` and `x2ct train --data`.

        Raises:
            X2CTError: A volume cannot be used.
        """
        from X2CTTrainingLib.dicom_database import series_folder
        from X2CTTrainingLib.scene_volumes import write_dataset

        series = {one: series_folder(slicer.dicomDatabase, one.uid) for one in dicomSeries}
        return write_dataset(slicer.mrmlScene, volumeNodes, Path(folder), parts, series)

    def checkDataset(self, sources, progress=None, experiment="x2ct-gan-biplanar", scale="paper"):
        """Look at every case of a data set; returns a table node: whose it is, what is wrong, its part in a training.

        Args:
            sources: As `startTraining` takes them; as experiment and scale.
            progress: Called with the fraction done and what is being done.
            experiment: It says how many patients are held out.
            scale: Of the experiment.
        """
        return self.jobs.run(self.checkJob(sources, experiment=experiment, scale=scale), progress)

    def checkJob(self, sources, volumeNodes=(), dicomSeries=(), experiment="x2ct-gan-biplanar", scale="paper"):
        """The job of `checkDataset`; volumes of the scene and DICOM series come on top."""
        from X2CTTrainingLib.scene_jobs import check_job

        folder = self.jobs.new_folder()
        listed = self._listed(volumeNodes, dicomSeries, folder / "data")
        return check_job(slicer.mrmlScene, [*listed, *sources], (str(experiment), scale), self._cache(), folder)

    def _listed(self, volumeNodes, dicomSeries, folder):
        """A source of what is chosen in Slicer, or none."""
        chosen = volumeNodes or dicomSeries
        return [str(self.createDataset(volumeNodes, folder, dicomSeries=dicomSeries))] if chosen else []

    def showCase(self, table, name):
        """Add a case of a table from `checkDataset` as it is trained on: its standard cube and its pair of DRRs.

        Raises:
            X2CTError: It cannot be used.
        """
        from X2CTTrainingLib.scene_cases import add_case

        return add_case(slicer.mrmlScene, table, name, self._cache())

    # Trainings

    def startTraining(
        self,
        name,
        sources=(),
        experiment="x2ct-gan-biplanar",
        scale="paper",
        device="auto",
        volumeNodes=(),
        dicomSeries=(),
        **adjustments,
    ):
        """Begin a training in a process that outlives Slicer.

        Args:
            name: Of the run, and its folder in `runsFolder`.
            sources: CT files, folders of CT files or DICOM series, lists from `createDataset`, "phantoms:60".
            experiment: One of `parameters.EXPERIMENTS`, or the path of a .toml file.
            scale: One of `parameters.SCALES`.
            device: "auto", "cpu" or "cuda".
            volumeNodes: CT volumes of the scene, which are written into the run's folder.
            dicomSeries: Of `dicomSeries()`.
            adjustments: Of `X2CTTrainingLib.adjustments.adjusted`: length, batch, learning_rate, width, precision.

        Returns:
            X2CTTrainingLib.runs.Run: how it stands.

        Raises:
            X2CTError: Something cannot be used, or there is a run of this name.
        """
        from X2CTTrainingLib.adjustments import adjusted
        from X2CTTrainingLib.run_folder import Inputs
        from X2CTTrainingLib.runs import check_new, start_run

        folder, python = self.runsFolder / name, dependencies.python_slicer()
        check_new(folder)
        tables = adjusted(str(experiment), scale, **adjustments)
        sources = [*self._listed(volumeNodes, dicomSeries, folder / "data"), *sources]
        if not sources:
            raise X2CTError(_("There is nothing to learn from: choose volumes, a folder or list, or phantoms."))
        return start_run(folder, tables, Inputs(sources, self._cache(), device), python)

    def need(self, cases, experiment, scale="paper", **adjustments):
        """What a training on so many cases takes; `X2CTTrainingLib.adjustments.Need`."""
        from X2CTTrainingLib.adjustments import adjusted, need

        return need(adjusted(str(experiment), scale, **adjustments), cases)

    def freeDisk(self):
        """Bytes that are free where the runs are."""
        folder = next(folder for folder in (self.runsFolder, *self.runsFolder.parents) if folder.is_dir())
        return shutil.disk_usage(folder).free

    def resumeTraining(self, name):
        """Go on with a training that was stopped, or has failed."""
        from X2CTTrainingLib.runs import resume_run

        return resume_run(self.runsFolder / name, dependencies.python_slicer())

    def stopTraining(self, name):
        """Ask a training to stop after its step, and to save."""
        from X2CTTrainingLib.runs import stop_run

        stop_run(self.runsFolder / name)

    def runs(self):
        """All trainings, the last launched first, and how they stand, `X2CTTrainingLib.runs.Run`, by their names.

        Those of the command line, and of other folders than `runsFolder`, have the paths of their folders as names.
        """
        from X2CTTrainingLib.runs import find_runs

        return find_runs(self.runsFolder)

    def findRun(self, name):
        """How one of them stands."""
        from X2CTTrainingLib.runs import find_run

        return find_run(self.runsFolder / name)

    def showRuns(self):
        """Fill, and return, the table node of all runs."""
        from X2CTTrainingLib.scene_tables import fill_runs, table_named

        table = table_named(slicer.mrmlScene, RUNS)
        fill_runs(table, self.runs())
        return table

    def showCurves(self, name):
        """Fill the table of a run's losses and scores; returns the chart node that shows it."""
        from X2CTTrainingLib.run_log import read_log
        from X2CTTrainingLib.scene_tables import fill_log, show_curves, table_named

        table = table_named(slicer.mrmlScene, name)
        fill_log(table, read_log(self.runsFolder / name))
        return show_curves(slicer.mrmlScene, table)

    def newestPreview(self, name):
        """The newest picture of a run's validation case, as an address that a label can show, or None."""
        from X2CTLib.page import png_uri

        newest = max((self.runsFolder / name / "previews").glob("*.png"), default=None)
        return png_uri(newest.read_bytes()) if newest else None

    def showPreview(self, name):
        """Show a validation case as a run's network makes it now, or bring it up to date.

        Returns:
            Two volume nodes: what is made, and the case as it is.

        Raises:
            X2CTError: The training has not looked at one yet.
        """
        from X2CTTrainingLib.scene_cases import show_preview

        return show_preview(slicer.mrmlScene, self.runsFolder / name, name)

    # Models

    def evaluate(self, answers, progress=None, **options):
        """Score runs and models, and wait for it.

        Args:
            answers: Folders of finished runs, weights files.
            progress: Called with the fraction done and what is being done.
            options: What is scored instead of what the runs hold out: sources, volumeNodes and dicomSeries, as
                `startTraining` takes them. Of `X2CTTrainingLib.scene_jobs.Answers`: training_data, device.

        Returns:
            Two table nodes: the scores of each answer to each case, and their means.

        Raises:
            X2CTError: An answer or the data cannot be used.
        """
        return self.jobs.run(self.evaluationJob(answers, **options), progress)

    def evaluationJob(self, answers, **options):
        """The job of `evaluate`."""
        from X2CTTrainingLib.scene_jobs import evaluation_job

        folder = self.jobs.new_folder()
        return evaluation_job(slicer.mrmlScene, self._answers(folder, answers, **options), folder)

    def showAnswers(self, answers, case, progress=None, **options):
        """Add a case as it is, as each answer reconstructs it, and their differences; returns the volume nodes."""
        return self.jobs.run(self.showJob(answers, case, **options), progress)

    def showJob(self, answers, case, **options):
        """The job of `showAnswers`."""
        from X2CTTrainingLib.scene_jobs import show_job

        folder = self.jobs.new_folder()
        return show_job(slicer.mrmlScene, self._answers(folder, answers, **options), case, folder)

    def _answers(self, folder, paths, sources=(), volumeNodes=(), dicomSeries=(), **options):
        from X2CTTrainingLib.scene_jobs import Answers

        data = [*self._listed(volumeNodes, dicomSeries, folder / "data"), *sources]
        return Answers([Path(path) for path in paths], self._cache(), data or None, **options)

    def showSideBySide(self, volumeNodes):
        """Show the first three volumes of `showAnswers` beside each other, in slices that are scrolled together."""
        if slicer.app.layoutManager():
            from X2CTTrainingLib.scene_layout import show_side_by_side

            show_side_by_side(slicer.mrmlScene, volumeNodes[:3])

    def loadTables(self, folder):
        """Add the paper's tables, from the folder of `x2ct tables`, as table nodes.

        Raises:
            X2CTError: There are none.
        """
        from X2CTTrainingLib.scene_tables import add_csv

        files = sorted(Path(folder).glob("table_*.csv"))
        if not files:
            raise X2CTError(_("There is no table_*.csv in {folder}.").format(folder=folder))
        return [add_csv(slicer.mrmlScene, file, file.stem.replace("_", " ").capitalize()) for file in files]

    def publish(self, model, name):
        """Offer a model in X2CT Reconstruction: copy it to the user's models.

        Args:
            model: Folder of a finished run, or weights file.
            name: How the model is called there; one of this name is replaced.

        Returns:
            The copy.

        Raises:
            X2CTError: There is no such model, or it does not reconstruct.
        """
        model = Path(model)
        return cards.publish(model / "model.safetensors" if model.is_dir() else model, name)


class X2CTTrainingTest(ScriptedLoadableModuleTest):
    """The DRRs of a box in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_drr()

    def test_drr(self):
        """100 mm of water attenuate as much as they must, where the detector stands."""
        import numpy as np

        logic = X2CTTrainingLogic()
        if not logic.isReady():
            self.skipTest("The Python packages are not installed in this Slicer.")
        self.addCleanup(logic.close)
        hu = np.full((40, 40, 40), -1000, np.int16)
        hu[10:30, 10:30, 10:30] = 0
        volume = slicer.util.addVolumeFromArray(hu, name="Box")
        volume.SetSpacing(5, 5, 5)
        self.delayDisplay("Projecting a box")
        pa, _picture = logic.generateDRR(volume, views=("PA",), geometry="parallel", pixels=64, body_only=False)
        self.assertAlmostEqual(slicer.util.arrayFromVolume(pa).max(), 100 * 0.0193, delta=0.01)
        self.assertIn('"view": "PA"', pa.GetAttribute("X2CT.Projection"))
        self.delayDisplay("Test passed")
