"""Which radiographs belong together: by names, by folders, by DICOM attributes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.pairing import find_pairs, view_in_words
from X2CTLib.sample import sample_case, sample_drrs


def pictures(folder: Path, *names: str) -> Path:
    """Files that are only looked at by name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a picture")
    return folder


def radiograph(path: Path, **attributes) -> Path:
    """A DICOM file of a chest, without pixels."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.BodyPartExamined, dataset.Rows, dataset.Columns = "DX", "CHEST", 2000, 2000
    dataset.PatientID, dataset.PatientName, dataset.StudyInstanceUID = "4711", "Doe^Jane", "1.2.3"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def found(pairs) -> dict[str, dict[str, str]]:
    return {pair.name: {view: path.name for view, path in pair.files.items()} for pair in pairs}


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("case_PA", "PA"),
        ("ap-12", "PA"),
        ("Chest Frontal", "PA"),
        ("07.lat", "LATERAL"),
        ("LL", "LATERAL"),
        ("side2", "LATERAL"),
        ("patient", None),
        ("lateralised", None),
        ("CHEST PA AND LATERAL", None),
        ("Päpa", None),
    ],
)
def test_views_are_whole_words(text, view):
    assert view_in_words(text) == view


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["a_pa.png", "a_lateral.png", "b-AP.jpg", "b-LAT.jpg"], {"a": "PL", "b": "PL"}),
        (["7/front.png", "7/side.png", "10/pa.tif", "10/rl.tif"], {"7": "PL", "10": "PL"}),
        (["pa/1.png", "pa/2.png", "Lateral/1.png", "Lateral/2.png"], {"1": "PL", "2": "PL"}),
        (["x/PA/im1.png", "x/LL/im2.png"], {"x-im1": "PL"}),
        (["a_pa.png", "b_lateral.png"], {"a": "P", "b": "L"}),
        (["a_pa.png", "a.png"], {"a": "PL"}),
        (["a_1_pa.png", "a_2_lateral.png", "a_3_lateral.png"], {"a_1": "P", "a_2": "L", "a_3": "L"}),
        (["one/a_pa.png", "two/a_lateral.png"], {"one-a": "P", "two-a": "L"}),
        (["a_pa.nii.gz", "a_lateral.nii.gz", ".hidden_pa.png", "a.txt"], {"a": "PL"}),
    ],
)
def test_pictures_are_paired_by_names_and_folders(tmp_path, names, pairs):
    result = {pair.name: "".join(view[0] for view in pair.files) for pair in find_pairs(pictures(tmp_path, *names))}
    assert result == pairs
    assert list(result) == list(pairs), "in the order of their numbers"


def test_a_pair_of_doubtful_names_says_so(tmp_path):
    (pair,) = find_pairs(pictures(tmp_path, "im1_pa.png", "im2_lateral.png"))
    assert "may not belong together" in pair.notes[0] and "im2_lateral.png" in pair.notes[0]


def test_two_files_are_meant_as_a_pair(tmp_path):
    pictures(tmp_path, "here/jane_pa.png", "there/john_side.png", "there/jane.png")
    (pair,) = find_pairs([tmp_path / "here" / "jane_pa.png", tmp_path / "there" / "john_side.png"])
    assert set(pair.files) == {"PA", "LATERAL"} and "may not belong together" in pair.notes[0]
    (pair,) = find_pairs([tmp_path / "here" / "jane_pa.png", tmp_path / "there" / "jane.png"])
    assert pair.files["LATERAL"].name == "jane.png" and any("nothing says its view" in note for note in pair.notes)


@pytest.mark.parametrize("names", [("a.png", "b.png"), ("b.png", "a.png")])
@pytest.mark.parametrize("sample", [sample_case, sample_drrs])
@pytest.mark.parametrize("folder", [False, True], ids=["files", "folder"])
def test_two_files_that_say_nothing_are_told_apart_by_symmetry(tmp_path, sample, names, folder):
    for name, picture in zip(names, (sample()[View.PA], sample()[View.LATERAL]), strict=True):
        shutil.copy(picture, tmp_path / name)
    (pair,) = find_pairs(tmp_path if folder else sorted(tmp_path.iterdir()))
    assert [path.name for path in pair.files.values()] == list(names) and list(pair.files) == ["PA", "LATERAL"]
    assert f"{names[0]} is taken for PA" in pair.notes[0] and "swap" in pair.notes[0].lower()


def test_two_files_that_cannot_be_looked_at_are_still_a_pair(tmp_path):
    """Whoever reads them says what is wrong with them."""
    (pair,) = find_pairs(pictures(tmp_path, "1.png", "2.png"))
    assert [path.name for path in pair.files.values()] == ["1.png", "2.png"]


def test_a_lone_file_that_says_nothing_goes_where_there_is_room(tmp_path):
    pictures(tmp_path, "u.png", "v.png", "w.png")
    (pair,) = find_pairs([tmp_path / "u.png"], wanted=["LATERAL", "PA"])
    assert list(pair.files) == ["LATERAL"] and "taken for lateral" in pair.notes[0]
    with pytest.raises(InputError, match="nothing says"):
        find_pairs(tmp_path, wanted=["PA"])


def test_folders_given_by_view_are_one_place(tmp_path):
    pictures(tmp_path, "pa/1.png", "lateral/1.png")
    assert found(find_pairs([tmp_path / "pa", tmp_path / "lateral"])) == {"1": {"PA": "1.png", "LATERAL": "1.png"}}


def test_nothing_is_dropped_silently(tmp_path):
    pictures(tmp_path, "a_pa.png", "a_ap.png", "a_lateral.png", "broken.dcm", *(f"u{n}.png" for n in range(7)))
    radiograph(tmp_path / "ct.dcm", Modality="CT")
    radiograph(tmp_path / "hip", BodyPartExamined="HIP")
    (pair,) = find_pairs(tmp_path)
    assert found([pair]) == {"a": {"PA": "a_pa.png", "LATERAL": "a_lateral.png"}}
    notes = "\n".join(pair.notes)
    assert "a_ap.png is left out; a_pa.png is used." in notes
    assert "u0.png, u1.png, u2.png, u3.png, u4.png and 2 more (nothing says" in notes
    assert "ct.dcm (no radiograph, but CT)" in notes and "hip (another part of the body, HIP)" in notes
    assert "broken.dcm" in notes


def test_dicom_is_paired_by_study_and_named_after_nobody(tmp_path):
    radiograph(tmp_path / "DICOMDIR", ViewPosition="PA")
    for number, study in enumerate(("1.2.3", "1.2.4")):
        patient = {"PatientID": str(number), "StudyInstanceUID": study}
        radiograph(tmp_path / f"DOE_JANE{number}/IM1", ViewPosition="PA", **patient)
        radiograph(tmp_path / f"DOE_JANE{number}/sub/IM2", ViewPosition="LL", **patient)
    pairs = find_pairs(tmp_path)
    assert found(pairs) == {f"study-{n}": {"PA": "IM1", "LATERAL": "IM2"} for n in (1, 2)}
    assert all(len({path.parents[-1 - len(tmp_path.parts)] for path in p.files.values()}) == 1 for p in pairs)
    assert not any(pair.notes for pair in pairs)


def test_of_several_frontals_the_newest_pa_is_used(tmp_path):
    radiograph(tmp_path / "ap.dcm", ViewPosition="AP", AcquisitionDate="20240103")
    radiograph(tmp_path / "old.dcm", ViewPosition="PA", AcquisitionDate="20240101", AcquisitionTime="235959")
    radiograph(tmp_path / "new.dcm", ViewPosition="PA", AcquisitionDate="20240102", AcquisitionTime="0001")
    raw = {"PresentationIntentType": "FOR PROCESSING", "AcquisitionDate": "20240104"}
    radiograph(tmp_path / "raw.dcm", ViewPosition="PA", **raw)
    (pair,) = find_pairs(tmp_path)
    assert pair.files == {"PA": tmp_path / "new.dcm"}
    assert [note.split()[0] for note in pair.notes] == ["old.dcm", "ap.dcm", "raw.dcm"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"SeriesDescription": "Thorax lat."},
        {"ProtocolName": "CHEST LATERAL"},
        {"PatientOrientation": ["A", "F"]},
        {},
    ],
    ids=lambda attributes: next(iter(attributes), "the missing one"),
)
def test_a_view_that_is_not_stated_is_told_by_what_is(tmp_path, attributes):
    radiograph(tmp_path / "1.dcm", ViewPosition="PA")
    radiograph(tmp_path / "2.dcm", **attributes)
    (pair,) = find_pairs(tmp_path)
    assert pair.files["LATERAL"].name == "2.dcm"
    assert any("nothing says its view" in note for note in pair.notes) == (not attributes)


def test_studies_of_one_patient_are_joined_where_each_has_one_view(tmp_path):
    radiograph(tmp_path / "1.dcm", ViewPosition="PA")
    radiograph(tmp_path / "2.dcm", ViewPosition="LL", StudyInstanceUID="1.2.9")
    radiograph(tmp_path / "3.dcm", ViewPosition="LL", StudyInstanceUID="1.2.8", PatientID="0815")
    pairs = find_pairs(tmp_path)
    assert [len(pair.files) for pair in pairs] == [2, 1]
    assert "may not belong together" in pairs[0].notes[0]


def test_where_there_is_nothing_it_is_said(tmp_path):
    with pytest.raises(InputError, match="no file or folder"):
        find_pairs(tmp_path / "missing")
    with pytest.raises(InputError, match="no radiograph of a known view"):
        find_pairs(tmp_path)
    with pytest.raises(InputError, match="nothing says"):
        find_pairs(pictures(tmp_path, "u.png"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12), max_size=4))
def test_names_of_pairs_are_names_of_folders(tmp_path_factory, stems):
    """Whatever files are called, each pair gets a name of its own that is one folder's and not hidden."""
    folder = tmp_path_factory.mktemp("names")
    pictures(
        folder, "pa.png", *(f"{stem}_{view}.png" for stem in stems for view in ("pa", "lateral") if stem[0] != ".")
    )
    names = [pair.name for pair in find_pairs(folder)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(name and "/" not in name and name[0] != "." for name in names)


def test_pairing_needs_no_package_that_slicer_lacks():
    library = Path(__file__).parents[2]
    code = "import sys, X2CTLib.pairing; print({'torch', 'pydicom', 'jaxtyping'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=library, capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "set()", done.stderr
