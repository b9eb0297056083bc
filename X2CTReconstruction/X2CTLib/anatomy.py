"""Body, lungs and bones in a chest CT or a reconstruction, and what can be measured on them.

Thresholds and morphology on a 2.5 mm grid, no learned model: it works on the smooth volumes that networks make as on
acquired ones, and each number can be traced to voxels.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Int, UInt8

from X2CTLib.body import COARSE_MM, closing, coarse_ct, find_body, like, lungs_in, opening
from X2CTLib.geometry import HU_RANGE, VolumeGeometry
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.resampling import lps_grid, resample

LABELS = {"body": 1, "right lung": 2, "left lung": 3, "bones": 4}
"""What `segment` marks; "body" is what remains of the body, 0 is outside."""

_BONE_HU = 200
_MIN_BONE_ML = 0.5
_VESSEL_MM = 5.0  # radius of the vessels that count as lung
_SEPARATION_MM = 10.0  # radius of the widest bridge between two lungs that opening cuts
_MIDLINE_MM = 40.0  # how far from the body's midline the lungs may meet
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


def segment(
    hu: Float[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> UInt8[np.ndarray, "k j i"]:
    """Label body, lungs and bones.

    Lungs are what is aerated (below -400 HU) with the vessels in it, without trachea and main bronchi; consolidated
    lung is missed. Bones are what is above 200 HU, which strong contrast medium is too.

    Args:
        hu: Hounsfield units; any orientation and spacing.
        geometry: Where they lie.
        progress: Told about the two steps.
        cancel: Looked at before each of them.

    Returns:
        The values of `LABELS`, 0 outside the body.

    Raises:
        InputError: There is no body.
        Cancelled: As asked.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    progress(0.0, "Finding the body")
    coarse = coarse_ct(geometry.to_image(np.asarray(hu, dtype=np.float32)), HU_RANGE[0])
    body = find_body(coarse)
    cancel.check()
    progress(0.5, "Finding lungs and bones")
    right, left = _sides(lungs_in(coarse, body), body)
    labels = sitk.GetArrayFromImage(body)
    for name, mask in {"left lung": left, "right lung": right, "bones": _bones(coarse, body)}.items():
        labels[(sitk.GetArrayFromImage(mask) > 0) & (labels > 0)] = LABELS[name]
    progress(1.0, "Labelled body, lungs and bones")
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
        Only what there is: nothing about a lung without voxels.
    """
    aligned = _aligned(labels, geometry)
    organs = {name: (labels == value, aligned == value) for name, value in LABELS.items()}
    organs["body"] = labels > 0, aligned > 0
    organs["lungs"] = tuple(map(np.logical_or, organs["right lung"], organs["left lung"]))
    # The lungs first: they are what the radiographs show best.
    wanted = {name: organs[name] for name in ("lungs", "right lung", "left lung", "bones", "body")}
    present = {name: masks for name, masks in wanted.items() if masks[0].any() and masks[1].any()}
    millilitres = float(abs(np.linalg.det(geometry.ijk_to_lps[:3, :3]))) / 1000
    measurements = [
        Measurement(
            f"{name} volume".capitalize(), np.count_nonzero(mask) * millilitres, "mL", _volume_note(name, on_grid)
        )
        for name, (mask, on_grid) in present.items()
    ]
    if "lungs" in present:
        measurements.append(planimetry_lung_volume(lung_areas(labels, geometry)))
    for name in ("right lung", "left lung"):
        if name in present:
            density = float(np.mean(np.asarray(hu)[organs[name][0]], dtype=np.float64))
            measurements.append(
                Measurement(f"{name} density".capitalize(), density, "HU", "mean, with the vessels in it")
            )
    if "lungs" in present:
        measurements += _thorax(organs["lungs"][1], organs["body"][1])
    for name, (_, on_grid) in present.items():
        measurements += _extents(name, on_grid)
    return measurements


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


def _visible_cm2(lung: Bool[np.ndarray, "k j i"], body: Bool[np.ndarray, "k j i"], axis: int) -> float:
    """Area in which a lung shows under rays along an axis."""
    path = lung.sum(axis=axis)
    visible = (path > 0) & (path >= _VISIBLE_SHARE * body.sum(axis=axis))
    return float(np.count_nonzero(visible)) * COARSE_MM**2 / 100


def _bones(coarse: sitk.Image, body: sitk.Image) -> sitk.Image:
    """What is as dense as bone, without specks."""
    parts = sitk.ConnectedComponent(sitk.And(coarse > _BONE_HU, body), True)
    return sitk.RelabelComponent(parts, int(_MIN_BONE_ML * 1000 / COARSE_MM**3)) > 0


def _sides(lungs: sitk.Image, body: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    """Right and left lung of a mask of both, with the vessels in them; they may touch, or even be fused."""
    mask = sitk.GetArrayFromImage(lungs) > 0
    if not mask.any():
        return lungs, lungs
    right_of_valley = np.arange(mask.shape[2]) < _valley(mask, sitk.GetArrayFromImage(body))[:, None, None]
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(opening(lungs, _SEPARATION_MM)))
    on_right = np.broadcast_to(right_of_valley, parts.shape)
    share = np.bincount(parts.ravel(), on_right.ravel()) / np.maximum(np.bincount(parts.ravel()), 1)
    # A part that lies mostly on one side belongs to it as a whole: an overinflated lung crosses the midline.
    whole = (share > 0.8) | (share < 0.2)
    on_right = np.where(whole[parts], share[parts] > 0.5, on_right)
    distances = [_distance(like((parts > 0) & side, lungs)) for side in (on_right, ~on_right)]
    nearer_right = distances[0] < distances[1]
    sides = sitk.And(lungs, nearer_right), sitk.And(lungs, sitk.Not(nearer_right))
    return tuple(closing(side, _VESSEL_MM) for side in sides)


def _distance(mask: sitk.Image) -> sitk.Image:
    """Distance to a mask, negative inside."""
    return sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)


def _valley(lungs: Bool[np.ndarray, "k j i"], body: UInt8[np.ndarray, "k j i"]) -> Int[np.ndarray, " k"]:
    """For each slice the column near the body's midline where a ray from front to back meets least lung."""
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    midline = round(np.argwhere(body[slices[0] : slices[-1] + 1])[:, 2].mean())
    depth = sitk.GetImageFromArray(lungs.sum(axis=1).astype(np.float32))
    depth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(depth, [1.5, 4.0]))
    reach = round(_MIDLINE_MM / COARSE_MM)
    columns = np.arange(max(midline - reach, 0), min(midline + reach + 1, lungs.shape[2]))
    # Where there is no lung at all, the midline itself.
    return columns[np.argmin(depth[:, columns] + 0.02 * abs(columns - midline), axis=1)]


def _aligned(labels: UInt8[np.ndarray, "k j i"], geometry: VolumeGeometry) -> UInt8[np.ndarray, "k j i"]:
    """Labels on the 2.5 mm grid along the patient's axes."""
    grid = lps_grid(geometry, COARSE_MM)
    return sitk.GetArrayFromImage(resample(geometry.to_image(labels), grid, 0, sitk.sitkNearestNeighbor))


def _volume_note(name: str, mask: Bool[np.ndarray, "k j i"]) -> str:
    """What a volume includes, and whether it is all there."""
    notes = {"body": "with lungs and bones", "bones": "above 200 HU; strong contrast medium counts as well"}
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


def _extents(name: str, mask: Bool[np.ndarray, "k j i"]) -> list[Measurement]:
    """Width, depth and height of an organ."""
    return [
        Measurement(
            f"{name} {axis}".capitalize(),
            _span_mm(mask, index),
            "mm",
            _DIRECTIONS[axis] + ("; reaches the edge of the volume" if _is_cut(mask, axis) else ""),
        )
        for axis, index in _AXES.items()
    ]


def _thorax(lungs: Bool[np.ndarray, "k j i"], body: Bool[np.ndarray, "k j i"]) -> list[Measurement]:
    """Inner diameters of the thorax from the lungs, outer ones from the body at the same height."""
    widths = [_span_mm(plane, 1) for plane in lungs]
    depths = [_span_mm(plane, 0) for plane in lungs]
    widest = int(np.argmax(widths))
    cut = {axis: "; reaches the edge of the volume" if _is_cut(body[[widest]], axis) else "" for axis in _AXES}
    at_widest = "of the body where the lungs are widest"
    return [
        Measurement("Inner thoracic width", max(widths), "mm", "largest in one axial slice, from lung to lung"),
        Measurement("Inner thoracic depth", max(depths), "mm", "largest in one axial slice, over both lungs"),
        Measurement("Inner thoracic height", _span_mm(lungs, 0), "mm", "from the apex to the base of the lungs"),
        Measurement("Outer thoracic width", _span_mm(body[widest], 1), "mm", at_widest + cut["width"]),
        Measurement("Outer thoracic depth", _span_mm(body[widest], 0), "mm", at_widest + cut["depth"]),
    ]
