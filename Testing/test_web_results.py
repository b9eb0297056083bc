"""The browser app once there is a result: how it is seen, trusted, measured and kept."""

import csv
import io
import time
import zipfile

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from web import PATIENCE_MS, kept, new_page, picture, unfold, wait_for_change

from X2CTLib.mark import MARK

THREED = "#pane-threed .x2ct-pane-content"


@pytest.fixture(scope="module")
def page(browser, url):
    """The page with the reconstruction of the sample case."""
    opened = new_page(browser, 1280, 720)
    opened.goto(url)
    opened.click("#uncertainty")
    opened.click("#reconstruct")
    opened.wait_for_selector("#measurements")
    yield opened
    opened.close()


def come_to_rest(page, selector: str) -> np.ndarray:
    """What an element looks like when it has not changed for a while."""
    last, now = None, picture(page, selector)
    while last is None or difference(last, now) > 0.1:
        page.wait_for_timeout(4000)
        last, now = now, picture(page, selector)
    return now


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures, in grey levels."""
    return float(np.abs(one - other).mean())


def wait_until(page, condition) -> None:
    """Wait for what the page says of no element."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "nothing has come of it"
        page.wait_for_timeout(500)


def test_the_volume_is_seen_in_other_ways_and_as_at_first_again(page):
    unfold(page, "see")
    first = come_to_rest(page, THREED)
    page.locator("#step-see").get_by_role("slider").press("End")
    assert wait_for_change(page, THREED, first) >= 0.1
    assert "+300 HU" in page.inner_text("#step-see")
    for control in ("#detectors", "#pane-threed >> text=Oblique"):
        before = come_to_rest(page, THREED)
        page.click(control)
        assert wait_for_change(page, THREED, before) >= 0.1, control
    page.click("#reset")
    wait_until(page, lambda: difference(picture(page, THREED), first) < 3)
    assert "+300 HU" not in page.inner_text("#step-see")


def test_the_uncertainty_lies_over_the_slices(page):
    unfold(page, "trust")
    assert coloured(page, "#pane-sagittal .x2ct-pane-content") < 0.02
    page.locator("#step-trust").get_by_role("slider").press("End")
    wait_until(page, lambda: coloured(page, "#pane-sagittal .x2ct-pane-content") > 0.02)
    page.locator("#step-trust").get_by_role("slider").press("Home")
    wait_until(page, lambda: coloured(page, "#pane-coronal .x2ct-pane-content") < 0.02)


def coloured(page, selector: str) -> float:
    """The part of an element that is in strong colours."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB"), float)
    return float((np.ptp(pixels, axis=-1) > 150).mean())


def test_what_is_kept_is_what_is_shown(page, tmp_path):
    """The ratio too, and in volumes of one size."""
    unfold(page, "measure")
    shown = page.locator("#measurements tr:has-text('Cardiothoracic ratio') .x2ct-number").inner_text()
    unfold(page, "keep")
    everything = zipfile.ZipFile(io.BytesIO(kept(page, "everything.zip")))
    everything.extractall(tmp_path)
    volume = sitk.ReadImage(tmp_path / "volume.nrrd")
    assert volume.GetSize() == sitk.ReadImage(tmp_path / "volume.nii.gz").GetSize() == (128, 128, 128)
    with (tmp_path / "measurements.csv").open(encoding="utf-8", newline="") as file:
        (ratio,) = [row for row in csv.DictReader(file) if row["name"] == "Cardiothoracic ratio"]
    assert float(ratio["value"]) == pytest.approx(float(shown), abs=0.01)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert MARK in report and "radiograph" in report
    assert any(name.endswith(".mrml") for name in zipfile.ZipFile(tmp_path / "scene.mrb").namelist())
    series = zipfile.ZipFile(io.BytesIO(kept(page, "dicom.zip")))
    first = pydicom.dcmread(io.BytesIO(series.read("ct_001.dcm")))
    assert "DERIVED" in first.ImageType and first.PatientName == "Anonymous"
