"""Organs of a volume in the scene and what they measure, also after whatever was done to them in Segment Editor."""

from X2CTLib import anatomy
from X2CTLib.anatomy import Measurement, measure, measure_part
from X2CTLib.errors import InputError
from X2CTReconstructionLib import total_segmentator
from X2CTReconstructionLib.nodes import add_measurements, add_segmentation, fill_measurements
from X2CTReconstructionLib.segments import read_segments
from X2CTReconstructionLib.study import Study
from X2CTReconstructionLib.volumes import hounsfield, world_geometry


def measure_segmentation(scene, segmentation, volume) -> list[Measurement]:
    """Measure organs as `X2CTLib.anatomy.measure` does, and of other segments volume and extents under their names.

    Args:
        scene: The `vtkMRMLScene` that holds both nodes.
        segmentation: A `vtkMRMLSegmentationNode`: ours, edited or not, or TotalSegmentator's.
        volume: The `vtkMRMLScalarVolumeNode` that was segmented; segments are measured on its voxels, in the world.

    Raises:
        InputError: A node has left the scene, a transform above the volume is not linear, or a segment is damaged.
    """
    if not all(node and scene.IsNodePresent(node) for node in (segmentation, volume)):
        raise InputError("The segmentation or its volume is no longer in the scene; choose others.")
    geometry = world_geometry(volume)
    labels, others = read_segments(segmentation, geometry)
    measurements = measure(hounsfield(volume), labels, geometry)
    return measurements + [row for name, mask in others.items() for row in measure_part(name, mask, geometry)]


def measure_volume(scene, volume, segmenter: str = "built-in"):
    """Find and measure the organs of any chest CT; they hang on it by references, as those of a `Study` do.

    Args:
        scene: The `vtkMRMLScene`.
        volume: A `vtkMRMLScalarVolumeNode` in HU.
        segmenter: "built-in" or "TotalSegmentator".

    Returns:
        A new `vtkMRMLTableNode`.

    Raises:
        InputError: There is no chest, or the segmenter is not there.
    """
    geometry, hu = world_geometry(volume), hounsfield(volume)
    if segmenter == "TotalSegmentator":
        labels = total_segmentator.segment(scene, volume)
    else:
        labels = anatomy.segment(hu, geometry)
    table = add_measurements(scene, measure(hu, labels, geometry), f"{volume.GetName()} measurements")
    for role, node in (("Segmentation", add_segmentation(scene, labels, geometry, volume)), ("Measurements", table)):
        volume.SetNodeReferenceID(f"X2CT.{role}", node.GetID())
    return table


def measure_again(scene, volume):
    """Fill the table of a volume anew, or a new one if it is gone, from the organs as they are now; returns it."""
    study = Study(volume)
    measurements, table = measure_segmentation(scene, study.segmentation, volume), study.measurements
    if table is None:
        table = add_measurements(scene, [], f"{volume.GetName()} measurements")
        volume.SetNodeReferenceID("X2CT.Measurements", table.GetID())
    fill_measurements(table, measurements)
    return table
