"""Radiographs from files, brought to one orientation and polarity, with what was assumed in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError, X2CTError
from X2CTLib.formats import PICTURES, SLICES
from X2CTLib.geometry import View

_LEAST_PIXELS, _FEW_PIXELS = 64, 256
_LEAST_GREYS = 16
_WHITE, _WHITE_PART, _WIDEST_FRAME = 0.97, 0.9, 0.15
_BURNT_OUT = 0.1
_SAME_PICTURE = 0.93
_THUMBNAIL = 48


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
    patient: str | None = None
    study: str | None = None
    oriented: bool = False
    isocentre: tuple[float, float] | None = None

    def corrected(self, correction: Correction):
        """The radiograph as the user wants it; who turns or mirrors it knows which way the patient faces."""
        turned = bool(correction.quarter_turns % 4 or correction.mirrored)
        return replace(
            self,
            pixels=np.ascontiguousarray(correction.apply(self.pixels)),
            pixel_mm=correction.pixel_mm or self.pixel_mm,
            oriented=self.oriented or turned,
            isocentre=None if correction.moves else self.isocentre,
            notes=[*self.notes, f"{self.source}: {correction.words}."] if correction != Correction() else self.notes,
        )


def read_radiograph(path: Path, view: View | None = None) -> Radiograph:
    """Read a radiograph: DICOM (CR, DX and their kin), PNG, JPEG, TIFF, BMP, NRRD, NIfTI or MetaImage.

    Args:
        path: One file.
        view: What it is meant to be. A file that says what it is keeps its own view, and `check_views` objects.

    Raises:
        InputError: The file is missing, is no radiograph of a chest, or holds too little to work with.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path.name} is a folder. Choose one radiograph in it.")
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check its name.")
    try:
        radiograph = _reader(path)(path)
        _check_pixels(radiograph)
    except X2CTError:
        raise
    except Exception as error:  # whatever a damaged file makes a library raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise InputError(
            f"{path.name} cannot be read ({reason}). It may be damaged; export it again, as DICOM or PNG."
        ) from error
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
        InputError: They are the same picture, or other views, or the wrong way round.
    """
    objections = _objections(radiographs)
    if objections and not override:
        raise InputError(objections[0])
    warnings = _warnings(radiographs[View.PA], radiographs[View.LATERAL]) if len(radiographs) == 2 else []
    return [f"Overridden: {objection}" for objection in objections] + warnings


def _objections(radiographs: Mapping[View, Radiograph]) -> list[str]:
    """What speaks against radiographs, in words."""
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
    if len(radiographs) == 2 and _same_picture(*(radiograph.pixels for radiograph in radiographs.values())):
        first, second = (radiograph.source for radiograph in radiographs.values())
        objections.append(f"{first} and {second} are the same picture. Give a PA and a lateral radiograph.")
    return objections


def _warnings(pa: Radiograph, lateral: Radiograph) -> list[str]:
    """What does not go together."""
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


def _check_pixels(radiograph: Radiograph) -> None:
    """Refuse what is too small or blank, scale the rest to [0, 1], and note what may disturb.

    Raises:
        InputError: There is no picture to work with.
    """
    name, pixels = radiograph.source, radiograph.pixels.astype(np.float32)
    rows, columns = pixels.shape
    if min(rows, columns) < _LEAST_PIXELS:
        raise InputError(
            f"{name} has {columns}x{rows} pixels; at least {_LEAST_PIXELS} each way are needed. "
            "Export the radiograph at its own resolution."
        )
    finite = np.isfinite(pixels)
    pixels = np.where(finite, pixels, pixels[finite].min() if finite.any() else 0)
    middle = pixels[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)]
    if len(np.unique(middle)) < _LEAST_GREYS:
        raise InputError(f"{name} is blank, or nearly so. Choose another picture.")
    if min(rows, columns) < _FEW_PIXELS:
        radiograph.notes.append(f"{name}: only {columns}x{rows} pixels; fine detail is lost.")
    pixels = (pixels - pixels.min()) / np.ptp(pixels)
    if _blank_white_frame(pixels):
        radiograph.notes.append(f"{name}: a white frame around the picture was blanked.")
    if (pixels > 0.995).mean() > _BURNT_OUT:
        radiograph.notes.append(f"{name}: a large part is pure white; what lies there cannot be seen.")
    if _has_marks(pixels):
        radiograph.notes.append(f"{name}: there are letters or markers near the border; they may leave traces.")
    radiograph.pixels = pixels


def _blank_white_frame(pixels: Float[np.ndarray, "r c"]) -> bool:
    """Set rows and columns at the border that are white from end to end to 0, in place."""
    found = False
    for side in (pixels, pixels[::-1], pixels.T, pixels.T[::-1]):
        white = (side[: round(len(side) * _WIDEST_FRAME)] > _WHITE).mean(axis=1) > _WHITE_PART
        if white.any():
            # Up to the innermost: a thin dark line may lie outside of a frame.
            side[: np.flatnonzero(white)[-1] + 1] = 0
            found = True
    return found


def _has_marks(pixels: Float[np.ndarray, "r c"]) -> bool:
    """Whether small things near the border stand out as letters do."""
    image = _resized(pixels, 256 / max(pixels.shape))
    bright = sitk.WhiteTopHat(image, [4, 4])
    marks = sitk.GetArrayFromImage(bright) > 0.45
    height, width = (side // 6 for side in marks.shape)
    marks[height:-height, width:-width] = False
    return marks.sum() > 12


def _same_picture(one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"]) -> bool:
    """Whether two pictures show the same, also when resized, mirrored, turned, inverted or re-windowed."""
    first, second = _thumbnail(one), _thumbnail(other)
    turned = [np.rot90(mirrored, turns) for mirrored in (second, second[:, ::-1]) for turns in range(4)]
    return max(abs(float((first * candidate).mean())) for candidate in turned) > _SAME_PICTURE


def _thumbnail(pixels: Float[np.ndarray, "r c"]) -> Float[np.ndarray, "n n"]:
    """A small square copy without its coarse brightness, of mean 0 and variance 1."""
    image = _resized(pixels, _THUMBNAIL / pixels.shape[0], _THUMBNAIL / pixels.shape[1])
    fine = sitk.GetArrayFromImage(image - sitk.SmoothingRecursiveGaussian(image, _THUMBNAIL / 8))
    return (fine - fine.mean()) / (fine.std() + 1e-9)


def _resized(pixels: Float[np.ndarray, "r c"], rows_by: float, columns_by: float | None = None) -> sitk.Image:
    """A copy with other numbers of rows and columns, smoothed first; its spacing is 1."""
    factors = [columns_by or rows_by, rows_by]
    image = sitk.GetImageFromArray(pixels)
    smooth = [max(0.5 / factor, 1e-3) for factor in factors]
    size = [round(count * factor) for count, factor in zip(image.GetSize(), factors, strict=True)]
    origin = [0.5 / factor - 0.5 for factor in factors]
    spacing = [1 / factor for factor in factors]
    small = sitk.Resample(
        sitk.SmoothingRecursiveGaussian(image, smooth), size, sitk.Transform(), sitk.sitkLinear, origin, spacing
    )
    return sitk.GetImageFromArray(sitk.GetArrayFromImage(small))


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
