"""How far to trust a reconstruction: what can be told without knowing the truth, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from X2CTLib.geometry import View

LEAST_CORRELATION = 0.9
"""Of a view with the reprojection; below this the volume does not explain the radiograph."""


@dataclass(frozen=True)
class Trust:
    """What speaks for a reconstruction, and what against it.

    Attributes:
        reprojections: The radiographs that the reconstruction would give, as the views that the network saw show them.
        reprojection_correlations: Of each with its view.
        familiarity: How like the training data each view is, in [0, 1].
        uncertainty: Standard deviation in HU over the further passes, if there were any.
        words: All of this in plain words.
        low: Whether something speaks against it.
    """

    reprojections: dict[View, Float[np.ndarray, "r c"]]
    reprojection_correlations: dict[View, float]
    familiarity: dict[View, float] = field(default_factory=dict)
    uncertainty: Float[np.ndarray, "k j i"] | None = None
    words: list[str] = field(default_factory=list)
    low: bool = False

    def to_dict(self) -> dict:
        """The numbers and words, for JSON; pictures and volume are files of their own."""
        correlations, familiarity = (
            {view.name: value for view, value in values.items()}
            for values in (self.reprojection_correlations, self.familiarity)
        )
        return {
            "reprojection_correlations": correlations,
            "familiarity": familiarity,
            "uncertainty": self.uncertainty is not None,
            "words": self.words,
            "low": self.low,
        }

    @classmethod
    def from_dict(cls, values: dict, **pictures):
        """What `to_dict` gave, with what it leaves out."""
        by_view = {
            name: {View[view]: value for view, value in values[name].items()}
            for name in ("reprojection_correlations", "familiarity")
        }
        return cls(**by_view, **pictures, words=values["words"], low=values["low"])


def assess(
    views: Mapping[View, Float[np.ndarray, "r c"]],
    shown: Mapping[View, Bool[np.ndarray, "r c"]],
    reprojections: Mapping[View, Float[np.ndarray, "r c"]],
) -> Trust:
    """Compare what the network saw with what its volume would show.

    Args:
        views: What the network saw, in [0, 1].
        shown: The pixels of each that lie on the radiograph.
        reprojections: From `reprojection.reproject`.
    """
    correlations = {view: _correlation(views[view], reprojections[view], shown[view]) for view in views}
    poor = {view: value for view, value in correlations.items() if value < LEAST_CORRELATION}
    words = [
        f"The {view.label} radiograph of the reconstruction is not like the one that was given "
        f"(correlation {value:.2f}, below {LEAST_CORRELATION}): the volume does not explain it."
        for view, value in poor.items()
    ]
    if not poor:
        values = ", ".join(f"{view.label} {value:.2f}" for view, value in correlations.items())
        words.append(f"The reconstruction, projected again, looks like what was given (correlation {values}).")
    return Trust(dict(reprojections), correlations, words=words, low=bool(poor))


def _correlation(
    one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"], where: Bool[np.ndarray, "r c"]
) -> float:
    """Over some pixels; 0 where one of the two is flat."""
    one, other = one[where], other[where]
    return float(np.corrcoef(one, other)[0, 1]) if one.size and np.ptp(one) and np.ptp(other) else 0.0
