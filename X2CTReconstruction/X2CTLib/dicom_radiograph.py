"""Radiographs stored as DICOM: what the attributes say of contrast, size, side and patient (PS3.3, A.2, A.26)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom import Dataset, dcmread
from pydicom.misc import is_dicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from X2CTLib.canonical import grey, plausible_size, square_pixels, to_canonical
from X2CTLib.dicom_tags import VIEWS, number, patient_hash, sides, study_hash, text, unfit, view_position
from X2CTLib.errors import InputError
from X2CTLib.geometry import View, clinical_projection
from X2CTLib.radiograph import COLOURED, Radiograph

_MOST_PIXELS = 200_000_000
_CLIPPED = 0.8


def read_dicom(path: Path) -> Radiograph:
    """Read a radiograph and what its attributes say.

    Raises:
        InputError: It is no DICOM image of one frame, or cannot be decoded.
    """
    name = path.name
    dataset = _read(path)
    _refuse_others(dataset, name)
    doubts, remarks = unfit(dataset), []
    presented = _presented(dataset, name, remarks, doubts)
    view = _view(dataset, remarks)
    pixels, pixel_mm = _scaled(dataset, presented, remarks)
    pixels, view, oriented = _oriented(dataset, pixels, view, remarks)
    if text(dataset, "BurnedInAnnotation") == "YES":
        remarks.append("text is burned into the picture and may leave traces.")
    return Radiograph(
        pixels=pixels,
        view=view,
        pixel_mm=pixel_mm,
        source=name,
        notes=[f"{name}: {remark}" for remark in remarks],
        doubts=[f"{name} {doubt}" for doubt in doubts],
        patient=patient_hash(dataset),
        study=study_hash(dataset),
        oriented=oriented,
        isocentre=_isocentre(dataset) if np.array_equal(pixels, presented) else None,
    )


def _read(path: Path) -> Dataset:
    not_an_image = InputError(
        f"{path.name} is not an image. Give a radiograph as DICOM, PNG, JPEG, TIFF, BMP, NRRD, NIfTI or MetaImage."
    )
    try:
        dataset = dcmread(path, force=True)
        has_image = "PixelData" in dataset and "Rows" in dataset
    except Exception as error:
        if is_dicom(path):
            raise
        raise not_an_image from error
    if has_image:
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit = dataset.original_encoding[0]
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        return dataset
    if is_dicom(path):
        raise InputError(f"{path.name} is DICOM without an image. Choose the radiograph itself.")
    raise not_an_image


def _refuse_others(dataset: Dataset, name: str) -> None:
    """Refuse what its attributes say is no single picture, or one that is too large."""
    frames = number(dataset, "NumberOfFrames") or 1
    if frames > 1:
        raise InputError(f"{name} holds {frames:g} frames. Export the radiograph as an image of one frame.")
    if dataset.Rows * dataset.Columns > _MOST_PIXELS:
        raise InputError(f"{name} has {dataset.Columns}x{dataset.Rows} pixels, too many for a radiograph. Reduce it.")


def _presented(dataset: Dataset, name: str, remarks: list[str], doubts: list[str]) -> Float[np.ndarray, "r c"]:
    """The picture as it is to be displayed: modality LUT, VOI LUT, then polarity (PS3.4, N.2)."""
    stored = _decoded(dataset, name)
    photometric = text(dataset, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    if stored.ndim == 3:
        remarks.append("stored in colour, read as grey.")
        pixels, coloured = grey(stored[..., :3])
        doubts += [COLOURED] if coloured else []
        return pixels
    if text(dataset, "PresentationIntentType") == "FOR PROCESSING":
        remarks.append("raw detector values; if there is an image FOR PRESENTATION, give that one.")
    pixels = _windowed(apply_modality_lut(stored, dataset), dataset, remarks)
    shape = text(dataset, "PresentationLUTShape")
    if photometric == "MONOCHROME1" or shape == "INVERSE":
        # Both say the same; Presentation LUT Shape (2050,0020) is no second inversion.
        pixels = pixels.max() + pixels.min() - pixels
    if shape in ("INVERSE", "IDENTITY") and (photometric == "MONOCHROME1") != (shape == "INVERSE"):
        remarks.append(f"{photometric} and a Presentation LUT Shape of {shape} disagree. Check that bone is bright.")
    padding = _padding(stored, dataset)
    if padding.any() and not padding.all():
        pixels[padding] = pixels[~padding].min()
    return pixels


def _decoded(dataset: Dataset, name: str) -> np.ndarray:
    try:
        return dataset.pixel_array
    except Exception as error:
        syntax = dataset.file_meta.TransferSyntaxUID
        raise InputError(
            f"{name}: its pixels ({getattr(syntax, 'name', syntax)}) cannot be decoded. "
            "Export the radiograph again, without compression."
        ) from error


def _windowed(values: np.ndarray, dataset: Dataset, remarks: list[str]) -> Float[np.ndarray, "r c"]:
    """Apply the first VOI LUT or window, unless it hides the picture."""
    values = values.astype(np.float32)
    try:
        shown = apply_voi_lut(values if "VOILUTSequence" not in dataset else values.astype(np.int32), dataset)
    except (ValueError, NotImplementedError, IndexError, TypeError, AttributeError):
        remarks.append("its display window is not valid and is ignored.")
        return values
    if _clipped(shown) > max(_CLIPPED, _clipped(values)):
        remarks.append("its display window hides the picture and is ignored.")
        return values
    return shown.astype(np.float32)


def _clipped(values: np.ndarray) -> float:
    """The part of a picture that is as dark or as bright as can be."""
    return float(((values == values.min()) | (values == values.max())).mean())


def _padding(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Where Pixel Padding Value (0028,0120), or a value up to its Range Limit, says that there is no picture."""
    first = number(dataset, "PixelPaddingValue")
    if first is None:
        return np.zeros(stored.shape, dtype=bool)
    last = number(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((first, first if last is None else last))
    return (stored >= low) & (stored <= high)


def _view(dataset: Dataset, remarks: list[str]) -> View | None:
    """The view, by View Position (0018,5101) or View Code Sequence (0054,0220)."""
    position = view_position(dataset)
    if position == "AP":
        remarks.append("an AP view; heart and mediastinum look larger than in the PA view that is wanted.")
    elif position == "RL":
        remarks.append("a right lateral view; used as a left lateral, which magnifies the other lung.")
    elif position and position not in VIEWS:
        remarks.append(f"its View Position, {position}, is neither PA nor lateral.")
    return View[VIEWS[position]] if position in VIEWS else None


def _scaled(
    dataset: Dataset, pixels: Float[np.ndarray, "r c"], remarks: list[str]
) -> tuple[Float[np.ndarray, "h w"], float | None]:
    """Square pixels, and their size at the isocentre.

    A calibrated Pixel Spacing (0028,0030) is that of the patient (PS3.3, 10.7.1.3). Other spacings are those of the
    detector, and are divided by the magnification.
    """
    pixel, imager = _spacing(dataset, "PixelSpacing"), _spacing(dataset, "ImagerPixelSpacing")
    if pixel and (text(dataset, "PixelSpacingCalibrationType") or (imager and pixel != imager)):
        row_mm, column_mm = pixel
        how = "pixel size as calibrated."
    elif detector := imager or pixel or _spacing(dataset, "NominalScannedPixelSpacing"):
        magnification, reason = _magnification(dataset)
        row_mm, column_mm = (mm / magnification for mm in detector)
        how = f"pixel size of the detector, divided by a magnification of {magnification:.2f} ({reason})."
    else:
        remarks.append("no pixel size in the file.")
        row_mm, column_mm = _spacing(dataset, "PixelAspectRatio") or (1.0, 1.0)
        return square_pixels(pixels, row_mm, column_mm), None
    pixels = square_pixels(pixels, row_mm, column_mm)
    pixel_mm = min(row_mm, column_mm)
    if not plausible_size(pixel_mm, pixels):
        remarks.append(f"its pixel size, {pixel_mm:.3g} mm, does not fit a chest; it is ignored.")
        return pixels, None
    remarks.append(how)
    return pixels, pixel_mm


def _isocentre(dataset: Dataset) -> tuple[float, float] | None:
    """(row, column) of the isocentre in the pixels as stored, as `dicom_drr.write_dicom` leaves it."""
    try:
        column, row = (float(value) - 0.5 for value in dataset.get("PositionOfIsocenterProjection"))
    except (TypeError, ValueError):
        return None
    return row, column


def _magnification(dataset: Dataset) -> tuple[float, str]:
    """Size on the detector of a thing of unit size at the isocentre, and where that is from."""
    factor = number(dataset, "EstimatedRadiographicMagnificationFactor")
    if factor and 1 < factor < 2:
        return factor, "stated"
    sid, sod = number(dataset, "DistanceSourceToDetector"), number(dataset, "DistanceSourceToPatient")
    if sid and sod and 1 < sid / sod < 2:
        return sid / sod, "from the stated distances"
    standard = clinical_projection(View.PA)
    behind = standard.sid_mm - standard.sad_mm
    if sid and sid > 4 * behind:
        return sid / (sid - behind), f"the middle of the chest {behind:g} mm before the detector is assumed"
    return standard.magnification, "a usual chest stand is assumed"


def _oriented(
    dataset: Dataset, pixels: Float[np.ndarray, "r c"], view: View | None, remarks: list[str]
) -> tuple[Float[np.ndarray, "h w"], View | None, bool]:
    """Turn to canonical orientation by Patient Orientation (0020,0020), which describes the pixels as stored.

    Field of View Rotation and Horizontal Flip (0018,7032/7034) tell what the device has already done: no more is due.
    """
    letters = sides(dataset)
    canonical = to_canonical(pixels, *letters) if letters else None
    if canonical and view in (None, canonical[1]):
        if canonical[0].shape != pixels.shape or not np.array_equal(canonical[0], pixels):
            remarks.append("turned or mirrored, as its Patient Orientation asks.")
        return *canonical, True
    if canonical:
        remarks.append("its Patient Orientation does not fit its View Position. Check side and view.")
    else:
        remarks.append("no orientation in the file; taken as upright, with the patient's left to the right.")
    return pixels, view, False


def _spacing(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    """(Between rows, between columns), if they are numbers above zero."""
    try:
        row_mm, column_mm = (float(value) for value in dataset.get(keyword))
    except (TypeError, ValueError):
        return None
    return (row_mm, column_mm) if min(row_mm, column_mm) > 0 and np.isfinite(row_mm + column_mm) else None
