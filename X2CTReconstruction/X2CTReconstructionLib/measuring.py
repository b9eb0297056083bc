"""Organs of a volume in the scene and what they measure, also after whatever was done to them in Segment Editor."""

import numpy as np
from jaxtyping import UInt8

from X2CTLib.anatomy import Measurement, cardiothoracic_lines, measure, measure_part
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.progress import Progress, silent
from X2CTReconstructionLib import total_segmentator
from X2CTReconstructionLib.cardiothoracic import move_lines
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
    return _measured(volume, *_read(scene, segmentation, volume))


def measure_by_total_segmentator(scene, volume, progress: Progress = silent):
    """Find the organs of a chest CT by TotalSegmentator, which this process must do itself, and measure them.

    Args:
        scene: The `vtkMRMLScene` of the application.
        volume: A `vtkMRMLScalarVolumeNode` in HU.
        progress: Told what TotalSegmentator says.

    Returns:
        As `add_organs`.

    Raises:
        InputError: There is no body, or no TotalSegmentator.
    """
    geometry, labels = world_geometry(volume), total_segmentator.segment(scene, volume, progress)
    return add_organs(scene, volume, geometry, labels, measure(hounsfield(volume), labels, geometry))


def add_organs(
    scene, volume, geometry: VolumeGeometry, labels: UInt8[np.ndarray, "k j i"], measurements: list[Measurement]
):
    """Add what was found in a volume; it hangs on it by references, as the organs of a `Study` do.

    Args:
        scene: The `vtkMRMLScene`.
        volume: A `vtkMRMLScalarVolumeNode`.
        geometry: Where its voxels lay when it was measured, in the world.
        labels: The organs, as `X2CTLib.anatomy.LABELS`.
        measurements: What they measure.

    Returns:
        A new `vtkMRMLTableNode`.
    """
    table = add_measurements(scene, measurements, f"{volume.GetName()} measurements")
    for role, node in (("Segmentation", add_segmentation(scene, labels, geometry, volume)), ("Measurements", table)):
        volume.SetNodeReferenceID(f"X2CT.{role}", node.GetID())
    move_lines(Study(volume), cardiothoracic_lines(labels, geometry))
    return table


def measure_again(scene, volume):
    """Fill the table of a volume anew, or a new one if it is gone, from the organs as they are now; returns it.

    The lines of the cardiothoracic ratio go back to where it is measured.
    """
    study = Study(volume)
    geometry, labels, others = _read(scene, study.segmentation, volume)
    measurements, table = _measured(volume, geometry, labels, others), study.measurements
    if table is None:
        table = add_measurements(scene, [], f"{volume.GetName()} measurements")
        volume.SetNodeReferenceID("X2CT.Measurements", table.GetID())
    fill_measurements(table, measurements)
    move_lines(study, cardiothoracic_lines(labels, geometry))
    return table


def _read(scene, segmentation, volume) -> tuple[VolumeGeometry, UInt8[np.ndarray, "k j i"], dict[str, np.ndarray]]:
    """Where the voxels of a volume lie in the world, its organs there, and other segments by their names."""
    if not all(node and scene.IsNodePresent(node) for node in (segmentation, volume)):
        raise InputError("The segmentation or its volume is no longer in the scene; choose others.")
    geometry = world_geometry(volume)
    return geometry, *read_segments(segmentation, geometry)


def _measured(
    volume, geometry: VolumeGeometry, labels: UInt8[np.ndarray, "k j i"], others: dict[str, np.ndarray]
) -> list[Measurement]:
    measurements = measure(hounsfield(volume), labels, geometry)
    return measurements + [row for name, mask in others.items() for row in measure_part(name, mask, geometry)]
