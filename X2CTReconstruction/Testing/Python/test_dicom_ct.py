"""A reconstruction as DICOM: a volume for every reader, and nobody's."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from X2CTLib.ct import read_ct
from X2CTLib.dicom_ct import write_dicom_series
from X2CTLib.errors import Cancelled
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.mark import MARK
from X2CTLib.progress import CancelToken

GEOMETRY = VolumeGeometry((5, 7, 9), VolumeGeometry.cube(16).ijk_to_lps @ np.diag([1.0, 0.5, 2.0, 1.0]))


@pytest.fixture(scope="module")
def some_hu():
    return np.random.default_rng(0).integers(-1024, 1476, GEOMETRY.shape).astype(np.int16)


@pytest.fixture(scope="module")
def a_series(some_hu, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series") / "dicom"
    write_dicom_series(some_hu, GEOMETRY, folder, "Estimated by the model tiny, SHA-256 123.")
    return folder


def test_other_software_reads_the_same_volume(a_series, some_hu):
    reader = sitk.ImageSeriesReader()
    (series,) = reader.GetGDCMSeriesIDs(str(a_series))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(a_series), series))
    image = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(image), some_hu)
    assert np.allclose(VolumeGeometry.from_image(image).ijk_to_lps, GEOMETRY.ijk_to_lps, atol=1e-6)
    hu, geometry = read_ct(a_series)
    assert np.array_equal(hu, some_hu) and np.allclose(geometry.ijk_to_lps, GEOMETRY.ijk_to_lps, atol=1e-6)


def test_every_slice_says_what_it_is_and_names_nobody(a_series):
    slices = [pydicom.dcmread(file) for file in sorted(a_series.iterdir())]
    assert [file.name for file in sorted(a_series.iterdir())][::4] == ["ct_001.dcm", "ct_005.dcm"]
    for dataset in slices:
        assert dataset.ImageType[:2] == ["DERIVED", "SECONDARY"] and dataset.SyntheticData == "YES"
        assert dataset.SeriesDescription == dataset.ImageComments == MARK
        assert "tiny, SHA-256 123" in dataset.DerivationDescription and MARK in dataset.DerivationDescription
        assert dataset.PatientName == "Anonymous" and dataset.PatientIdentityRemoved == "YES"
        assert not dataset.PatientBirthDate and "SourceImageSequence" not in dataset
    assert len({dataset.SOPInstanceUID for dataset in slices}) == len(slices)
    for shared in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({dataset[shared].value for dataset in slices}) == 1
    for dataset in slices:
        for element in dataset:  # pydicom checks each value against its type
            pydicom.dataelem.DataElement(element.tag, element.VR, element.value, validation_mode=pydicom.config.RAISE)


def test_two_series_share_no_identifier(a_series, some_hu, tmp_path):
    write_dicom_series(some_hu, GEOMETRY, tmp_path / "other", "Another.")
    one, other = (pydicom.dcmread(folder / "ct_001.dcm") for folder in (a_series, tmp_path / "other"))
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "SOPInstanceUID"):
        assert one[name].value != other[name].value


def test_a_name_is_there_if_it_is_given(some_hu, tmp_path):
    write_dicom_series(some_hu, GEOMETRY, tmp_path / "named", "x", patient_name="Roe^Jane", patient_id="17")
    dataset = pydicom.dcmread(tmp_path / "named" / "ct_001.dcm")
    assert (dataset.PatientName, dataset.PatientID) == ("Roe^Jane", "17")
    assert "PatientIdentityRemoved" not in dataset


def test_cancelled_it_leaves_nothing(some_hu, tmp_path):
    token = CancelToken()
    with pytest.raises(Cancelled):
        write_dicom_series(some_hu, GEOMETRY, tmp_path / "out", "x", progress=lambda *_: token.cancel(), cancel=token)
    assert not list(tmp_path.iterdir())
