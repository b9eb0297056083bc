"""What every computed DICOM image of this project says: what it is, whose it is, and its grey values' format."""

from datetime import datetime

import numpy as np
from jaxtyping import Int16, UInt16
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from X2CTLib.mark import MARK


def derived_image(
    sop_class: str, modality: str, derivation: str, patient: str, study_uid: str, series_uid: str
) -> Dataset:
    """A data set without a picture.

    Args:
        sop_class: SOP Class UID (0008,0016).
        modality: Modality (0008,0060).
        derivation: How it came about, in words; the mark is added.
        patient: Patient ID (0010,0020).
        study_uid: Study Instance UID (0020,000D).
        series_uid: Series Instance UID (0020,000E).
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.PatientID = patient[:64]
    dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    now = datetime.now()
    dataset.StudyDate = dataset.ContentDate = now.strftime("%Y%m%d")
    dataset.StudyTime = dataset.ContentTime = now.strftime("%H%M%S")
    dataset.Modality, dataset.Manufacturer = modality, "X2CTGAN"
    dataset.SyntheticData = "YES"
    dataset.ImageComments = MARK
    dataset.DerivationDescription = f"{derivation} {MARK}"[:1024]
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.BodyPartExamined = "CHEST"
    return dataset


def set_pixels(dataset: Dataset, values: UInt16[np.ndarray, "r c"] | Int16[np.ndarray, "r c"]) -> None:
    """Grey values of 16 bit, signed or not."""
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
