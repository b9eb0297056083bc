"""Trials of what a reconstruction says of its own trust: of right and of wrong radiographs, and where it errs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from X2CTLib.corrections import Correction
from X2CTLib.geometry import View, clinical_projection
from X2CTLib.inference import reconstruct
from X2CTLib.radiograph import Radiograph, find_objections
from X2CTLib.styler import Styler
from X2CTLib.trust import Trust
from X2CTLib.weights import Model
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.scores import Truth
from X2CTTrainingLib.simulation import standard_drr

Radiographs = Mapping[View, Radiograph]

_PIXELS = 256  # of a DRR, along an edge


@dataclass(frozen=True)
class Trial:
    """What was said of one pair.

    Attributes:
        source: What kind of radiographs they are.
        name: Whose.
        alteration: What was done to them, see `ALTERATIONS`.
        refused: Whether the checks before a reconstruction object to them.
        trust: What is said of the reconstruction if one goes on nevertheless.
    """

    source: str
    name: str
    alteration: str
    refused: bool
    trust: Trust

    @property
    def row(self) -> dict[str, str | float]:
        """For a table."""
        values = {
            "familiarity": self.trust.familiarity,
            "reprojection correlation": self.trust.reprojection_correlations,
        }
        return {
            "source": self.source,
            "case": self.name,
            "alteration": self.alteration,
            "refused": int(self.refused),
            "low trust": int(self.trust.low),
            "doubts": " ".join(dict.fromkeys(word.replace(" ", "-") for word in self.trust.doubts)),
            **{f"{what} {view.name}": round(value, 4) for what, of in values.items() for view, value in of.items()},
        }


def swapped(radiographs: Radiographs) -> Radiographs:
    """Each radiograph in the other's place, as somebody gives them whose files do not say what they are."""
    pa, lateral = radiographs[View.PA], radiographs[View.LATERAL]
    return {View.PA: replace(lateral, view=None), View.LATERAL: replace(pa, view=None)}


def corrected(correction: Correction) -> Callable[[Radiographs], Radiographs]:
    """The same correction of both radiographs, where nothing had to be corrected, and which nobody knows of."""
    return lambda radiographs: {
        view: replace(radiograph.corrected(correction), oriented=radiograph.oriented)
        for view, radiograph in radiographs.items()
    }


AS_GIVEN = "as given"
ALTERATIONS: dict[str, Callable[[Radiographs], Radiographs]] = {
    AS_GIVEN: dict,
    "views swapped": swapped,
    "negatives": corrected(Correction(inverted=True)),
    "upside down": corrected(Correction(quarter_turns=2)),
    "turned by 90 degrees": corrected(Correction(quarter_turns=1)),
    "mirrored": corrected(Correction(mirrored=True)),
}
"""What may be wrong with both radiographs of a pair."""


def case_radiographs(case: Case) -> dict[View, Radiograph]:
    """The DRRs of a case, with their geometry, as they are read from files with sidecars."""
    radiographs = {}
    for view in View:
        projection = clinical_projection(view, _PIXELS)
        radiographs[view] = Radiograph(
            standard_drr(case.hu, projection).numpy(),
            view,
            projection.pixel_mm / projection.magnification,
            f"{case.name} {view.label}",
            oriented=True,
            isocentre=((_PIXELS - 1) / 2, (_PIXELS - 1) / 2),
        )
    return radiographs


def as_pictures(radiographs: Radiographs) -> dict[View, Radiograph]:
    """The same without anything that pictures do not say of themselves."""
    return {
        view: replace(radiograph, view=None, pixel_mm=None, oriented=False, isocentre=None)
        for view, radiograph in radiographs.items()
    }


def intruders(radiographs: Radiographs, others: Sequence[Radiograph]) -> dict[str, dict[View, Radiograph]]:
    """Each other picture in the place of each view in turn, beside the right radiograph of the other view."""
    return {
        f"{other.source} as {view.name}": {**radiographs, view: replace(other, view=other.view or view)}
        for other in others
        for view in View
    }


def attempt(
    source: str, name: str, alteration: str, radiographs: Radiographs, model: Model, styler: Styler | None = None
) -> Trial:
    """Reconstruct, whatever speaks against it."""
    refused = bool(find_objections(radiographs))
    made = reconstruct(radiographs, model, styler, override=True)
    return Trial(source, name, alteration, refused, made.trust)


@dataclass(frozen=True)
class ErrorMatch:
    """How well the uncertainty of a reconstruction tells where it errs, over the voxels of the body.

    Attributes:
        case: Whose.
        pearson: Correlation of uncertainty and absolute error.
        spearman: That of their ranks.
        uncertainty_hu: Mean uncertainty.
        error_hu: Mean absolute error.
    """

    case: str
    pearson: float
    spearman: float
    uncertainty_hu: float
    error_hu: float

    @classmethod
    def of(cls, case: str, uncertainty: Float[np.ndarray, " n"], error: Float[np.ndarray, " n"]):
        """Compare the two in the same voxels; a correlation is 0 where one of them is the same everywhere."""
        flat = not np.ptp(uncertainty) or not np.ptp(error)
        pearson, spearman = (
            0.0 if flat else float(correlate(uncertainty, error).statistic)
            for correlate in (stats.pearsonr, stats.spearmanr)
        )
        return cls(case, pearson, spearman, float(uncertainty.mean()), float(error.mean()))


def match_errors(case: Case, model: Model, passes: int) -> ErrorMatch:
    """Reconstruct the DRRs of a case several times, and hold the spread beside the error.

    Raises:
        InputError: There is no body in the case.
    """
    truth = Truth.of(case)
    made = reconstruct(case_radiographs(case), model, uncertainty_passes=passes)
    body = truth.organs > 0
    error = np.abs(made.hu.astype(np.float32) - truth.hu)[body]
    return ErrorMatch.of(case.name, made.trust.uncertainty[body], error)
