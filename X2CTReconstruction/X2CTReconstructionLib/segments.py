"""The segments of a segmentation node as arrays, and which organ each of them is."""

from collections.abc import Collection

import numpy as np
import slicer
import vtk
from jaxtyping import Bool, UInt8
from vtk.util.numpy_support import vtk_to_numpy

from X2CTLib.anatomy import LABELS
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTReconstructionLib.nodes import SEGMENTS, oriented_image

_SIDES = ("left", "right")
_PAIRED = ("clavicula", "humerus", "scapula")
_LOBES = {
    "right lung": ("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
    "left lung": ("lung_upper_lobe_left", "lung_lower_lobe_left"),
}
STRUCTURES = {
    **{lobe: lung for lung, lobes in _LOBES.items() for lobe in lobes},
    **{f"rib_{side}_{number}": "bones" for side in _SIDES for number in range(1, 13)},
    **{f"vertebrae_{part}{n}": "bones" for part, last in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, last + 1)},
    **{f"{bone}_{side}": "bones" for bone in _PAIRED for side in _SIDES},
    "sternum": "bones",
    "heart": "heart",
    "liver": "liver",
}
"""Which organ of `LABELS` a structure in the chest belongs to that TotalSegmentator (version 2) finds, by its name."""

_CODES = {(kind[0], modifier[0]): organ for organ, (_, _, _, kind, modifier) in SEGMENTS.items()}


def organ_of(segment, segment_id: str) -> str | None:
    """Which organ of `LABELS` a segment is: by its name, by TotalSegmentator's identifier, or by its terminology."""
    name = segment.GetName().lower()
    return name if name in LABELS else STRUCTURES.get(segment_id) or _CODES.get(_codes(segment))


def show_organs(segmentation, organs: Collection[str], in_slices: bool, in_3d: bool) -> None:
    """Show some of the organs of a `vtkMRMLSegmentationNode`, outlined in the slices; other segments stay hidden."""
    display = segmentation.GetDisplayNode()
    modified = display.StartModify()
    for segment_id in segmentation.GetSegmentation().GetSegmentIDs():
        organ = organ_of(segmentation.GetSegmentation().GetSegment(segment_id), segment_id)
        display.SetSegmentVisibility(segment_id, organ in organs)
    display.SetVisibility2D(in_slices)
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(in_3d)
    display.EndModify(modified)


def read_segments(
    segmentation, geometry: VolumeGeometry
) -> tuple[UInt8[np.ndarray, "k j i"], dict[str, Bool[np.ndarray, "k j i"]]]:
    """All segments, shown or hidden, on a grid; transforms above the segmentation are applied.

    Args:
        segmentation: A `vtkMRMLSegmentationNode`.
        geometry: The grid, in the world.

    Returns:
        The organs as values of `LABELS`, later ones over earlier ones, and the other segments by their names.

    Raises:
        InputError: A segment has no voxels and no surface to make them of.
    """
    labels, others = np.zeros(geometry.shape, np.uint8), {}
    segmentation.CreateBinaryLabelmapRepresentation()
    found = {organ: np.zeros(geometry.shape, bool) for organ in LABELS}
    for segment_id in segmentation.GetSegmentation().GetSegmentIDs():
        segment = segmentation.GetSegmentation().GetSegment(segment_id)
        mask, organ = _mask(segmentation, segment_id, geometry), organ_of(segment, segment_id)
        if organ:
            found[organ] |= mask
        else:
            others[segment.GetName()] = mask
    for organ, mask in found.items():
        labels[mask] = LABELS[organ]
    return labels, others


def _mask(segmentation, segment_id: str, geometry: VolumeGeometry) -> Bool[np.ndarray, "k j i"]:
    image, on_grid, to_world = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData(), vtk.vtkGeneralTransform()
    if not segmentation.GetBinaryLabelmapRepresentation(segment_id, image):
        name = segmentation.GetSegmentation().GetSegment(segment_id).GetName()
        raise InputError(f"The segment {name} cannot be read. Draw it again, or remove it.")
    if image.IsEmpty():
        return np.zeros(geometry.shape, bool)
    grid = oriented_image(np.zeros(geometry.shape, np.uint8), geometry)
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(segmentation.GetParentTransformNode(), None, to_world)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        image, grid, on_grid, False, False, to_world
    )
    return vtk_to_numpy(on_grid.GetPointData().GetScalars()).reshape(geometry.shape) > 0


def _codes(segment) -> tuple[str, str]:
    """The codes of type and modifier in Slicer's serialised terminology entry, empty if there is none."""
    entry = vtk.reference("")
    segment.GetTag(segment.GetTerminologyEntryTagName(), entry)
    fields = [field.split("^") for field in entry.get().split("~")]
    return tuple(fields[n][1] if len(fields) > n and len(fields[n]) > 1 else "" for n in (2, 3))
