"""`x2ct drr` from its arguments to its files, on small chests."""

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from X2CTLib import drr_command
from X2CTLib.cli import main
from X2CTLib.drr_files import write_drrs
from X2CTLib.errors import Cancelled
from X2CTLib.geometry import View, clinical_projection, read_sidecar
from X2CTLib.progress import CancelToken
from X2CTLib.radiograph import check_views, read_radiograph


@pytest.fixture
def a_ct(tmp_path, a_chest, monkeypatch):
    monkeypatch.setattr(drr_command, "FINE_VOXELS", 64)
    sitk.WriteImage(a_chest.geometry.to_image(a_chest.hu), tmp_path / "chest.one.nrrd")
    return tmp_path / "chest.one.nrrd"


@pytest.fixture
def drr(a_ct, tmp_path, capsys):
    """Run the command with small detectors; gives its output folder, or what it complains about."""

    def run(*options, cts=(a_ct,)):
        arguments = ["drr", *map(str, cts), "--output", str(tmp_path / "out"), *map(str, options)]
        if "--pixels" not in options:
            arguments += ["--pixels", "96"]
        code = main(arguments)
        assert code in (0, 2)
        return tmp_path / "out" if code == 0 else capsys.readouterr().err

    return run


def values(path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


def test_all_formats_show_the_same_two_views(drr):
    folder = drr()
    assert {path.suffix for path in folder.iterdir()} == {".png", ".nrrd", ".dcm", ".json"}
    for name in ("pa", "lateral"):
        pictures = [read_radiograph(folder / f"{name}.{suffix}").pixels for suffix in ("png", "nrrd", "dcm")]
        correlation = np.corrcoef([picture.ravel() for picture in pictures])
        assert correlation.min() > 0.98
    assert check_views({view: read_radiograph(folder / f"{view.name.lower()}.dcm") for view in View}) == []


def test_a_free_geometry_is_as_asked(drr):
    folder = drr(
        *("--view", "pa", "--format", "nrrd", "--sid", 1500, "--sad", 1200, "--detector-mm", 400, 300, "--pixels", 80),
        *("--angle", 20, "--cranial", -10, "--isocentre", 5, -5, 10),
    )
    assert sorted(path.name for path in folder.iterdir()) == ["pa.json", "pa.nrrd"]
    projection = read_sidecar(folder / "pa.json")
    assert (projection.sid_mm, projection.sad_mm, projection.pixel_mm) == (1500, 1200, 5)
    assert (projection.gantry_deg, projection.cranial_deg, projection.isocentre_lps) == (20, -10, (5, -5, 10))
    assert values(folder / "pa.nrrd").shape == (projection.rows, projection.columns) == (60, 80)


def test_an_exposure_fogs_hardens_and_is_repeatable(drr):
    plain = values(drr("--format", "nrrd") / "pa.nrrd")
    options = ("--format", "nrrd", "dicom", "--kvp", 90, "--scatter", 1, "--photons", 1e5, "--blur", 1, "--seed", 3)
    exposed = values(drr(*options) / "pa.nrrd")
    again = drr(*options)
    assert np.array_equal(exposed, values(again / "pa.nrrd")) and dcmread(again / "pa.dcm").KVP == 90
    assert np.percentile(exposed, 99) < np.percentile(plain, 99)
    assert np.isfinite(exposed).all()


def test_several_cts_get_a_folder_each_and_a_bad_one_does_not_stop_the_others(drr, a_ct, tmp_path):
    (tmp_path / "text.nrrd").write_text("no image", encoding="utf-8")
    second = tmp_path / "second.nrrd"
    second.write_bytes(a_ct.read_bytes())
    complaint = drr("--format", "png", cts=(a_ct, tmp_path / "text.nrrd", second))
    assert "2 of 3" in complaint and "text.nrrd" in complaint
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["chest", "second"]
    assert (tmp_path / "out" / "second" / "lateral.png").is_file()


def test_cts_of_one_name_are_refused_before_anything_is_written(drr, a_ct, tmp_path):
    (tmp_path / "more").mkdir()
    assert "both go to" in drr(cts=(a_ct, tmp_path / "more" / "chest.nrrd"))
    assert not (tmp_path / "out").exists()


def test_cancelling_writes_nothing(a_chest, tmp_path):
    cancel = CancelToken()
    projections = [clinical_projection(view, 32) for view in View]
    with pytest.raises(Cancelled):
        # After the first view.
        write_drrs(
            *(a_chest.hu, a_chest.geometry, tmp_path / "out", projections, "case"),
            progress=lambda fraction, message: cancel.cancel(),
            cancel=cancel,
        )
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--sid", 1000, "--sad", 50), "X-ray source"),
        (("--sid", 1640), "detector is 20 mm behind"),
        (("--sid", 1000), "between source and detector"),
        (("--sid", 0), "between source and detector"),
        (("--geometry", "parallel", "--sid", 1500), "or neither"),
        (("--isocentre", 900, 0, 0), "outside of the patient"),
        (("--detector-mm", 0, 300), "mm wide and high"),
        (("--detector-mm", 400, "nan"), "mm wide and high"),
        (("--pixels", 0), "1 to 4096 pixels"),
        (("--cranial", 120), "tilts by 90"),
        (("--kvp", 500), "kVp"),
        (("--photons", 0), "photons"),
        (("--scatter", -1), "not negative"),
    ],
)
def test_what_cannot_be_is_said(drr, tmp_path, options, complaint):
    assert complaint in drr(*options)
    assert not (tmp_path / "out").exists()


def test_the_heart_side_stays_where_it_is(drr, a_chest):
    """The bright cube lies to the left, in front and above: right, left and on top of the two pictures."""
    folder = drr("--format", "nrrd", "--isocentre", 0, 0, 0)
    for view in View:
        projection = read_sidecar(folder / f"{view.name.lower()}.json")
        row, column = np.round(projection.project(np.array(a_chest.cube_lps))).astype(int)
        picture = values(folder / f"{view.name.lower()}.nrrd")
        assert picture[row, column] > picture[row, picture.shape[1] - 1 - column] + 0.5
