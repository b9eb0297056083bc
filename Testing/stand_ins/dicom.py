"""Stand-in for `slicer.dicomDatabase`: the accessors of ctkDICOMDatabase, by the names and columns of CTK's own."""

from pathlib import Path

import pydicom


class DicomDatabase:
    """Closed, until files are imported; it keeps them where they are, as Slicer does on request."""

    def __init__(self) -> None:
        self._files: dict[str, pydicom.Dataset] = {}

    @property
    def isOpen(self) -> bool:
        return bool(self._files)

    def importFolder(self, folder: Path) -> None:
        """What the user does in the module DICOM; ctkDICOMDatabase has no such method."""
        self._files |= {
            str(file): pydicom.dcmread(file, stop_before_pixels=True)
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }

    def patients(self) -> tuple[str, ...]:
        """Numbers of the patients, as strings."""
        return tuple(str(number + 1) for number in range(len(self._different("PatientID"))))

    def studiesForPatient(self, patientUID: str) -> tuple[str, ...]:
        return self._different("StudyInstanceUID", "PatientID", self._patient(patientUID))

    def seriesForStudy(self, studyUID: str) -> tuple[str, ...]:
        return self._different("SeriesInstanceUID", "StudyInstanceUID", studyUID)

    def filesForSeries(self, seriesUID: str, hits: int = -1) -> tuple[str, ...]:
        files = [file for file, dataset in self._files.items() if dataset.SeriesInstanceUID == seriesUID]
        return tuple(files if hits < 0 else files[:hits])

    def nameForPatient(self, patientUID: str) -> str:
        return self.fieldForPatient("PatientsName", patientUID)

    def descriptionForSeries(self, seriesUID: str) -> str:
        return self.fieldForSeries("SeriesDescription", seriesUID)

    def fieldForPatient(self, field: str, patientUID: str) -> str:
        keyword = {"PatientsName": "PatientName", "PatientID": "PatientID"}[field]
        return self._field(keyword, "PatientID", self._patient(patientUID))

    def fieldForStudy(self, field: str, studyInstanceUID: str) -> str:
        keyword = {"StudyDate": "StudyDate"}[field]
        return self._field(keyword, "StudyInstanceUID", studyInstanceUID)

    def fieldForSeries(self, field: str, seriesInstanceUID: str) -> str:
        keyword = {"Modality": "Modality", "SeriesDescription": "SeriesDescription"}[field]
        return self._field(keyword, "SeriesInstanceUID", seriesInstanceUID)

    def _patient(self, patientUID: str) -> str:
        return self._different("PatientID")[int(patientUID) - 1]

    def _different(self, keyword: str, of: str = "", value: str = "") -> tuple[str, ...]:
        found = [dataset for dataset in self._files.values() if not of or dataset[of].value == value]
        return tuple(dict.fromkeys(str(dataset[keyword].value) for dataset in found))

    def _field(self, keyword: str, of: str, value: str) -> str:
        dataset = next(dataset for dataset in self._files.values() if dataset[of].value == value)
        return str(dataset.get(keyword, ""))
