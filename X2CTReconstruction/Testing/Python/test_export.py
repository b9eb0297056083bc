"""What leaves the scene: complete, true to the scene, whole or not at all, and silent about who the patient is."""

import csv
import dataclasses
import gzip
import json
import zipfile

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import slicer

from X2CTLib.ct import read_ct
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.mark import MARK
from X2CTLib.progress import CancelToken
from X2CTReconstructionLib.export import KINDS, Patient, export_study
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.study import add_study, find_studies, load_scene
from X2CTReconstructionLib.study_contents import copy_study, reconstruction_of


@pytest.fixture
def a_study(a_scene, a_reconstruction, a_chest, some_measurements, tmp_path):
    """In a scene that holds the radiograph that it was made from, and was saved under the patient's name."""
    study = add_study(a_scene, a_reconstruction, a_chest.labels, some_measurements)
    loaded = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "jane-doe")
    slicer.util.updateVolumeFromArray(loaded, np.zeros((1, 4, 4), np.float32))
    loaded.SetAttribute("DICOM.instanceUIDs", "1.2.3.4")
    hierarchy = a_scene.GetSubjectHierarchyNode()
    hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "jane-doe")
    study.volume.AddDefaultStorageNode()
    study.volume.GetStorageNode().SetFileName(str(tmp_path / "jane-doe" / "volume.nrrd"))
    return study


@pytest.fixture
def exported(a_study, tmp_path):
    return {path.name: path for path in export_study(a_study, tmp_path / "out")}


def contents(folder):
    """The names and bytes of all files, as they are and unpacked."""
    for path in sorted(folder.rglob("*")):
        yield path.name, b""
        if path.is_file():
            data = path.read_bytes()
            yield path.name, data
            if path.suffix == ".gz":
                yield path.name, gzip.decompress(data)
            if path.suffix == ".mrb":
                with zipfile.ZipFile(path) as bundle:
                    yield from ((name, bundle.read(name)) for name in bundle.namelist())


def test_everything_is_there_and_named(exported, tmp_path):
    assert list(exported) == list(KINDS.values())
    assert sorted(exported) == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_what_a_styler_was_given_is_in_the_report_and_in_the_scene(
    a_scene, a_reconstruction, a_chest, some_measurements, tmp_path
):
    given = {view: image**2 for view, image in a_reconstruction.views.items()}
    styled = dataclasses.replace(a_reconstruction, unstyled=given)
    study = add_study(a_scene, styled, a_chest.labels, some_measurements)
    export_study(study, tmp_path, ("report", "scene"))
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("before the styler</figcaption>") == 2
    loaded = HeadlessScene()
    load_scene(loaded.scene, tmp_path / "scene.mrb")
    (again,) = find_studies(loaded.scene)
    for view, image in given.items():
        assert np.array_equal(reconstruction_of(again).unstyled[view], image)
        assert again.unstyled[view].GetAttribute("X2CT.Mark") is None, "it is no synthetic image"


def test_nothing_names_the_patient(exported, tmp_path):
    found = list(contents(tmp_path / "out"))
    assert any(name.endswith(".mrml") for name, _ in found)
    for name, data in found:
        for secret in ("jane", "doe-side", "1.2.3.4", str(tmp_path)):
            assert secret not in name.lower() and secret.encode() not in data.lower(), name


def test_every_volume_is_the_same_and_marked(exported, a_reconstruction):
    for name in ("volume.nrrd", "volume.nii.gz", "dicom"):
        hu, geometry = read_ct(exported[name])
        assert np.array_equal(hu, a_reconstruction.hu)
        assert np.allclose(geometry.ijk_to_lps, a_reconstruction.geometry.ijk_to_lps, atol=1e-4)
    assert sitk.ReadImage(exported["volume.nrrd"]).GetMetaData("mark") == MARK
    assert sitk.ReadImage(exported["volume.nii.gz"]).GetMetaData("ITK_FileNotes").strip() == MARK
    first = pydicom.dcmread(exported["dicom"] / "ct_001.dcm")
    assert a_reconstruction.card["sha256"] in first.DerivationDescription


def test_the_table_and_the_report_are_what_the_scene_holds_now(a_study, tmp_path):
    a_study.measurements.GetTable().GetColumn(1).SetValue(0, 1299.0)
    export_study(a_study, tmp_path / "out", ["table", "report"])
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"name": "Right lung volume", "value": "1299.0", "unit": "mL", "note": ""}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert MARK in page and "1,299" in page and "PA radiograph: taken as upright." in page


def test_the_scene_opens_as_the_same_study(a_study, exported, a_reconstruction):
    opened = HeadlessScene().scene
    load_scene(opened, exported["scene.mrb"])
    names = {node.GetName() for node in a_study.nodes}
    for node in a_study.nodes:
        copy = opened.GetFirstNodeByName(node.GetName())
        assert copy.GetClassName() == node.GetClassName()
        assert list(copy.GetAttributeNames()) == list(node.GetAttributeNames())
    volume = opened.GetFirstNodeByName("CT (synthetic)")
    assert np.array_equal(slicer.util.arrayFromVolume(volume), a_reconstruction.hu)
    segmentation = opened.GetFirstNodeByName("CT (synthetic) organs")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 6
    assert segmentation.GetNodeReference("referenceImageGeometryRef") is volume
    (study,) = find_studies(opened)
    assert {node.GetName() for node in study.nodes} == names and study.trust == a_study.trust
    opened.Clear(True)


def test_who_wants_a_name_gets_it(a_study, tmp_path):
    export_study(a_study, tmp_path / "out", ["dicom", "scene"], Patient("Roe^Jane", "17"))
    assert pydicom.dcmread(tmp_path / "out" / "dicom" / "ct_001.dcm").PatientName == "Roe^Jane"
    with zipfile.ZipFile(tmp_path / "out" / "scene.mrb") as bundle:
        scene = next(bundle.read(name) for name in bundle.namelist() if name.endswith(".mrml"))
    assert b"Roe^Jane" in scene


def test_cancelled_it_writes_nothing(a_study, tmp_path):
    token = CancelToken()

    def progress(fraction, message):
        if fraction > 0.5:
            token.cancel()

    with pytest.raises(Cancelled):
        export_study(a_study, tmp_path / "out", progress=progress, cancel=token)
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_is_said(a_study, tmp_path):
    with pytest.raises(InputError, match="as stl; choose from nrrd, nifti"):
        export_study(a_study, tmp_path / "out", ["nrrd", "stl"])


def test_the_engine_gets_back_what_it_gave(a_study, a_reconstruction):
    again = reconstruction_of(a_study)
    assert np.array_equal(again.hu, a_reconstruction.hu)
    assert np.allclose(again.geometry.ijk_to_lps, a_reconstruction.geometry.ijk_to_lps)
    assert (again.projections, again.card) == (a_reconstruction.projections, a_reconstruction.card)
    assert again.sources == {} and "jane" not in json.dumps(again.notes)
    assert again.trust.to_dict() == a_reconstruction.trust.to_dict()
    for view, image in a_reconstruction.views.items():
        assert np.array_equal(again.views[view], image)
        assert np.array_equal(again.trust.reprojections[view], a_reconstruction.trust.reprojections[view])


def test_a_copy_is_independent(a_study, a_reconstruction):
    other = HeadlessScene()
    copy = copy_study(a_study, other.scene)
    slicer.util.arrayFromVolume(copy.volume)[:] = 0
    assert np.array_equal(slicer.util.arrayFromVolume(a_study.volume), a_reconstruction.hu)
    hierarchy = other.scene.GetSubjectHierarchyNode()
    assert hierarchy.GetItemName(copy.patient_item) == "X2CT patient"
    assert copy.volume.GetDisplayNode().GetWindow() == a_study.volume.GetDisplayNode().GetWindow()
    other.scene.Clear(True)
