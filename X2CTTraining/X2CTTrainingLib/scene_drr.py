"""DRRs in a MRML scene: the radiographs where their detectors stand, and the beams in 3D."""

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk
import vtk

from X2CTLib.geometry import ProjectionGeometry, View, read_sidecar
from X2CTReconstructionLib.nodes import add_radiograph
from X2CTReconstructionLib.provenance import VIEW_NAMES

_BEAM_COLOUR = (1.0, 0.85, 0.2)
_PARALLEL_MM = 320.0  # how far before the isocentre parallel rays are drawn


def add_drrs(scene, folder: Path, name: str) -> list:
    """Add the radiographs that `drr_files.write_drr` has written into a folder.

    Args:
        scene: The `vtkMRMLScene`.
        folder: With pa.nrrd, pa.png and pa.json, or lateral.*, or both.
        name: Of the volume that was projected.

    Returns:
        For each view two `vtkMRMLScalarVolumeNode`s: the values, and the picture of them in 16 bit.
    """
    nodes = []
    for view in View:
        file = Path(folder) / f"{view.name.lower()}.nrrd"
        if file.is_file():
            projection = read_sidecar(file.with_suffix(".json"))
            for path, what in ((file, "DRR"), (file.with_suffix(".png"), "DRR picture")):
                pixels = sitk.GetArrayFromImage(sitk.ReadImage(path))
                nodes.append(add_radiograph(scene, pixels, projection, f"{name} {VIEW_NAMES[view]} {what}"))
    return nodes


def show_beam(scene, projections: Sequence[ProjectionGeometry], name: str):
    """Show sources, detectors and the edges of the beams between them in 3D; replaces what was shown before.

    Args:
        scene: The `vtkMRMLScene`.
        projections: Of any number of radiographs.
        name: Of the node, by which it is found again.

    Returns:
        A `vtkMRMLModelNode`.
    """
    node = scene.GetFirstNode(name, "vtkMRMLModelNode")
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLModelNode", name)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetColor(_BEAM_COLOUR)
        node.GetDisplayNode().SetLighting(False)
        node.GetDisplayNode().SetLineWidth(2)
    together = vtk.vtkAppendPolyData()
    for projection in projections:
        together.AddInputData(_beam(projection))
    together.Update()
    node.SetAndObservePolyData(together.GetOutput())
    return node


def _beam(projection: ProjectionGeometry) -> vtk.vtkPolyData:
    """The detector's outline and, from each of its corners, a line to the source."""
    points, lines = vtk.vtkPoints(), vtk.vtkCellArray()
    right, below = projection.columns - 0.5, projection.rows - 0.5
    for place in ((-0.5, -0.5), (right, -0.5), (right, below), (-0.5, below)):
        corner = (projection.pixel_to_lps @ [*place, 0.0, 1.0])[:3]
        source = corner - 2 * _PARALLEL_MM * projection.beam_lps if projection.parallel else projection.source_lps
        for lps in (corner, source):
            points.InsertNextPoint(-lps[0], -lps[1], lps[2])
    for corner in range(4):
        for ends in ((2 * corner, 2 * corner + 1), (2 * corner, (2 * corner + 2) % 8)):
            lines.InsertNextCell(2, ends)
    beam = vtk.vtkPolyData()
    beam.SetPoints(points)
    beam.SetLines(lines)
    return beam
