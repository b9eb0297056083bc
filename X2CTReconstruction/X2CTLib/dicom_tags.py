"""What the attributes of a DICOM file say of it as a radiograph, without a look at its pixels."""

import hashlib
import math
import re

from pydicom import Dataset

MODALITIES = ("CR", "DX", "DR", "RG", "RF", "XA", "SC", "OT", "")
"""Those whose images may be radiographs."""
VIEWS = {"PA": "PA", "AP": "PA", "LL": "LATERAL", "RL": "LATERAL", "LAT": "LATERAL", "LATERAL": "LATERAL"}
"""The names of the views (`geometry.View`) by View Position (0018,5101)."""
ADULT_YEARS = 18

_CHEST = ("CHEST", "THORA", "TORA", "LUNG", "PULM")
# View Code Sequence (0054,0220), CID 4010, in SNOMED CT and in its older codes.
_VIEW_CODES = {
    **dict.fromkeys(("272479007", "R-10214", "399033003", "R-10202"), "PA"),
    **dict.fromkeys(("399348003", "R-10206"), "AP"),
    **dict.fromkeys(("399173006", "R-10236"), "LL"),
    **dict.fromkeys(("399198007", "R-10232"), "RL"),
    **dict.fromkeys(("399067008", "R-102CD"), "LATERAL"),
}


def text(dataset: Dataset, keyword: str) -> str:
    """In capitals; empty where there is none."""
    return str(dataset.get(keyword) or "").strip().upper()


def number(dataset: Dataset, keyword: str) -> float | None:
    """A finite number."""
    try:
        value = float(dataset.get(keyword))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def sides(dataset: Dataset) -> list[str]:
    """The sides of the patient to which columns and rows grow, by Patient Orientation (0020,0020): a letter each."""
    letters = [str(side).strip().upper()[:1] for side in dataset.get("PatientOrientation") or ()]
    return letters if len(letters) == 2 else []


def view_position(dataset: Dataset) -> str:
    """View Position (0018,5101), or in its terms what View Code Sequence (0054,0220) says; may be empty."""
    codes = dataset.get("ViewCodeSequence") or [Dataset()]
    return text(dataset, "ViewPosition") or _VIEW_CODES.get(text(codes[0], "CodeValue"), "")


def view_by_sides(dataset: Dataset) -> str | None:
    """The name of the view whose columns grow as Patient Orientation says, if that is one of an upright chest."""
    found = {"PA" if side in "LR" else "LATERAL" for side in sides(dataset) if side in ("L", "R", "A", "P")}
    return found.pop() if len(found) == 1 else None


def when(dataset: Dataset) -> int:
    """Date and time of acquisition, else of content or study, as a number that grows."""
    stated = (
        text(dataset, f"{what}Date") + text(dataset, f"{what}Time") for what in ("Acquisition", "Content", "Study")
    )
    return int(re.sub(r"[^0-9]", "", next(filter(None, stated), ""))[:14].ljust(14, "0"))


def unfit(dataset: Dataset) -> list[str]:
    """What speaks against an image as a radiograph of an adult chest, in words that follow its name."""
    modality, part, age = text(dataset, "Modality"), other_body_part(dataset), _age(dataset)
    found = {
        f"is not a radiograph: its modality is {modality}. Give a CR or DX image.": modality not in MODALITIES,
        f"shows another part of the body: {part}. Give a radiograph of the chest.": part,
        f"is of a child of {age:.3g} years; the models are trained on adults.": age < ADULT_YEARS,
    }
    return [words for words, so in found.items() if so]


def other_body_part(dataset: Dataset) -> str:
    """The part of the body that is shown, if it is stated and is not the chest."""
    region = dataset.get("AnatomicRegionSequence") or [Dataset()]
    part = text(dataset, "BodyPartExamined") or text(region[0], "CodeMeaning")
    return "" if any(word in part for word in _CHEST) else part


def _age(dataset: Dataset) -> float:
    """Years, by Patient's Age (0010,1010) or the dates of birth and study; infinite if unknown."""
    if stated := re.fullmatch(r"([0-9]{1,3})([DWMY])", text(dataset, "PatientAge")):
        return int(stated[1]) / {"D": 365.25, "W": 52.18, "M": 12, "Y": 1}[stated[2]]
    born, seen = (text(dataset, keyword) for keyword in ("PatientBirthDate", "StudyDate"))
    dates = [re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", date) for date in (born, seen)]
    if not all(dates):
        return math.inf
    first, last = (int(year) + int(month) / 12 + int(day) / 365.25 for year, month, day in (d.groups() for d in dates))
    return last - first if last >= first else math.inf


def patient_hash(dataset: Dataset) -> str | None:
    """Opaque, for comparison only."""
    return _hash(text(dataset, "PatientID"), text(dataset, "PatientName"))


def study_hash(dataset: Dataset) -> str | None:
    """Opaque, for comparison only."""
    return _hash(text(dataset, "StudyInstanceUID"))


def _hash(*identity: str) -> str | None:
    return hashlib.sha256("\n".join(identity).encode()).hexdigest() if any(identity) else None
