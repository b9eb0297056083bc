"""A reconstruction as a DICOM series that any viewer opens as a volume, and that says what it is.

CT Image Storage (PS3.3, A.3), not Secondary Capture: only the former has Hounsfield units and a place in the patient
for every slice. The image type is DERIVED, SECONDARY, and the series is marked as synthetic in the tags for it.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16
from pydicom import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pydicom.valuerep import DSfloat

from X2CTLib.dicom_derived import derived_image, set_pixels
from X2CTLib.files import whole_folder
from X2CTLib.geometry import CHEST_WINDOW, VolumeGeometry
from X2CTLib.mark import MARK
from X2CTLib.progress import CancelToken, Progress, silent

ANONYMOUS = "Anonymous"


def write_dicom_series(
    hu: Int16[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    folder: Path,
    description: str,
    patient_name: str = "",
    patient_id: str = "",
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> None:
    """Write a file a slice, ct_001.dcm and so on, in a study of its own with new identifiers.

    Args:
        hu: Hounsfield units.
        geometry: Where they lie; the axes i and j are those of the slices.
        folder: Where the files come to lie, all or none.
        description: How the volume came about, for Derivation Description (0008,2111).
        patient_name: Patient's Name (0010,0010); without one the series says that it is anonymous.
        patient_id: Patient ID (0010,0020); without one it gets one that belongs to nobody.
        progress: Told after every slice.
        cancel: Looked at as often.

    Raises:
        InputError: The folder cannot be written to.
        Cancelled: As asked.
    """
    study_uid, series_uid, frame_uid = (generate_uid() for _ in range(3))
    patient_id = patient_id or f"X2CT-{study_uid[-8:]}"
    with whole_folder(folder) as scratch:
        for number, plane in enumerate(hu):
            (cancel or CancelToken()).check()
            dataset = derived_image(CTImageStorage, "CT", description, patient_id, study_uid, series_uid)
            dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame_uid, ""
            _identify(dataset, patient_name, number)
            _place(dataset, geometry, number)
            set_pixels(dataset, plane)
            _scale(dataset)
            dataset.save_as(scratch / f"ct_{number + 1:03}.dcm", enforce_file_format=True)
            progress((number + 1) / len(hu), "Writing DICOM")


def _identify(dataset: Dataset, patient_name: str, number: int) -> None:
    """Whose it is, and which slice of what."""
    dataset.PatientName = patient_name or ANONYMOUS
    if not patient_name:
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = "Nothing but pixels was taken from the radiographs"
    dataset.StudyID, dataset.StudyDescription = "X2CT", "Synthetic CT from radiographs"
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.AcquisitionNumber = 1, number + 1, None
    dataset.SeriesDescription = MARK
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "SYNTHETIC"]
    dataset.KVP = None


def _place(dataset: Dataset, geometry: VolumeGeometry, number: int) -> None:
    """Where the slice lies in the patient."""
    across, down, up = (geometry.ijk_to_lps[:3, :3] / geometry.spacing).T
    dataset.ImageOrientationPatient = _decimals([*across, *down])
    position = (geometry.ijk_to_lps @ [0, 0, number, 1])[:3]
    dataset.ImagePositionPatient = _decimals(position)
    dataset.SliceLocation = _decimals([position @ up])[0]
    # Between rows first.
    dataset.PixelSpacing = _decimals(geometry.spacing[[1, 0]])
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _decimals(geometry.spacing[2:])[0]
    dataset.PatientPosition = ""


def _scale(dataset: Dataset) -> None:
    """Stored values are Hounsfield units; shown in the chest window."""
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "HU"
    dataset.WindowWidth, dataset.WindowCenter = (DSfloat(value) for value in CHEST_WINDOW)


def _decimals(numbers: Float[np.ndarray, " n"] | list[float]) -> list[DSfloat]:
    """As decimal strings, which have 16 characters."""
    return [DSfloat(float(number), auto_format=True) for number in numbers]
