"""The main job, as a user runs it: commands in, files out."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from X2CTLib.cards import DEFAULT_MODEL, load_card
from X2CTLib.ct import read_ct
from X2CTLib.framing import frame_radiographs, standard_view
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry, read_sidecar
from X2CTLib.inference import run_model
from X2CTLib.metrics import psnr_volume
from X2CTLib.radiograph import read_radiograph
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.sample import sample_case, sample_ct, sample_drrs
from X2CTLib.weights import load_model

sys.path.append(str(Path(__file__).parent))

from one_chest import save_one_chest_model

PSNR = "PSNR volume, peak 2500 (dB)"
OUTPUT = Path(__file__).parent / "output"


def x2ct(*arguments) -> subprocess.CompletedProcess:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "X2CTLib.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def volume(folder: Path) -> tuple[np.ndarray, sitk.Image]:
    image = sitk.ReadImage(folder / "volume.nrrd")
    return sitk.GetArrayFromImage(image), image


@pytest.fixture(scope="module")
def the_real_case(tmp_path_factory):
    """The folder that `x2ct reconstruct` makes of the sample radiographs."""
    folder = tmp_path_factory.mktemp("real") / "out"
    done = x2ct("reconstruct", "--output", folder)
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder, OUTPUT / "sample", dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def the_drr_case(tmp_path_factory):
    """The same of the radiographs of a CT that no training has seen."""
    folder = tmp_path_factory.mktemp("drr") / "out"
    drrs = sample_drrs()
    pair = "--pa", drrs[View.PA], "--lateral", drrs[View.LATERAL]
    done = x2ct("reconstruct", *pair, "--output", folder, "--uncertainty", 3, "--formats", "nifti", "dicom")
    assert done.returncode == 0, done.stderr
    assert "Trust: The volume, projected again, looks like what was given" in done.stdout
    return folder


def test_the_sample_is_a_real_pair():
    assert sample_case()[View.PA].parent.name == "SampleRadiographs"


def test_everything_promised_is_there(the_real_case):
    names = {str(path.relative_to(the_real_case)) for path in the_real_case.rglob("*") if path.is_file()}
    pictures = {f"renderings/{name}.png" for name in ("pa", "lateral", "oblique", "axial", "coronal", "sagittal")}
    assert names == pictures | {
        "volume.nrrd",
        "pa.png",
        "lateral.png",
        "pa_reprojection.png",
        "lateral_reprojection.png",
        "reconstruction.json",
        "measurements.csv",
        "report.html",
    }


def test_the_volume_is_a_ct_cube_in_hounsfield_units(the_real_case):
    hu, image = volume(the_real_case)
    assert hu.shape == (128, 128, 128) and hu.dtype == np.int16
    assert image.GetSpacing() == (2.5, 2.5, 2.5)
    assert HU_RANGE[0] <= hu.min() and hu.max() <= HU_RANGE[1]
    in_front = hu[32:96, :6]
    assert np.median(in_front) == pytest.approx(-1000, abs=60)
    assert 20 < (hu > -300).mean() * 100 < 70


def test_the_report_says_what_it_is(the_real_case):
    page = (the_real_case / "report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC, not an acquired CT; research use only" in page
    assert page.count("data:image/png;base64,") >= 8
    assert "http://" not in page and "https://" not in page.replace("https://openaccess.thecvf.com", "")


def test_measurements_have_units(the_real_case):
    with (the_real_case / "measurements.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert 1500 < float(rows["Lungs volume"]["value"]) < 9000 and rows["Lungs volume"]["unit"] == "mL"
    assert 180 < float(rows["Inner thoracic width"]["value"]) < 320
    assert "Lungs volume by planimetry" in rows


def test_the_renderings_are_pictures_of_something(the_real_case):
    for path in (the_real_case / "renderings").glob("*.png"):
        gray = sitk.GetArrayFromImage(sitk.ReadImage(path))[..., :3].mean(axis=-1)
        assert gray.std() > 15, path.name


@pytest.mark.parametrize("case", ["the_real_case", "the_drr_case"])
def test_heart_left_spine_behind_lungs_dark(case, request):
    hu, _ = volume(request.getfixturevalue(case))
    middle = hu[40:72]
    left, right = middle[:, 30:70, 68:88].mean(), middle[:, 30:70, 40:60].mean()
    assert left > right + 30, "the heart is on the patient's left"
    spine = middle[:, 80:100, 56:72].mean()
    lungs = min(middle[:, 60:84, 30:44].mean(), middle[:, 60:84, 84:98].mean())
    assert spine > lungs + 400, "the spine lies between the lungs, behind"


def test_a_ct_never_seen_is_reconstructed_better_than_by_the_mean(the_drr_case):
    hu, _ = volume(the_drr_case)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(sample_ct()))
    scores = load_card(DEFAULT_MODEL)["scores"]["sample case"]
    reached = psnr_volume(hu.astype(np.float32), truth.astype(np.float32))
    assert reached > scores["mean volume"][PSNR] + 1.5
    assert reached == pytest.approx(scores["model"][PSNR], abs=0.5)


def test_the_volume_comes_in_other_formats(the_drr_case):
    for path in (the_drr_case / "volume.nii.gz", the_drr_case / "dicom"):
        hu, geometry = read_ct(path)
        assert np.array_equal(hu, volume(the_drr_case)[0])
        assert np.allclose(geometry.ijk_to_lps, VolumeGeometry.cube().ijk_to_lps, atol=1e-4)


def test_drrs_are_trusted_and_real_radiographs_less(the_drr_case, the_real_case):
    drrs, real = (Reconstruction.load(folder).trust for folder in (the_drr_case, the_real_case))
    assert not drrs.low and real.uncertainty is None
    for view in View:
        assert drrs.reprojection_correlations[view] > real.reprojection_correlations[view] > 0.5
        assert drrs.familiarity[view] > 0.1


def test_where_the_volume_changes_it_errs_more(the_drr_case):
    hu, _ = volume(the_drr_case)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(sample_ct())).clip(*HU_RANGE)
    spread = Reconstruction.load(the_drr_case).trust.uncertainty
    error, inside = abs(hu - truth), truth > -900
    steady, moving = (spread <= np.median(spread[inside])) & inside, spread > np.quantile(spread[inside], 0.8)
    assert error[moving & inside].mean() > 1.5 * error[steady].mean()


def test_the_fast_precision_gives_the_same_volume(monkeypatch):
    model, drrs = load_model(), sample_drrs()
    radiographs = {view: read_radiograph(drrs[view], view) for view in View}
    framings = frame_radiographs(radiographs, model.templates)
    views = [standard_view(radiographs[view], framings[view], model.projections[view]) for view in View]
    images = torch.from_numpy(np.stack(views))
    fast = run_model(model, images)
    assert psnr_volume(fast, run_model(model, images, precision="float32")) > 35


def test_drrs_come_with_their_geometry(tmp_path):
    done = x2ct("drr", sample_ct(), "--output", tmp_path / "out", "--pixels", 128)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        f"{view}.{kind}" for view in ("lateral", "pa") for kind in ("dcm", "json", "nrrd", "png")
    ]
    assert read_sidecar(tmp_path / "out" / "pa.json").view is View.PA
    integrals = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "out" / "pa.nrrd"))
    # 20 to 40 cm of soft tissue at 0.02 per mm.
    assert 3 < integrals.max() < 14


def a_text_file(folder: Path) -> Path:
    path = folder / "text.dcm"
    path.write_text("This is not a radiograph.\n" * 100, encoding="utf-8")
    return path


def a_photo(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    colours = np.cumsum(rng.integers(-3, 4, (300, 300, 3)), axis=0).clip(0, 255).astype(np.uint8)
    colours[..., 0] = 255 - colours[..., 0]
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), folder / "photo.png")
    return folder / "photo.png"


def a_ct_slice(folder: Path) -> Path:
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    slice_ = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    slice_.SOPClassUID, slice_.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    slice_.Modality, slice_.PhotometricInterpretation, slice_.SamplesPerPixel = "CT", "MONOCHROME2", 1
    slice_.Rows = slice_.Columns = 256
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 0
    slice_.PixelData = np.random.default_rng(0).integers(0, 3000, (256, 256), dtype=np.uint16).tobytes()
    slice_.save_as(folder / "slice.dcm", enforce_file_format=True)
    return folder / "slice.dcm"


def a_tiny_picture(folder: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), folder / "tiny.png")
    return folder / "tiny.png"


def a_black_picture(folder: Path) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((512, 512), np.uint8)), folder / "black.png")
    return folder / "black.png"


def the_lateral_again(_: Path) -> Path:
    return sample_case()[View.LATERAL]


BAD = [a_text_file, a_photo, a_ct_slice, a_tiny_picture, a_black_picture, the_lateral_again]


@pytest.mark.parametrize("bad", BAD, ids=lambda make: make.__name__)
def test_bad_input_is_said_in_one_line_and_nothing_is_written(bad, tmp_path):
    inputs, results = tmp_path / "in", tmp_path / "results"
    inputs.mkdir()
    results.mkdir()
    path = bad(inputs)
    done = x2ct("reconstruct", "--pa", path, "--lateral", sample_case()[View.LATERAL], "--output", results / "out")
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("x2ct: ")]
    assert len(said) == 1 and path.name in said[0]
    assert "Traceback" not in done.stderr
    assert list(results.iterdir()) == []


def test_a_model_of_two_views_asks_for_the_other_one(tmp_path):
    done = x2ct("reconstruct", "--pa", sample_case()[View.PA], "--output", tmp_path / "out")
    assert done.returncode == 2 and "X2CT-Lift+B needs the lateral radiograph" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_one_view_reconstructs_from_it_alone(tmp_path):
    model, folder = save_one_chest_model(tmp_path / "one_chest.safetensors"), tmp_path / "out"
    done = x2ct("reconstruct", "--pa", sample_drrs()[View.PA], "--model", model, "--output", folder)
    assert done.returncode == 0, done.stderr
    hu, image = volume(folder)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(sample_ct()))
    assert image.GetSpacing() == (2.5, 2.5, 2.5)
    assert np.corrcoef(hu.ravel(), truth.ravel())[0, 1] > 0.85
    assert sitk.ReadImage(folder / "pa.png").GetSize() == (256, 256) and not (folder / "lateral.png").exists()
    assert "estimated from one radiograph" in (folder / "report.html").read_text(encoding="utf-8")


def test_an_unusable_output_is_said(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = x2ct("train", "lean", "--data", "phantoms:1", "--output", tmp_path / "file")
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_help_lists_every_command():
    done = x2ct("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("app", "reconstruct", "batch", "drr", "train", "evaluate"))
