"""Reading radiographs: polarity, side, size and the refusals, on small files made here."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from X2CTLib.canonical import square_pixels, to_canonical
from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError
from X2CTLib.geometry import View, clinical_projection, write_sidecar
from X2CTLib.radiograph import Radiograph, check_views, read_radiograph

ROWS, COLUMNS = 280, 260


def picture(rows=ROWS, columns=COLUMNS, seed=0):
    """A picture in [0, 1] like no mirrored or turned copy of itself; dark at its border."""
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    waves = np.random.default_rng(seed).uniform(1, 5, (6, 2))
    image = sum(np.sin(2 * np.pi * (a * y + b * x) + a) for a, b in waves)
    image = (image - image.min()) / np.ptp(image)
    return (image * np.clip(8 * np.minimum.reduce([x, y, 1 - x, 1 - y]), 0, 1)).astype(np.float32)


def stored(image=None):
    """12 bit values."""
    return np.round((picture() if image is None else image) * 4095).astype(np.uint16)


def dicom(values, **attributes):
    """A CR image of a chest."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "CR", "CHEST", "PA"
    dataset.PatientID, dataset.PatientName, dataset.StudyInstanceUID = "4711", "Doe^Jane", "1.2.3"
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = values.tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def written(tmp_path):
    """Write a DICOM, and read it as a radiograph."""

    def write_and_read(dataset, name="image.dcm", view=None):
        dataset.save_as(tmp_path / name, enforce_file_format=True)
        return read_radiograph(tmp_path / name, view)

    return write_and_read


def refusal(path, view=None):
    with pytest.raises(InputError) as error:
        read_radiograph(path, view)
    assert path.name in str(error.value)
    return str(error.value)


def test_polarity_is_inverted_once(written):
    plain = written(dicom(stored()))
    inverse = written(dicom(4095 - stored(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"))
    np.testing.assert_allclose(plain.pixels, picture(), atol=1e-3)
    np.testing.assert_allclose(inverse.pixels, plain.pixels, atol=1e-6)
    assert inverse.view is plain.view is View.PA
    assert not any("disagree" in note for note in inverse.notes)


def test_contradictory_polarity_is_noted(written):
    notes = written(dicom(stored(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="IDENTITY")).notes
    assert any("disagree" in note for note in notes)


def test_rescale_comes_before_the_window(written):
    windowed = written(dicom(stored(), RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=2000, WindowWidth=4000))
    expected = np.clip((picture() * 8190 - 1000) / 4000, 0, 1)
    np.testing.assert_allclose(windowed.pixels, expected, atol=2e-3)


def test_a_voi_lut_is_applied(written):
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 16]
    lut.LUTData = (np.sqrt(np.arange(4096) / 4095) * 65535).astype("<u2").tobytes()
    lut["LUTDescriptor"].VR, lut["LUTData"].VR = "US", "OW"
    curved = written(dicom(stored(), VOILUTSequence=[lut]))
    np.testing.assert_allclose(curved.pixels, np.sqrt(picture()), atol=0.02)


@pytest.mark.parametrize(("centre", "width"), [(1e6, 10), (2000, 0)])
def test_a_useless_window_is_ignored(written, centre, width):
    radiograph = written(dicom(stored(), WindowCenter=centre, WindowWidth=width))
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=1e-3)
    assert any("window" in note for note in radiograph.notes)


def test_padding_is_black(written):
    values = stored()
    values[:20] = 4000
    values[20:][values[20:] == 4000] = 3999
    radiograph = written(dicom(values, PixelPaddingValue=4000, PhotometricInterpretation="MONOCHROME1"))
    assert not radiograph.pixels[:20].any()


@settings(max_examples=12, deadline=None)
@given(
    sides=st.sampled_from([("L", "F"), ("P", "F")]),
    flip_rows=st.booleans(),
    flip_columns=st.booleans(),
    transpose=st.booleans(),
)
def test_any_stored_orientation_becomes_canonical(sides, flip_rows, flip_columns, transpose):
    opposite = {"L": "R", "P": "A", "F": "H"}
    image, (columns_to, rows_to) = picture(40, 30), sides
    turned = image
    if flip_rows:
        turned, rows_to = turned[::-1], opposite[rows_to]
    if flip_columns:
        turned, columns_to = turned[:, ::-1], opposite[columns_to]
    if transpose:
        turned, columns_to, rows_to = turned.T, rows_to, columns_to
    canonical, view = to_canonical(turned, columns_to, rows_to)
    np.testing.assert_array_equal(canonical, image)
    assert view is (View.PA if sides[0] == "L" else View.LATERAL)


def test_patient_orientation_is_followed_and_field_of_view_flip_is_not_repeated(written):
    mirrored = dicom(stored(picture()[:, ::-1]), PatientOrientation=["R", "F"], FieldOfViewHorizontalFlip="YES")
    radiograph = written(mirrored)
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=1e-3)
    assert radiograph.oriented and any("mirrored" in note for note in radiograph.notes)
    silent = written(dicom(stored(), FieldOfViewHorizontalFlip="YES", FieldOfViewRotation=180))
    np.testing.assert_allclose(silent.pixels, picture(), atol=1e-3)
    assert not silent.oriented and any("taken as upright" in note for note in silent.notes)


def test_a_lateral_faces_left(written):
    lateral = written(dicom(stored(picture()[:, ::-1]), ViewPosition="LL", PatientOrientation=["A", "FL"]))
    assert lateral.view is View.LATERAL
    np.testing.assert_allclose(lateral.pixels, picture(), atol=1e-3)


def test_an_orientation_that_contradicts_the_view_is_not_followed(written):
    radiograph = written(dicom(stored(), PatientOrientation=["A", "F"]))
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=1e-3)
    assert radiograph.view is View.PA and any("does not fit" in note for note in radiograph.notes)


@pytest.mark.parametrize(
    ("position", "code", "view"),
    [
        ("PA", None, View.PA),
        ("AP", None, View.PA),
        ("LL", None, View.LATERAL),
        ("RL", None, View.LATERAL),
        ("", "272479007", View.PA),
        ("", "R-10236", View.LATERAL),
        ("", None, None),
        ("LLO", None, None),
    ],
)
def test_the_view_is_read(written, position, code, view):
    dataset = dicom(stored(), ViewPosition=position)
    if code:
        item = Dataset()
        item.CodeValue = code
        dataset.ViewCodeSequence = [item]
    radiograph = written(dataset)
    assert radiograph.view is view
    assert any("AP view" in note for note in radiograph.notes) == (position == "AP")
    assert any("neither" in note for note in radiograph.notes) == (position == "LLO")


def test_the_callers_view_fills_in_but_does_not_overrule(written):
    assert written(dicom(stored(), ViewPosition=""), view=View.LATERAL).view is View.LATERAL
    assert written(dicom(stored()), view=View.LATERAL).view is View.PA


@pytest.mark.parametrize(
    ("attributes", "pixel_mm"),
    [
        ({"PixelSpacing": [1.2, 1.2], "PixelSpacingCalibrationType": "FIDUCIAL"}, 1.2),
        ({"PixelSpacing": [1.2, 1.2], "ImagerPixelSpacing": [1.4, 1.4]}, 1.2),
        ({"ImagerPixelSpacing": [1.4, 1.4], "EstimatedRadiographicMagnificationFactor": 1.25}, 1.12),
        (
            {"ImagerPixelSpacing": [1.4, 1.4], "DistanceSourceToDetector": 1800, "DistanceSourceToPatient": 1500},
            1.4 * 1500 / 1800,
        ),
        ({"ImagerPixelSpacing": [1.4, 1.4], "DistanceSourceToDetector": 1500}, 1.4 * 1320 / 1500),
        ({"ImagerPixelSpacing": [1.4, 1.4]}, 1.4 / clinical_projection(View.PA).magnification),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": [0.01, 0.01]}, None),
        ({}, None),
    ],
)
def test_the_pixel_size_is_that_of_the_patient(written, attributes, pixel_mm):
    radiograph = written(dicom(stored(), **attributes))
    assert radiograph.pixel_mm == (None if pixel_mm is None else pytest.approx(pixel_mm))
    assert any("pixel size" in note for note in radiograph.notes)


def test_oblong_pixels_become_square(written):
    tall = stored(picture(ROWS, COLUMNS // 2))
    attributes = {"PixelSpacing": [1.2, 2.4], "PixelSpacingCalibrationType": "GEOMETRY"}
    radiograph = written(dicom(tall, **attributes))
    assert radiograph.pixels.shape == (ROWS, COLUMNS) and radiograph.pixel_mm == pytest.approx(1.2)
    assert np.corrcoef(radiograph.pixels.ravel(), picture().ravel())[0, 1] > 0.99


def test_squaring_keeps_a_ramp_in_place():
    ramp = np.tile(np.arange(8, dtype=np.float32), (6, 1))
    square = square_pixels(ramp, row_mm=1.0, column_mm=2.0)
    np.testing.assert_allclose(square[3], np.clip(np.arange(16) / 2 - 0.25, 0, 7), atol=1e-5)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_images_are_the_same(written, syntax):
    compressed = dicom(stored())
    compressed.compress(syntax)
    np.testing.assert_array_equal(written(compressed).pixels, written(dicom(stored())).pixels)


def test_identity_is_hashed(written):
    radiograph = written(dicom(stored()))
    assert radiograph.source == "image.dcm"
    kept = json.dumps([radiograph.notes, radiograph.patient, radiograph.study, radiograph.source])
    assert not any(secret in kept.upper() for secret in ("4711", "DOE", "JANE", "1.2.3"))
    assert len(radiograph.patient) == len(radiograph.study) == 64
    assert radiograph.patient == written(dicom(stored(picture(seed=1)))).patient
    assert radiograph.patient != written(dicom(stored(), PatientID="4712")).patient
    assert written(dicom(stored(), PatientID="", PatientName="", StudyInstanceUID="")).patient is None


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Modality": "CT"}, "modality is CT"),
        ({"Modality": "MR"}, "modality is MR"),
        ({"BodyPartExamined": "HAND"}, "another part of the body: HAND"),
        ({"NumberOfFrames": 2, "Rows": ROWS // 2}, "2 frames"),
        ({"PixelData": b"\0\0"}, "cannot be decoded"),
    ],
)
def test_other_dicoms_are_refused(tmp_path, attributes, reason):
    dicom(stored(), **attributes).save_as(tmp_path / "image.dcm", enforce_file_format=True)
    assert reason in refusal(tmp_path / "image.dcm")


def test_dicom_without_an_image_is_refused(tmp_path):
    dataset = dicom(stored())
    del dataset.PixelData
    dataset.save_as(tmp_path / "report", enforce_file_format=True)
    assert "without an image" in refusal(tmp_path / "report")


@pytest.mark.parametrize("name", ["note.dcm", "note.txt", "note.png", "note", "note.nii.gz", "note.nrrd"])
@pytest.mark.parametrize("content", [b"", b"This is no radiograph.\n" * 30, bytes(range(256)) * 20])
def test_what_is_no_image_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert len(refusal(tmp_path / name).splitlines()) == 1


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 1500), junk=st.binary(min_size=1, max_size=40))
def test_damaged_dicom_is_read_or_refused(tmp_path_factory, at, junk):
    path = tmp_path_factory.mktemp("damaged") / "image.dcm"
    dicom(stored(picture(70, 70))).save_as(path, enforce_file_format=True)
    content = bytearray(path.read_bytes())
    content[at : at + len(junk)] = junk
    path.write_bytes(content)
    try:
        assert read_radiograph(path).pixels.dtype == np.float32
    except InputError as error:
        assert path.name in str(error)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no file" in refusal(tmp_path / "nothing.png")
    assert "is a folder" in refusal(tmp_path)


def write(path, array, spacing=None, vector=False):
    image = sitk.GetImageFromArray(array, isVector=vector)
    if spacing:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, path)
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".nrrd", ".nii.gz", ".mha"])
def test_pictures_of_both_depths_are_read(tmp_path, suffix, kind):
    values = (picture() * np.iinfo(kind).max).astype(kind)
    radiograph = read_radiograph(write(tmp_path / f"image{suffix}", values), View.LATERAL)
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=0.01)
    assert radiograph.view is View.LATERAL and radiograph.pixels.dtype == np.float32


def test_jpeg_is_read(tmp_path):
    radiograph = read_radiograph(write(tmp_path / "image.jpg", (picture() * 255).astype(np.uint8)))
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=0.1)
    assert radiograph.view is None


def test_spacing_is_that_of_medical_images_only(tmp_path):
    values = stored()
    assert read_radiograph(write(tmp_path / "a.nrrd", values, (1.2, 1.2))).pixel_mm == pytest.approx(1.2)
    assert read_radiograph(write(tmp_path / "a.nii", values, (1.2, 1.2))).pixel_mm == pytest.approx(1.2)
    assert read_radiograph(write(tmp_path / "a.nrrd", values, (9.0, 9.0))).pixel_mm is None
    assert read_radiograph(write(tmp_path / "a.png", values, (1.2, 1.2))).pixel_mm is None


def test_a_slice_in_space_is_turned(tmp_path):
    image = sitk.GetImageFromArray(stored()[None, ::-1])
    image.SetSpacing([1.2, 1.2, 1.0])
    image.SetDirection([0, 0, -1, 1, 0, 0, 0, 1, 0])  # columns to posterior, rows to superior
    sitk.WriteImage(image, tmp_path / "image.nrrd")
    radiograph = read_radiograph(tmp_path / "image.nrrd")
    assert radiograph.view is View.LATERAL and radiograph.oriented
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=1e-3)


def test_a_sidecar_tells_view_and_size(tmp_path):
    projection = clinical_projection(View.LATERAL, ROWS)
    path = write(tmp_path / "drr.png", stored(picture(ROWS, ROWS)))
    write_sidecar(tmp_path / "drr.json", projection)
    radiograph = read_radiograph(path)
    assert radiograph.view is View.LATERAL and radiograph.oriented
    assert radiograph.pixel_mm == pytest.approx(320 / ROWS)
    assert radiograph.isocentre == ((ROWS - 1) / 2, (ROWS - 1) / 2)
    assert not any("oblique" in note for note in radiograph.notes)
    write_sidecar(tmp_path / "drr.json", replace(projection, gantry_deg=15.0))
    assert any("oblique" in note for note in read_radiograph(path).notes)


def test_grey_in_colour_is_read_and_a_photo_refused(tmp_path):
    grey = (picture() * 255).astype(np.uint8)
    radiograph = read_radiograph(write(tmp_path / "grey.png", np.stack([grey] * 3, axis=-1), vector=True))
    np.testing.assert_allclose(radiograph.pixels, picture(), atol=0.01)
    assert any("read as grey" in note for note in radiograph.notes)
    photo = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    assert "in colour" in refusal(write(tmp_path / "photo.png", photo, vector=True))
    colours = dicom(photo, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8)
    colours.BitsStored, colours.HighBit = 8, 7
    colours.save_as(tmp_path / "photo.dcm", enforce_file_format=True)
    assert "in colour" in refusal(tmp_path / "photo.dcm")


def test_a_volume_is_refused(tmp_path):
    assert "is a volume" in refusal(write(tmp_path / "ct.nii.gz", np.zeros((3, 70, 70), np.int16)))


def test_small_and_blank_pictures_are_refused(tmp_path):
    assert "at least 64" in refusal(write(tmp_path / "small.png", stored(picture(63, 200))))
    assert any("detail" in note for note in read_radiograph(write(tmp_path / "a.png", stored(picture(80, 80)))).notes)
    for value in (0, 65535):
        assert "blank" in refusal(write(tmp_path / "blank.png", np.full((300, 300), value, np.uint16)))
    not_a_number = write(tmp_path / "nan.nrrd", np.full((300, 300), np.nan, np.float32))
    assert "blank" in refusal(not_a_number)


def test_a_white_frame_is_blanked(tmp_path):
    framed = picture() * 0.9
    framed[:, :12] = 1
    framed[-9:] = 1
    framed[-1] = 0  # a dark line outside of the frame
    radiograph = read_radiograph(write(tmp_path / "framed.png", stored(framed)))
    assert not radiograph.pixels[:, :12].any() and not radiograph.pixels[-9:].any()
    np.testing.assert_allclose(radiograph.pixels[:-9, 12:], framed[:-9, 12:], atol=1e-3)
    assert any("white frame" in note for note in radiograph.notes)


def test_letters_and_burnt_out_parts_are_noted(tmp_path):
    lettered = picture() * 0.6
    lettered[10:26, 12:15] = lettered[23:26, 12:22] = 1
    assert any("letters" in note for note in read_radiograph(write(tmp_path / "a.png", stored(lettered))).notes)
    plain = read_radiograph(write(tmp_path / "b.png", stored()))
    assert not any("letters" in note or "white" in note for note in plain.notes)
    burnt = np.minimum(2 * picture(), 1)
    assert any("pure white" in note for note in read_radiograph(write(tmp_path / "c.png", stored(burnt))).notes)


def radiograph(seed=0, **attributes):
    return Radiograph(picture(seed=seed), source=f"{seed}.png", **attributes)


@pytest.mark.parametrize(
    "copy",
    [
        lambda p: p,
        lambda p: p[:, ::-1],
        lambda p: np.rot90(p),
        lambda p: 1 - p,
        lambda p: 0.5 * p**1.3,
        lambda p: sitk.GetArrayFromImage(sitk.BinShrink(sitk.GetImageFromArray(p), [2, 2])),
        lambda p: np.kron(p, np.ones((2, 3), np.float32)),
    ],
    ids=["same", "mirrored", "turned", "inverted", "other window", "smaller", "larger"],
)
def test_copies_are_not_a_pair(copy):
    other = Radiograph(np.ascontiguousarray(copy(picture())), View.LATERAL, source="copy.png")
    with pytest.raises(InputError, match="the same picture"):
        check_views({View.PA: radiograph(), View.LATERAL: other})


def test_views_must_be_in_their_places():
    pa, lateral = radiograph(0, view=View.PA), radiograph(1, view=View.LATERAL)
    assert check_views({View.PA: pa, View.LATERAL: lateral}) == []
    assert check_views({View.PA: radiograph(0), View.LATERAL: radiograph(1)}) == []
    assert check_views({View.PA: pa}) == check_views({View.LATERAL: lateral}) == []
    with pytest.raises(InputError, match="Swap them"):
        check_views({View.PA: lateral, View.LATERAL: pa})
    with pytest.raises(InputError, match="Give the lateral"):
        check_views({View.PA: pa, View.LATERAL: radiograph(1, view=View.PA)})
    with pytest.raises(InputError, match="Give the PA"):
        check_views({View.PA: lateral})


@pytest.mark.parametrize(
    ("one", "other", "warning"),
    [
        ({"patient": "a"}, {"patient": "b"}, "different patients"),
        ({"patient": "a", "study": "a"}, {"patient": "a", "study": "b"}, "different studies"),
        ({"pixel_mm": 0.5}, {}, "The pixel size of 0.png is known"),
        ({"patient": "a"}, {}, None),
    ],
)
def test_doubtful_pairs_are_warned_of(one, other, warning):
    warnings = check_views({View.PA: radiograph(0, **one), View.LATERAL: radiograph(1, **other)})
    assert len(warnings) == (warning is not None)
    assert all(warning in text for text in warnings)


def mostly_white():
    return np.where(np.arange(COLUMNS) < 0.7 * COLUMNS, 1.0, picture())


@pytest.mark.parametrize(
    ("image", "attributes", "objection"),
    [
        (picture(), {"Modality": "CT"}, "modality is CT"),
        (picture(), {"BodyPartExamined": "HAND"}, "another part of the body: HAND"),
        (picture(), {"PatientAge": "017Y"}, "a child of 17 years"),
        (picture(), {"PatientAge": "018M"}, "a child of 1.5 years"),
        (picture(), {"PatientBirthDate": "20100101", "StudyDate": "20200101"}, "a child of 10 years"),
        (picture(40, 200), {}, "at least 64"),
        (np.round(picture() * 7) / 7, {}, "blank, or nearly so"),
        (mostly_white(), {}, "pure white"),
        (picture() ** 40, {}, "pure black"),
    ],
)
def test_what_speaks_against_a_radiograph_can_be_overridden_and_is_noted(tmp_path, image, attributes, objection):
    path = tmp_path / "image.dcm"
    dicom(stored(image), **attributes).save_as(path, enforce_file_format=True)
    assert objection in refusal(path)
    kept = read_radiograph(path, override=True)
    assert any(objection in words for words in kept.objections)
    with pytest.raises(InputError, match=objection):
        check_views({View.PA: kept})
    notes = check_views({View.PA: kept}, override=True)
    assert any(note.startswith("Overridden: image.dcm") and objection in note for note in notes)


@pytest.mark.parametrize("age", [{"PatientAge": "018Y"}, {"PatientAge": "old"}, {"PatientBirthDate": "20200101"}, {}])
def test_adults_and_unknown_ages_pass(written, age):
    assert written(dicom(stored(), **age)).objections == []


def test_a_photo_can_be_overridden_but_not_what_shows_nothing(tmp_path):
    grey = (picture() * 255).astype(np.uint8)
    photo = write(tmp_path / "photo.png", np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1), vector=True)
    assert "in colour" in read_radiograph(photo, override=True).objections[0]
    for name, values in {"flat": np.full((300, 300), 7, np.uint8), "sliver": grey[:5]}.items():
        with pytest.raises(InputError, match=name):
            read_radiograph(write(tmp_path / f"{name}.png", values), override=True)


def test_a_correction_may_set_right_what_is_objected_to(tmp_path):
    path = write(tmp_path / "white.png", stored(mostly_white()))
    kept = read_radiograph(path, View.PA, override=True)
    assert "pure white" in kept.objections[0]
    assert kept.corrected(Correction(crop=(0.7, 0, 0, 0))).objections == []
    assert "at least 64" in kept.corrected(Correction(crop=(0.7, 0, 0.1, 0))).objections[0]


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 90),
    columns=st.integers(1, 90),
    kind=st.sampled_from([np.uint8, np.int16, np.float32]),
    seed=st.integers(0, 99),
    crop=st.tuples(*[st.floats(0, 0.44)] * 4),
)
def test_whatever_is_read_with_override_is_a_picture(tmp_path_factory, rows, columns, kind, seed, crop):
    """Any bytes as pixels, infinite and undefined ones among them."""
    junk = np.random.default_rng(seed).bytes(rows * columns * np.dtype(kind).itemsize)
    path = tmp_path_factory.mktemp("junk") / "junk.nrrd"
    write(path, np.frombuffer(junk, kind).reshape(rows, columns))
    try:
        pixels = read_radiograph(path, override=True).corrected(Correction(crop=crop)).pixels
    except InputError as error:
        assert "junk.nrrd" in str(error)
        return
    assert pixels.dtype == np.float32 and pixels.min() == 0 and pixels.max() == 1 and min(pixels.shape) >= 8
