"""A parametric human thorax of known anatomy: training data without patients, ground truth for measurements."""

from dataclasses import dataclass

import numpy as np

from X2CTLib.geometry import CUBE_VOXELS, HU_RANGE, VolumeGeometry
from X2CTLib.phantom.canvas import Canvas, Posture
from X2CTLib.phantom.person import Frame, Person
from X2CTLib.phantom.thorax import BONES, LABELS, paint_thorax

__all__ = ["BONES", "LABELS", "Person", "Phantom", "make_phantom"]


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic chest.

    Attributes:
        hu: int16 (k, j, i).
        labels: uint8 (k, j, i), see `LABELS`.
        geometry: The CT cube.
        volumes_ml: Volume of each label that occurs. A lung's holds its small vessels, not nodules or effusion; the
            heart's holds the roots of the great vessels as far as they lie within its surface.
        person: The anatomy that was drawn.
    """

    hu: np.ndarray
    labels: np.ndarray
    geometry: VolumeGeometry
    volumes_ml: dict[str, float]
    person: Person


def make_phantom(seed: int, voxels: int = CUBE_VOXELS) -> Phantom:
    """Build the thorax of a random person; a seed gives the same anatomy at every number of voxels."""
    rng = np.random.default_rng(seed)
    person = Person.sample(rng)
    geometry = VolumeGeometry.cube(voxels)
    canvas = Canvas(geometry, Posture(rng), LABELS)
    paint_thorax(canvas, Frame(person), rng)
    hu = np.clip(np.rint(canvas.hu), *HU_RANGE).astype(np.int16)
    counts = np.bincount(canvas.labels.ravel(), minlength=len(LABELS) + 1)
    volumes = {name: float(counts[value] * canvas.voxel**3 / 1000) for name, value in LABELS.items() if counts[value]}
    return Phantom(hu, canvas.labels, geometry, volumes, person)
