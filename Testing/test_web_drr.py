"""The browser app's way from a CT to radiographs: preview, files, wrong input, and on to the reconstruction."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from web import OUTPUT, picture, wait_for_change

from X2CTLib.ct import standard_cube
from X2CTLib.drr import radiographs
from X2CTLib.framing import find_framing, standard_view
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry, read_sidecar
from X2CTLib.intensity import normalise
from X2CTLib.phantom import LABELS, make_phantom
from X2CTLib.radiograph import read_radiograph
from X2CTLib.sample import sample_drrs


@pytest.fixture(scope="module")
def phantom():
    """A thorax whose heart's place is known."""
    return make_phantom(3, 64)


@pytest.fixture
def projecting(page, phantom, tmp_path):
    """The page with the phantom's CT, its preview drawn."""
    sitk.WriteImage(phantom.geometry.to_image(phantom.hu), tmp_path / "phantom.nrrd")
    page.set_viewport_size({"width": 1100, "height": 700})  # less to draw
    page.click("#mode-project")
    empty = picture(page, "#pane-coronal .x2ct-pane-content")
    page.set_input_files("#ct-files", tmp_path / "phantom.nrrd")
    page.wait_for_selector("#ct-name:has-text('phantom.nrrd')")
    page.wait_for_selector("#pane-pa img")
    assert wait_for_change(page, "#pane-coronal .x2ct-pane-content", empty) >= 0.1, "the CT is in the slices"
    yield page
    page.click("#mode-reconstruct")


def shown(page, view: str) -> np.ndarray:
    """The radiograph on a pane, as grey levels."""
    address = page.get_attribute(f"#pane-{view} img", "src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))), dtype=float)


def project(hu: np.ndarray, geometry: VolumeGeometry, projection: ProjectionGeometry) -> np.ndarray:
    """The engine's own line integrals."""
    return radiographs(torch.from_numpy(hu)[None], geometry, projection)[0].numpy()


def type_number(page, name: str, value: float) -> None:
    """Type a number into a field."""
    page.fill(f"#{name}", str(value))
    page.press(f"#{name}", "Enter")


def test_a_ct_is_projected_to_radiographs_that_are_reconstructed_from(projecting, phantom, tmp_path):
    page = projecting
    straight = picture(page, "#pane-lateral img")
    type_number(page, "gantry", 25)
    assert wait_for_change(page, "#pane-lateral img", straight) >= 0.1, "the preview follows"
    type_number(page, "gantry", 0)
    type_number(page, "pixels", 256)

    page.click("#make")
    page.click("#cancel-making")
    page.wait_for_selector("#make:enabled")
    assert page.locator("#reconstruct-drrs").count() == 0
    page.click("#make")
    page.wait_for_selector("#reconstruct-drrs")
    page.screenshot(path=OUTPUT / "web_drr.png")

    cube = standard_cube(phantom.hu, phantom.geometry)
    for view in View:
        for ending in ("dcm", "json"):
            with page.expect_download() as download:
                page.click(f"[id='{view.name.lower()}.{ending}']")
            download.value.save_as(tmp_path / download.value.suggested_filename)
        _check_file(tmp_path / f"{view.name.lower()}.dcm", *cube)
    _check_heart(shown(page, "pa"), phantom, read_sidecar(tmp_path / "pa.json"))

    page.click("#reconstruct-drrs")
    page.wait_for_selector("#card-pa .x2ct-file:has-text('pa.dcm')")
    page.wait_for_selector("#card-lateral .x2ct-file:has-text('lateral.dcm')")
    page.wait_for_selector("#reconstruct:enabled")


def _check_heart(pa: np.ndarray, phantom, projection: ProjectionGeometry) -> None:
    """The heart is on the right of a PA, which faces the patient: there it is brighter than the lung opposite."""
    alone = np.where(phantom.labels == LABELS["heart"], phantom.hu, -1024)
    heart = project(alone, phantom.geometry, projection) > 0.3
    assert pa[heart & ~heart[:, ::-1]].mean() > pa[~heart & heart[:, ::-1]].mean() + 20


def _check_file(path: Path, cube: np.ndarray, geometry: VolumeGeometry) -> None:
    """A network sees of the file what it sees of the engine's own projection of the standard cube."""
    projection = read_sidecar(path.with_suffix(".json"))
    direct = normalise(torch.from_numpy(project(cube, geometry, projection))).numpy()
    radiograph = read_radiograph(path)
    assert radiograph.view is projection.view and radiograph.oriented
    seen = standard_view(radiograph, find_framing(radiograph, direct), projection)
    assert np.abs(seen - direct).mean() < 0.02
    assert np.corrcoef(seen.ravel(), direct.ravel())[0, 1] > 0.998


def test_what_is_no_ct_or_no_geometry_is_said_and_changes_nothing(projecting):
    page = projecting
    page.set_input_files("#ct-files", sample_drrs()[View.PA])
    page.wait_for_selector("#alert:has-text('is not a volume')")
    assert page.inner_text("#ct-name") == "phantom.nrrd"
    type_number(page, "sad", 100)
    page.wait_for_selector("#drr-problem:has-text('source')")
    assert page.locator("#make").is_disabled()
    type_number(page, "sad", 1620)
    page.wait_for_selector("#make:enabled")
