"""MRML nodes for what the engine makes: radiographs, the CT cube, its segmentation, its measurements.

Every function takes the scene to work on: `slicer.mrmlScene` in the Slicer desktop, any other elsewhere.
"""

import json

import numpy as np
import slicer
import vtk
from jaxtyping import Float, Int16, UInt8
from vtk.util.numpy_support import vtk_to_numpy

from X2CTLib.anatomy import LABELS, Measurement
from X2CTLib.geometry import CHEST_WINDOW, ProjectionGeometry, VolumeGeometry, lps_to_ras, ras_of

PROJECTION_ATTRIBUTE = "X2CT.Projection"
"""Node attribute that holds the `ProjectionGeometry` of a radiograph, as JSON."""
UNCERTAINTY_SHOWN = (50.0, 300.0)
"""Standard deviation in HU from which on it is shown, and at which its colours end."""

_ANATOMY = ("123037004", "Anatomical Structure")
_LUNG = ("39607008", "Lung")
_NONE = ("", "")
SEGMENTS = {
    "body": ((177, 122, 101), 0.15, _ANATOMY, ("38266002", "Entire body"), _NONE),
    "right lung": ((197, 165, 145), 0.6, _ANATOMY, _LUNG, ("24028007", "Right")),
    "left lung": ((197, 165, 145), 0.6, _ANATOMY, _LUNG, ("7771000", "Left")),
    "bones": ((241, 214, 145), 1.0, ("85756007", "Tissue"), ("272673000", "Bone"), _NONE),
    "heart": ((206, 110, 84), 0.8, _ANATOMY, ("80891009", "Heart"), _NONE),
    "liver": ((221, 130, 101), 0.8, _ANATOMY, ("10200004", "Liver"), _NONE),
}
"""Of each organ the colour of Slicer's GenericAnatomyColors, the opacity in 3D, and SNOMED CT codes of the DICOM
segmentation categories: category, type, and modifier."""


def add_radiograph(scene, image: Float[np.ndarray, "r c"], projection: ProjectionGeometry, name: str):
    """Add a radiograph that stands in the patient's frame where its detector stood.

    Args:
        scene: The `vtkMRMLScene`.
        image: Pixels, bright is dense; row 0 superior, columns as `projection.view` has them.
        projection: How it was taken; kept in the node's attribute `X2CT.Projection`.
        name: The node's name, made unique in the scene.

    Returns:
        A `vtkMRMLScalarVolumeNode` of one slice, float32.
    """
    node = _add_volume(scene, np.asarray(image, np.float32)[np.newaxis], lps_to_ras(projection.pixel_to_lps), name)
    node.SetAttribute(PROJECTION_ATTRIBUTE, json.dumps(projection.to_dict()))
    low, high = np.percentile(image, (0.5, 99.5)).tolist()
    _show_window(node, max(high - low, 1e-3), (low + high) / 2)
    return node


def add_reconstruction(scene, hu: Int16[np.ndarray, "k j i"], geometry: VolumeGeometry, name: str):
    """Add a CT volume, shown in the chest window.

    Args:
        scene: The `vtkMRMLScene`.
        hu: Hounsfield units.
        geometry: Where the voxels lie.
        name: The node's name, made unique in the scene.

    Returns:
        A `vtkMRMLScalarVolumeNode`, int16.
    """
    node = _add_volume(scene, np.asarray(hu, np.int16), geometry.ijk_to_ras, name)
    node.SetVoxelValueQuantity(_coded_entry("112031", "DCM", "Attenuation Coefficient"))
    node.SetVoxelValueUnits(_coded_entry("[hnsf'U]", "UCUM", "Hounsfield unit"))
    _show_window(node, *CHEST_WINDOW)
    return node


def add_uncertainty(scene, spread_hu: Float[np.ndarray, "k j i"], geometry: VolumeGeometry, name: str):
    """Add how far a volume's values spread.

    Args:
        scene: The `vtkMRMLScene`.
        spread_hu: Standard deviation in HU.
        geometry: Where the voxels lie.
        name: The node's name, made unique in the scene.

    Returns:
        A `vtkMRMLScalarVolumeNode`, float32; shown in colours, and not where it spreads little.
    """
    node = _add_volume(scene, np.asarray(spread_hu, np.float32), geometry.ijk_to_ras, name)
    node.SetVoxelValueUnits(_coded_entry("[hnsf'U]", "UCUM", "Hounsfield unit"))
    low, high = UNCERTAINTY_SHOWN
    _show_window(node, high - low, (low + high) / 2, colours="vtkMRMLColorTableNodeIron")
    display = node.GetDisplayNode()
    display.AutoThresholdOff()
    display.SetThreshold(low, float(np.finfo(np.float32).max))
    display.ApplyThresholdOn()
    return node


def add_segmentation(scene, labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry, volume):
    """Add the organs of a volume as segments, with names, colours, terminology and, if possible, surfaces.

    Args:
        scene: The `vtkMRMLScene`.
        labels: Label map with the values of `X2CTLib.anatomy.LABELS`; a label without a voxel gets no segment.
        geometry: Where the voxels lie.
        volume: The `vtkMRMLScalarVolumeNode` that was segmented; it becomes the reference geometry.

    Returns:
        A `vtkMRMLSegmentationNode`. Its closed surfaces are there where a segmentations logic is alive, which holds
        in the desktop, under trame-slicer and with a `HeadlessScene`.
    """
    node = _add_node(scene, "vtkMRMLSegmentationNode", f"{volume.GetName()} organs")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(oriented_image(labels, geometry), node)
    names = {value: name for name, value in LABELS.items()}
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        name = names[segment.GetLabelValue()]
        colour, opacity, *codes = SEGMENTS[name]
        segment.SetName(name)
        segment.SetColor(np.array(colour) / 255)
        segment.SetTag(segment.GetTerminologyEntryTagName(), _terminology(*codes))
        node.GetDisplayNode().SetSegmentOpacity3D(segmentation.GetNthSegmentID(index), opacity)
    node.CreateClosedSurfaceRepresentation()
    return node


def add_line(
    scene, ends_lps: Float[np.ndarray, "2 3"], name: str, colour: tuple[int, int, int], labels: tuple[str, str]
):
    """Add a line that the user may drag by its ends.

    Args:
        scene: The `vtkMRMLScene`.
        ends_lps: Where it begins and ends, in mm.
        name: The node's name, made unique in the scene.
        colour: Red, green, blue, up to 255.
        labels: What is written beside its ends.

    Returns:
        A `vtkMRMLMarkupsLineNode`. Slices before or behind it show its ends; only one that it lies in shows all of it.
    """
    node = _add_node(scene, "vtkMRMLMarkupsLineNode", name)
    node.CreateDefaultDisplayNodes()
    slicer.util.updateMarkupsControlPointsFromArray(node, ras_of(ends_lps))
    for end, label in enumerate(labels):
        node.SetNthControlPointLabel(end, label)
    node.GetMeasurement("length").SetEnabled(False)  # it is longer than the width where an end lies higher
    display = node.GetDisplayNode()
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    for set_colour in (display.SetColor, display.SetSelectedColor):
        set_colour(*np.array(colour) / 255)
    display.SetSliceProjection(True)
    display.SetSliceProjectionUseFiducialColor(True)
    return node


def add_measurements(scene, measurements: list[Measurement], name: str):
    """Add a table with a row a measurement.

    Args:
        scene: The `vtkMRMLScene`.
        measurements: What was measured.
        name: The node's name, made unique in the scene.

    Returns:
        A `vtkMRMLTableNode` with the columns Name, Value (double), Unit and Note.
    """
    table = add_table(scene, {}, name)
    fill_measurements(table, measurements)
    return table


def read_measurements(table) -> list[Measurement]:
    """The rows of a `vtkMRMLTableNode` that `add_measurements` made, as they are now."""
    rows = table.GetTable()
    return [
        Measurement(
            name=rows.GetValueByName(row, "Name").ToString(),
            value=rows.GetValueByName(row, "Value").ToDouble(),
            unit=rows.GetValueByName(row, "Unit").ToString(),
            note=rows.GetValueByName(row, "Note").ToString(),
        )
        for row in range(rows.GetNumberOfRows())
    ]


def fill_measurements(table, measurements: list[Measurement]) -> None:
    """Replace what is in a table of `add_measurements`."""
    columns = {
        "Name": [m.name for m in measurements],
        "Value": [float(m.value) for m in measurements],
        "Unit": [m.unit for m in measurements],
        "Note": [m.note for m in measurements],
    }
    fill_table(table, columns)


def add_table(scene, columns: dict[str, list[str] | list[float]], name: str):
    """Add a `vtkMRMLTableNode`; `fill_table` says what of."""
    node = _add_node(scene, "vtkMRMLTableNode", name)
    node.SetUseColumnTitleAsColumnHeader(True)
    fill_table(node, columns)
    return node


def radiograph_projection(node) -> ProjectionGeometry:
    """How the radiograph of a node from `add_radiograph` was taken."""
    return ProjectionGeometry.from_dict(json.loads(node.GetAttribute(PROJECTION_ATTRIBUTE)))


def fill_table(node, columns: dict[str, list[str] | list[float]]) -> None:
    """Replace what is in a `vtkMRMLTableNode`.

    Args:
        node: The table.
        columns: By their titles, all of one length, each all numbers or all strings.
    """
    modified = node.StartModify()
    node.RemoveAllColumns()
    for title, values in columns.items():
        array = vtk.vtkStringArray() if any(isinstance(value, str) for value in values) else vtk.vtkDoubleArray()
        array.SetName(title)
        for value in values:
            array.InsertNextValue(value)
        node.AddColumn(array)
        node.SetColumnTitle(title, title)
    node.EndModify(modified)


def _add_node(scene, class_name: str, name: str):
    return scene.AddNewNodeByClass(class_name, scene.GenerateUniqueName(name))


def _add_volume(scene, array: np.ndarray, ijk_to_ras: np.ndarray, name: str):
    node = _add_node(scene, "vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(_matrix(ijk_to_ras))
    node.CreateDefaultDisplayNodes()
    return node


def _show_window(node, window: float, level: float, colours: str = "vtkMRMLColorTableNodeGrey") -> None:
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(window, level)
    display.SetAndObserveColorNodeID(colours)


def oriented_image(labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry):
    """A label map as the `vtkOrientedImageData` that segmentations are made of."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*reversed(labels.shape))
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = labels.ravel()
    image.SetGeometryFromImageToWorldMatrix(_matrix(geometry.ijk_to_ras))
    return image


def _matrix(values: np.ndarray) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(values.ravel().tolist())
    return matrix


def _coded_entry(value: str, scheme: str, meaning: str):
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry


def _terminology(category: tuple, kind: tuple, modifier: tuple) -> str:
    """Slicer's serialised terminology entry: context, category, type, modifier, then an empty anatomic region."""
    codes = [f"SCT^{code}^{meaning}" if code else "^^" for code, meaning in (category, kind, modifier)]
    return "~".join(["Segmentation category and type - DICOM master list", *codes, "", "^^", "^^"])
