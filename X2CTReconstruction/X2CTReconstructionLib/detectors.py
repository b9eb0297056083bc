"""The radiographs in 3D, each standing where its detector stood."""

import slicer
import vtk

from X2CTReconstructionLib.study import Study


def show_radiographs_in_3d(scene, study: Study, visible: bool) -> None:
    """Let the radiographs of a study stand at their detectors in the 3D views, or hide them."""
    for view, radiograph in study.radiographs.items():
        detector = study.detectors.get(view)
        if detector is None and visible:
            detector = _add_detector(scene, radiograph)
            study.attach("Detector", detector, view)
        if detector:
            detector.GetDisplayNode().SetVisibility(visible)


def _add_detector(scene, radiograph):
    """A sheet of the radiograph's pixels as a `vtkMRMLModelNode`; unlike a texture, they are saved with the scene."""
    sheet = vtk.vtkImageDataGeometryFilter()
    sheet.SetInputData(radiograph.GetImageData())
    matrix = vtk.vtkMatrix4x4()
    radiograph.GetIJKToRASMatrix(matrix)
    to_ras = vtk.vtkTransform()
    to_ras.SetMatrix(matrix)
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetInputConnection(sheet.GetOutputPort())
    placed.SetTransform(to_ras)
    placed.Update()
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", f"{radiograph.GetName()} at its detector")
    model.SetAndObservePolyData(placed.GetOutput())
    model.CreateDefaultDisplayNodes()
    _show_pixels(model, radiograph.GetDisplayNode())
    return model


def _show_pixels(model, radiograph_display) -> None:
    """In the window of the radiograph, and neither lit nor shaded."""
    window, level = radiograph_display.GetWindow(), radiograph_display.GetLevel()
    display, pixels = model.GetDisplayNode(), model.GetPolyData().GetPointData().GetScalars()
    display.SetActiveScalar(pixels.GetName(), vtk.vtkAssignAttribute.POINT_DATA)
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    display.SetScalarVisibility(True)
    display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseManualScalarRange)
    display.SetScalarRange(level - window / 2, level + window / 2)
    display.SetLighting(False)
    display.SetBackfaceCulling(False)
    display.SetVisibility2D(False)
