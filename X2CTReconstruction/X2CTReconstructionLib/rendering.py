"""Volume rendering in the scene, and pictures of a volume for reports: three renderings and three slices.

The pictures need no view, no display, no graphics card and no event loop: VTK casts the rays on the CPU and draws
into an off-screen window.
"""

from pathlib import Path

import numpy as np
import slicer
import vtk
from jaxtyping import Float

from X2CTLib.geometry import CHEST_WINDOW
from X2CTLib.mark import MARK
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTReconstructionLib.pictures import PICTURES, PIXELS, annotate, draw, off_screen_window
from X2CTReconstructionLib.presets import BODY, CHEST, preset_node


def show_volume_rendering(scene, volume_node, preset: str = CHEST, shift_hu: float = 0.0, method: str | None = None):
    """Show a volume in 3D, or change how one is shown.

    Args:
        scene: The `vtkMRMLScene`.
        volume_node: The `vtkMRMLScalarVolumeNode`.
        preset: As `X2CTReconstructionLib.presets.preset_node` takes it.
        shift_hu: How much denser than the preset says tissue must be to be as opaque; colours stay.
        method: Class of the display node, if there is none yet; None for the graphics card.

    Returns:
        The volume's `vtkMRMLVolumeRenderingDisplayNode`.

    Raises:
        InputError: There is no such preset.
    """
    wanted = preset_node(preset)
    display = _display(volume_node)
    if display is None:
        display = scene.AddNewNodeByClass(method or "vtkMRMLGPURayCastVolumeRenderingDisplayNode")
        property_node = scene.AddNewNodeByClass("vtkMRMLVolumePropertyNode", f"{volume_node.GetName()} rendering")
        display.SetAndObserveVolumePropertyNodeID(property_node.GetID())
        volume_node.AddAndObserveDisplayNodeID(display.GetID())
    properties = display.GetVolumePropertyNode()
    modified = properties.StartModify()
    properties.CopyParameterSet(wanted)
    properties.SetScalarOpacity(_shifted(wanted.GetScalarOpacity(), shift_hu))
    properties.CalculateEffectiveRange()
    properties.EndModify(modified)
    display.SetVisibility(True)
    return display


def hide_volume_rendering(volume_node) -> None:
    """Take a volume out of 3D again, if it is shown there."""
    if display := _display(volume_node):
        display.SetVisibility(False)


def crop_volume_rendering(scene, volume_node, cropped: bool) -> None:
    """Cut a volume that is shown in 3D with a box that the user may drag, or show all of it.

    The box fits the volume at first, and then stays as it was left. Nothing happens to a volume that was never shown.
    """
    display = _display(volume_node)
    if display is None:
        return
    if cropped and display.GetROINode() is None:
        box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", f"{volume_node.GetName()} crop box")
        box.CreateDefaultDisplayNodes()
        box.GetDisplayNode().SetFillVisibility(False)
        box.GetDisplayNode().SetPropertiesLabelVisibility(False)
        display.SetAndObserveROINodeID(box.GetID())
        fit_crop_box(volume_node)
    display.SetCroppingEnabled(cropped)
    if box := display.GetROINode():
        box.SetDisplayVisibility(cropped)


def fit_crop_box(volume_node) -> None:
    """Make the box of `crop_volume_rendering`, if there is one, fit the volume again."""
    display = _display(volume_node)
    if display and display.GetROINode():
        slicer.vtkSlicerVolumeRenderingLogic().FitROIToVolume(display)


def render_pictures(
    volume_node,
    directory: Path,
    preset: str = BODY,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    mark: str = MARK,
) -> dict[str, Path]:
    """Write the pictures of `X2CTReconstructionLib.pictures.PICTURES` as PNG files; each carries the mark.

    Args:
        volume_node: The CT, a `vtkMRMLScalarVolumeNode` in HU.
        directory: Made if need be.
        preset: As `X2CTReconstructionLib.presets.preset_node` takes it.
        progress: Told before each picture and at the end.
        cancel: Looked at before each picture.
        mark: What the pictures say of the volume; empty for a CT that was acquired.

    Returns:
        The files by the name of the picture.

    Raises:
        InputError: There is no such preset.
        Cancelled: `cancel` was raised.
    """
    rendering, section = _rendering(volume_node, preset), _section(volume_node)
    half_size = max(np.multiply(volume_node.GetSpacing(), volume_node.GetImageData().GetDimensions())) / 2
    centre, middle = np.array(rendering.GetCenter()), _lungs_middle(volume_node)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    window = off_screen_window(PIXELS)
    files = {}
    for count, picture in enumerate(PICTURES):
        if cancel:
            cancel.check()
        progress(count / len(PICTURES), f"Drawing the {picture.name} picture")
        # A slice goes through the lungs' middle; along it the volume's centre stays in the middle of the picture.
        forward = np.array(picture.forward)
        depth = (middle - centre) @ forward if picture.sliced else 0.0
        renderer = vtk.vtkRenderer()
        renderer.AddViewProp(section if picture.sliced else rendering)
        renderer.SetActiveCamera(picture.camera(centre + depth * forward, half_size))
        renderer.ResetCameraClippingRange()
        annotate(renderer, picture, half_size, CHEST_WINDOW, mark)
        files[picture.name] = directory / f"{picture.name}.png"
        draw(window, renderer, files[picture.name], mark)
    progress(1.0, "Pictures drawn")
    return files


def _display(volume_node):
    """The volume's `vtkMRMLVolumeRenderingDisplayNode`, or None."""
    displays = (volume_node.GetNthDisplayNode(n) for n in range(volume_node.GetNumberOfDisplayNodes()))
    return next((d for d in displays if d.IsA("vtkMRMLVolumeRenderingDisplayNode")), None)


def _shifted(opacity: vtk.vtkPiecewiseFunction, shift_hu: float) -> vtk.vtkPiecewiseFunction:
    shifted, point = vtk.vtkPiecewiseFunction(), [0.0] * 4
    for n in range(opacity.GetSize()):
        opacity.GetNodeValue(n, point)
        shifted.AddPoint(point[0] + shift_hu, *point[1:])
    return shifted


def _rendering(volume_node, preset: str) -> vtk.vtkVolume:
    # The spacing goes to the image and only the directions to the matrix, because the mapper's steps and gradients
    # know nothing of a matrix that scales.
    image = vtk.vtkImageData()
    image.ShallowCopy(volume_node.GetImageData())
    image.SetSpacing(volume_node.GetSpacing())
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASDirectionMatrix(matrix)
    for row, coordinate in enumerate(volume_node.GetOrigin()):
        matrix.SetElement(row, 3, coordinate)
    mapper = vtk.vtkFixedPointVolumeRayCastMapper()
    mapper.SetInputData(image)
    mapper.AutoAdjustSampleDistancesOff()
    mapper.SetSampleDistance(0.5 * min(volume_node.GetSpacing()))
    mapper.SetImageSampleDistance(1.5)
    volume = vtk.vtkVolume()
    volume.SetMapper(mapper)
    volume.SetProperty(preset_node(preset).GetVolumeProperty())
    volume.SetUserMatrix(matrix)
    _compute_gradients(volume)
    return volume


def _compute_gradients(volume: vtk.vtkVolume) -> None:
    """Make the mapper compute its gradients in one thread; with several, a seam shows where their parts meet."""
    mapper = volume.GetMapper()
    threads = mapper.GetNumberOfThreads()
    mapper.SetNumberOfThreads(1)
    renderer = vtk.vtkRenderer()
    renderer.AddVolume(volume)
    window = off_screen_window(pixels=8)
    window.AddRenderer(renderer)
    window.Render()
    mapper.SetNumberOfThreads(threads)


def _section(volume_node) -> vtk.vtkImageSlice:
    mapper = vtk.vtkImageResliceMapper()
    mapper.SetInputData(volume_node.GetImageData())
    mapper.SliceFacesCameraOn()
    mapper.SliceAtFocalPointOn()
    section = vtk.vtkImageSlice()
    section.SetMapper(mapper)
    section.SetUserMatrix(_ijk_to_ras(volume_node))
    window, level = CHEST_WINDOW
    section.GetProperty().SetColorWindow(window)
    section.GetProperty().SetColorLevel(level)
    section.GetProperty().SetInterpolationTypeToCubic()
    return section


def _lungs_middle(volume_node) -> Float[np.ndarray, "3"]:
    """The middle, in RAS, of the box around what has the HU of inflated lung, or of the volume if nothing has."""
    hu = slicer.util.arrayFromVolume(volume_node)
    found = np.argwhere((hu > -950) & (hu < -600))
    found = found if len(found) else np.array([[0, 0, 0], hu.shape])
    # Percentiles, because the edges of the skin and the couch have such values, too.
    middle_kji = np.percentile(found, (5, 95), axis=0).mean(axis=0)
    return np.array(_ijk_to_ras(volume_node).MultiplyPoint([*middle_kji[::-1], 1.0])[:3])


def _ijk_to_ras(volume_node) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return matrix
