"""DRRs written as DICOM and read back by the radiograph reader."""

import dataclasses

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.uid import generate_uid

from X2CTLib.dicom_drr import write_dicom
from X2CTLib.drr import radiographs
from X2CTLib.framing import find_framing, standard_view
from X2CTLib.geometry import View, clinical_projection, parallel_projection
from X2CTLib.intensity import normalise
from X2CTLib.mark import MARK
from X2CTLib.radiograph import check_views, read_radiograph


@pytest.fixture
def written(tmp_path, a_chest):
    """Project the boxy chest, write the DRR, and give it with the file."""

    def write(projection, **details):
        image = radiographs(torch.from_numpy(a_chest.hu)[None], a_chest.geometry, projection)[0].numpy()
        path = tmp_path / f"{projection.view.name}.dcm"
        write_dicom(path, image, projection, "case", details.pop("study_uid", generate_uid()), **details)
        return image, path

    return write


@pytest.mark.parametrize("preset", [clinical_projection, parallel_projection])
@pytest.mark.parametrize("view", View)
def test_read_back_it_is_the_same_standard_view(written, view, preset):
    """Orientation, spacing and isocentre are in the file, and the picture may be finer than the network's."""
    standard = dataclasses.replace(preset(view), isocentre_lps=(12.0, -7.0, 5.0))
    image, _ = written(standard)
    direct = normalise(torch.from_numpy(image)).numpy()
    for pixels, tolerance in ((128, 2e-4), (512, 2e-2)):
        radiograph = read_radiograph(written(standard.resized(pixels))[1])
        assert radiograph.view is view and radiograph.oriented
        assert radiograph.pixel_mm == pytest.approx(320 / pixels)
        seen = standard_view(radiograph, find_framing(radiograph, direct), standard)
        np.testing.assert_allclose(seen, direct, atol=tolerance)


def test_the_attributes_say_how_it_was_made(written):
    dataset = dcmread(written(clinical_projection(View.LATERAL), kvp=120)[1])
    assert (dataset.Modality, dataset.PresentationIntentType, dataset.KVP) == ("DX", "FOR PRESENTATION", 120)
    assert (dataset.ViewPosition, dataset.ImageLaterality, list(dataset.PatientOrientation)) == ("LL", "U", ["P", "F"])
    assert (dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient) == (1800, 1620)
    assert dataset.EstimatedRadiographicMagnificationFactor == pytest.approx(1800 / 1620)
    assert list(dataset.ImagerPixelSpacing) == pytest.approx([2.5 * 1800 / 1620] * 2)
    assert (dataset.PositionerPrimaryAngle, dataset.PositionerSecondaryAngle) == (90, 0)
    assert list(dataset.ImageType) == ["DERIVED", "SECONDARY"] and dataset.BurnedInAnnotation == "NO"
    assert dataset.ImageComments == MARK and MARK in dataset.DerivationDescription


def test_all_values_are_kept_in_sixteen_bit_and_the_window_shows_most(written):
    image, path = written(clinical_projection(View.PA))
    dataset = dcmread(path)
    values = dataset.pixel_array / 65535 * np.ptp(image) + image.min()
    np.testing.assert_allclose(values, image, atol=np.ptp(image) / 65535)
    low = dataset.WindowCenter - 0.5 - (dataset.WindowWidth - 1) / 2
    assert (dataset.pixel_array < low).mean() < 0.011
    assert (dataset.pixel_array > low + dataset.WindowWidth - 1).mean() < 0.011


def test_both_views_belong_together(written):
    study = generate_uid()
    pa, lateral = (read_radiograph(written(clinical_projection(view), study_uid=study)[1]) for view in View)
    assert pa.patient == lateral.patient and pa.study == lateral.study
    assert check_views({View.PA: pa, View.LATERAL: lateral}) == []


@pytest.mark.parametrize(
    ("gantry", "cranial", "orientation"),
    [(30.0, 0.0, ["LP", "F"]), (-60.0, 0.0, ["AL", "F"]), (0.0, 20.0, ["L", "FA"]), (-20.0, 10.0, ["LA", "FAR"])],
)
def test_an_oblique_projection_has_angles_and_no_named_view(written, gantry, cranial, orientation):
    projection = dataclasses.replace(clinical_projection(View.PA), gantry_deg=gantry, cranial_deg=cranial)
    dataset = dcmread(written(projection)[1])
    assert "ViewPosition" not in dataset and "ViewCodeSequence" not in dataset
    assert (dataset.PositionerPrimaryAngle, dataset.PositionerSecondaryAngle) == (gantry, cranial)
    assert list(dataset.PatientOrientation) == orientation


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "pa.dcm").mkdir()
    with pytest.raises(OSError):
        write_dicom(
            tmp_path / "pa.dcm", np.eye(128, dtype=np.float32), clinical_projection(View.PA), "case", generate_uid()
        )
    assert [path.name for path in tmp_path.iterdir()] == ["pa.dcm"] and not any((tmp_path / "pa.dcm").iterdir())
