"""Measurements of segments as they are now: edited, moved, removed, drawn by hand, or made by TotalSegmentator."""

from types import SimpleNamespace

import numpy as np
import pytest
import slicer
import vtk

from X2CTLib.anatomy import LABELS, measure
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTReconstructionLib import total_segmentator
from X2CTReconstructionLib.measuring import measure_segmentation
from X2CTReconstructionLib.nodes import add_reconstruction, add_segmentation, oriented_image
from X2CTReconstructionLib.segments import STRUCTURES, read_segments


@pytest.fixture
def a_volume(a_scene, a_chest):
    return add_reconstruction(a_scene, a_chest.hu, a_chest.geometry, "CT")


@pytest.fixture
def organs(a_scene, a_chest, a_volume):
    return add_segmentation(a_scene, a_chest.labels, a_chest.geometry, a_volume)


def rows(scene, segmentation, volume):
    return {m.name: m.value for m in measure_segmentation(scene, segmentation, volume)}


def identifier(segmentation, name):
    return segmentation.GetSegmentation().GetSegmentIdBySegmentName(name)


def draw(segmentation, segment_id, mask, geometry):
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(oriented_image(mask.astype(np.uint8), geometry), segmentation, segment_id)


def moved(scene, *nodes, right_mm=0.0, turn_deg=0.0):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    motion = vtk.vtkTransform()
    motion.Translate(right_mm, 0, 0)
    motion.RotateZ(turn_deg)
    transform.SetMatrixTransformToParent(motion.GetMatrix())
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())


# Our own segmentation


def test_untouched_it_measures_what_was_segmented(a_scene, a_chest, a_volume, organs):
    expected = measure(np.maximum(a_chest.hu, -1024), a_chest.labels, a_chest.geometry)
    assert measure_segmentation(a_scene, organs, a_volume) == expected


def test_a_removed_segment_loses_its_rows_and_no_other(a_scene, a_volume, organs):
    before = rows(a_scene, organs, a_volume)
    organs.GetSegmentation().RemoveSegment(identifier(organs, "liver"))
    after = rows(a_scene, organs, a_volume)
    assert {name for name in before if name not in after} == {
        f"Liver {measure}" for measure in ("volume", "width", "depth", "height")
    }
    assert after["Right lung volume"] == before["Right lung volume"]
    organs.GetSegmentation().RemoveSegment(identifier(organs, "body"))
    without_body = rows(a_scene, organs, a_volume)
    assert not any("Body" in name or "Outer" in name or "planimetry" in name for name in without_body)
    assert without_body["Inner thoracic width"] == before["Inner thoracic width"]


def test_an_edited_segment_changes_its_rows(a_scene, a_chest, a_volume, organs):
    before = rows(a_scene, organs, a_volume)
    upper = a_chest.labels == LABELS["right lung"]
    upper[:16] = False
    draw(organs, identifier(organs, "right lung"), upper, a_chest.geometry)
    after = rows(a_scene, organs, a_volume)
    assert after["Right lung volume"] == pytest.approx(before["Right lung volume"] / 2)
    assert after["Right lung height"] == pytest.approx(before["Right lung height"] / 2, abs=2.5)
    assert after["Left lung volume"] == before["Left lung volume"]


def test_another_segment_is_measured_under_its_own_name(a_scene, a_chest, a_volume, organs):
    nodule = np.zeros(a_chest.geometry.shape, bool)
    nodule[14:16, 14:17, 8:12] = True
    draw(organs, organs.GetSegmentation().AddEmptySegment("", "Nodule S6"), nodule, a_chest.geometry)
    organs.GetSegmentation().AddEmptySegment("", "nothing yet")
    after = rows(a_scene, organs, a_volume)
    assert after["Nodule S6 volume"] == pytest.approx(24)
    assert [after[f"Nodule S6 {axis}"] for axis in ("width", "depth", "height")] == pytest.approx([40, 30, 20], abs=2.5)
    assert not any(name.startswith("Nothing") for name in after)


def test_a_renamed_segment_is_known_by_its_terminology(a_scene, a_volume, organs):
    before = rows(a_scene, organs, a_volume)
    for name in ("left lung", "bones"):
        organs.GetSegmentation().GetSegment(identifier(organs, name)).SetName(f"my {name}")
    assert rows(a_scene, organs, a_volume) == before


# Where things lie


def test_labels_come_back_from_a_segmentation_on_any_grid(a_scene):
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[0, -0.8, 0.6], [0, 0.6, 0.8], [-1, 0, 0]]) @ np.diag([2.0, 3.0, 4.0])
    matrix[:3, 3] = [12, -30, 7]
    geometry = VolumeGeometry((9, 11, 13), matrix)
    labels = np.random.default_rng(0).integers(0, len(LABELS) + 1, geometry.shape).astype(np.uint8)
    volume = add_reconstruction(a_scene, labels, geometry, "oblique")
    read, others = read_segments(add_segmentation(a_scene, labels, geometry, volume), geometry)
    assert np.array_equal(read, labels)
    assert not others


def test_what_moves_together_measures_the_same(a_scene, a_volume, organs):
    before = rows(a_scene, organs, a_volume)
    moved(a_scene, a_volume, organs, right_mm=35.0)
    assert rows(a_scene, organs, a_volume) == pytest.approx(before)
    moved(a_scene, a_volume, organs, turn_deg=90.0)
    turned = rows(a_scene, organs, a_volume)
    assert turned["Right lung volume"] == pytest.approx(before["Right lung volume"])
    assert turned["Right lung width"] == pytest.approx(before["Right lung depth"], abs=2.5)


def test_segments_that_move_alone_are_measured_where_they_are(a_scene, a_chest, a_volume, organs):
    moved(a_scene, organs, right_mm=20.0)
    geometry, hu = a_chest.geometry, a_chest.hu
    read, _ = read_segments(organs, geometry)
    assert np.array_equal(read[..., :-2], a_chest.labels[..., 2:])  # i grows to the left
    density = rows(a_scene, organs, a_volume)["Left lung density"]
    assert density == pytest.approx(hu[read == LABELS["left lung"]].mean())


def test_a_bent_volume_and_a_closed_scene_are_refused(a_scene, a_volume, organs):
    grid = a_scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    grid.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    a_volume.SetAndObserveTransformNodeID(grid.GetID())
    with pytest.raises(InputError, match="not linear"):
        measure_segmentation(a_scene, organs, a_volume)
    a_volume.SetAndObserveTransformNodeID(None)
    a_scene.RemoveNode(organs)
    with pytest.raises(InputError, match="no longer in the scene"):
        measure_segmentation(a_scene, organs, a_volume)


# TotalSegmentator


class StandInLogic:
    """The calls of SlicerTotalSegmentator's logic that are used, with its arguments; it finds a drawn chest."""

    logCallback = None

    def __init__(self, chest):
        self.chest, self.ready = chest, False

    def setupPythonRequirements(self, upgrade=False):
        self.ready = True

    def process(self, inputVolume, outputSegmentation, quality=None, cpu=False, task=None, subset=None):
        assert self.ready and quality is True and task == "total" and set(subset) == set(STRUCTURES)
        self.logCallback("Processing started")
        labels = self.chest.labels
        upper = np.arange(labels.shape[0])[:, None, None] >= 16
        masks = {
            "lung_upper_lobe_right": (labels == LABELS["right lung"]) & upper,
            "lung_lower_lobe_right": (labels == LABELS["right lung"]) & ~upper,
            "lung_upper_lobe_left": labels == LABELS["left lung"],
            "heart": labels == LABELS["heart"],
            "vertebrae_T7": labels == LABELS["bones"],
        }
        for name, mask in masks.items():
            outputSegmentation.GetSegmentation().AddEmptySegment(name, f"standard name of {name}")
            draw(outputSegmentation, name, mask, self.chest.geometry)


@pytest.fixture
def an_extension(monkeypatch, a_chest):
    logic = StandInLogic(a_chest)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(totalsegmentator=None), raising=False)
    monkeypatch.setattr(slicer.util, "getModuleLogic", {"TotalSegmentator": logic}.__getitem__)
    return logic


def test_total_segmentator_fills_our_labels_and_leaves_no_node(a_scene, a_chest, a_volume, an_extension):
    moved(a_scene, a_volume, right_mm=13.0)
    nodes, said = a_scene.GetNumberOfNodes(), []
    labels = total_segmentator.segment(a_scene, a_volume, lambda fraction, text: said.append(text))
    for organ in ("right lung", "left lung", "heart", "bones"):
        assert np.array_equal(labels == LABELS[organ], a_chest.labels == LABELS[organ]), organ
    in_body = np.isin(a_chest.labels, [LABELS["body"], LABELS["liver"]])  # no liver was found
    assert (labels == LABELS["body"])[in_body].mean() > 0.85
    assert not labels[:, 0].any()
    assert "Processing started" in said
    assert a_scene.GetNumberOfNodes() == nodes


def test_its_own_segmentation_can_be_measured(a_scene, a_chest, a_volume, an_extension):
    segmentation = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    an_extension.logCallback = print
    an_extension.setupPythonRequirements()
    an_extension.process(a_volume, segmentation, True, task="total", subset=list(STRUCTURES))
    found = rows(a_scene, segmentation, a_volume)
    assert found["Right lung volume"] == pytest.approx((a_chest.labels == LABELS["right lung"]).sum())
    assert "Cardiothoracic ratio" in found


def test_without_the_extension_or_when_it_fails_it_says_what_to_do(a_scene, a_volume, an_extension, monkeypatch):
    monkeypatch.setattr(an_extension, "process", lambda *_: 1 / 0)
    nodes = a_scene.GetNumberOfNodes()
    with pytest.raises(InputError, match=r"failed: division by zero.*built-in"):
        total_segmentator.segment(a_scene, a_volume)
    assert a_scene.GetNumberOfNodes() == nodes
    monkeypatch.delattr(slicer.modules, "totalsegmentator")
    assert not total_segmentator.available()
    with pytest.raises(InputError, match="Extensions Manager"):
        total_segmentator.segment(a_scene, a_volume)
