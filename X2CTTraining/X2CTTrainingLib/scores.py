"""One answer to one case: how far a volume is from the CT that it should be.

The names of the scores say protocol and unit. Everything is taken of Hounsfield units clipped to what the networks
see, [-1024, 1476]. A score that a case does not have (no heart in its labels, no bone in its field of view) is left
out rather than zero.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int16, UInt8

from X2CTLib.anatomy import LABELS, cardiothoracic_lines, lung_areas, planimetry_lung_volume, segment
from X2CTLib.drr import project_views
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry, clinical_projection
from X2CTLib.metrics import evaluate
from X2CTLib.phantom import BONES
from X2CTLib.phantom import LABELS as PHANTOM_LABELS
from X2CTTrainingLib.datasets import Case

TISSUES = {
    "lung, below -400 HU": ("lungs", -np.inf, -400),
    "fat, -190 to -30 HU": ("body", -190, -30),
    "soft tissue, -30 to 150 HU": ("body", -30, 150),
    "bone, above 200 HU": ("body", 200, np.inf),
}
"""Where in the true volume, and between which values. Fat and soft tissue are the bands of body composition on CT."""

ORGANS = {
    "right lung": ("right lung",),
    "left lung": ("left lung",),
    "lungs": ("right lung", "left lung"),
    "heart": ("heart",),
    "liver": ("liver",),
    "bones": ("bones",),
}
"""What is compared by its shape, as the labels that make it up."""
_MEASURED = {"lung": "lungs", "heart": "heart"}  # whose volumes are compared, by the titles of the scores


@dataclass(frozen=True, eq=False)
class Truth:
    """A case with all that is known of it, worked out once for every answer.

    Attributes:
        case: What is asked.
        hu: Its CT, clipped.
        organs: Its organs as `anatomy.LABELS`: a phantom's own, a patient's as `anatomy.segment` finds them.
        radiographs: The line integrals that a chest stand measures of it.
    """

    case: Case
    hu: Int16[np.ndarray, "k j i"]
    organs: UInt8[np.ndarray, "k j i"]
    radiographs: dict[View, Float[np.ndarray, "r c"]]

    @classmethod
    def of(cls, case: Case):
        """Find out about a case.

        Raises:
            InputError: There is no body in it.
        """
        hu = np.clip(case.hu, *HU_RANGE).astype(np.int16)
        organs = find_organs(hu) if case.labels is None else phantom_organs(case.labels)
        return cls(case, hu, organs, _radiographs(hu))


def score(truth: Truth, hu: Float[np.ndarray, "k j i"], organs: UInt8[np.ndarray, "k j i"]) -> dict[str, float]:
    """Every score of an answer.

    Args:
        truth: The case.
        hu: The answer, Hounsfield units on the voxels of the truth.
        organs: What `find_organs` makes of it; zeros where it finds no body, then every organ counts as missed.

    Raises:
        ValueError: The shapes differ.
    """
    hu = np.clip(hu, *HU_RANGE)
    return {
        **evaluate(hu, truth.hu),
        **tissue_errors(hu, truth),
        **score_organs(organs, truth),
        **reprojection(hu, truth),
    }


def find_organs(hu: Float[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "k j i"]:
    """The organs of a standard cube as `anatomy.LABELS`.

    Raises:
        InputError: There is no body in it.
    """
    return segment(np.clip(hu, *HU_RANGE), VolumeGeometry.cube(len(hu)))


def phantom_organs(labels: UInt8[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "k j i"]:
    """A phantom's labels as `anatomy.LABELS`; the rest of the phantom is body."""
    values = np.full(len(PHANTOM_LABELS) + 1, LABELS["body"], np.uint8)
    values[0] = 0
    for name, value in PHANTOM_LABELS.items():
        values[value] = LABELS.get("bones" if name in BONES else name, LABELS["body"])
    return values[labels]


def tissue_errors(hu: Float[np.ndarray, "k j i"], truth: Truth) -> dict[str, float]:
    """Mean and mean absolute error in each tissue that the true volume has."""
    error = np.subtract(hu, truth.hu, dtype=np.float32)
    regions = {"body": truth.organs > 0, "lungs": organ(truth.organs, "lungs")}
    scores = {}
    for name, (region, low, high) in TISSUES.items():
        here = error[regions[region] & (truth.hu >= low) & (truth.hu < high)]
        if here.size:
            scores[f"mean error in {name} (HU)"] = float(here.mean(dtype=np.float64))
            scores[f"mean absolute error in {name} (HU)"] = float(abs(here).mean(dtype=np.float64))
    return scores


def score_organs(organs: UInt8[np.ndarray, "k j i"], truth: Truth) -> dict[str, float]:
    """Dice of every organ that the truth holds, volumes of lungs and heart, and the cardiothoracic ratio."""
    scores = {}
    for name in ORGANS:
        true, own = organ(truth.organs, name), organ(organs, name)
        if true.any():
            overlap = 2 * np.count_nonzero(true & own)
            scores[f"Dice of {name}"] = overlap / (np.count_nonzero(true) + np.count_nonzero(own))
    for title, name in _MEASURED.items():
        scores |= volume_errors(title, volume_ml(organs, name), volume_ml(truth.organs, name))
    lines = [cardiothoracic_lines(labels, VolumeGeometry.cube(len(labels))) for labels in (organs, truth.organs)]
    if None not in lines:
        error = lines[0].ratio - lines[1].ratio
        scores["cardiothoracic ratio error"] = error
        scores["absolute cardiothoracic ratio error"] = abs(error)
    return scores


def planimetry(truth: Truth) -> dict[str, float]:
    """How far the radiologists' formula is from the lungs' volume, given the silhouettes of the true lungs."""
    areas = lung_areas(truth.organs, VolumeGeometry.cube(len(truth.organs)))
    return volume_errors("lung", planimetry_lung_volume(areas).value, volume_ml(truth.organs, "lungs"))


def volume_errors(title: str, estimate_ml: float, true_ml: float) -> dict[str, float]:
    """Error of an estimate of an organ's volume; nothing for a case without the organ."""
    if not true_ml:
        return {}
    error = estimate_ml - true_ml
    return {
        f"{title} volume error (mL)": error,
        f"absolute {title} volume error (mL)": abs(error),
        f"absolute {title} volume error (%)": 100 * abs(error) / true_ml,
    }


def volume_ml(organs: UInt8[np.ndarray, "k j i"], name: str) -> float:
    """Volume of one of `ORGANS` in a standard cube."""
    voxel_mm = VolumeGeometry.cube(len(organs)).spacing
    return float(np.count_nonzero(organ(organs, name)) * np.prod(voxel_mm) / 1000)


def reprojection(hu: Float[np.ndarray, "k j i"], truth: Truth) -> dict[str, float]:
    """How far the answer's radiographs are from those of the truth, before any display processing.

    The residual is of the whole picture, in per cent of the root mean square line integral of the truth; the
    correlation is taken in the shadow of the true body, for the outline alone correlates well.
    """
    scores = {}
    for view, own in _radiographs(hu).items():
        true = truth.radiographs[view]
        scores[f"reprojection residual {view.name} (% of RMS)"] = float(
            100 * np.linalg.norm(own - true) / np.linalg.norm(true)
        )
        shadow = true > 0
        if own[shadow].any():
            scores[f"reprojection correlation {view.name}"] = float(np.corrcoef(own[shadow], true[shadow])[0, 1])
    return scores


def organ(organs: UInt8[np.ndarray, "k j i"], name: str) -> Bool[np.ndarray, "k j i"]:
    """The mask of an organ."""
    return np.isin(organs, [LABELS[part] for part in ORGANS[name]])


def _radiographs(hu: np.ndarray) -> dict[View, Float[np.ndarray, "r c"]]:
    """Line integrals of a standard cube in both standard views."""
    return project_views(hu, VolumeGeometry.cube(len(hu)), {view: clinical_projection(view) for view in View})
