"""What the panel remembers in the scene, and what can be chosen on it."""

from enum import Enum
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


class Preset(Enum):
    """Volume rendering presets; the values are those of `X2CTReconstructionLib.presets.PRESETS`."""

    BODY = "X2CT-Body"
    CHEST = "CT-Chest-Contrast-Enhanced"
    LUNG = "CT-Lung"
    BONE = "CT-Bone"
    XRAY = "CT-X-ray"

    def label(self):
        """On the panel."""
        return {
            Preset.BODY: _("Body, translucent"),
            Preset.CHEST: _("Chest, bones and vessels"),
            Preset.LUNG: _("Lungs"),
            Preset.BONE: _("Bones"),
            Preset.XRAY: _("X-ray"),
        }[self]


class Window(Enum):
    """Windows of the slices; the values are the names in `X2CTReconstructionLib.presets.WINDOWS`."""

    CHEST = "Chest"
    LUNG = "Lung"
    SOFT_TISSUE = "Soft tissue"
    BONE = "Bone"

    def label(self):
        """On the panel."""
        return {
            Window.CHEST: _("Chest"),
            Window.LUNG: _("Lungs"),
            Window.SOFT_TISSUE: _("Soft tissue"),
            Window.BONE: _("Bones"),
        }[self]


class Device(Enum):
    """See `X2CTLib.device.choose_device`."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"

    def label(self):
        """On the panel."""
        return {Device.AUTO: _("Automatic"), Device.CPU: _("Processor (CPU)"), Device.CUDA: _("Graphics card (CUDA)")}[
            self
        ]


class Precision(Enum):
    """See `X2CTLib.device.choose_precision`."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    def label(self):
        """On the panel."""
        return {
            Precision.AUTO: _("Automatic"),
            Precision.FLOAT32: _("float32, exact"),
            Precision.BFLOAT16: _("bfloat16, fast"),
        }[self]


class Segmenter(Enum):
    """What finds the organs."""

    BUILT_IN = "built-in"
    TOTAL_SEGMENTATOR = "TotalSegmentator"

    def label(self):
        """On the panel."""
        return {
            Segmenter.BUILT_IN: _("Built-in segmenter"),
            Segmenter.TOTAL_SEGMENTATOR: _("TotalSegmentator, where it is installed"),
        }[self]


@parameterNodeWrapper
class X2CTReconstructionParameterNode:
    """What the panel remembers in the scene. What is set right in a radiograph is kept with its node.

    Attributes:
        paVolume: The PA radiograph.
        lateralVolume: The lateral radiograph.
        override: Whether objections to the radiographs become warnings.
        model: File name of the model; empty for the one that the extension brings.
        styler: File name of the styler; empty for none.
        device: What computes.
        precision: In which number format.
        estimateUncertainty: Whether the uncertainty is estimated.
        uncertaintyPasses: From how many further reconstructions.
        resultVolume: The volume that is looked at, measured and kept.
        showRendering: Whether it is shown in 3D.
        preset: Volume rendering preset.
        opacityShift: Of the preset, in HU.
        cropBox: Whether the rendering is cut by a box.
        radiographsIn3D: Whether the radiographs stand at their detectors.
        organsInSlices: Whether the organs are outlined.
        organsIn3D: Whether their surfaces are shown.
        window: Of the slices.
        uncertaintyOpacity: Of the overlay.
        segmenter: What finds the organs.
        showRatioLines: Whether the lines of the cardiothoracic ratio are shown.
        measurements: The table on the panel.
        exportNrrd: Whether the volume is exported so; and so on.
    """

    paVolume: vtkMRMLScalarVolumeNode
    lateralVolume: vtkMRMLScalarVolumeNode
    override: bool = False
    model: str = ""
    styler: str = ""
    device: Device = Device.AUTO
    precision: Precision = Precision.AUTO
    estimateUncertainty: bool = False
    uncertaintyPasses: Annotated[int, WithinRange(2, 32)] = 8
    resultVolume: vtkMRMLScalarVolumeNode
    showRendering: bool = True
    preset: Preset = Preset.BODY
    opacityShift: Annotated[float, WithinRange(-300, 300)] = 0.0
    cropBox: bool = False
    radiographsIn3D: bool = False
    organsInSlices: bool = False
    organsIn3D: bool = False
    window: Window = Window.CHEST
    uncertaintyOpacity: Annotated[float, WithinRange(0, 1)] = 0.0
    segmenter: Segmenter = Segmenter.BUILT_IN
    showRatioLines: bool = True
    measurements: vtkMRMLTableNode
    exportNrrd: bool = True
    exportNifti: bool = False
    exportDicom: bool = False
    exportTable: bool = True
    exportReport: bool = True
    exportScene: bool = False
