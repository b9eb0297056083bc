"""CT series in Slicer's DICOM database (`ctkDICOMDatabase`), which functions here take explicitly."""

import os
from dataclasses import dataclass
from pathlib import Path

from X2CTLib.errors import InputError


@dataclass(frozen=True)
class DicomSeries:
    """A CT series.

    Attributes:
        uid: Series Instance UID (0020,000E).
        patient_name: Patient's Name (0010,0010), for who chooses; it is written nowhere.
        patient_id: Patient ID (0010,0020).
        study_date: Study Date (0008,0020).
        description: Series Description (0008,103E).
    """

    uid: str
    patient_name: str
    patient_id: str
    study_date: str
    description: str


def ct_series(database) -> list[DicomSeries]:
    """All CT series of a `ctkDICOMDatabase`, patient by patient.

    Raises:
        InputError: There is none, or it is not open.
    """
    if not (database and database.isOpen):
        raise InputError("No DICOM database is open. Import DICOM files in the module DICOM first.")
    return [
        DicomSeries(
            uid,
            database.nameForPatient(patient),
            database.fieldForPatient("PatientID", patient),
            database.fieldForStudy("StudyDate", study),
            database.descriptionForSeries(uid),
        )
        for patient in database.patients()
        for study in database.studiesForPatient(patient)
        for uid in database.seriesForStudy(study)
        if database.fieldForSeries("Modality", uid) == "CT"
    ]


def series_folder(database, uid: str) -> Path:
    """The folder that a series is in, maybe with others."""
    return Path(os.path.commonpath([Path(file).parent for file in database.filesForSeries(uid)]))
