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

CORONAL, THREED = "#pane-coronal .x2ct-pane-content", "#pane-threed .x2ct-pane-content"


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


def test_a_volume_that_was_turned_is_drawn_well_once_it_rests(page):
    first = come_to_rest(page, THREED)
    box = page.locator(THREED).bounding_box()
    column, row = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(column, row)
    page.mouse.down()
    page.mouse.move(column + 60, row, steps=6)
    assert wait_for_change(page, THREED, first) >= 0.1
    page.mouse.move(column, row, steps=6)
    page.mouse.up()
    wait_until(page, lambda: difference(picture(page, THREED), first) < 1)


def test_the_uncertainty_lies_over_the_slices(page):
    unfold(page, "trust")
    assert coloured(page, "#pane-sagittal .x2ct-pane-content") < 0.02
    page.locator("#step-trust").get_by_role("slider").press("End")
    wait_until(page, lambda: coloured(page, "#pane-sagittal .x2ct-pane-content") > 0.02)
    page.locator("#step-trust").get_by_role("slider").press("Home")
    wait_until(page, lambda: coloured(page, CORONAL) < 0.02)


def coloured(page, selector: str) -> float:
    """The part of an element that is in strong colours."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB"), float)
    return float((np.ptp(pixels, axis=-1) > 150).mean())


def test_organs_are_outlined_as_chosen(page):
    unfold(page, "measure")
    without = picture(page, CORONAL)
    page.click("#organs >> text=In the slices")
    wait_until(page, lambda: difference(picture(page, CORONAL), without) > 0.5)
    for organ in page.locator(".x2ct-organs .v-chip").all():
        organ.click()
    wait_until(page, lambda: difference(picture(page, CORONAL), without) < 0.1)
    page.click("#organs >> text=In the slices")
    page.wait_for_selector(".x2ct-organs", state="detached")


def test_the_ratio_follows_its_dragged_line(page):
    unfold(page, "measure")
    edited = page.locator("#measurements tr[title$='edited by hand'] .x2ct-number")
    before = float(page.locator("#measurements tr:has-text('Cardiothoracic ratio') .x2ct-number").inner_text())

    def drag() -> bool:
        """Shorten the line by a quarter; whether that was noticed, since a busy computer may miss the mouse."""
        right, left, row = heart_line(page)
        page.mouse.move(left - 3, row)
        page.wait_for_timeout(500)
        page.mouse.down()
        page.mouse.move(left - 3 - (left - right) / 4, row, steps=5)
        page.wait_for_timeout(500)
        page.mouse.up()
        page.wait_for_timeout(2000)
        return edited.count() == 1

    wait_until(page, drag)
    wait_until(page, lambda: float(edited.inner_text()) < before - 0.03)


def heart_line(page) -> tuple[float, float, float]:
    """Where it begins and ends in the coronal pane, and its row, in pixels of the page."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(CORONAL).screenshot())).convert("RGB"), float)
    line = np.abs(pixels - (255, 120, 90)).max(axis=-1) < 20
    row = int(line.sum(axis=1).argmax())
    columns = np.nonzero(line[row])[0]
    box = page.locator(CORONAL).bounding_box()
    return box["x"] + int(columns.min()), box["x"] + int(columns.max()), box["y"] + row


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
