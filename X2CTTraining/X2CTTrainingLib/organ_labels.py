"""What the organ segmenter learns from: the class of each voxel of a case, as far as it is known.

A phantom's labels are known. In a CT, lungs and bones come from thresholds, heart and liver from outlines drawn by hand
on every sixth axial slice (`Resources/Outlines`), which are joined in between and not believed near their borders.
"""

import csv
import functools
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Int16, UInt8

from X2CTLib.body import TISSUE_HU
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.morphology import closed
from X2CTLib.networks.segmenter import CLASSES
from X2CTLib.phantom import BONES, LABELS
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.threshold_organs import threshold_organs

OUTLINES = Path(__file__).resolve().parent.parent / "Resources" / "Outlines" / "x2ct_organ_outlines.csv"
SOFT, UNKNOWN = len(CLASSES), len(CLASSES) + 1
"""Beside the indices of `CLASSES`: elsewhere, heart or liver; and what nothing is known about."""

_BLOOD = ("heart", "aorta", "pulmonary vessels", "great vessels")
_CORE, _RIM = -1.0, 2.0  # voxels from an outline between which nobody knows
_ROOTS = 2  # uppermost outlines of the heart that hold the roots of the great vessels, too
_MARGIN = 4  # slices beyond the last outline in which the organ may go on
_CONTRAST_HU = 150  # of the heart; above, vessels are as dense as bones
_FAT_HU = -30
_MARROW = 3  # voxels that cancellous bone is wide


def organ_labels(case: Case) -> UInt8[np.ndarray, "k j i"]:
    """The class of each voxel as an index of `CLASSES`, or `SOFT` or `UNKNOWN`."""
    return _of_phantom(case.labels) if case.labels is not None else _of_ct(case.hu, case.name)


def blood(case: Case) -> Bool[np.ndarray, "k j i"]:
    """Heart and vessels, where they are known: in phantoms."""
    if case.labels is None:
        return np.zeros(case.hu.shape, bool)
    return np.isin(case.labels, [LABELS[name] for name in _BLOOD])


def _of_phantom(labels: UInt8[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "k j i"]:
    table = np.zeros(len(LABELS) + 1, np.uint8)
    for name, value in LABELS.items():
        organ = "bones" if name in BONES else name
        table[value] = CLASSES.index(organ) if organ in CLASSES else 0
    return table[labels]


def _of_ct(hu: Int16[np.ndarray, "k j i"], name: str) -> UInt8[np.ndarray, "k j i"]:
    right, left, bones = threshold_organs(hu, VolumeGeometry.cube(len(hu)))
    outlines = {organ: drawn for (ct, organ), drawn in _outlines().items() if ct == name}
    # Nobody has looked at a CT without outlines: its air may be lung that thresholds miss.
    known = np.where(hu > TISSUE_HU, SOFT, 0 if outlines else UNKNOWN).astype(np.uint8)
    distances = {organ: _distance(drawn, hu.shape, organ) for organ, drawn in outlines.items()}
    if len(distances) == 2:
        known[np.logical_and.reduce([distance > _RIM for distance in distances.values()])] = 0
    known[(hu < _FAT_HU) & (known == SOFT)] = 0
    for organ, distance in distances.items():
        known[(distance < _CORE) & (hu > TISSUE_HU)] = CLASSES.index(organ)
    contrast = "heart" not in distances or np.median(hu[distances["heart"] < _CORE]) > _CONTRAST_HU
    # Cancellous bone is soft tissue by its density.
    known[closed(bones, _MARROW) & ~np.isin(known, [CLASSES.index("heart"), CLASSES.index("liver")])] = UNKNOWN
    if not contrast:
        known[bones] = CLASSES.index("bones")
    known[right], known[left] = CLASSES.index("right lung"), CLASSES.index("left lung")
    return known


@functools.cache
def _outlines() -> dict[tuple[str, str], dict[int, Float[np.ndarray, "n 2"]]]:
    """Of each CT and organ the outlined slices, with the corners (i, j) of the polygon."""
    found: dict = {}
    with OUTLINES.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            corners = np.array([corner.split(":") for corner in row["outline"].split()], dtype=float)
            found.setdefault((row["ct"], row["organ"]), {})[int(row["slice"])] = corners
    return found


def _distance(
    drawn: dict[int, Float[np.ndarray, "n 2"]], shape: tuple[int, int, int], organ: str
) -> Float[np.ndarray, "k j i"]:
    """Distance in voxels to the outlines within slices, negative inside, linear between outlined slices.

    It is nowhere negative beyond the last outlines, and infinite beyond a margin. Under its two uppermost outlines the
    heart shares its place with the roots of the great vessels, so there it is not negative either. Below its lowest
    one, where the cube may cut it, the liver's is zero: nothing is known.
    """
    slices = sorted(drawn)
    planes = np.stack([_plane_distance(drawn[k], shape[1:]) for k in slices])
    certain = range(slices[0], slices[-_ROOTS - 1 if organ == "heart" else -1] + 1)
    distance = np.full(shape, np.inf)
    for k in range(max(slices[0] - _MARGIN, 0), min(slices[-1] + _MARGIN + 1, shape[0])):
        above = np.clip(np.searchsorted(slices, k), 1, len(slices) - 1)
        share = np.clip((k - slices[above - 1]) / (slices[above] - slices[above - 1]), 0, 1)
        distance[k] = (1 - share) * planes[above - 1] + share * planes[above]
        if k not in certain:
            distance[k] = np.maximum(distance[k], 0)
    if organ == "liver":
        distance[: slices[0]] = 0
    return distance


def _plane_distance(corners: Float[np.ndarray, "n 2"], shape: tuple[int, int]) -> Float[np.ndarray, "j i"]:
    """Distance to a polygon in one slice."""
    j, i = np.indices(shape)
    inside = np.zeros(shape, bool)
    for (i0, j0), (i1, j1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if j0 != j1:
            inside ^= ((j0 > j) != (j1 > j)) & (i < i0 + (j - j0) * (i1 - i0) / (j1 - j0))
    image = sitk.GetImageFromArray(inside.astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, squaredDistance=False))
