"""Stand-in for the main window of the Slicer desktop: the views that a layout asks for are there, and are drawn."""

import contextlib
from collections.abc import Iterator

import slicer
import vtk


@contextlib.contextmanager
def views_of(scene) -> Iterator[None]:
    """Let layouts make views in a scene, with the real logics, until the block ends."""
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logics = [slicer.vtkMRMLLayoutLogic()]

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def draw(caller, event, node):
        if node.IsA("vtkMRMLSliceNode"):
            logics.append(slicer.vtkMRMLSliceLogic())
            logics[-1].SetMRMLScene(scene)
            logics[-1].SetSliceNode(node)

    scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, draw)
    logics[0].SetMRMLScene(scene)
    yield
    for logic in reversed(logics):
        logic.SetMRMLScene(None)
