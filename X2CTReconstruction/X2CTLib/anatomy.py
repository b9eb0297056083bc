"""Body and organs in a chest CT or a reconstruction, and what can be measured on them.

The body comes from thresholds, the organs from a small network, which finds them in the smooth volumes that networks
make as in acquired ones. Each number can be traced to voxels.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, UInt8

from X2CTLib.body import COARSE_MM, coarse_ct, find_body, like
from X2CTLib.ct import cube_around
from X2CTLib.geometry import HU_RANGE, VolumeGeometry
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.resampling import lps_grid, resample

LABELS = {"body": 1, "right lung": 2, "left lung": 3, "bones": 4, "heart": 5, "liver": 6}
"""What `segment` marks; "body" is what remains of the body, 0 is outside."""

CARDIOTHORACIC_RATIO = "Cardiothoracic ratio"
"""The name of that measurement."""

_VISIBLE_SHARE = 0.2  # of a ray's way through the body that must be lung to show as lung
_AXES = {"width": 2, "depth": 1, "height": 0}
_DIRECTIONS = {"width": "right to left", "depth": "front to back", "height": "top to bottom"}


@dataclass(frozen=True)
class Measurement:
    """A number with its unit, and in words what it does not say by itself."""

    name: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class LungAreas:
    """Silhouettes of the lungs, in square centimetres: right and left from the front, both together from the side."""

    right_cm2: float
    left_cm2: float
    lateral_cm2: float


@dataclass(frozen=True)
class CardiothoracicLines:
    """What the cardiothoracic ratio compares: the end points of two lines in LPS, in mm."""

    heart: Float[np.ndarray, "2 3"]
    thorax: Float[np.ndarray, "2 3"]

    @property
    def ratio(self) -> float | None:
        """Of the widths seen from the front, so heights and depths do not count; None where the thorax has none."""
        heart, thorax = (float(abs(line[1][0] - line[0][0])) for line in (self.heart, self.thorax))
        return heart / thorax if thorax else None


def segment(
    hu: Float[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> UInt8[np.ndarray, "k j i"]:
    """Label the body, and the organs in the 320 mm cube around the lungs.

    Lungs include their vessels, not the trachea and the main bronchi; the heart is what the pericardium holds, without
    the great vessels.

    Args:
        hu: Hounsfield units; any orientation and spacing.
        geometry: Where they lie.
        progress: Told about the two steps.
        cancel: Looked at before each of them.

    Returns:
        The values of `LABELS`, 0 outside the body.

    Raises:
        InputError: There is no body.
        ModelError: The weights of the organ segmenter are damaged.
        Cancelled: As asked.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    progress(0.0, "Finding the body")
    coarse = coarse_ct(geometry.to_image(np.asarray(hu, dtype=np.float32)), HU_RANGE[0])
    body = find_body(coarse)
    cancel.check()
    progress(0.5, "Finding the organs")
    cube = cube_around(geometry, coarse, body)
    organs = _organs(sitk.GetArrayFromImage(resample(coarse, cube, HU_RANGE[0])))
    on_grid = VolumeGeometry.from_image(coarse)
    organs = sitk.GetArrayFromImage(resample(cube.to_image(organs), on_grid, 0, sitk.sitkNearestNeighbor))
    # Where a wall is too thin for thresholds, the body is open, but the lungs are in it all the same.
    labels = np.where(organs > 0, organs, sitk.GetArrayFromImage(body))
    progress(1.0, "Labelled the body and its organs")
    return sitk.GetArrayFromImage(resample(like(labels, coarse), geometry, 0, sitk.sitkNearestNeighbor))


def measure(
    hu: Float[np.ndarray, "k j i"], labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry
) -> list[Measurement]:
    """Volumes, extents, lung density, the diameters of the thorax, and the lungs' volume by planimetry.

    Args:
        hu: Hounsfield units.
        labels: What `segment` returned for them, or a corrected version of it.
        geometry: Where both lie.

    Returns:
        Only what there is: nothing about a lung without voxels, nothing that needs the body if no voxel is just body.
    """
    aligned = _aligned(labels, geometry)
    organs = {name: (labels == value, aligned == value) for name, value in LABELS.items()}
    has_body = bool(organs["body"][1].any())
    if has_body:
        organs["body"] = labels > 0, aligned > 0
    organs["lungs"] = tuple(map(np.logical_or, organs["right lung"], organs["left lung"]))
    # The lungs first: they are what the radiographs show best.
    wanted = {name: organs[name] for name in ("lungs", "right lung", "left lung", "heart", "liver", "bones", "body")}
    present = {name: masks for name, masks in wanted.items() if masks[0].any() and masks[1].any()}
    measurements = [_volume(name, *masks, geometry) for name, masks in present.items()]
    if "lungs" in present and has_body:
        measurements.append(planimetry_lung_volume(lung_areas(labels, geometry)))
    for name in ("right lung", "left lung"):
        if name in present:
            density = float(np.mean(np.asarray(hu)[organs[name][0]], dtype=np.float64))
            measurements.append(Measurement(_titled(f"{name} density"), density, "HU", "mean, with the vessels in it"))
    if "lungs" in present:
        measurements += _thorax(organs["lungs"][1], organs["body"][1] if has_body else None)
    if lines := cardiothoracic_lines(labels, geometry):
        note = "widest heart over inner thoracic width; without the magnification of a radiograph"
        measurements.append(Measurement(CARDIOTHORACIC_RATIO, lines.ratio, "", note))
    for name, (_, on_grid) in present.items():
        measurements += _extents(name, on_grid)
    return measurements


def measure_part(name: str, mask: Bool[np.ndarray, "k j i"], geometry: VolumeGeometry) -> list[Measurement]:
    """Volume and extents of anything else; nothing if it has no voxel."""
    aligned = _aligned(mask.astype(np.uint8), geometry) > 0
    return [_volume(name, mask, aligned, geometry), *_extents(name, aligned)] if aligned.any() else []


def cardiothoracic_lines(labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry) -> CardiothoracicLines | None:
    """Where the heart and the inner thorax are widest; None without heart or lungs.

    The heart reaches from its rightmost to its leftmost point, at whatever height these lie, and its line is drawn
    straight across between them; the thorax is measured at one height, from lung to lung.

    Args:
        labels: Values of `LABELS`.
        geometry: Where they lie; in any orientation.
    """
    aligned, grid = _aligned(labels, geometry), lps_grid(geometry, COARSE_MM)
    heart = aligned == LABELS["heart"]
    lungs = np.isin(aligned, [LABELS["right lung"], LABELS["left lung"]])
    if not heart.any() or not lungs.any():
        return None
    widest = int(np.argmax([_span_mm(plane, 1) for plane in lungs]))
    lungs[:widest] = lungs[widest + 1 :] = False
    return CardiothoracicLines(_line_across(heart, grid), _line_across(lungs, grid))


def lung_areas(labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry) -> LungAreas:
    """Silhouettes of the segmented lungs under parallel rays, from the front and from the left.

    A ray shows lung where at least a fifth of its way through the body is lung: the thin rims behind the domes of
    the diaphragm and around the heart are not seen on a radiograph.
    """
    aligned = _aligned(labels, geometry)
    right, left = aligned == LABELS["right lung"], aligned == LABELS["left lung"]
    views = (right, 1), (left, 1), (right | left, 2)
    return LungAreas(*(_visible_cm2(lung, aligned > 0, axis) for lung, axis in views))


def planimetry_lung_volume(areas: LungAreas) -> Measurement:
    """Total lung capacity as radiologists estimate it from a PA and a lateral radiograph.

    V = 9.6 * (right + left + lateral area in cm2) - 1367 mL. The formula was made for areas drawn on the radiographs
    of someone who stands and breathes in; given the silhouettes of a segmentation, it says whether the segmentation's
    volume is plausible, and is no second opinion on the radiographs. On acquired CTs it gives about a tenth more than
    the voxels do.
    """
    volume = 9.6 * (areas.right_cm2 + areas.left_cm2 + areas.lateral_cm2) - 1367
    note = "9.6 x (right + left + lateral area in cm2) - 1367, on silhouettes of the segmented lungs"
    return Measurement("Lungs volume by planimetry", volume, "mL", note)


def _organs(cube_hu: Float[np.ndarray, "v v v"]) -> UInt8[np.ndarray, "v v v"]:
    """The organs of the standard cube as values of `LABELS`, 0 elsewhere."""
    from X2CTLib.networks.segmenter import CLASSES
    from X2CTLib.organs import find_organs

    values = np.array([LABELS.get(name, 0) for name in CLASSES], dtype=np.uint8)
    return values[find_organs(cube_hu)]


def _visible_cm2(lung: Bool[np.ndarray, "k j i"], body: Bool[np.ndarray, "k j i"], axis: int) -> float:
    """Area in which a lung shows under rays along an axis."""
    path = lung.sum(axis=axis)
    visible = (path > 0) & (path >= _VISIBLE_SHARE * body.sum(axis=axis))
    return float(np.count_nonzero(visible)) * COARSE_MM**2 / 100


def _aligned(labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry) -> UInt8[np.ndarray, "k j i"]:
    """Labels on the 2.5 mm grid along the patient's axes."""
    grid = lps_grid(geometry, COARSE_MM)
    return sitk.GetArrayFromImage(resample(geometry.to_image(labels), grid, 0, sitk.sitkNearestNeighbor))


def _volume(
    name: str, mask: Bool[np.ndarray, "k j i"], aligned: Bool[np.ndarray, "k j i"], geometry: VolumeGeometry
) -> Measurement:
    millilitres = float(abs(np.linalg.det(geometry.ijk_to_lps[:3, :3]))) / 1000
    note = _volume_note(name, aligned)
    return Measurement(_titled(f"{name} volume"), np.count_nonzero(mask) * millilitres, "mL", note)


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]


def _volume_note(name: str, mask: Bool[np.ndarray, "k j i"]) -> str:
    """What a volume includes, and whether it is all there."""
    notes = {"body": "with all its organs", "liver": "partial: only what lies in the 320 mm cube"}
    cut = [axis for axis in _AXES if _is_cut(mask, axis)]
    parts = [notes.get(name, "")] + ([f"reaches the edge of the volume in {' and '.join(cut)}"] if cut else [])
    return "; ".join(filter(None, parts))


def _is_cut(mask: Bool[np.ndarray, "k j i"], axis: str) -> bool:
    """Whether a mask reaches the first or last voxels of the volume along an axis."""
    return bool(np.take(mask, [0, -1], axis=_AXES[axis]).any())


def _span_mm(mask: Bool[np.ndarray, "*n"], axis: int) -> float:
    """Extent of a mask along an axis in mm, 0 if it is empty."""
    used = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
    return float(used[-1] - used[0] + 1) * COARSE_MM if len(used) else 0.0


def _line_across(mask: Bool[np.ndarray, "k j i"], grid: VolumeGeometry) -> Float[np.ndarray, "2 3"]:
    """From the right edge of a mask to its left edge, in LPS; straight across, half-way between where these lie."""
    used = np.flatnonzero(mask.any(axis=(0, 1)))
    first, last = used[0], used[-1]
    k, j = np.mean([np.argwhere(mask[:, :, column]).mean(axis=0) for column in (first, last)], axis=0)
    return np.array([grid.ijk_to_lps[:3] @ [edge, j, k, 1] for edge in (first - 0.5, last + 0.5)])


def _extents(name: str, mask: Bool[np.ndarray, "k j i"]) -> list[Measurement]:
    """Width, depth and height of an organ."""
    return [
        Measurement(
            _titled(f"{name} {axis}"),
            _span_mm(mask, index),
            "mm",
            _DIRECTIONS[axis] + ("; reaches the edge of the volume" if _is_cut(mask, axis) else ""),
        )
        for axis, index in _AXES.items()
    ]


def _thorax(lungs: Bool[np.ndarray, "k j i"], body: Bool[np.ndarray, "k j i"] | None) -> list[Measurement]:
    """Inner diameters of the thorax from the lungs, outer ones from the body, if it is known, at the same height."""
    widths = [_span_mm(plane, 1) for plane in lungs]
    depths = [_span_mm(plane, 0) for plane in lungs]
    inner = [
        Measurement("Inner thoracic width", max(widths), "mm", "largest in one axial slice, from lung to lung"),
        Measurement("Inner thoracic depth", max(depths), "mm", "largest in one axial slice, over both lungs"),
        Measurement("Inner thoracic height", _span_mm(lungs, 0), "mm", "from the apex to the base of the lungs"),
    ]
    if body is None:
        return inner
    widest = int(np.argmax(widths))
    cut = {axis: "; reaches the edge of the volume" if _is_cut(body[[widest]], axis) else "" for axis in _AXES}
    at_widest = "of the body where the lungs are widest"
    return [
        *inner,
        Measurement("Outer thoracic width", _span_mm(body[widest], 1), "mm", at_widest + cut["width"]),
        Measurement("Outer thoracic depth", _span_mm(body[widest], 0), "mm", at_widest + cut["depth"]),
    ]
