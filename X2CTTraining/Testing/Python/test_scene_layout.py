"""A case beside what was made of it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

sys.path.append(str(Path(__file__).resolve().parents[3] / "Testing"))

from stand_ins.views import views_of

from X2CTLib.geometry import VolumeGeometry
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.nodes import add_reconstruction
from X2CTTrainingLib.scene_layout import COLUMNS, LAYOUT_ID, ORIENTATIONS, show_side_by_side


@pytest.fixture
def a_scene():
    """As the desktop's main window makes it."""
    scene = HeadlessScene().scene
    with views_of(scene):
        yield scene
    scene.Clear(True)


def test_three_volumes_are_shown_side_by_side_in_linked_views(a_scene):
    cube = np.zeros((8, 8, 8), np.int16)
    volumes = [add_reconstruction(a_scene, cube, VolumeGeometry.cube(8), name) for name in COLUMNS]
    show_side_by_side(a_scene, volumes)
    assert a_scene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement() == LAYOUT_ID
    for what, volume in zip(COLUMNS, volumes, strict=True):
        for orientation in ORIENTATIONS:
            view = a_scene.GetSingletonNode(what + orientation, "vtkMRMLSliceNode")
            composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view)
            assert (view.GetOrientation(), view.GetLayoutLabel()) == (orientation, what)
            assert composite.GetBackgroundVolumeID() == volume.GetID()
            assert composite.GetLinkedControl() and composite.GetHotLinkedControl()
            assert not view.GetXYToRAS().IsIdentity() and view.GetViewGroup() == 2
