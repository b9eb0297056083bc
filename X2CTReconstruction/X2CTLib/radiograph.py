"""Radiographs from files, brought to one orientation and polarity, with what was assumed in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError, X2CTError
from X2CTLib.formats import PICTURES, SLICES
from X2CTLib.geometry import View
from X2CTLib.pixel_checks import blank_white_frame, objections_to, oddities, same_picture, scaled

COLOURED = "is a picture in colour, not a radiograph. Give the radiograph itself, in grey."
"""The doubt about what is."""


@dataclass
class Radiograph:
    """A radiograph in canonical orientation.

    Row 0 is superior; columns grow to the patient's left (PA) or to posterior (lateral). Bright is dense.

    Attributes:
        pixels: float32 in [0, 1]; 0 is air, or nothing.
        view: Which projection it is; None where nobody said.
        pixel_mm: Millimetres of patient for each (square) pixel at the isocentre; None where unknown.
        source: File name.
        notes: Assumptions and warnings, in words.
        doubts: What its file says that speaks against using it, in words.
        patient: Opaque hash of the patient's identity, for comparison only.
        study: The same of the study.
        oriented: Whether the file itself says which way the patient faces.
        isocentre: (row, column) of the isocentre, which only computed radiographs know.
    """

    pixels: Float[np.ndarray, "r c"]
    view: View | None = None
    pixel_mm: float | None = None
    source: str = ""
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    patient: str | None = None
    study: str | None = None
    oriented: bool = False
    isocentre: tuple[float, float] | None = None

    @property
    def objections(self) -> list[str]:
        """All that speaks against using it, in words."""
        return self.doubts + [f"{self.source} {objection}" for objection in objections_to(self.pixels)]

    def corrected(self, correction: Correction):
        """The radiograph as the user wants it; who turns or mirrors it knows which way the patient faces.

        Raises:
            InputError: The crop leaves nothing.
        """
        turned = bool(correction.quarter_turns % 4 or correction.mirrored)
        return replace(
            self,
            pixels=scaled(np.ascontiguousarray(correction.apply(self.pixels)), self.source),
            pixel_mm=correction.pixel_mm or self.pixel_mm,
            oriented=self.oriented or turned,
            isocentre=None if correction.moves else self.isocentre,
            notes=[*self.notes, f"{self.source}: {correction.words}."] if correction != Correction() else self.notes,
        )


def read_radiograph(path: Path, view: View | None = None, override: bool = False) -> Radiograph:
    """Read a radiograph: DICOM (CR, DX and their kin), PNG, JPEG, TIFF, BMP, NRRD, NIfTI or MetaImage.

    Args:
        path: One file.
        view: What it is meant to be. A file that says what it is keeps its own view, and `check_views` objects.
        override: Whether to return a radiograph that has `objections`, which `check_views` then turns into warnings.

    Raises:
        InputError: The file is missing, damaged or empty; or there are objections: it is no radiograph of an adult
            chest, or holds too little to work with.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path.name} is a folder. Choose one radiograph in it.")
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check its name.")
    try:
        radiograph = _reader(path)(path)
        radiograph.pixels = scaled(radiograph.pixels, path.name)
        framed = blank_white_frame(radiograph.pixels)
        objections = [] if override else radiograph.objections
        remarks = oddities(radiograph.pixels)
    except X2CTError:
        raise
    except Exception as error:  # whatever a damaged file makes a library raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise InputError(
            f"{path.name} cannot be read ({reason}). It may be damaged; export it again, as DICOM or PNG."
        ) from error
    if objections:
        raise InputError(objections[0])
    if framed:
        remarks.insert(0, "a white frame around the picture was blanked.")
    radiograph.notes += [f"{path.name}: {remark}" for remark in remarks]
    radiograph.view = radiograph.view or view
    return radiograph


def check_views(radiographs: Mapping[View, Radiograph], override: bool = False) -> list[str]:
    """Check that radiographs are the views that they are meant to be, and two of them of one patient.

    Args:
        radiographs: By what each is meant to be.
        override: Whether an objection becomes a warning.

    Returns:
        Warnings, in words.

    Raises:
        InputError: They are the same picture, or other views, or the wrong way round; or there are `objections` to one.
    """
    objections = find_objections(radiographs)
    if objections and not override:
        raise InputError(objections[0])
    return overridden(objections) + find_warnings(radiographs)


def overridden(objections: Sequence[str]) -> list[str]:
    """Objections as the notes that they become if one goes on nevertheless."""
    return [f"Overridden: {objection}" for objection in objections]


def find_objections(radiographs: Mapping[View, Radiograph]) -> list[str]:
    """What speaks against radiographs, each for itself and in these places, in words."""
    each = [objection for radiograph in radiographs.values() for objection in radiograph.objections]
    return each + _misplaced(radiographs)


def _misplaced(radiographs: Mapping[View, Radiograph]) -> list[str]:
    """What speaks against radiographs in these places alone."""
    wrong = {view: radiograph for view, radiograph in radiographs.items() if radiograph.view not in (view, None)}
    if len(wrong) == 2:
        return [
            f"{wrong[View.PA].source} is a lateral view and {wrong[View.LATERAL].source} a frontal one: "
            "the wrong way round. Swap them."
        ]
    objections = []
    for view, radiograph in wrong.items():
        found = "lateral" if view is View.PA else "frontal"
        objections.append(f"{radiograph.source} is a {found} view. Give the {view.label} radiograph in its place.")
    if len(radiographs) == 2 and same_picture(*(radiograph.pixels for radiograph in radiographs.values())):
        first, second = (radiograph.source for radiograph in radiographs.values())
        objections.append(f"{first} and {second} are the same picture. Give a PA and a lateral radiograph.")
    return objections


def find_warnings(radiographs: Mapping[View, Radiograph]) -> list[str]:
    """What does not quite go together, in words."""
    if len(radiographs) < 2:
        return []
    pa, lateral = radiographs[View.PA], radiographs[View.LATERAL]
    warnings = []
    if _differ(pa.patient, lateral.patient):
        warnings.append("The radiographs name different patients. Check that they belong together.")
    elif _differ(pa.study, lateral.study):
        warnings.append("The radiographs come from different studies; the patient may have changed in between.")
    if (pa.pixel_mm is None) != (lateral.pixel_mm is None):
        unknown, known = (pa, lateral) if pa.pixel_mm is None else (lateral, pa)
        warnings.append(f"The pixel size of {known.source} is known, that of {unknown.source} is not.")
    return warnings


def _reader(path: Path) -> Callable[[Path], Radiograph]:
    """How to read a file; DICOM is told by content, since its files often have no extension."""
    from pydicom.misc import is_dicom

    from X2CTLib.dicom_radiograph import read_dicom
    from X2CTLib.picture_radiograph import read_picture

    picture = path.name.lower().endswith(PICTURES + SLICES)
    return read_picture if picture and not is_dicom(path) else read_dicom


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
