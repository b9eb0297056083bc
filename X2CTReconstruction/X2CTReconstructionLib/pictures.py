"""What the pictures of a volume show, from where, and what is written into them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtk
from jaxtyping import Float
from vtk.util.numpy_support import vtk_to_numpy

PIXELS = 800
"""Edge of a picture."""
MARGIN = 1.11
"""What a picture shows is so many times as wide as the volume, for the letters around it."""
_VIEW_ANGLE = 30.0


@dataclass(frozen=True)
class Picture:
    """A picture to draw; directions in RAS.

    Attributes:
        name: Of the file, without ".png".
        title: Written into the picture's corner.
        forward: Where the camera looks.
        up: What is up in the picture.
        sliced: Whether it is a slice rather than a volume rendering.
    """

    name: str
    title: str
    forward: tuple[float, float, float]
    up: tuple[float, float, float]
    sliced: bool

    @property
    def right(self) -> Float[np.ndarray, "3"]:
        """Where the patient's points to the right in the picture lie."""
        return np.cross(self.forward, self.up)

    def camera(self, focus_ras: Float[np.ndarray, "3"], half_size: float) -> vtk.vtkCamera:
        """Look at a point so that the near face of a volume fits, with its margin.

        Args:
            focus_ras: The point in the picture's middle, in mm.
            half_size: Half of the volume's edge in mm.
        """
        camera = vtk.vtkCamera()
        camera.SetViewAngle(_VIEW_ANGLE)
        camera.SetParallelProjection(self.sliced)
        camera.SetParallelScale(MARGIN * half_size)
        distance = half_size + MARGIN * half_size / np.tan(np.radians(_VIEW_ANGLE / 2))
        forward = np.array(self.forward) / np.linalg.norm(self.forward)
        camera.SetFocalPoint(focus_ras)
        camera.SetPosition(focus_ras - distance * forward)
        camera.SetViewUp(self.up)
        return camera


# Radiological convention: the patient faces the viewer, is seen from the left, or from the feet.
PICTURES = (
    Picture("pa", "PA", (0, -1, 0), (0, 0, 1), sliced=False),
    Picture("lateral", "Left lateral", (1, 0, 0), (0, 0, 1), sliced=False),
    Picture("oblique", "Left anterior oblique", (0.68, -0.68, -0.26), (0, 0, 1), sliced=False),
    Picture("axial", "Axial", (0, 0, 1), (0, 1, 0), sliced=True),
    Picture("coronal", "Coronal", (0, -1, 0), (0, 0, 1), sliced=True),
    Picture("sagittal", "Sagittal", (1, 0, 0), (0, 0, 1), sliced=True),
)


def annotate(
    renderer: vtk.vtkRenderer, picture: Picture, half_size: float, window: tuple[float, float], mark: str
) -> None:
    """Write title, orientation letters and the mark; on slices, window and scale bar, too.

    Args:
        renderer: It draws the picture.
        picture: What it shows.
        half_size: Half of the volume's edge in mm.
        window: Width and level in HU.
        mark: What a reader must know of the volume.
    """
    _add_text(renderer, picture.title, (0.02, 0.985), "Left", "Top")
    _add_text(renderer, letters(-picture.right), (0.015, 0.5), "Left", "Centered")
    _add_text(renderer, letters(picture.right), (0.985, 0.5), "Right", "Centered")
    _add_text(renderer, letters(np.array(picture.up)), (0.5, 0.985), "Centered", "Top")
    warning = _add_text(renderer, mark, (0.5, 0.012), "Centered", "Bottom")
    warning.GetTextProperty().SetColor(1.0, 0.8, 0.3)
    if picture.sliced:
        _add_text(renderer, "W {:g}  L {:g} HU".format(*window), (0.98, 0.985), "Right", "Top")
        _add_scale_bar(renderer, 50 / (2 * MARGIN * half_size))


def letters(direction_ras: Float[np.ndarray, "3"]) -> str:
    """The patient's directions in a vector, the largest first, as on DICOM images: "L", "RA"."""
    names = [pair[int(part > 0)] for pair, part in zip(("LR", "PA", "IS"), direction_ras, strict=True)]
    by_size = sorted(zip(np.abs(direction_ras), names, strict=True), reverse=True)
    return "".join(name for size, name in by_size if size > 0.3)


def off_screen_window(pixels: int) -> vtk.vtkRenderWindow:
    """A square window that nobody sees, with or without a display."""
    # Without one VTK tries X in vain, which it warns about, before it takes EGL.
    headless = hasattr(vtk, "vtkEGLRenderWindow") and not os.environ.get("DISPLAY")
    window = vtk.vtkEGLRenderWindow() if headless else vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(pixels, pixels)
    return window


def draw(window: vtk.vtkRenderWindow, renderer: vtk.vtkRenderer, path: Path, mark: str) -> None:
    """Render into a PNG file, which carries the mark in its description, too."""
    window.AddRenderer(renderer)
    grabber = vtk.vtkWindowToImageFilter()  # it renders
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetInputConnection(grabber.GetOutputPort())
    writer.AddText("Description", mark)
    writer.WriteToMemoryOn()
    writer.Write()
    window.RemoveRenderer(renderer)
    partial = path.with_suffix(".partial")
    partial.write_bytes(vtk_to_numpy(writer.GetResult()).tobytes())
    os.replace(partial, path)


def _add_text(renderer, text: str, position: tuple[float, float], horizontal: str, vertical: str) -> vtk.vtkTextActor:
    actor = vtk.vtkTextActor()
    actor.SetInput(text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(*position)
    style = actor.GetTextProperty()
    style.SetFontSize(PIXELS // 42)
    style.SetColor(0.92, 0.92, 0.92)
    style.ShadowOn()
    getattr(style, f"SetJustificationTo{horizontal}")()
    getattr(style, f"SetVerticalJustificationTo{vertical}")()
    renderer.AddViewProp(actor)
    return actor


def _add_scale_bar(renderer: vtk.vtkRenderer, length: float) -> None:
    """A bar of 5 cm in the lower margin; its length is given as a fraction of the picture."""
    line = vtk.vtkLineSource()
    line.SetPoint1(0.98 - length, 0.038, 0)
    line.SetPoint2(0.98, 0.038, 0)
    coordinates = vtk.vtkCoordinate()
    coordinates.SetCoordinateSystemToNormalizedViewport()
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputConnection(line.GetOutputPort())
    mapper.SetTransformCoordinate(coordinates)
    bar = vtk.vtkActor2D()
    bar.SetMapper(mapper)
    bar.GetProperty().SetLineWidth(4)
    renderer.AddViewProp(bar)
    _add_text(renderer, "5 cm", (0.98 - length / 2, 0.03), "Centered", "Top")
