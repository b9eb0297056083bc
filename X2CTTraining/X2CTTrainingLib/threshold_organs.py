"""Lungs and bones in an acquired CT, by thresholds and morphology: what the organ segmenter learns them from.

Thresholds place the border of a lung to a fraction of a voxel; they need the contrast of an acquired CT.
"""

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Int, Int16, UInt8

from X2CTLib.body import COARSE_MM, closing, coarse_ct, find_body, like, lungs_in, opening
from X2CTLib.geometry import HU_RANGE, VolumeGeometry

_BONE_HU = 200
_MIN_BONE_ML = 0.5
_VESSEL_MM = 5.0  # radius of the vessels that count as lung
_SEPARATION_MM = 10.0  # radius of the widest bridge between two lungs that opening cuts
_MIDLINE_MM = 40.0  # how far from the body's midline the lungs may meet


def threshold_organs(
    hu: Int16[np.ndarray, "k j i"], geometry: VolumeGeometry
) -> tuple[Bool[np.ndarray, "k j i"], Bool[np.ndarray, "k j i"], Bool[np.ndarray, "k j i"]]:
    """Right lung, left lung and bones of a standard cube.

    Lungs are what is aerated (below -400 HU) with the vessels in it, without trachea and main bronchi; consolidated
    lung is missed. Bones are what is above 200 HU, which strong contrast medium is too.

    Raises:
        InputError: There is no body.
    """
    coarse = coarse_ct(geometry.to_image(hu.astype(np.float32)), HU_RANGE[0])
    body = find_body(coarse)
    masks = *_sides(lungs_in(coarse, body), body), _bones(coarse, body)
    return tuple(sitk.GetArrayFromImage(mask) > 0 for mask in masks)


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
