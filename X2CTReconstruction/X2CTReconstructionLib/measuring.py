"""What the segments of a scene measure now, after whatever was done to them in Segment Editor."""

from X2CTLib.anatomy import Measurement, measure, measure_part
from X2CTLib.errors import InputError
from X2CTReconstructionLib.segments import read_segments
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
