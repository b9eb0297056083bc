"""The views of a study: the layout, and what its slice views show from where."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import slicer
import vtk

sys.path.append(str(Path(__file__).resolve().parents[3] / "Testing"))

from stand_ins.views import views_of

from X2CTLib.corrections import Correction
from X2CTLib.geometry import View
from X2CTReconstructionLib.inputs import set_correction
from X2CTReconstructionLib.layout import (
    LAYOUT_ID,
    LAYOUT_XML,
    VOLUME_VIEWS,
    fill_layout,
    show_radiographs_of,
)
from X2CTReconstructionLib.radiograph_views import LAYOUT_ID as ALONE_ID
from X2CTReconstructionLib.radiograph_views import LAYOUT_XML as ALONE_XML
from X2CTReconstructionLib.radiograph_views import TAGS, show_radiographs
from X2CTReconstructionLib.slices import show_uncertainty, uncertainty_colours
from X2CTReconstructionLib.views import switch_layout


@pytest.fixture
def a_scene_with_views(a_scene):
    """The scene as the desktop's main window makes it."""
    with views_of(a_scene):
        yield a_scene


def show_layout(scene, study):
    switch_layout(scene, LAYOUT_ID, LAYOUT_XML)
    fill_layout(scene, study)


def slice_node(scene, tag):
    return scene.GetSingletonNode(tag, "vtkMRMLSliceNode")


def composite_node(scene, tag):
    return slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(slice_node(scene, tag))


def place_of_pixel(radiograph, column, row, view):
    """Where a pixel of a radiograph is in a slice view: from the left and from the top, as parts of it."""
    to_ras = slicer.util.arrayFromVTKMatrix(view.GetXYToRAS())
    matrix = vtk.vtkMatrix4x4()
    radiograph.GetIJKToRASMatrix(matrix)
    x, y, z, _ = np.linalg.inv(to_ras) @ matrix.MultiplyPoint([column, row, 0, 1])
    assert z == pytest.approx(0, abs=1e-3)
    width, height, _ = view.GetDimensions()
    return x / width, 1 - y / height


def test_the_layout_has_the_radiographs_beside_their_slices_and_3d(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    layout = a_scene_with_views.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == LAYOUT_ID
    rows = ElementTree.fromstring(LAYOUT_XML).iterfind("item/layout")
    tags = [[item.find("view").get("singletontag") for item in row] for row in rows]
    assert tags == [["PA", "Green", "1"], ["Lateral", "Yellow", "Red"]]
    for tag, orientation in VOLUME_VIEWS.items():
        assert slice_node(a_scene_with_views, tag).GetOrientation() == orientation


def test_each_view_shows_its_picture(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    for view, tag in zip(View, TAGS.values(), strict=True):
        composite = composite_node(a_scene_with_views, tag)
        assert composite.GetBackgroundVolumeID() == a_study.radiographs[view].GetID()
        assert not composite.GetLinkedControl()
        assert (
            slice_node(a_scene_with_views, tag).GetViewGroup() != slice_node(a_scene_with_views, "Red").GetViewGroup()
        )
    for tag in VOLUME_VIEWS:
        assert composite_node(a_scene_with_views, tag).GetBackgroundVolumeID() == a_study.volume.GetID()


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("size", [(256, 256), (400, 200), (200, 300)])
def test_a_radiograph_is_upright_not_mirrored_and_fills_its_view(a_scene_with_views, a_study, view, size):
    show_layout(a_scene_with_views, a_study)
    node = slice_node(a_scene_with_views, TAGS[view.name])
    node.SetDimensions(*size, 1)
    show_layout(a_scene_with_views, a_study)
    radiograph = a_study.radiographs[view]
    top_left = np.array(place_of_pixel(radiograph, -0.5, -0.5, node))
    bottom_right = np.array(place_of_pixel(radiograph, 31.5, 31.5, node))
    across, down = bottom_right - top_left
    assert across > 0 and down > 0
    assert across * size[0] == pytest.approx(down * size[1])
    assert max(across, down) == pytest.approx(1)
    assert (top_left + bottom_right) / 2 == pytest.approx([0.5, 0.5], abs=1e-3)


def test_a_radiograph_is_shown_as_it_was_set_right(a_scene_with_views):
    scene = a_scene_with_views
    radiograph = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.updateVolumeFromArray(radiograph, np.zeros((1, 20, 30)))
    radiograph.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)  # as Slicer reads a picture
    radiograph.CreateDefaultDisplayNodes()
    switch_layout(scene, ALONE_ID, ALONE_XML)

    def corners():
        show_radiographs(scene, {"PA": radiograph})
        node = slice_node(scene, "PA")
        return [tuple(np.round(place_of_pixel(radiograph, *at, node))) for at in ((0, 0), (29, 0), (0, 19))]

    assert corners() == [(0, 0), (1, 0), (0, 1)]
    set_correction(radiograph, Correction(quarter_turns=1))
    assert corners() == [(0, 1), (0, 0), (1, 1)], "counter-clockwise"
    set_correction(radiograph, Correction(quarter_turns=1, mirrored=True))
    assert corners() == [(1, 1), (1, 0), (0, 1)]
    set_correction(radiograph, Correction(crop=(0.5, 0, 0, 0), inverted=True))
    slice_node(scene, "PA").SetDimensions(150, 200, 1)
    show_radiographs(scene, {"PA": radiograph})
    assert place_of_pixel(radiograph, 14.5, -0.5, slice_node(scene, "PA")) == pytest.approx((0, 0)), "half is cut off"
    assert radiograph.GetDisplayNode().GetInvertDisplayScalarRange()
    assert not composite_node(scene, "Lateral").GetBackgroundVolumeID()


def test_the_lines_are_not_shown_on_the_radiographs(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    heart, _ = a_study.cardiothoracic_lines
    threed = a_scene_with_views.GetSingletonNode("1", "vtkMRMLViewNode")
    views = {
        tag: heart.GetDisplayNode().IsDisplayableInView(slice_node(a_scene_with_views, tag).GetID())
        for tag in ("PA", "Lateral", "Green")
    }
    assert views == {"PA": False, "Lateral": False, "Green": True}
    assert heart.GetDisplayNode().IsDisplayableInView(threed.GetID())


def test_the_radiographs_come_back_to_their_views(a_scene_with_views, a_study):
    """Segment Editor shows its volume in all views, and cuts through its middle."""
    show_radiographs_of(a_scene_with_views, a_study)  # without the layout, nothing happens
    show_layout(a_scene_with_views, a_study)
    composite_node(a_scene_with_views, "PA").SetBackgroundVolumeID(a_study.volume.GetID())
    slice_node(a_scene_with_views, "PA").SetSliceOffset(0)
    show_radiographs_of(a_scene_with_views, a_study)
    assert composite_node(a_scene_with_views, "PA").GetBackgroundVolumeID() == a_study.radiographs[View.PA].GetID()
    bounds = [0.0] * 6
    a_study.radiographs[View.PA].GetRASBounds(bounds)
    assert bounds[2] < slice_node(a_scene_with_views, "PA").GetSliceOffset() < bounds[3]


def test_the_slices_are_cut_where_the_heart_is_measured(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    right, anterior, superior = slicer.util.arrayFromMarkupsControlPoints(a_study.cardiothoracic_lines[0]).mean(axis=0)
    offsets = [slice_node(a_scene_with_views, tag).GetSliceOffset() for tag in ("Yellow", "Green", "Red")]
    assert offsets == pytest.approx([-right, anterior, superior], abs=1e-3), "sagittal slices are counted to the left"


def test_the_view_of_a_missing_radiograph_is_empty(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    a_scene_with_views.RemoveNode(a_study.radiographs[View.LATERAL])
    show_layout(a_scene_with_views, a_study)
    assert not composite_node(a_scene_with_views, "Lateral").GetBackgroundVolumeID()
    assert composite_node(a_scene_with_views, "PA").GetBackgroundVolumeID()


def test_uncertainty_lies_over_the_volume_only(a_scene_with_views, a_study):
    show_layout(a_scene_with_views, a_study)
    show_uncertainty(a_scene_with_views, a_study, 0.6)
    for tag in VOLUME_VIEWS:
        composite = composite_node(a_scene_with_views, tag)
        assert composite.GetForegroundVolumeID() == a_study.uncertainty.GetID()
        assert composite.GetForegroundOpacity() == pytest.approx(0.6)
    assert not composite_node(a_scene_with_views, "PA").GetForegroundVolumeID()
    show_uncertainty(a_scene_with_views, a_study, 0)
    assert not composite_node(a_scene_with_views, "Red").GetForegroundVolumeID()


def test_the_scale_of_the_uncertainty_goes_from_red_to_yellow(a_scene, a_study):
    """Its colours are of Slicer's table Iron, which a scene brings that has colours."""
    logic = slicer.vtkMRMLColorLogic()
    logic.SetMRMLScene(a_scene)
    first, *_, last = uncertainty_colours(a_study)
    assert first == pytest.approx((1, 0, 0), abs=0.05) and last == pytest.approx((1, 1, 0), abs=0.15)
