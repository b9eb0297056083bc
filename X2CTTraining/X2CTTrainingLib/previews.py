"""How a training stands on cases that it does not learn from: scores, a picture, and a case as volumes."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, UInt8

from X2CTLib.files import replace_file
from X2CTLib.geometry import HU_RANGE
from X2CTTrainingLib.sections import sections

PREVIEWS = "previews"
"""The folder in that of a run."""
_VOLUMES = "volumes.npz"


@dataclass(frozen=True)
class Review:
    """What is seen at one look.

    Attributes:
        scores: By their names.
        picture: A sheet of cases.
        volumes: A case "true", and "made" by the network from its radiographs, in HU.
    """

    scores: dict[str, float]
    picture: UInt8[np.ndarray, "r c"] | None = None
    volumes: dict[str, Int16[np.ndarray, "k j i"]] = field(default_factory=dict)


def write_volumes(folder: Path, step: int, volumes: dict[str, Int16[np.ndarray, "k j i"]]) -> None:
    """Replace the volumes of a run's last look; a reader finds the old ones or the new ones."""
    with replace_file(volumes_file(folder)) as partial, partial.open("wb") as file:
        np.savez(file, step=step, **volumes)


def volumes_file(folder: Path) -> Path:
    """What `write_volumes` has written, if it has."""
    return folder / PREVIEWS / _VOLUMES


def sheet(truth: Float[np.ndarray, "k j i"], answer: Float[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "r c"]:
    """Axial, coronal and sagittal middle slices: above of the CT, below of what a network made of its radiographs."""
    rows = [[*sections(hu, tuple(size // 2 for size in hu.shape)).values()] for hu in (truth, answer)]
    low, high = HU_RANGE
    pixels = np.clip((np.block(rows).astype(np.float32) - low) / (high - low), 0, 1)
    return np.round(255 * pixels).astype(np.uint8)
