"""How like the DRRs that networks are trained on a view is: far from them, a network's answer is worth little.

The DRRs of training bodies are summed up, at 64 pixels an edge, by their mean and principal components. A view is
unlike them by what no mixture of the components shows (its misfit), and by needing more of them than any DRR does (its
excess); the former finds swapped and turned pictures, the latter negatives and other parts of the body. Pixels that a
radiograph does not show count for nothing. How far is far, DRRs of patients tell that the components do not know.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from X2CTLib.cards import MODELS_FOLDER
from X2CTLib.geometry import CUBE_MM, ProjectionGeometry, View, clinical_projection
from X2CTLib.model_files import fitting, load_model_files, save_model_files
from X2CTLib.trust import Likeness

DEFAULT_FAMILIARITY = MODELS_FOLDER / "x2ct_familiarity.safetensors"
PIXELS = 64
"""Of a view, along an edge."""
FAR = 0.95
"""The share of unknown patients' DRRs that are nearer than what counts as far."""
_CONVENTIONS = {"millimetres": CUBE_MM / PIXELS, "intensity": "percentiles 1 to 99", "projection": "clinical"}
_ARRAYS = ("mean", "components", "variances", "noise", "calibration")


@dataclass(frozen=True)
class KnownViews:
    """The training DRRs of one view, in short.

    Attributes:
        mean: Of all.
        components: The directions in which they vary most, each of unit length.
        variances: Along the components.
        noise: Variance of a pixel that the components leave.
        calibration: Misfit and excess of DRRs of patients that these components do not know.
    """

    mean: Float[np.ndarray, " n"]
    components: Float[np.ndarray, "c n"]
    variances: Float[np.ndarray, " c"]
    noise: Float[np.ndarray, ""]
    calibration: Float[np.ndarray, "d 2"]

    def likeness(self, view: Float[np.ndarray, "r c"], shown: Bool[np.ndarray, "r c"]) -> Likeness:
        """Compare a view in [0, 1], of which some pixels show something."""
        limits = np.quantile(self.calibration, FAR, axis=0)
        # What stands out in either way stands out.
        known = (self.calibration / limits).max(axis=1)
        own = (self.unlikeness(*small(view, shown)) / limits).max()
        return Likeness(float(np.mean(known >= own)), float(own / np.quantile(known, FAR)))

    def unlikeness(self, pixels: Float[np.ndarray, " n"], where: Bool[np.ndarray, " n"]) -> Float[np.ndarray, "2"]:
        """Misfit and excess: how badly the best mixture of components correlates, and how much of them it takes.

        The mixture is the most probable one under probabilistic principal components (Tipping and Bishop, 1999).
        """
        if not where.any() or np.ptp(pixels[where]) == 0:
            return np.array([1.0, 0.0])
        components = self.components[:, where]
        precision = components @ components.T / self.noise + np.diag(1 / self.variances)
        amounts = np.linalg.solve(precision, components @ (pixels - self.mean)[where] / self.noise)
        mixture = self.mean[where] + amounts @ components
        misfit = 1 - np.corrcoef(mixture, pixels[where])[0, 1]
        return np.array([misfit, np.sqrt(np.mean(amounts**2 / self.variances))])


def small(
    view: Float[np.ndarray, "r c"], shown: Bool[np.ndarray, "r c"]
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """A view of any multiple of `PIXELS` as the components know it: its pixels, and which of them show something."""
    pixels, seen = (
        array.astype(np.float32).reshape(PIXELS, len(array) // PIXELS, PIXELS, -1).mean(axis=(1, 3)).ravel()
        for array in (view, shown)
    )
    return pixels, seen > 0.5


def save_familiarity(path: Path, known: Mapping[View, KnownViews], card: dict) -> None:
    """Write components (as float16) and card; sha256, file name and conventions are filled in."""
    tensors = {
        f"{name}.{view.name}": torch.from_numpy(np.array(getattr(of_view, name)))
        for view, of_view in known.items()
        for name in _ARRAYS
    }
    save_model_files(path, tensors, card, _CONVENTIONS)


@functools.lru_cache(maxsize=1)
def load_familiarity(path: Path = DEFAULT_FAMILIARITY) -> dict[View, KnownViews]:
    """Load the training DRRs in short; the last ones stay in memory.

    Raises:
        ModelError: A file is missing, changed since its card was written, or made for another version.
    """
    tensors, _ = load_model_files(path, _CONVENTIONS)
    with fitting(path):
        return {
            view: KnownViews(*(tensors[f"{name}.{view.name}"].numpy().astype(np.float64) for name in _ARRAYS))
            for view in View
        }


def likenesses(
    views: Mapping[View, Float[np.ndarray, "r c"]],
    shown: Mapping[View, Bool[np.ndarray, "r c"]],
    projections: Mapping[View, ProjectionGeometry],
) -> dict[View, Likeness]:
    """How like the training DRRs views are; views of another field or distance than theirs are left out."""
    known = load_familiarity()
    return {
        view: known[view].likeness(image, shown[view])
        for view, image in views.items()
        if projections[view] == clinical_projection(view, len(image)) and len(image) % PIXELS == 0
    }
