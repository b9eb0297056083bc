"""From where the 3D views look at a volume: as figure 6 of the paper does, or from the X-ray source."""

import math

import numpy as np
import slicer

from X2CTLib.geometry import CUBE_MM, ras_of
from X2CTReconstructionLib.nodes import radiograph_projection
from X2CTReconstructionLib.pictures import PICTURES, Picture
from X2CTReconstructionLib.study import Study
from X2CTReconstructionLib.volumes import volume_geometry

DIRECTIONS = {picture.name.upper(): picture for picture in PICTURES if not picture.sliced}
"""PA: the patient faces the viewer. LATERAL: seen from the left. OBLIQUE: from the left, in front and above."""
_BEHIND = Picture("behind", "Right posterior oblique", (-0.64, 0.72, -0.26), (0, 0, 1), sliced=False)


def look_from(view_node, volume, direction: str) -> None:
    """Turn a 3D view so that a volume fills it.

    Args:
        view_node: A `vtkMRMLViewNode` of a scene with cameras: the desktop's, or trame-slicer's.
        volume: What to look at, a `vtkMRMLScalarVolumeNode`.
        direction: One of `DIRECTIONS`.
    """
    corners = ras_of(volume_geometry(volume).corners_lps)
    _look_as_in(view_node, DIRECTIONS[direction], corners.mean(axis=0), np.ptp(corners, axis=0).max() / 2)


def look_from_behind(view_node, study: Study) -> None:
    """Turn a 3D view so that all radiographs of a study are in it, and those at their detectors hide no patient."""
    nodes = [study.volume, *study.radiographs.values()]
    corners = ras_of(np.concatenate([volume_geometry(node).corners_lps for node in nodes]))
    centre = ras_of(volume_geometry(study.volume).centre_lps)
    _look_as_in(view_node, _BEHIND, centre, 1.1 * abs(corners - centre).max())


def look_from_source(view_node, radiograph) -> None:
    """Look from where the X-ray source was, so that the detector fills the height of the view.

    The picture is the mirror image of a PA radiograph, which is displayed as seen from the detector's side.

    Args:
        view_node: As `look_from` takes it.
        radiograph: A node from `X2CTReconstructionLib.nodes.add_radiograph`. Parallel rays have no source; the camera
            then stands so far away that its rays are nearly parallel.
    """
    projection = radiograph_projection(radiograph)
    beam, _, down = ras_of(projection.axes_lps)
    detector = ras_of(volume_geometry(radiograph).centre_lps)
    distance = projection.sid_mm or 100 * CUBE_MM
    height = projection.rows * projection.pixel_mm
    angle = 2 * math.degrees(math.atan(height / 2 / distance))
    _look(view_node, detector - distance * beam, detector, -down, angle)


def _look_as_in(view_node, picture: Picture, focus_ras, half_size: float) -> None:
    camera = picture.camera(focus_ras, half_size)
    _look(view_node, camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp(), camera.GetViewAngle())


def _look(view_node, position, focal_point, up, angle: float) -> None:
    camera = slicer.vtkMRMLViewLogic.GetCameraNode(view_node.GetScene(), view_node.GetLayoutName())
    modified = camera.StartModify()
    camera.SetViewAngle(angle)
    camera.SetPosition(*position)
    camera.SetFocalPoint(*focal_point)
    camera.SetViewUp(*up)
    camera.EndModify(modified)
    camera.ResetClippingRange()
