"""The Slicer module, driven as Slicer and its user drive it, over stand-ins for the desktop and real MRML."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest
import slicer
import tomli_w
import vtk

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "Testing"))

from stand_ins.desktop import load_module, make_parent, slicer_desktop  # noqa: E402

from X2CTLib import cards  # noqa: E402
from X2CTLib.dicom_ct import write_dicom_series  # noqa: E402
from X2CTLib.errors import InputError, ModelError  # noqa: E402
from X2CTLib.files import sha256  # noqa: E402
from X2CTLib.geometry import HU_RANGE, PROJECTIONS, ProjectionGeometry, View  # noqa: E402
from X2CTLib.phantom import make_phantom  # noqa: E402
from X2CTReconstructionLib.nodes import add_reconstruction  # noqa: E402
from X2CTTrainingLib.adjustments import adjusted  # noqa: E402
from X2CTTrainingLib.datasets import gather  # noqa: E402
from X2CTTrainingLib.experiment import experiment_names, read_tables, scale_names  # noqa: E402
from X2CTTrainingLib.known_runs import known_runs_folder  # noqa: E402
from X2CTTrainingLib.previews import write_volumes  # noqa: E402
from X2CTTrainingLib.run_log import read_log  # noqa: E402
from X2CTTrainingLib.splits import read_record  # noqa: E402

TINY = {"width": 0.0625, "length": 0.01}
"""Of x2ct-gan-biplanar at scale small: a few steps."""


@pytest.fixture
def desktop(tmp_path, monkeypatch):
    """Slicer without the module yet; the user's folders are in a temporary one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with slicer_desktop(tmp_path) as desktop:
        yield desktop


@pytest.fixture
def module(desktop):
    """X2CTTraining.py, as Slicer loads it."""
    return load_module("X2CTTraining")


@pytest.fixture
def logic(module, tmp_path, a_cache):
    """Its logic; no training outlives the test."""
    logic = module.X2CTTrainingLogic()
    logic.runsFolder, logic.cache = tmp_path / "X2CTGAN" / "runs", a_cache
    yield logic
    logic.close()
    end_trainings(logic)


@pytest.fixture
def panel(module, a_cache):
    """The module's widget, set up."""
    widget = module.X2CTTrainingWidget(make_parent())
    widget.setup()
    widget.logic.cache = a_cache
    yield widget
    widget.cleanup()
    end_trainings(widget.logic)


@pytest.fixture(scope="session")
def a_cache(tmp_path_factory):
    """Prepared cubes, shared by the tests."""
    return tmp_path_factory.mktemp("cubes")


@pytest.fixture(scope="session")
def a_body():
    """A phantom, coarse and so quickly made."""
    return make_phantom(0, voxels=64)


@pytest.fixture
def a_volume(desktop, a_body):
    """A CT in the scene."""
    return add_reconstruction(slicer.mrmlScene, a_body.hu, a_body.geometry, "Chest")


def end_trainings(logic) -> None:
    for name, run in logic.runs().items():
        if run.active:
            logic.stopTraining(name)
            wait_for(logic, name)


def reconstructed_with(model: Path, desktop):
    """The study that the panel of X2CT Reconstruction makes of its sample radiographs with a model that it lists."""
    panel = load_module("X2CTReconstruction").X2CTReconstructionWidget(make_parent())
    panel.setup()
    models = panel.ui.modelComboBox
    models.choose([models.itemText(index) for index in range(models.count)].index(cards.load_card(model)["name"]))
    panel.ui.sampleButton.click()
    panel.ui.reconstructButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled, seconds=240)
    study = panel.logic.studyOf(panel.parameters.resultVolume)
    panel.cleanup()
    return study


def wait_for(logic, name: str, seconds: float = 240.0):
    """How a run has ended."""
    deadline = time.monotonic() + seconds
    while (run := logic.findRun(name)).active:
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
    return run


def wait_for_steps(folder: Path, steps: int) -> None:
    """Until a run has logged so many."""
    deadline = time.monotonic() + 240
    while len(read_log(folder)) < steps:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def a_box() -> np.ndarray:
    """Hounsfield units of a lopsided body in air, another from each side."""
    hu = np.full((20, 24, 28), -1000, np.int16)
    hu[4:16, 6:18, 5:20] = 40
    hu[8:12, 8:11, 7:10] = 900
    return hu


def an_oblique_matrix() -> np.ndarray:
    """IJK to RAS: turned, flipped, anisotropic, off centre."""
    turn = vtk.vtkTransform()
    turn.RotateWXYZ(25, 1, 2, 3)
    matrix = slicer.util.arrayFromVTKMatrix(turn.GetMatrix()) @ np.diag([-6.0, 7.0, 9.0, 1.0])
    matrix[:3, 3] = 80, -60, -70
    return matrix


# Radiographs


def test_a_drr_under_a_transform_is_that_of_the_hardened_volume(logic):
    """Oblique, flipped and anisotropic, under two linear transforms."""
    volume = slicer.util.addVolumeFromArray(a_box(), ijkToRAS=an_oblique_matrix(), name="Box")
    transforms = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode") for _ in range(2)]
    for transform, angle in zip(transforms, (20, -35), strict=True):
        turn = vtk.vtkTransform()
        turn.RotateX(angle)
        turn.Translate(5, angle, 10)
        transform.SetMatrixTransformToParent(turn.GetMatrix())
    transforms[0].SetAndObserveTransformNodeID(transforms[1].GetID())
    volume.SetAndObserveTransformNodeID(transforms[0].GetID())
    settings = {"views": ("PA",), "pixels": 40, "gantry_deg": 15.0, "body_only": False}
    under, _ = logic.generateDRR(volume, **settings)
    preview = logic.previewDRR(volume, **settings)[0]

    volume.HardenTransform()
    assert volume.GetParentTransformNode() is None
    hardened, _ = logic.generateDRR(volume, **settings)
    values = slicer.util.arrayFromVolume(under)
    assert values.max() > 1
    assert values == pytest.approx(slicer.util.arrayFromVolume(hardened), abs=1e-4)
    assert preview == pytest.approx(logic.previewDRR(volume, **settings)[0], abs=1e-4)
    matrices = [vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()]
    for node, matrix in zip((under, hardened), matrices, strict=True):
        node.GetIJKToRASMatrix(matrix)
    assert np.allclose(*map(slicer.util.arrayFromVTKMatrix, matrices))


def test_a_drr_stands_where_its_detector_stood(logic, a_volume):
    """A bright point of the CT lies on the line from the source to where it shows."""
    hu = np.full((32, 32, 32), -1000, np.int16)
    hu[4:28, 4:28, 4:28] = 0
    hu[20, 10, 25] = 30000
    volume = slicer.util.addVolumeFromArray(hu, ijkToRAS=np.diag([8.0, 8.0, 8.0, 1.0]), name="Point")
    nodes = logic.generateDRR(volume, pixels=64, body_only=False)
    assert [node.GetName() for node in nodes] == [
        f"Point {view} radiograph {what}" for view in ("PA", "Lateral") for what in ("DRR", "DRR picture")
    ]
    point_ras = np.array([25, 10, 20]) * 8.0
    for node in nodes[::2]:
        pixels = slicer.util.arrayFromVolume(node)[0]
        rows, columns = np.nonzero(pixels > 0.8 * pixels.max())
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        shown_ras = np.array(matrix.MultiplyPoint([columns.mean(), rows.mean(), 0, 1])[:3])
        projection = ProjectionGeometry.from_dict(json.loads(node.GetAttribute("X2CT.Projection")))
        source_ras = projection.source_lps * (-1, -1, 1)
        ray, towards = (end - source_ras for end in (shown_ras, point_ras))
        across = np.linalg.norm(np.cross(ray, towards)) / np.linalg.norm(ray)
        assert across < projection.pixel_mm
    for node in nodes[1::2]:
        assert slicer.util.arrayFromVolume(node).max() == 65535


def test_the_isocentre_may_be_a_point(logic, a_volume):
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    points.AddControlPoint(vtk.vtkVector3d(10, 20, 30))
    node = logic.generateDRR(a_volume, points, views=("PA",), pixels=16)[0]
    assert json.loads(node.GetAttribute("X2CT.Projection"))["isocentre_lps"] == [-10, -20, 30]


def test_a_nonlinear_transform_is_refused(logic, a_volume):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    spline = vtk.vtkThinPlateSplineTransform()
    transform.SetAndObserveTransformToParent(spline)
    a_volume.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match=r"Warp, which is not linear\. Harden"):
        logic.generateDRR(a_volume)


def test_a_radiograph_cannot_be_projected(logic):
    flat = slicer.util.addVolumeFromArray(np.zeros((1, 4, 4), np.int16), name="Flat")
    with pytest.raises(InputError, match="Flat is not a CT"):
        logic.generateDRR(flat)


def test_the_preview_looks_like_the_radiograph(logic, a_volume):
    settings = {"views": ("PA",), "pixels": 96, "gantry_deg": 10.0}
    (preview,) = logic.previewDRR(a_volume, **settings)
    picture = slicer.util.arrayFromVolume(logic.generateDRR(a_volume, **settings)[1])[0] / 65535
    assert np.corrcoef(preview.ravel(), picture.ravel())[0, 1] > 0.99


def test_sources_and_detectors_are_shown_in_3d(logic, a_volume, module):
    for _ in range(2):
        logic.previewDRR(a_volume)
    beam = slicer.mrmlScene.GetFirstNodeByName(module.BEAM)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLModelNode") == 1
    points = [beam.GetPolyData().GetPoint(index) for index in range(beam.GetPolyData().GetNumberOfPoints())]
    for view in View:
        source_ras = PROJECTIONS["clinical"](view).source_lps * (-1, -1, 1)
        assert any(np.allclose(point, source_ras, atol=3) for point in points), view


def test_files_of_several_volumes(logic, a_volume, a_body, tmp_path):
    other = add_reconstruction(slicer.mrmlScene, a_body.hu, a_body.geometry, "Other")
    files = logic.exportDRR([a_volume, other], tmp_path / "drrs", pixels=16, views=("PA",))
    assert sorted(path.relative_to(tmp_path / "drrs").as_posix() for path in files) == [
        f"{name}/pa.{kind}" for name in ("Chest", "Other") for kind in ("dcm", "json", "nrrd", "png")
    ]
    assert all(path.is_file() for path in files)


def test_the_panel_projects(panel, desktop, a_volume):
    assert not panel.ui.createDrrsButton.enabled
    panel.ui.drrVolumeSelector.setCurrentNode(a_volume)
    panel.ui.detectorPixelsSpinBox.value = 32
    desktop.turn(lambda: "<img" in panel.ui.drrPreviewLabel.text)
    assert panel.ui.drrPreviewLabel.text.count("data:image/png") == 2

    before = panel.ui.drrPreviewLabel.text
    panel.ui.gantrySlider.value = 30.0
    desktop.turn(lambda: panel.ui.drrPreviewLabel.text != before)
    panel.ui.gantrySlider.value = 0.0

    panel.ui.drrGeometryComboBox.currentIndex = 1
    assert (panel.ui.sidSlider.value, panel.ui.sadSlider.value) == (949, 541)
    assert panel.ui.detectorWidthSpinBox.value == 500
    panel.ui.drrGeometryComboBox.currentIndex = 2
    assert not panel.ui.sidSlider.enabled
    panel.ui.kvpSpinBox.value = 120.0
    panel.ui.drrViewsComboBox.currentIndex = 1
    panel.ui.createDrrsButton.click()
    assert panel.ui.cancelButton.enabled and not panel.ui.createDrrsButton.enabled
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert panel.ui.jobStatusLabel.text == "Added 2 volumes"
    node = slicer.mrmlScene.GetFirstNodeByName("Chest PA radiograph DRR")
    assert node.GetImageData().GetDimensions() == (32, 32, 1)
    assert json.loads(node.GetAttribute("X2CT.Projection"))["sid_mm"] is None

    panel.ui.exportDrrsButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert (panel.parameters.exportFolder / "pa.dcm").is_file()


def test_the_preview_follows_what_is_dragged(panel, desktop, a_volume):
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    points.AddControlPoint(vtk.vtkVector3d(0, 0, 0))
    panel.ui.drrVolumeSelector.setCurrentNode(a_volume)
    panel.ui.isocentreSelector.setCurrentNode(points)
    desktop.turn(lambda: "<img" in panel.ui.drrPreviewLabel.text)
    before = panel.ui.drrPreviewLabel.text
    points.SetNthControlPointPosition(0, 0, 150, 0)
    desktop.turn(lambda: panel.ui.drrPreviewLabel.text != before)
    panel.ui.sadSlider.value = 200.0
    desktop.turn(lambda: "<img" not in panel.ui.drrPreviewLabel.text)
    assert "source" in panel.ui.drrPreviewLabel.text, "an impossible geometry is said where the preview was"


def test_an_error_of_the_process_ends_in_words_on_the_panel(panel, desktop, caplog):
    air = slicer.util.addVolumeFromArray(np.full((16, 16, 16), -1000, np.int16), name="Air")
    panel.ui.previewCheckBox.checked = False
    panel.ui.drrVolumeSelector.setCurrentNode(air)
    with caplog.at_level(logging.ERROR):
        panel.ui.createDrrsButton.click()
        desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert "no body" in panel.ui.jobStatusLabel.text and "no body" in caplog.text
    assert panel.ui.createDrrsButton.enabled


def test_cancel_stops_at_once_and_leaves_nothing(panel, a_volume, tmp_path):
    panel.ui.previewCheckBox.checked = False
    panel.ui.drrVolumeSelector.setCurrentNode(a_volume)
    panel.ui.createDrrsButton.click()
    panel.ui.cancelButton.click()
    assert "Cancelled" in panel.ui.jobStatusLabel.text
    assert not list(tmp_path.glob("X2CT-*")), "temporary files are gone"
    assert panel.ui.createDrrsButton.enabled and not panel.ui.cancelButton.enabled


def test_closing_the_scene_empties_the_panel(panel, a_volume):
    panel.ui.drrVolumeSelector.setCurrentNode(a_volume)
    panel.ui.dataVolumesSelector.check(a_volume)
    slicer.mrmlScene.Clear(False)
    assert panel.ui.drrVolumeSelector.currentNode() is None and not panel.ui.dataVolumesSelector.checkedNodes()
    assert not panel.ui.createDrrsButton.enabled and not panel.ui.startButton.enabled
    assert panel.parameters.phantoms == 0


# Data


def test_a_data_set_of_the_scene_keeps_place_patient_and_part(logic, a_volume, a_body, tmp_path):
    from X2CTLib.ct import read_ct
    from X2CTTrainingLib.datasets import find_sources

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Doe^Jane")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(a_volume) or hierarchy.CreateItem(patient, a_volume), patient)
    other = add_reconstruction(slicer.mrmlScene, a_body.hu, a_body.geometry, "Other/one")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    move = vtk.vtkTransform()
    move.RotateZ(90)
    move.Translate(0, 0, 40)
    transform.SetMatrixTransformToParent(move.GetMatrix())
    other.SetAndObserveTransformNodeID(transform.GetID())

    listed = logic.createDataset([a_volume, other], tmp_path / "data", {"Other/one": "test"})
    first, second = find_sources([str(listed)])
    assert "Doe" not in listed.read_text(encoding="utf-8") and first.patient != "Chest", "a hash"
    assert (second.patient, second.part, first.part) == ("Other/one", "test", "")
    hu, geometry = read_ct(second.path)
    assert (hu == np.maximum(a_body.hu, -1024)).all()
    turned = np.diag([1.0, 1, 1, 1])
    turned[:2, :2] = [[0, -1], [1, 0]]
    turned[2, 3] = 40
    assert geometry.ijk_to_ras == pytest.approx(turned @ a_body.geometry.ijk_to_ras, abs=1e-6)
    with pytest.raises(InputError, match="no volume Nobody"):
        logic.createDataset([other], tmp_path / "more", {"Nobody": "train"})
    assert not (tmp_path / "more").exists()


def test_the_panel_checks_the_data(panel, desktop, a_volume):
    flat = slicer.util.addVolumeFromArray(np.full((20, 20, 20), 100, np.int16), name="Water")
    assert not panel.ui.checkButton.enabled and not panel.ui.startButton.enabled
    for volume in (a_volume, flat):
        panel.ui.dataVolumesSelector.check(volume)
    panel.ui.phantomsSpinBox.value = 1
    parameters = sys.modules["X2CTTrainingPanelLib.parameters"]
    panel.ui.experimentComboBox.currentIndex = parameters.EXPERIMENTS.index("lean")
    panel.ui.checkButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    table = panel.ui.casesTableView.mrmlTableNode()
    columns = [table.GetTable().GetColumn(number) for number in range(table.GetNumberOfColumns())]
    rows = [[column.GetValue(row) for column in columns] for row in range(table.GetNumberOfRows())]
    assert [row[0] for row in rows] == ["000_Chest", "001_Water", "phantom-0"]
    assert rows[0][3:6] == ["320 × 320 × 320", "5.00 × 5.00 × 5.00", ""]
    assert "Hounsfield" in rows[1][5]
    assert [row[1] for row in rows] == ["Chest", "Water", "phantom-0"]
    assert {row[2] for row in rows} == {"", "train"}, "of this experiment nobody is held out"

    panel.ui.caseComboBox.currentIndex = 0
    panel.ui.showCaseButton.click()
    cube = slicer.mrmlScene.GetFirstNodeByName("000_Chest standard cube")
    assert cube.GetImageData().GetDimensions() == (128, 128, 128)
    assert slicer.mrmlScene.GetFirstNodeByName("000_Chest Lateral radiograph DRR")
    panel.ui.caseComboBox.currentIndex = 1
    with pytest.raises(InputError, match="001_Water cannot be used"):
        panel.ui.showCaseButton.click()


def two_series_in_one_folder(folder: Path, body) -> None:
    """Scans of two patients, the second darker, and a radiograph beside them."""
    for number, (patient, description) in enumerate((("Doe^Jane", "Chest 5.0"), ("Roe^Jane", "")), start=1):
        hu = np.maximum(body.hu - 20 * number, -1024).astype(np.int16)
        write_dicom_series(hu, body.geometry, folder / "scratch", "A test.", patient, f"id {number}")
        for file in (folder / "scratch").iterdir():
            dataset = pydicom.dcmread(file)
            dataset.SeriesDescription, dataset.StudyDate = description, f"2020010{number}"
            dataset.save_as(folder / f"{number}_{file.name}")
    shutil.rmtree(folder / "scratch")
    dataset.Modality, dataset.SeriesInstanceUID = "DX", pydicom.uid.generate_uid()
    dataset.save_as(folder / "radiograph.dcm")


def test_series_of_the_dicom_database_are_data(panel, desktop, a_body, tmp_path):
    series_list = panel.ui.dicomSeriesList
    assert not series_list.enabled and "No DICOM database is open" in series_list.item(0).text()
    series_list.click(0)
    assert not panel.ui.checkButton.enabled

    (tmp_path / "dicom").mkdir()
    two_series_in_one_folder(tmp_path / "dicom", a_body)
    slicer.dicomDatabase.importFolder(tmp_path / "dicom")
    panel.exit()
    panel.enter()
    texts = [series_list.item(row).text() for row in range(series_list.count)]
    assert texts == ["Doe^Jane, 20200101: Chest 5.0", "Roe^Jane, 20200102: "] and series_list.enabled
    series_list.click(1)
    panel.exit()
    panel.enter()
    panel.ui.checkButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    table = panel.ui.casesTableView.mrmlTableNode()
    assert table.GetNumberOfRows() == 1
    name, problems, key = (table.GetTable().GetColumnByName(title).GetValue(0) for title in ("case", "problems", "key"))
    assert (name, problems) == ("000_CT", "")

    first, second = panel.logic.dicomSeries()
    listed = panel.logic.createDataset([], tmp_path / "data", dicomSeries=[first, second])
    assert "Doe" not in listed.read_text(encoding="utf-8") and "id 1" not in listed.read_text(encoding="utf-8")
    cases, skipped = gather([str(listed)], panel.logic.cache)
    assert not skipped and [case.name for case in cases] == ["000_Chest_5_0", "001_CT"]
    assert cases[0].patient != cases[1].patient and cases[1].key == key
    assert np.median((cases[0].hu.astype(int) - cases[1].hu)[cases[0].hu > -900]) == 20, "the second is the darker one"


# Trainings


def test_the_choices_are_what_there_is(module):
    parameters = sys.modules["X2CTTrainingPanelLib.parameters"]
    assert set(parameters.GEOMETRIES) == PROJECTIONS.keys()
    assert sorted(parameters.SCALES) == scale_names()
    for precision in parameters.PRECISIONS:
        assert adjusted("lean", precision=precision)["run"]["precision"] == precision
    reconstructing = [name for name in experiment_names() if read_tables(name)["system"] == "reconstruction"]
    assert sorted(parameters.EXPERIMENTS) == reconstructing


def test_the_example_of_the_readme_ends_in_a_model_that_reconstructs(logic, a_volume, desktop, tmp_path, monkeypatch):
    """As it is written, but for where the data lie and how much there is to be done."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    begin, after = [block for block in blocks if "X2CTTraining" in block or "findRun" in block]
    smaller = {"/data/chests": str(tmp_path / "chests"), "phantoms:60": "phantoms:2"}
    smaller['scale="small"'] = f'scale="small", device="cpu", **{TINY}'
    for text, instead in smaller.items():
        assert text in begin
        begin = begin.replace(text, instead)
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda name: {"X2CTTraining": logic}[name])
    names = {"slicer": slicer, "volume": a_volume}
    exec(begin, names)
    assert "lightning-fabric" in desktop.required and "pydicom" in desktop.required
    assert names["pa"].GetAttribute("X2CT.Projection")
    run = wait_for(logic, "first")
    assert run.state == "finished", run
    held_out = json.loads((run.folder / "split.json").read_text(encoding="utf-8"))["test"]
    exec(after.replace("phantom-0", held_out[-1]["name"]), names)
    assert names["scores"].GetNumberOfRows() and names["summary"].GetNumberOfRows()
    model = cards.own_models_folder() / "My_first_model.safetensors"
    study = reconstructed_with(model, desktop)
    card = json.loads(study.volume.GetAttribute("X2CT.Card"))
    assert (card["name"], card["sha256"]) == ("My first model", sha256(model)) and card["data"]["phantoms"] == 1
    hu = slicer.util.arrayFromVolume(study.volume)
    assert hu.shape == (128, 128, 128) and hu.std() > 0 and HU_RANGE[0] <= hu.min() <= hu.max() <= HU_RANGE[1]
    assert study.radiographs.keys() == set(View)


def test_the_panel_trains_evaluates_and_publishes(panel, desktop, tmp_path, monkeypatch):
    ui, parameters = panel.ui, sys.modules["X2CTTrainingPanelLib.parameters"]
    ui.phantomsSpinBox.value = 2
    ui.experimentComboBox.currentIndex = parameters.EXPERIMENTS.index("x2ct-gan-biplanar")
    ui.scaleComboBox.currentIndex = parameters.SCALES.index("small")
    ui.lengthSpinBox.value, ui.networkWidthSpinBox.value, ui.deviceComboBox.currentIndex = 0.01, 0.063, 1
    ui.estimateButton.click()
    assert re.match(r"\d+\.\d million parameters; about \d\.\d GB of memory", ui.needLabel.text)

    ui.startButton.click()
    assert ui.runComboBox.currentText == "run-1" and ui.stopButton.enabled
    with pytest.raises(InputError, match="run-1 has not looked at a validation case yet"):
        ui.runPreviewButton.click()
    with pytest.raises(InputError, match="a run run-1 already"):
        ui.startButton.click()
    ui.curvesButton.click()
    desktop.turn(lambda: not ui.stopButton.enabled, seconds=300)
    assert ui.runStatusLabel.text.startswith("finished") and ui.runProgressBar.value == 100, ui.runStatusLabel.text
    assert slicer.mrmlScene.GetFirstNode("run-1", "vtkMRMLTableNode").GetNumberOfRows() == 3
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLPlotChartNode").GetNumberOfPlotSeriesNodes() >= 3
    experiment = (tmp_path / "X2CTGAN" / "runs" / "run-1" / "experiment.toml").read_text(encoding="utf-8")
    assert "width = 0.063" in experiment

    ui.evaluateButton.click()
    desktop.turn(lambda: not ui.cancelButton.enabled, seconds=300)
    assert ui.scoresTableView.mrmlTableNode() is not None, ui.jobStatusLabel.text
    assert ui.scoredCaseComboBox.count == 1
    ui.showAnswersButton.click()
    desktop.turn(lambda: not ui.cancelButton.enabled, seconds=120)
    case = ui.scoredCaseComboBox.currentText
    true, made, difference = (
        slicer.util.arrayFromVolume(slicer.mrmlScene.GetFirstNodeByName(f"{case}{rest}")).astype(int)
        for rest in ("", " by run-1 (synthetic)", " by run-1, difference (synthetic)")
    )
    assert (made - true == difference).all() and true.shape == (128, 128, 128)

    ui.publishButton.click()
    model = cards.own_models_folder() / "run-1.safetensors"
    assert cards.reconstruction_models()[model] == "run-1"

    ui.modelPathLineEdit.currentPath = str(model)
    ui.scoredComboBox.currentIndex, ui.phantomsSpinBox.value = 1, 0
    assert not ui.evaluateButton.enabled, "there is no data set"
    ui.phantomsSpinBox.value = 2
    jobs = []
    monkeypatch.setattr(panel, "start", lambda makeJob, onDone: jobs.append(makeJob()))
    ui.evaluateButton.click()
    assert jobs[0].request["data"] == ["phantoms:2"] and jobs[0].request["training_data"] is None
    assert jobs[0].request["answers"] == [str(tmp_path / "X2CTGAN" / "runs" / "run-1"), str(model)]


def test_a_training_survives_who_started_it_and_is_found_again(module, logic, a_cache, tmp_path):
    """Slicer is killed in the middle; the next one finds the training, stops it, and goes on with it."""
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
from X2CTTrainingLib.adjustments import adjusted
from X2CTTrainingLib.run_folder import Inputs
from X2CTTrainingLib.runs import start_run
tables = adjusted("x2ct-gan-biplanar", "small", length=100.0, width=0.0625)
start_run(Path({str(logic.runsFolder / "long")!r}), tables, Inputs(["phantoms:2"], Path({str(a_cache)!r}), "cpu"))
print("started", flush=True)
import time; time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, encoding="utf-8")
    assert parent.stdout.readline() == "started\n"
    parent.kill()
    parent.wait()
    wait_for_steps(logic.runsFolder / "long", 1)
    ((_, run),) = logic.runs().items()
    assert (run.name, run.state) == ("long", "running")
    pid = json.loads((run.folder / "status.json").read_text(encoding="utf-8"))["pid"]
    assert psutil.pid_exists(pid) and os.getsid(pid) != os.getsid(0)

    logic.stopTraining("long")
    run = wait_for(logic, "long")
    assert (run.state, run.message) == ("stopped", "Stopped and saved.")
    assert (run.folder / "checkpoint.pt").exists()
    steps = len(read_log(run.folder))
    assert logic.resumeTraining("long").active
    with pytest.raises(InputError, match="running already"):
        logic.resumeTraining("long")
    wait_for_steps(run.folder, steps + 1)
    process = psutil.Process(json.loads((run.folder / "status.json").read_text(encoding="utf-8"))["pid"])
    process.kill()
    run = wait_for(logic, "long")
    assert run.state == "stopped" and "interrupted" in run.message


def test_a_training_of_the_command_line_is_in_the_list(panel, a_cache, tmp_path):
    """Killed in the middle, it is told as stopped, and resumed on the panel; once its folder is gone, so is it.

    Of three phantoms one is for validation: what the run makes of it is shown in the scene, and follows the run.
    """
    tables = adjusted("x2ct-gan-biplanar", "small", length=0.02, width=0.0625)
    (tmp_path / "short.toml").write_text(tomli_w.dumps(tables), encoding="utf-8")
    command = ["train", "short.toml", "--data", "phantoms:3", "--device", "cpu", "--cache", a_cache, "--output", "mine"]
    process = subprocess.Popen(
        [sys.executable, "-m", "X2CTLib.cli", *map(str, command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_for_steps(tmp_path / "mine", 1)
    training = panel.sections[sys.modules["X2CTTrainingPanelLib.training_section"].TrainingSection]
    training.refresh()
    assert panel.ui.runComboBox.currentText == str(tmp_path / "mine") and training.chosenRun().state == "running"
    process.kill()
    process.wait()
    training.refresh()
    assert panel.ui.runStatusLabel.text.startswith("stopped. It was interrupted") and panel.ui.resumeButton.enabled

    panel.ui.resumeButton.click()
    run = wait_for(panel.logic, str(tmp_path / "mine"))
    assert run.state == "finished" and run.model.is_file(), run
    panel.ui.runPreviewButton.click()
    (case,) = read_record(run.folder)["validation"]
    made, true = panel.logic.showPreview(str(run.folder))
    assert (slicer.util.arrayFromVolume(true) == np.load(a_cache / case["key"] / "hu.npy")).all()
    assert made.GetAttribute("X2CT.Mark") and "synthetic" in made.GetName()
    before, nodes = slicer.util.arrayFromVolume(made).copy(), slicer.mrmlScene.GetNumberOfNodes()
    write_volumes(run.folder, 1000, {"true": slicer.util.arrayFromVolume(true), "made": before + 7})
    training.refresh()
    assert (slicer.util.arrayFromVolume(made) == before + 7).all() and slicer.mrmlScene.GetNumberOfNodes() == nodes

    shutil.rmtree(run.folder)
    training.refresh()
    assert panel.ui.runComboBox.count == 0 and not list(known_runs_folder().iterdir())


def test_a_training_that_fails_says_why(logic, tmp_path):
    logic.startTraining("bad", [str(tmp_path / "nowhere")], scale="small", device="cpu", **TINY)
    run = wait_for(logic, "bad")
    assert run.state == "failed" and "There is no file or folder" in run.message
    with pytest.raises(Exception, match="nothing to learn from"):
        logic.startTraining("empty", [])
    assert not (logic.runsFolder / "empty").exists()


def test_only_what_reconstructs_is_published(logic, tmp_path):
    weights = tmp_path / "styler.safetensors"
    with pytest.raises(ModelError, match="no model file"):
        logic.publish(weights, "Styler")
    weights.touch()
    cards.card_path(weights).write_text('{"name": "CycleGAN", "architecture": {"kind": "styler"}}', encoding="utf-8")
    with pytest.raises(ModelError, match="CycleGAN does not reconstruct"):
        logic.publish(weights, "Styler")
    assert not cards.own_models_folder().exists()


def test_tables_of_the_paper_are_table_nodes(logic, tmp_path):
    (tmp_path / "table_1.csv").write_text(
        "method,score,mean\nX2CT-GAN+B,PSNR,26.19\nX2CT-CNN+B,PSNR,\n", encoding="utf-8"
    )
    (table,) = logic.loadTables(tmp_path)
    assert table.GetName() == "Table 1"
    assert slicer.util.arrayFromTableColumn(table, "mean") == pytest.approx([26.19, np.nan], nan_ok=True)
    with pytest.raises(Exception, match="no table_"):
        logic.loadTables(tmp_path / "models")


def test_the_modules_own_test(module):
    test = module.X2CTTrainingTest()
    test.runTest()
    test.doCleanups()
