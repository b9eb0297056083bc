"""From a radiograph in the scene to the file that the engine reads."""

import json
from pathlib import Path

import SimpleITK as sitk
import slicer

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError

CORRECTION_ATTRIBUTE = "X2CT.Correction"
"""Node attribute that holds what was set right in a radiograph by hand, as JSON."""


def correction_of(volume) -> Correction:
    """What was set right in a radiograph of the scene by hand."""
    return Correction.from_dict(json.loads(volume.GetAttribute(CORRECTION_ATTRIBUTE) or "{}"))


def set_correction(volume, correction: Correction) -> None:
    """Keep a correction with its radiograph; the voxels of the node stay as they are."""
    volume.SetAttribute(CORRECTION_ATTRIBUTE, json.dumps(correction.to_dict()) if correction != Correction() else None)


def picture(volume, pixels: int):
    """The corrected radiograph in the scene, made small: (rows, columns), each less than twice `pixels`.

    Raises:
        InputError: The volume is not a radiograph.
    """
    check_radiograph(volume)
    image = slicer.util.arrayFromVolume(volume)[0]
    grey = image if image.ndim == 2 else image.mean(axis=2)
    grey = correction_of(volume).apply(grey)
    step = max(1, max(grey.shape) // pixels)
    rows, columns = (length // step for length in grey.shape)
    return grey[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))


def radiograph_file(volume, path: Path) -> Path:
    """The file to reconstruct from.

    The file that the volume was loaded from is best: what Slicer makes of a DICOM file lacks its tags, and its spacing
    is the detector's, not the patient's. A volume that has no file, or was changed since, is written to `path`.

    Args:
        volume: A `vtkMRMLScalarVolumeNode` or, in colour, a `vtkMRMLVectorVolumeNode`.
        path: Where to write it if need be, without suffix.

    Raises:
        InputError: The volume is not a radiograph: it is empty or has several slices.
    """
    check_radiograph(volume)
    source = _stored_file(volume) or _dicom_file(volume)
    if source and Path(source).is_file():
        return Path(source)
    return _write(volume, Path(path))


def check_radiograph(volume) -> None:
    """Look whether a volume may be a radiograph.

    Raises:
        InputError: It is empty or has several slices.
    """
    image = volume.GetImageData()
    if image is None:
        raise InputError(f"{volume.GetName()} is empty; choose a radiograph.")
    if image.GetDimensions()[2] != 1:
        raise InputError(
            f"{volume.GetName()} has {image.GetDimensions()[2]} slices, but a radiograph has one. "
            "Load the PA and the lateral radiograph from their files, one by one."
        )


def _write(volume, path: Path) -> Path:
    pixels = slicer.util.arrayFromVolume(volume)[0]
    picture = sitk.GetImageFromArray(pixels, isVector=pixels.ndim == 3)
    spacing = volume.GetSpacing()[:2]
    picture.SetSpacing(spacing)
    # Slicer's 1 mm means that it knows nothing, and a TIFF picture says nothing.
    path = path.with_suffix(".tif" if spacing == (1.0, 1.0) else ".nrrd")
    sitk.WriteImage(picture, str(path))
    return path


def _stored_file(volume) -> str | None:
    storage = volume.GetStorageNode()
    changed = volume.GetModifiedSinceRead()
    return storage.GetFullNameFromFileName() if storage and storage.GetFileName() and not changed else None


def _dicom_file(volume) -> str | None:
    """The instance in Slicer's DICOM database; its reader leaves no storage node behind."""
    instances = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)  # the DICOM module may be switched off
    return database.fileForInstance(instances[0]) if instances and database else None
