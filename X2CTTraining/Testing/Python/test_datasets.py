import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.errors import InputError
from X2CTLib.phantom import LABELS, make_phantom
from X2CTTrainingLib.datasets import Case, find_sources, gather
from X2CTTrainingLib.experiment import Data
from X2CTTrainingLib.splits import PARTS, Split, read_record, split_cases


@pytest.fixture(scope="module")
def a_body():
    """A phantom, coarse and so quickly made."""
    return make_phantom(0, voxels=64)


@pytest.fixture
def a_folder(a_body, tmp_path):
    """Two good CTs in different folders, a damaged one, and one that is no CT."""
    folder = tmp_path / "cts"
    (folder / "more").mkdir(parents=True)
    image = a_body.geometry.to_image(a_body.hu)
    sitk.WriteImage(image, folder / "good.nii.gz")
    sitk.WriteImage(sitk.Maximum(image, -900), folder / "more" / "other.nrrd")
    (folder / "damaged.nii.gz").write_bytes((folder / "good.nii.gz").read_bytes()[:20000])
    sitk.WriteImage(image * 0, folder / "empty.mha")
    (folder / "notes.txt").write_text("not a CT", encoding="utf-8")
    return folder


def a_case(name: str, patient: str = "", real: bool = True, part: str = "") -> Case:
    return Case(name, patient or name, name, np.zeros((2, 2, 2), np.int16), real, part=part)


def names(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


def test_a_corrupt_ct_among_good_ones_is_named_and_skipped(a_folder, tmp_path):
    cases, skipped = gather([str(a_folder)], tmp_path / "cache")
    assert names(cases) == ["good", "other"]
    assert len(skipped) == 2 and "damaged" in skipped[0] and "empty" in skipped[1]
    assert cases[0].hu.shape == (128, 128, 128) and cases[0].hu.dtype == np.int16


def test_a_list_names_patients_and_parts(a_folder, tmp_path):
    path = a_folder / "list.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["path", "patient", "part"], ["good.nii.gz", "p1", "train"], ["more/other.nrrd", "p2", "test"]]
        )
    cases, _ = gather([str(path)], tmp_path / "cache")
    assert [(case.patient, case.part) for case in cases] == [("p1", "train"), ("p2", "test")]
    split = split_cases(cases, Data())
    assert names(split.train) == ["good"] and names(split.test) == ["other"]


def test_dicom_series_are_cases_and_know_their_patients(a_body, tmp_path):
    for series, identity in (("a/1", "Doe"), ("a/2", "Doe"), ("b/1", "Roe")):
        folder = tmp_path / "dicom" / series
        folder.mkdir(parents=True)
        image = sitk.Cast(a_body.geometry.to_image(a_body.hu), sitk.sitkInt16)
        writer = sitk.ImageFileWriter()
        for k in range(image.GetSize()[2]):
            piece = image[:, :, k]
            position = image.TransformIndexToPhysicalPoint((0, 0, k))
            for tag, value in {
                "0008|0060": "CT",
                "0010|0020": identity,
                "0020|000e": f"1.2.3.{len(series)}.{identity == 'Doe':d}.{series[-1]}",
                "0020|0013": str(k),
                "0020|0032": "\\".join(f"{x:.6f}" for x in position),
                "0020|0037": "1\\0\\0\\0\\1\\0",
            }.items():
                piece.SetMetaData(tag, value)
            writer.KeepOriginalImageUIDOn()
            writer.SetFileName(str(folder / f"{k:03d}.dcm"))
            writer.Execute(piece)
    cases, skipped = gather([str(tmp_path / "dicom")], tmp_path / "cache")
    assert not skipped and names(cases) == ["a-1", "a-2", "b-1"]
    assert cases[0].patient == cases[1].patient != cases[2].patient
    assert "Doe" not in cases[0].patient


def test_cubes_are_prepared_once_and_follow_the_content(a_folder, tmp_path):
    cache = tmp_path / "cache"
    first = gather([str(a_folder / "good.nii.gz")], cache)[0][0]
    written = (cache / first.key / "hu.npy").stat().st_mtime_ns
    moved = tmp_path / "elsewhere.nii.gz"
    (a_folder / "good.nii.gz").rename(moved)
    again = gather([str(moved)], cache)[0][0]
    assert again.key == first.key and (cache / again.key / "hu.npy").stat().st_mtime_ns == written
    image = sitk.ReadImage(str(moved))
    sitk.WriteImage(sitk.Maximum(image, -800), str(moved))
    assert gather([str(moved)], cache)[0][0].key != first.key


def test_a_killed_writer_leaves_nothing_that_is_taken_for_a_cube(tmp_path):
    command = (
        "from pathlib import Path; from X2CTTrainingLib.datasets import gather; gather(['phantoms:3'], Path('cache'))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", command], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 120
    while not any((tmp_path / "cache").glob("*phantom*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cases, _ = gather(["phantoms:2"], tmp_path / "cache")
    for seed, case in enumerate(cases):
        phantom = make_phantom(seed)
        assert np.array_equal(case.hu, phantom.hu) and np.array_equal(case.labels, phantom.labels)


def test_phantoms_know_their_organs(tmp_path):
    (case,), _ = gather(["phantoms:1"], tmp_path)
    assert not case.real
    assert np.median(case.hu[case.labels == LABELS["right lung"]]) < -600
    assert 0 < np.median(case.hu[case.labels == LABELS["liver"]]) < 150


@pytest.mark.parametrize(
    ("source", "seeds"),
    [("phantoms", range(60)), ("phantoms:3", range(3)), ("phantoms:100-101", (100, 101)), ("phantoms:7-7", (7,))],
)
def test_phantoms_are_those_of_their_seeds(source, seeds):
    assert [found.phantom for found in find_sources([source])] == list(seeds)


@pytest.mark.parametrize("source", ["nowhere", "phantoms:many", "phantoms:0", "phantoms:9-8", "list.csv"])
def test_what_is_no_source_is_said(source, tmp_path):
    with pytest.raises(InputError, match=source.split(":")[0]):
        gather([source], tmp_path)


def test_data_without_any_ct_says_what_was_wrong_with_each(a_folder, tmp_path):
    with pytest.raises(InputError, match=r"no CT to work with(.|\n)*damaged"):
        gather([str(a_folder / "damaged.nii.gz")], tmp_path)


def test_no_patient_is_on_both_sides():
    cases = [a_case(f"scan{n}", f"patient{n // 3}") for n in range(60)]
    split = split_cases(cases, Data())
    patients = [{case.patient for case in getattr(split, part)} for part in PARTS]
    assert not patients[0] & patients[1] and not patients[0] & patients[2] and not patients[1] & patients[2]
    assert [len(part) for part in patients] == [17, 1, 2]
    assert len(split.train) + len(split.validation) + len(split.test) == 60


def test_the_split_depends_on_the_seed_and_not_on_the_order():
    cases = [a_case(f"p{n}") for n in range(40)]
    split, shuffled = split_cases(cases, Data()), split_cases(cases[::-1], Data())
    assert set(names(split.test)) == set(names(shuffled.test))
    assert set(names(split.test)) != set(names(split_cases(cases, Data(), seed=1).test))


def test_a_patient_who_is_added_does_not_move_many_others():
    few, more = ([a_case(f"p{n}") for n in range(count)] for count in (40, 41))
    assert len(set(names(split_cases(few, Data()).test)) - set(names(split_cases(more, Data()).test))) <= 1


def test_patients_and_phantoms_are_held_out_in_the_same_shares():
    cases = [a_case(f"p{n}") for n in range(20)] + [a_case(f"f{n}", real=False) for n in range(40)]
    split = split_cases(cases, Data())
    assert sum(case.real for case in split.test) == 2 and sum(not case.real for case in split.test) == 4


def test_one_patient_cannot_be_split():
    with pytest.raises(InputError, match="One patient cannot be both"):
        split_cases([a_case("scan1", "p"), a_case("scan2", "p")], Data())


def test_two_patients_are_enough():
    split = split_cases([a_case("a"), a_case("b")], Data())
    assert len(split.train) == len(split.test) == 1 and not split.validation


def test_a_patient_in_two_parts_of_a_list_is_refused():
    with pytest.raises(InputError, match="p is in both parts, train and test"):
        split_cases([a_case("1", "p", part="train"), a_case("2", "p", part="test")], Data())


def test_the_same_ct_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        split_cases([a_case("1"), a_case("1")], Data())


def test_a_recorded_split_is_found_again(tmp_path):
    cases, _ = gather(["phantoms:3"], tmp_path / "cache")
    split = split_cases(cases, Data())
    split.record(tmp_path)
    again = Split.load(tmp_path, tmp_path / "cache")
    for part in PARTS:
        assert names(getattr(again, part)) == names(getattr(split, part))
    assert np.array_equal(again.test[0].labels, split.test[0].labels) and not again.test[0].real
    with pytest.raises(InputError, match="not in"):
        Split.load(tmp_path, tmp_path / "another")


def test_the_split_is_recorded_and_kept(tmp_path):
    cases = [a_case(f"p{n}") for n in range(20)]
    split = split_cases(cases, Data())
    split.record(tmp_path)
    split.record(tmp_path)
    assert [entry["name"] for entry in read_record(tmp_path)["test"]] == names(split.test)
    with pytest.raises(InputError, match="other data"):
        Split(split.train[1:], split.validation, split.test).record(tmp_path)
