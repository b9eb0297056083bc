"""Where the body and the lungs are, by thresholds and morphology on a coarse grid along the patient's axes.

Masks are SimpleITK images of 0 and 1 on the grid of the coarse CT, 2.5 mm wide and with axes L, P, S.
"""

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool

from X2CTLib import morphology
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.resampling import antialias, lps_grid, resample

COARSE_MM = 2.5
"""Fine enough for a skin line, coarse enough for quick morphology; the voxel of the CT cube."""
TISSUE_HU = -300
"""Above: skin and fat. Below: air, lung, foam, most cloth."""
LUNG_HU = -400
"""Half way between lung and soft tissue, where blurring leaves the border in place."""

_WALL_HU = -500  # what is left of a thin chest wall in a smooth volume
_COUCH_MM = 5.0  # opening with this radius removes couch plates and folds of cloth
_TRACHEA_MM = 10.0  # and with this one a wide trachea
_MIN_BODY_ML = 300.0
_MIN_LUNG_ML = 100.0  # gas in stomach and colon is less once opening has removed what is thin
_MIN_DEPTH_MM = 50.0  # a lung that is cut at the side is deeper than this behind the cut


def coarse_ct(image: sitk.Image, outside: float) -> sitk.Image:
    """A CT of any orientation and spacing on the coarse grid."""
    grid = lps_grid(VolumeGeometry.from_image(image), COARSE_MM)
    return resample(antialias(image, COARSE_MM), grid, outside)


def find_body(coarse: sitk.Image) -> sitk.Image:
    """The body with lungs and airways; couch, cushions and cloth are left out.

    Raises:
        InputError: There is no body.
    """
    tissue, wall = coarse > TISSUE_HU, coarse > _WALL_HU
    core = largest_part(opening(tissue, _COUCH_MM))
    if volume_ml(core) < _MIN_BODY_ML:
        raise InputError("There is no body in this CT: nothing of the size of a chest is denser than -300 HU.")
    lungs = find_lungs(sitk.Not(wall), core)
    # The wall of a thin chest is no thicker than a couch: opening spares it only with the lungs behind it filled in.
    enclosed = sitk.Or(lungs, sitk.And(_fill_between_sides(wall), sitk.Not(wall)))
    lungs = sitk.BinaryReconstructionByDilation(lungs, enclosed)
    lungs = sitk.Or(lungs, sitk.And(dilation(lungs, _COUCH_MM), wall))
    solid = largest_part(opening(sitk.Or(tissue, lungs), _COUCH_MM))
    # Opening rounds off what is thin; give back what lies at the surface.
    return _fill_between_sides(sitk.Or(solid, sitk.And(dilation(solid, COARSE_MM), tissue)))


def find_lungs(air: sitk.Image, body: sitk.Image) -> sitk.Image:
    """The large parts of the air that are not open to the front or the back of the body, without the trachea.

    Lungs may be open to the sides and the ends, where a scan or a cube cuts them. Corners are rounded by 10 mm.
    """
    present = sitk.GetArrayFromImage(body).any(axis=2)
    inner = sitk.GetArrayFromImage(air)
    inner[~present.any(axis=1)] = 0  # empty slices, to which lungs that the scan cuts would be open
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(opening(like(inner, air), _TRACHEA_MM)))
    rows = np.flatnonzero(present.any(axis=0))
    wall = round(_TRACHEA_MM / COARSE_MM)
    front, back = max(rows[0] - wall, 0), min(rows[-1] + wall, labels.shape[1] - 1)
    labels[np.isin(labels, labels[:, [front, back]])] = 0
    labels[:, :front], labels[:, back:] = 0, 0  # the inside of a hollow couch
    volumes = np.bincount(labels.ravel()) * COARSE_MM**3 / 1000
    cuts = np.bincount(labels[:, :, [0, -1]].ravel(), minlength=len(volumes)) * COARSE_MM**2 / 1000
    volumes[volumes < _MIN_DEPTH_MM * cuts] = 0  # air beside the body, between arm, trunk and couch
    volumes[0] = 0
    large = volumes > max(_MIN_LUNG_ML, 0.05 * volumes.max())
    return like(large[labels], air)


def lungs_in(coarse: sitk.Image, body: sitk.Image) -> sitk.Image:
    """The aerated lungs in a body, both in one mask, with small vessels and without most of the trachea."""
    air = sitk.And(closing(coarse < LUNG_HU, COARSE_MM), body)
    return sitk.And(dilation(find_lungs(air, body), _TRACHEA_MM), air)


def opening(mask: sitk.Image, radius_mm: float) -> sitk.Image:
    """Remove what is thinner than twice the radius."""
    return like(morphology.opened(_array(mask), round(radius_mm / COARSE_MM)), mask)


def closing(mask: sitk.Image, radius_mm: float) -> sitk.Image:
    """Fill gaps that are narrower than twice the radius."""
    return like(morphology.closed(_array(mask), round(radius_mm / COARSE_MM)), mask)


def dilation(mask: sitk.Image, radius_mm: float) -> sitk.Image:
    """Add what is nearer than the radius."""
    return like(morphology.dilated(_array(mask), round(radius_mm / COARSE_MM)), mask)


def largest_part(mask: sitk.Image) -> sitk.Image:
    """The largest connected part of a mask."""
    return sitk.RelabelComponent(sitk.ConnectedComponent(mask)) == 1


def _fill_between_sides(mask: sitk.Image) -> sitk.Image:
    """Fill what a mask encloses within an axial slice, so that lungs are closed where the scan cuts them.

    The right and left side of the volume are walls: a cube cuts wide patients there.
    """
    filled = _array(mask)
    # Slices of nothing between the others keep what is connected within each of them.
    apart = np.zeros((2 * len(filled), *filled.shape[1:]), np.uint8)
    apart[::2] = ~filled
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(apart)))[::2]
    is_open = np.zeros(parts.max() + 1, bool)
    is_open[parts[:, [0, -1]]] = True
    return like(filled | ~is_open[parts], mask)


def volume_ml(mask: sitk.Image) -> float:
    """Volume of a mask in millilitres."""
    return float(np.count_nonzero(sitk.GetArrayViewFromImage(mask))) * COARSE_MM**3 / 1000


def like(array: np.ndarray, image: sitk.Image) -> sitk.Image:
    """An array (k, j, i) as labels lying where an image lies."""
    labels = sitk.GetImageFromArray(array.astype(np.uint8))
    labels.CopyInformation(image)
    return labels


def _array(mask: sitk.Image) -> Bool[np.ndarray, "k j i"]:
    return sitk.GetArrayFromImage(mask) > 0
