"""The scene: geometry and chirality of every node, the patient in the subject hierarchy, saving, and pictures."""

import json
import struct

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from X2CTLib.errors import Cancelled, InputError
from X2CTLib.geometry import CHEST_WINDOW, ProjectionGeometry, View, clinical_projection
from X2CTLib.mark import MARK
from X2CTLib.progress import CancelToken
from X2CTLib.trust import Trust
from X2CTReconstructionLib import nodes, presets
from X2CTReconstructionLib.detectors import show_radiographs_in_3d
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.pictures import PICTURES, letters
from X2CTReconstructionLib.rendering import (
    crop_volume_rendering,
    fit_crop_box,
    hide_volume_rendering,
    render_pictures,
    show_volume_rendering,
)
from X2CTReconstructionLib.study import add_study, find_studies, load_scene, remove_study, save_scene, show_study


def ras_of(volume_node, i, j, k):
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return np.array(matrix.MultiplyPoint([i, j, k, 1]))[:3]


def all_of_class(scene, name):
    return [scene.GetNthNodeByClass(n, name) for n in range(scene.GetNumberOfNodesByClass(name))]


@pytest.fixture
def a_volume_node(a_scene, a_chest):
    return nodes.add_reconstruction(a_scene, a_chest.hu, a_chest.geometry, "CT (synthetic)")


@pytest.fixture
def a_segmentation_node(a_scene, a_chest, a_volume_node):
    return nodes.add_segmentation(a_scene, a_chest.labels, a_chest.geometry, a_volume_node)


# Nodes


def test_left_anterior_superior_voxels_lie_there_in_ras(a_volume_node, a_chest):
    array = slicer.util.arrayFromVolume(a_volume_node)
    assert array.dtype == np.int16
    k, j, i = np.argwhere(array == 1400).mean(axis=0)
    left, posterior, superior = a_chest.cube_lps
    assert left > 0 > posterior and superior > 0
    assert ras_of(a_volume_node, i, j, k) == pytest.approx([-left, -posterior, superior])


def test_volume_is_shown_in_its_window_and_is_in_hounsfield_units(a_volume_node):
    display = a_volume_node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == CHEST_WINDOW
    assert not display.GetAutoWindowLevel()
    assert a_volume_node.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"


@pytest.mark.parametrize("view", View)
def test_a_point_its_shadow_and_the_source_lie_on_a_line(a_scene, view):
    projection = clinical_projection(view, 64)
    node = nodes.add_radiograph(a_scene, np.eye(64, dtype=np.float32), projection, "radiograph")
    point_lps = np.array([40.0, -25.0, 70.0])
    row, column = projection.project(point_lps)
    to_ras = np.array([-1, -1, 1])
    source = projection.source_lps * to_ras
    ray, shadow = point_lps * to_ras - source, ras_of(node, column, row, 0) - source
    assert np.cross(ray, shadow) == pytest.approx(np.zeros(3), abs=1e-6 * np.linalg.norm(ray) ** 2)
    assert np.linalg.norm(shadow) > np.linalg.norm(ray)


@pytest.mark.parametrize(
    ("view", "detector_ras", "columns_ras"),
    [(View.PA, [0, 180, 0], [-1, 0, 0]), (View.LATERAL, [-180, 0, 0], [0, -1, 0])],
)
def test_detector_stands_in_front_or_to_the_left_upright(a_scene, view, detector_ras, columns_ras):
    node = nodes.add_radiograph(a_scene, np.zeros((64, 64), np.float32), clinical_projection(view, 64), "radiograph")
    assert ras_of(node, 31.5, 31.5, 0) == pytest.approx(detector_ras)
    column_step = ras_of(node, 1, 0, 0) - ras_of(node, 0, 0, 0)
    row_step = ras_of(node, 0, 1, 0) - ras_of(node, 0, 0, 0)
    assert column_step == pytest.approx(5 * 1800 / 1620 * np.array(columns_ras))
    assert row_step == pytest.approx([0, 0, -5 * 1800 / 1620])


def test_radiograph_keeps_pixels_and_geometry(a_scene):
    projection = clinical_projection(View.PA, 16)
    image = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    node = nodes.add_radiograph(a_scene, image, projection, "PA")
    assert slicer.util.arrayFromVolume(node).dtype == np.float32
    assert (slicer.util.arrayFromVolume(node)[0] == image).all()
    assert ProjectionGeometry.from_dict(json.loads(node.GetAttribute(nodes.PROJECTION_ATTRIBUTE))) == projection
    assert 0 < node.GetDisplayNode().GetWindow() <= np.ptp(image)


def test_segments_have_names_codes_and_places(a_segmentation_node, a_volume_node, a_chest):
    segmentation = a_segmentation_node.GetSegmentation()
    segments = {segmentation.GetNthSegment(n).GetName(): segmentation.GetNthSegmentID(n) for n in range(6)}
    assert list(segments) == ["body", "right lung", "left lung", "bones", "heart", "liver"]
    assert a_segmentation_node.GetNodeReference("referenceImageGeometryRef") is a_volume_node
    expected = {
        "right lung": (1, "39607008^Lung~SCT^24028007"),
        "left lung": (-1, "39607008^Lung~SCT^7771000"),
        "liver": (1, "10200004^Liver"),
        "heart": (0, "80891009^Heart"),
    }
    for name, (side, codes) in expected.items():
        segment, terminology = segmentation.GetSegment(segments[name]), vtk.reference("")
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), terminology)
        assert f"SCT^{codes}" in terminology.get()
        surface = vtk.vtkPolyData()
        assert a_segmentation_node.GetClosedSurfaceRepresentation(segments[name], surface)
        assert np.sign(surface.GetCenter()[0]) == side or not side
        mass = vtk.vtkMassProperties()
        mass.SetInputData(surface)
        assert mass.GetVolume() / 1000 == pytest.approx((a_chest.labels == nodes.LABELS[name]).sum(), rel=0.15)


def test_table_has_typed_columns(a_scene, some_measurements):
    table = nodes.add_measurements(a_scene, some_measurements, "Measurements").GetTable()
    assert [table.GetColumnName(n) for n in range(4)] == ["Name", "Value", "Unit", "Note"]
    assert isinstance(table.GetColumn(1), vtk.vtkDoubleArray)
    rows = [[table.GetValue(r, c).ToString() for c in (0, 2, 3)] for r in range(table.GetNumberOfRows())]
    assert rows == [[m.name, m.unit, m.note] for m in some_measurements]
    assert [table.GetValue(r, 1).ToDouble() for r in range(2)] == [m.value for m in some_measurements]


# Study


def test_study_is_one_patient_and_says_that_it_is_synthetic(a_scene, a_study):
    hierarchy = a_scene.GetSubjectHierarchyNode()
    assert len(all_of_class(a_scene, "vtkMRMLSubjectHierarchyNode")) == 1
    assert hierarchy.GetItemLevel(a_study.patient_item) == "Patient"
    for node in a_study.nodes:
        assert hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(node), "Patient") == a_study.patient_item
    made = {*a_study.nodes} - {*a_study.radiographs.values()}
    assert len(made) == 8
    for node in made:
        assert "synthetic" in node.GetName() or node in a_study.cardiothoracic_lines
        assert node.GetDescription() == node.GetAttribute("X2CT.Mark") == MARK


def test_the_trust_is_in_the_scene_too(a_study, a_reconstruction, a_chest):
    trust = a_reconstruction.trust
    for view, node in a_study.reprojections.items():
        assert np.array_equal(slicer.util.arrayFromVolume(node)[0], trust.reprojections[view])
        assert node.GetAttribute(nodes.PROJECTION_ATTRIBUTE) == a_study.radiographs[view].GetAttribute(
            nodes.PROJECTION_ATTRIBUTE
        )
    spread = slicer.util.arrayFromVolume(a_study.uncertainty)
    assert spread.dtype == np.float32 and np.array_equal(spread, trust.uncertainty)
    assert ras_of(a_study.uncertainty, 3, 5, 7) == pytest.approx(ras_of(a_study.volume, 3, 5, 7))
    assert a_study.uncertainty.GetDisplayNode().GetLowerThreshold() == nodes.UNCERTAINTY_SHOWN[0]
    assert Trust.from_dict(json.loads(a_study.volume.GetAttribute("X2CT.Trust")), reprojections={}).words == trust.words
    assert all("synthetic" in node.GetName() for node in (*a_study.reprojections.values(), a_study.uncertainty))


def test_study_keeps_card_and_notes_but_no_file_names(a_study):
    assert json.loads(a_study.volume.GetAttribute("X2CT.Card"))["name"] == "tiny"
    assert json.loads(a_study.volume.GetAttribute("X2CT.Notes"))[0] == "PA radiograph: taken as upright."


def test_two_studies_are_two_patients(a_scene, a_study, a_reconstruction, a_chest, some_measurements):
    other = add_study(a_scene, a_reconstruction, a_chest.labels, some_measurements)
    hierarchy = a_scene.GetSubjectHierarchyNode()
    names = {hierarchy.GetItemName(study.patient_item) for study in (a_study, other)}
    assert len(names) == 2
    assert a_study.volume.GetName() != other.volume.GetName()


def test_a_hidden_study_comes_back_as_it_was(a_scene, a_study):
    show_volume_rendering(a_scene, a_study.volume)
    a_study.segmentation.GetDisplayNode().SetVisibility(False)
    count = a_scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")
    displays = [a_scene.GetNthNodeByClass(n, "vtkMRMLDisplayNode") for n in range(count)]
    before = [display.GetVisibility() for display in displays]
    show_study(a_study, True)
    assert [display.GetVisibility() for display in displays] == before and any(before)
    for _ in range(2):
        show_study(a_study, False)
        assert not any(display.GetVisibility() for display in displays)
    show_study(a_study, True)
    assert [display.GetVisibility() for display in displays] == before


def test_removed_study_leaves_nothing(a_scene, a_reconstruction, a_chest, some_measurements):
    a_scene.GetSubjectHierarchyNode()
    before = a_scene.GetNumberOfNodes()
    study = add_study(a_scene, a_reconstruction, a_chest.labels, some_measurements)
    show_volume_rendering(a_scene, study.volume)
    crop_volume_rendering(a_scene, study.volume, True)
    show_radiographs_in_3d(a_scene, study, True)
    assert a_scene.GetNumberOfNodes() > before
    remove_study(a_scene, study)
    assert a_scene.GetNumberOfNodes() == before
    assert a_scene.GetSubjectHierarchyNode().GetNumberOfItems() == 0


def test_scene_comes_back_from_a_file(a_scene, a_study, a_chest, some_measurements, tmp_path, capfd):
    show_volume_rendering(a_scene, a_study.volume, presets.CHEST)
    save_scene(a_scene, tmp_path / "case.mrb")
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["case.mrb"]

    loaded = HeadlessScene()
    load_scene(loaded.scene, tmp_path / "case.mrb")
    volume = loaded.scene.GetFirstNodeByName("CT (synthetic)")
    assert (slicer.util.arrayFromVolume(volume) == a_chest.hu).all()
    assert ras_of(volume, 23, 10, 27) == pytest.approx(ras_of(a_study.volume, 23, 10, 27))
    assert volume.GetAttribute("X2CT.Mark") == volume.GetDescription() == MARK
    assert volume.GetAttribute("X2CT.Card") == a_study.volume.GetAttribute("X2CT.Card")
    radiograph = loaded.scene.GetFirstNodeByName("PA radiograph")
    assert ProjectionGeometry.from_dict(json.loads(radiograph.GetAttribute(nodes.PROJECTION_ATTRIBUTE))).view is View.PA
    assert ras_of(radiograph, 0, 0, 0) == pytest.approx(ras_of(a_study.radiographs[View.PA], 0, 0, 0))
    (segmentation,) = all_of_class(loaded.scene, "vtkMRMLSegmentationNode")
    names = [segmentation.GetSegmentation().GetNthSegment(n).GetName() for n in range(6)]
    assert names == ["body", "right lung", "left lung", "bones", "heart", "liver"]
    (table,) = all_of_class(loaded.scene, "vtkMRMLTableNode")
    assert isinstance(table.GetTable().GetColumn(1), vtk.vtkDoubleArray)
    assert table.GetTable().GetValue(1, 1).ToDouble() == some_measurements[1].value
    assert table.GetTable().GetValue(1, 3).ToString() == some_measurements[1].note
    (rendering,) = all_of_class(loaded.scene, "vtkMRMLVolumeRenderingDisplayNode")
    assert rendering.GetVolumePropertyNode().GetScalarOpacity().GetSize() == 5
    hierarchy = loaded.scene.GetSubjectHierarchyNode()
    patient = hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(volume), "Patient")
    assert hierarchy.GetItemName(patient) == a_scene.GetSubjectHierarchyNode().GetItemName(a_study.patient_item)
    loaded.scene.Clear(True)


def test_study_comes_back_beside_another(a_scene, a_study, a_chest, tmp_path):
    """The file's nodes get new identifiers, because theirs are taken."""
    save_scene(a_scene, tmp_path / "case.mrb")
    load_scene(a_scene, tmp_path / "case.mrb")
    first, second = find_studies(a_scene)
    assert first == a_study
    assert len(second.nodes) == len(first.nodes) == 10
    assert not {*first.nodes} & {*second.nodes}
    assert first.patient_item != second.patient_item
    assert (slicer.util.arrayFromVolume(second.volume) == a_chest.hu).all()
    assert second.radiographs.keys() == second.reprojections.keys() == {*View}
    for view in View:
        assert nodes.radiograph_projection(second.radiographs[view]).view is view
        assert "synthetic" in second.reprojections[view].GetName()
    assert second.segmentation.GetNodeReference("referenceImageGeometryRef") is second.volume
    assert second.measurements.GetNumberOfRows() == first.measurements.GetNumberOfRows()
    assert second.notes == first.notes and second.trust == first.trust
    uncertainty = second.uncertainty.GetDisplayNode()
    assert uncertainty.GetApplyThreshold() and uncertainty.GetLowerThreshold() == nodes.UNCERTAINTY_SHOWN[0]
    remove_study(a_scene, second)
    assert find_studies(a_scene) == [first] and len(first.nodes) == 10


def test_study_without_what_the_user_has_deleted(a_scene, a_study):
    for node in (a_study.measurements, a_study.radiographs[View.PA]):
        a_scene.RemoveNode(node)
    (found,) = find_studies(a_scene)
    assert found.measurements is None
    assert list(found.radiographs) == [View.LATERAL]
    assert None not in found.nodes
    a_scene.Clear(False)
    assert not find_studies(a_scene)
    remove_study(a_scene, found)


@pytest.mark.parametrize("name", ["case.txt", "no such folder/case.mrb"])
def test_scene_that_cannot_be_saved_says_so(a_scene, tmp_path, name):
    with pytest.raises(InputError, match="case"):
        save_scene(a_scene, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_study_lives_in_a_trame_slicer_application(a_reconstruction, a_chest, some_measurements):
    from trame_slicer.core import SlicerApp

    app = SlicerApp()
    study = add_study(app.scene, a_reconstruction, a_chest.labels, some_measurements)
    display = show_volume_rendering(app.scene, study.volume)
    assert app.volume_rendering.get_vr_display_node(study.volume) is display
    assert len(all_of_class(app.scene, "vtkMRMLSubjectHierarchyNode")) == 1
    remove_study(app.scene, study)
    assert not all_of_class(app.scene, "vtkMRMLScalarVolumeNode")


# Rendering


def test_preset_is_slicers_and_can_be_changed(a_scene, a_volume_node):
    display = show_volume_rendering(a_scene, a_volume_node, "CT-Chest-Contrast-Enhanced")
    opacity = display.GetVolumePropertyNode().GetScalarOpacity()
    assert display.GetVisibility()
    assert opacity.GetValue(67.0) == 0.0
    assert opacity.GetValue(439.291) == pytest.approx(0.625)
    again = show_volume_rendering(a_scene, a_volume_node, presets.BODY)
    assert again is display
    assert again.GetVolumePropertyNode().GetScalarOpacity().GetValue(-250) == pytest.approx(0.05)
    assert len(all_of_class(a_scene, "vtkMRMLVolumePropertyNode")) == 1


def test_opacity_is_shifted_from_the_preset_not_from_where_it_was(a_scene, a_volume_node):
    for shift in (100, -50, 200):
        display = show_volume_rendering(a_scene, a_volume_node, presets.BODY, shift_hu=shift)
    shifted = display.GetVolumePropertyNode().GetScalarOpacity()
    opacity = presets.preset_node(presets.BODY).GetScalarOpacity()
    for hu in (-1100, -400, 100, 250, 3000):
        assert shifted.GetValue(hu + 200) == pytest.approx(opacity.GetValue(hu))
    colours = display.GetVolumePropertyNode().GetColor()
    assert colours.GetColor(180) == presets.preset_node(presets.BODY).GetColor().GetColor(180)
    show_volume_rendering(a_scene, a_volume_node, presets.BODY)
    assert display.GetVolumePropertyNode().GetScalarOpacity().GetValue(-250) == pytest.approx(0.05)


def test_crop_box_fits_at_first_and_stays_as_the_user_leaves_it(a_scene, a_volume_node):
    display = show_volume_rendering(a_scene, a_volume_node)
    crop_volume_rendering(a_scene, a_volume_node, False)
    assert display.GetROINode() is None
    crop_volume_rendering(a_scene, a_volume_node, True)
    box = display.GetROINode()
    assert display.GetCroppingEnabled() and box.GetDisplayVisibility()
    assert box.GetSize() == pytest.approx([320] * 3) and box.GetCenter() == pytest.approx([0] * 3)
    box.SetSize(100, 200, 300)
    crop_volume_rendering(a_scene, a_volume_node, False)
    assert not display.GetCroppingEnabled() and not box.GetDisplayVisibility()
    crop_volume_rendering(a_scene, a_volume_node, True)
    assert display.GetROINode() is box and box.GetSize() == pytest.approx([100, 200, 300])
    hide_volume_rendering(a_volume_node)
    assert not display.GetVisibility()
    fit_crop_box(a_volume_node)
    assert box.GetSize() == pytest.approx([320] * 3)


def test_unknown_preset_is_named_in_the_error(a_scene, a_volume_node):
    with pytest.raises(InputError, match="CT-Nonsense"):
        show_volume_rendering(a_scene, a_volume_node, "CT-Nonsense")
    assert a_volume_node.GetNumberOfDisplayNodes() == 1


@pytest.fixture(scope="module")
def some_pictures(a_chest, tmp_path_factory):
    headless = HeadlessScene()
    node = nodes.add_reconstruction(headless.scene, a_chest.hu, a_chest.geometry, "CT (synthetic)")
    return render_pictures(node, tmp_path_factory.mktemp("renderings"))


def brightness(file):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file))).astype(float).mean(axis=-1)


def test_every_picture_shows_something_and_carries_the_mark(some_pictures):
    assert list(some_pictures) == [picture.name for picture in PICTURES]
    for file in some_pictures.values():
        image = brightness(file)
        assert image.shape == (800, 800)
        assert image[100:700, 100:700].std() > 10
        amber = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))[750:].astype(int)
        assert ((amber[..., 0] - amber[..., 2]) > 100).sum() > 500
        assert MARK.encode() in file.read_bytes()
        assert struct.unpack(">II", file.read_bytes()[16:24]) == (800, 800)


@pytest.mark.parametrize(("name", "across"), [("pa", 0), ("lateral", 1)])
def test_bright_cube_is_where_the_radiograph_would_show_it(some_pictures, a_chest, name, across):
    """It is left and in front, so on the right of the PA picture and on the left of the lateral one."""
    above_lungs_and_spine = brightness(some_pictures[name])[60:230]
    _, columns = np.nonzero(above_lungs_and_spine > 0.9 * above_lungs_and_spine.max())
    assert abs(np.median(columns) - 400) > 60
    assert (np.median(columns) - 400) * a_chest.cube_lps[across] > 0
    below = brightness(some_pictures[name])[-230:-60]
    assert above_lungs_and_spine.max() > below.max()


def test_slices_are_in_radiological_convention(some_pictures):
    axial = brightness(some_pictures["axial"])
    # The spine is posterior, so below; the right lung, which is the wider one, is on the left.
    assert axial[540:600, 390:410].mean() > axial[200:260, 390:410].mean()
    dark = (axial[360] < 100) & (axial[360] > 60)
    assert dark[200:400].sum() > dark[400:600].sum() > 0
    sagittal = brightness(some_pictures["sagittal"])
    spine = sagittal[400, 120:680]
    assert np.argmax(spine) > 280


def test_letters_of_directions():
    assert letters(np.array([-1.0, 0, 0])) == "L"
    assert letters(np.array([0, 0, 1.0])) == "S"
    assert letters(np.array([0.6, 0.8, 0.1])) == "AR"


def test_pictures_stop_when_asked(a_volume_node, tmp_path):
    token = CancelToken()

    def stop_after_the_first(fraction, message):
        token.cancel()

    with pytest.raises(Cancelled):
        render_pictures(a_volume_node, tmp_path, progress=stop_after_the_first, cancel=token)
    assert [file.name for file in tmp_path.iterdir()] == ["pa.png"]
