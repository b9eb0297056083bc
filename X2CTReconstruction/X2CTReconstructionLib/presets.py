"""Presets by name: windows of the slices, and volume renderings: Slicer's own and one for smooth reconstructions."""

import importlib.util
from pathlib import Path

import slicer
import vtk

from X2CTLib.errors import InputError
from X2CTLib.geometry import CHEST_WINDOW

CHEST = "CT-Chest-Contrast-Enhanced"
"""Slicer's preset for bones and vessels. Also of use here: CT-Lung, CT-Bone, CT-X-ray."""
BODY = "X2CT-Body"
"""Translucent skin and organs around the bones; shows a person even where bones reach 150 HU only."""
PRESETS = {
    BODY: "Body, translucent",
    CHEST: "Chest, bones and vessels",
    "CT-Lung": "Lungs",
    "CT-Bone": "Bones",
    "CT-X-ray": "X-ray",
}
"""Volume rendering presets that suit a chest CT, and what they show."""
WINDOWS = {"Chest": CHEST_WINDOW, "Lung": (1500.0, -600.0), "Soft tissue": (400.0, 40.0), "Bone": (1800.0, 400.0)}
"""Window width and level in HU by the name that radiologists give them."""

# HU, then opacity per mm or red, green, blue.
_BODY_OPACITY = (
    (-1024, 0.0),
    (-700, 0.0),
    (-500, 0.03),
    (-250, 0.05),
    (-100, 0.02),
    (60, 0.02),
    (130, 0.12),
    (220, 0.5),
    (500, 0.75),
    (3071, 0.8),
)
_BODY_COLOURS = (
    (-1024, 0.55, 0.65, 0.80),
    (-600, 0.62, 0.68, 0.80),
    (-250, 0.85, 0.62, 0.50),
    (20, 0.78, 0.42, 0.33),
    (110, 0.85, 0.52, 0.38),
    (180, 0.93, 0.84, 0.68),
    (400, 1.00, 0.97, 0.90),
)
# HU per mm, then the factor of the opacity: surfaces are seen rather than what they enclose.
_BODY_GRADIENT_OPACITY = ((0, 0.05), (60, 1.0), (255, 1.0))


def preset_node(name: str):
    """Look up how a preset shows Hounsfield units.

    Args:
        name: `BODY`, or the name of a preset of Slicer's Volume Rendering module.

    Returns:
        A `vtkMRMLVolumePropertyNode` that is in no scene of the caller's; not to be changed.

    Raises:
        InputError: There is no such preset.
    """
    if name == BODY:
        return _body_node()
    node = _slicer_logic().GetPresetByName(name)
    if node is None:
        raise InputError(f"There is no volume rendering preset named {name}; try {CHEST} or {BODY}.")
    return node


def _slicer_logic():
    """The desktop's logic, or one that reads the copy of Slicer's presets that trame-slicer brings."""
    if hasattr(slicer, "modules"):
        return slicer.modules.volumerendering.logic()
    package = importlib.util.find_spec("trame_slicer")
    if package is None:
        raise InputError("Slicer's volume rendering presets are missing; install the Python package trame-slicer.")
    logic = slicer.vtkSlicerVolumeRenderingLogic()
    logic.SetModuleShareDirectory(str(Path(package.origin).parent / "resources"))
    return logic


def _body_node():
    colours = vtk.vtkColorTransferFunction()
    for point in _BODY_COLOURS:
        colours.AddRGBPoint(*point)
    node = slicer.vtkMRMLVolumePropertyNode()
    node.SetColor(colours)
    node.SetScalarOpacity(_piecewise(_BODY_OPACITY))
    node.SetGradientOpacity(_piecewise(_BODY_GRADIENT_OPACITY))
    node.CalculateEffectiveRange()
    properties = node.GetVolumeProperty()
    properties.SetInterpolationTypeToLinear()
    properties.ShadeOn()
    properties.SetAmbient(0.4)
    properties.SetDiffuse(1.0)
    properties.SetSpecular(0.25)
    properties.SetSpecularPower(12)
    return node


def _piecewise(points: tuple) -> vtk.vtkPiecewiseFunction:
    function = vtk.vtkPiecewiseFunction()
    for point in points:
        function.AddPoint(*point)
    return function
