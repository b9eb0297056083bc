"""How far to trust a reconstruction: what can be told without knowing the truth, in numbers and in words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from X2CTLib.geometry import View

# How many right and how many wrong radiographs lie beyond each of these, `./run trust` counts.
LEAST_FIELD = 0.65
"""Part of a view that its radiograph must show; half of a chest fills at most 0.6."""
STRANGE = 1.5
"""`Likeness.distance` of what hardly is a chest in its view."""
LEAST_CORRELATION = 0.85
"""Of a view with its reprojection."""
FIELD, MIRRORED, UNLIKE, VERY_UNLIKE, UNEXPLAINED = "field", "mirrored", "unlike", "very unlike", "unexplained"
"""What may speak against a reconstruction: too little is shown, left is right, pictures unlike the training DRRs, or
volume and radiographs that do not go together."""

_AIR_HU = -950.0


@dataclass(frozen=True)
class Likeness:
    """How like the training DRRs a view is.

    Attributes:
        share: Of unknown patients' DRRs, those that are as unlike the training DRRs or more so; in [0, 1].
        distance: 1 where that share is 5 %; twice as far is 2.
    """

    share: float
    distance: float


@dataclass(frozen=True)
class Trust:
    """What speaks for a reconstruction, and what against it.

    Attributes:
        reprojections: The radiographs that the reconstruction would give, as the views that the network saw show them.
        reprojection_correlations: Of each with its view.
        familiarity: Of each view, see `Likeness.share`.
        uncertainty: Standard deviation in HU over the further passes, if there were any.
        words: All of this in plain words.
        doubts: What does, in one word a finding: `FIELD` and those beside it.
    """

    reprojections: dict[View, Float[np.ndarray, "r c"]]
    reprojection_correlations: dict[View, float]
    familiarity: dict[View, float] = field(default_factory=dict)
    uncertainty: Float[np.ndarray, "k j i"] | None = None
    words: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def low(self) -> bool:
        """Whether something speaks against it."""
        return bool(self.doubts)

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
            "doubts": self.doubts,
        }

    @classmethod
    def from_dict(cls, values: dict, **pictures):
        """What `to_dict` gave, with what it leaves out."""
        by_view = {
            name: {View[view]: value for view, value in values[name].items()}
            for name in ("reprojection_correlations", "familiarity")
        }
        return cls(**by_view, **pictures, **{name: values[name] for name in ("words", "doubts")})


def assess(
    views: Mapping[View, Float[np.ndarray, "r c"]],
    shown: Mapping[View, Bool[np.ndarray, "r c"]],
    reprojections: Mapping[View, Float[np.ndarray, "r c"]],
    likenesses: Mapping[View, Likeness],
    mirrored: Collection[View],
    hu: Float[np.ndarray, "k j i"],
    uncertainty: Float[np.ndarray, "k j i"] | None = None,
) -> Trust:
    """Say what speaks for a reconstruction, and what against it.

    Args:
        views: What the network saw, in [0, 1].
        shown: The pixels of each that lie on the radiograph.
        reprojections: From `reprojection.reproject`.
        likenesses: From `familiarity.likenesses`.
        mirrored: The views that look mirrored; see `framing.Framing`.
        hu: The reconstruction.
        uncertainty: Its spread in HU, from `uncertainty.spread`.
    """
    correlations = {view: _correlation(views[view], reprojections[view], shown[view]) for view in views}
    findings = [
        *_field(shown),
        *_mirrored(mirrored),
        *_familiarity(likenesses),
        *_reprojection(correlations),
        *(_uncertainty(uncertainty, hu) if uncertainty is not None else []),
    ]
    # What speaks against it comes first.
    findings.sort(key=lambda finding: not finding.doubt)
    return Trust(
        reprojections=dict(reprojections),
        reprojection_correlations=correlations,
        familiarity={view: likeness.share for view, likeness in likenesses.items()},
        uncertainty=uncertainty,
        words=[finding.words for finding in findings],
        doubts=[finding.doubt for finding in findings if finding.doubt],
    )


@dataclass(frozen=True)
class _Finding:
    words: str
    doubt: str = ""


def _field(shown: Mapping[View, Bool[np.ndarray, "r c"]]) -> list[_Finding]:
    """Whether the radiographs show enough; nothing is said if they do."""
    return [
        _Finding(
            f"The {view.label} radiograph shows only {100 * share:.0f} % of the field that the network expects; "
            "the rest is guessed.",
            FIELD,
        )
        for view, mask in shown.items()
        if (share := mask.mean()) < LEAST_FIELD
    ]


def _mirrored(views: Collection[View]) -> list[_Finding]:
    """Whether left is right; nothing is said if not."""
    return [
        _Finding(f"The {view.label} radiograph looks mirrored. If it is, so is the volume.", MIRRORED) for view in views
    ]


def _familiarity(likenesses: Mapping[View, Likeness]) -> list[_Finding]:
    """Whether the network has learned from pictures like these."""
    findings = []
    for view, likeness in likenesses.items():
        if likeness.distance > STRANGE:
            words = (
                f"The {view.label} radiograph is very unlike the DRRs that the network was trained on. Check that it "
                "is the right picture, upright and no negative, and its framing."
            )
            findings.append(_Finding(words, VERY_UNLIKE))
        elif likeness.distance > 1:
            words = (
                f"The {view.label} radiograph is less like the DRRs that the network was trained on than 95 % of the "
                "DRRs of other patients are; real radiographs often are. What the network makes of it is less certain "
                "than its scores on DRRs say."
            )
            findings.append(_Finding(words, UNLIKE))
    if likenesses and not findings:
        values = ", ".join(f"{view.label} {likeness.share:.2f}" for view, likeness in likenesses.items())
        findings.append(_Finding(f"What the network saw looks like what it was trained on (familiarity {values})."))
    return findings


def _reprojection(correlations: Mapping[View, float]) -> list[_Finding]:
    """Whether the volume explains the radiographs."""
    poor = {view: value for view, value in correlations.items() if value < LEAST_CORRELATION}
    if not poor:
        values = ", ".join(f"{view.label} {value:.2f}" for view, value in correlations.items())
        return [_Finding(f"The volume, projected again, looks like what was given (correlation {values}).")]
    return [
        _Finding(
            f"The volume, projected again, does not look like the {view.label} radiograph that was given (correlation "
            f"{value:.2f}, below {LEAST_CORRELATION}): it does not explain it.",
            UNEXPLAINED,
        )
        for view, value in poor.items()
    ]


def _uncertainty(spread: Float[np.ndarray, "k j i"], hu: Float[np.ndarray, "k j i"]) -> list[_Finding]:
    """How far the volume moves with its radiographs. It raises no doubt: wrong pictures do not give a larger spread."""
    inside = hu > _AIR_HU
    mean = float(spread[inside].mean()) if inside.any() else 0.0
    words = (
        f"Moving the radiographs a little changes the volume by {mean:.0f} HU on average. Where it stays the same, it "
        "may still be wrong."
    )
    return [_Finding(words)]


def _correlation(
    one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"], where: Bool[np.ndarray, "r c"]
) -> float:
    """Over some pixels; 0 where one of the two is flat."""
    one, other = one[where], other[where]
    return float(np.corrcoef(one, other)[0, 1]) if one.size and np.ptp(one) and np.ptp(other) else 0.0
