"""What a front end has done in the DRR process: a CT is prepared once, shown in previews, and projected to files."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib import prepared_ct
from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.drr_settings import DrrSettings, PlacedVolume
from X2CTLib.drr_worker import TASKS
from X2CTLib.errors import InputError
from X2CTLib.exposure import Exposure
from X2CTLib.geometry import View, clinical_projection
from X2CTLib.prepared_ct import PreparedCt
from X2CTLib.quick_drr import QuickDrr
from X2CTLib.radiograph import read_radiograph
from X2CTLib.worker import answering


@pytest.fixture
def a_ct(tmp_path, a_chest, monkeypatch):
    monkeypatch.setattr(prepared_ct, "FINE_VOXELS", 64)
    sitk.WriteImage(a_chest.geometry.to_image(a_chest.hu), tmp_path / "chest.nrrd")
    return tmp_path / "chest.nrrd"


def do(task: str, **request) -> list[dict]:
    """What the process would emit."""
    events = []
    answering(TASKS)({"task": task, **request}, events.append)
    return events


@pytest.fixture
def prepared(a_ct, tmp_path) -> PreparedCt:
    events = do("read", ct=str(a_ct), output=str(tmp_path / "prepared"))
    assert events[-1]["event"] == "done" and events[0]["event"] == "progress"
    return PreparedCt.load(tmp_path / "prepared")


def test_a_prepared_ct_is_the_cube_that_the_command_projects(prepared, a_ct):
    cube, geometry = standard_cube(*read_ct(a_ct), 64)
    assert np.array_equal(prepared.hu, cube)
    assert prepared.coarse.shape == (128,) * 3 and prepared.coarse.max() > 1000 > prepared.coarse.mean() + 1000
    assert np.allclose(prepared.geometry.ijk_to_lps, geometry.ijk_to_lps)
    assert prepared.words == "32 × 32 × 32 voxels of 10 × 10 × 10 mm"


def test_what_is_no_ct_leaves_nothing(tmp_path):
    picture = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    sitk.WriteImage(picture, tmp_path / "radiograph.png")
    with pytest.raises(InputError, match=r"radiograph\.png is not a volume"):
        do("read", ct=str(tmp_path / "radiograph.png"), output=str(tmp_path / "prepared"))
    assert not (tmp_path / "prepared").exists()


def test_files_show_what_the_preview_has_shown(prepared, tmp_path):
    settings = DrrSettings(pixels=64, gantry_deg=10, body_only=False)
    isocentre, output = tuple(prepared.geometry.centre_lps.tolist()), tmp_path / "drrs"
    volume = PlacedVolume("chest", prepared.values, prepared.geometry, isocentre)
    do(**settings.request([volume], ["dicom"], output))
    quick = QuickDrr(prepared.hu, prepared.geometry)
    for projection in settings.projections(isocentre):
        radiograph = read_radiograph(output / "0" / f"{projection.view.name.lower()}.dcm")
        shown = quick.image(projection, settings.exposure, pixels=64)
        assert np.corrcoef(radiograph.pixels.ravel(), shown.ravel())[0, 1] > 0.98


def test_a_preview_is_exposed_and_its_large_pixels_gather_the_photons_of_small_ones(prepared):
    quick = QuickDrr(prepared.hu, prepared.geometry)
    projection = clinical_projection(View.PA, 256)
    projection = replace(projection, isocentre_lps=tuple(prepared.geometry.centre_lps))

    def noise(pixels: int) -> float:
        plain = quick.image(projection, pixels=pixels)
        return float(np.std(quick.image(projection, Exposure(photons=3e3), pixels) - plain))

    assert 0 < noise(32) < noise(128) / 2
    plain, fogged = quick.image(projection), quick.image(projection, Exposure(scatter=2))
    assert np.abs(fogged - plain).max() > 0.05
