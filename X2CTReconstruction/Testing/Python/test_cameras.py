"""3D views: from where they look, and the radiographs that stand in them."""

import numpy as np
import pytest
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from X2CTLib.geometry import View, clinical_projection, parallel_projection
from X2CTReconstructionLib import nodes
from X2CTReconstructionLib.cameras import look_from, look_from_behind, look_from_source
from X2CTReconstructionLib.detectors import show_radiographs_in_3d
from X2CTReconstructionLib.pictures import off_screen_window

TO_RAS = np.array([-1, -1, 1])


@pytest.fixture
def a_view_node(a_scene):
    """A 3D view with its camera."""
    view = slicer.vtkMRMLViewNode()
    view.SetLayoutName("1")
    a_scene.AddNode(view)
    camera = slicer.vtkMRMLCameraNode()
    camera.SetLayoutName("1")
    a_scene.AddNode(camera)
    return view


def camera_of(view_node):
    return slicer.vtkMRMLViewLogic.GetCameraNode(view_node.GetScene(), view_node.GetLayoutName()).GetCamera()


def place_in(view_node, point_ras):
    """Where a point of the patient is in a square view: to the right and up, from -1 to 1."""
    matrix = camera_of(view_node).GetCompositeProjectionTransformMatrix(1.0, -1, 1)
    x, y, _, w = matrix.MultiplyPoint([*point_ras, 1])
    return np.array([x / w, y / w])


LEFT, FRONT, TOP = np.diag([-100.0, 100.0, 100.0])


@pytest.mark.parametrize(("direction", "right", "near"), [("PA", LEFT, FRONT), ("LATERAL", -FRONT, LEFT)])
def test_the_patient_is_seen_as_in_the_paper(a_view_node, a_study, direction, right, near):
    look_from(a_view_node, a_study.volume, direction)
    assert place_in(a_view_node, right)[0] > 0.3 and abs(place_in(a_view_node, right)[1]) < 1e-6
    assert place_in(a_view_node, TOP)[1] > 0.3 and abs(place_in(a_view_node, TOP)[0]) < 1e-6
    position = np.array(camera_of(a_view_node).GetPosition())
    assert np.linalg.norm(position - near) < np.linalg.norm(position + near)
    corners = np.array([[x, y, z] for x in (-160, 160) for y in (-160, 160) for z in (-160, 160)])
    assert 0.8 < max(abs(place_in(a_view_node, corner)).max() for corner in corners) < 1


def test_all_directions_of_the_paper_show_the_whole_volume(a_view_node, a_study):
    look_from(a_view_node, a_study.volume, "OBLIQUE")
    assert place_in(a_view_node, LEFT)[0] > 0.1 and place_in(a_view_node, FRONT)[0] < -0.1


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("preset", [clinical_projection, parallel_projection])
def test_from_the_source_the_patient_covers_the_radiograph(a_scene, a_view_node, view, preset):
    """A point and the pixel that shows it are at one place of the view, and the detector fills it."""
    projection = preset(view, 32)
    radiograph = nodes.add_radiograph(a_scene, np.zeros((32, 32), np.float32), projection, "radiograph")
    look_from_source(a_view_node, radiograph)
    point_lps = np.array([40.0, -60.0, 70.0])
    row, column = projection.project(point_lps)
    pixel_ras = (projection.pixel_to_lps @ [column, row, 0, 1])[:3] * TO_RAS
    seen = place_in(a_view_node, point_lps * TO_RAS)
    assert seen == pytest.approx(place_in(a_view_node, pixel_ras), abs=0.01)
    assert seen[1] > 0, "superior is up"
    edge_ras = (projection.pixel_to_lps @ [15.5, -0.5, 0, 1])[:3] * TO_RAS
    assert place_in(a_view_node, edge_ras) == pytest.approx([0, 1], abs=1e-3)


# Radiographs in 3D


@pytest.fixture
def a_study_with_a_marker(a_study):
    """One bright pixel in either radiograph: row 5, column 20."""
    for radiograph in a_study.radiographs.values():
        pixels = slicer.util.arrayFromVolume(radiograph)
        pixels[:] = 0
        pixels[0, 5, 20] = 1
        slicer.util.arrayFromVolumeModified(radiograph)
    return a_study


@pytest.mark.parametrize("view", View)
def test_a_marker_stands_where_its_ray_meets_the_detector(a_scene, a_study_with_a_marker, view):
    show_radiographs_in_3d(a_scene, a_study_with_a_marker, True)
    sheet = a_study_with_a_marker.detectors[view].GetPolyData()
    bright = vtk_to_numpy(sheet.GetPointData().GetScalars()).argmax()
    projection = nodes.radiograph_projection(a_study_with_a_marker.radiographs[view])
    assert sheet.GetPoint(bright) == pytest.approx((projection.pixel_to_lps @ [20, 5, 0, 1])[:3] * TO_RAS, abs=1e-3)


def test_from_behind_all_radiographs_are_seen_and_hide_no_patient(a_scene, a_view_node, a_study):
    show_radiographs_in_3d(a_scene, a_study, True)
    look_from_behind(a_view_node, a_study)
    eye = np.array(camera_of(a_view_node).GetPosition())
    for sheet in a_study.detectors.values():
        points = vtk_to_numpy(sheet.GetPolyData().GetPoints().GetData())
        assert max(abs(place_in(a_view_node, corner)).max() for corner in points[[0, -1]]) < 1
        assert np.linalg.norm(points.mean(axis=0) - eye) > np.linalg.norm(eye), "behind the patient, in the origin"


def test_radiographs_in_3d_go_and_come_again(a_scene, a_study):
    show_radiographs_in_3d(a_scene, a_study, False)
    assert not a_study.detectors
    show_radiographs_in_3d(a_scene, a_study, True)
    first = a_study.detectors
    assert all(model.GetDisplayNode().GetVisibility() for model in first.values())
    show_radiographs_in_3d(a_scene, a_study, False)
    assert not any(model.GetDisplayNode().GetVisibility() for model in first.values())
    show_radiographs_in_3d(a_scene, a_study, True)
    assert a_study.detectors == first


def draw(view_node, model, pixels=64):
    """What a 3D view shows of a model."""
    display = model.GetDisplayNode()
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(display.GetOutputPolyDataConnection())
    mapper.SetScalarRange(*display.GetScalarRange())
    grey = vtk.vtkLookupTable()
    grey.SetHueRange(0, 0)
    grey.SetSaturationRange(0, 0)
    grey.SetValueRange(0, 1)
    grey.Build()
    mapper.SetLookupTable(grey)
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetLighting(display.GetLighting())
    renderer = vtk.vtkRenderer()
    renderer.AddActor(actor)
    renderer.SetActiveCamera(camera_of(view_node))
    renderer.ResetCameraClippingRange()
    window = off_screen_window(pixels)
    window.AddRenderer(renderer)
    window.Render()
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    grabber.Update()
    return vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).reshape(pixels, pixels, 3)[::-1, :, 0]


@pytest.mark.parametrize(("direction", "view"), [("PA", View.PA), ("LATERAL", View.LATERAL)])
def test_seen_from_their_own_side_they_are_the_right_way_round(
    a_scene, a_view_node, a_study_with_a_marker, direction, view
):
    """The marker is in the upper right of the picture, and so it is in the view."""
    show_radiographs_in_3d(a_scene, a_study_with_a_marker, True)
    look_from(a_view_node, a_study_with_a_marker.volume, direction)
    picture = draw(a_view_node, a_study_with_a_marker.detectors[view])
    rows, columns = np.nonzero(picture > 100)
    assert len(rows) and rows.mean() < 28 and columns.mean() > 36
