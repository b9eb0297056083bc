"""The browser app in headless Chromium: the sample case to a volume, bad input, and that it keeps to itself."""

import urllib.error
import urllib.request

import pytest
from web import OUTPUT, kept, new_page, picture, serving, unfold, wait_for_change

from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTLib.sample import sample_drrs


def test_reconstructs_the_sample_case(page):
    assert MARK in page.inner_text("#mark")
    for view in ("pa", "lateral"):
        assert picture(page, f"#pane-{view} img").std() > 20, "the radiograph is on show"
    panes = [f"#pane-{name} .x2ct-pane-content" for name in ("coronal", "sagittal", "axial", "threed")]
    before = {pane: picture(page, pane) for pane in panes}

    page.click("#reconstruct")
    page.click("#cancel")
    page.wait_for_selector("#reconstruct:enabled")
    assert page.locator("#measurements").count() == 0

    page.click("#reconstruct")
    page.wait_for_selector("#measurements")
    rows = [row.split("\t") for row in page.inner_text("#measurements").splitlines()]
    values = {name.strip().lower(): float(value.replace(",", "")) for name, value, *_ in rows}
    assert values["lungs volume"] > 0
    for pane in panes:
        assert wait_for_change(page, pane, before[pane]) >= 0.1, pane
    sides = {"coronal": "RL", "sagittal": "AP", "axial": "RL"}
    for name, (left, right) in sides.items():
        assert page.inner_text(f"#pane-{name} .x2ct-left") == left
        assert page.inner_text(f"#pane-{name} .x2ct-right") == right

    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / "web.png")

    unfold(page, "keep")
    assert kept(page, "volume.nrrd").startswith(b"NRRD")
    assert MARK in kept(page, "report.html").decode()


def test_a_file_that_is_no_radiograph_changes_nothing(page, tmp_path):
    names = page.locator(".x2ct-file").all_inner_texts()
    bad = tmp_path / "notes.dcm"
    bad.write_text("not a radiograph\n" * 20, encoding="utf-8")
    page.set_input_files("#pa-file", bad)
    page.wait_for_selector("#alert")
    assert "notes.dcm" in page.inner_text("#alert")
    assert page.locator(".x2ct-file").all_inner_texts() == names
    page.wait_for_selector("#reconstruct:enabled")


def test_an_own_radiograph_is_not_paired_with_the_sample(page):
    """It is another patient's; the other view is asked for instead."""
    page.set_input_files("#pa-file", sample_drrs()[View.PA])
    page.wait_for_selector(f".x2ct-file:has-text('{sample_drrs()[View.PA].name}')")
    assert page.locator(".x2ct-file").all_inner_texts()[1] == "DICOM or picture"
    assert page.locator("#reconstruct").is_disabled()
    page.set_input_files("#lateral-file", sample_drrs()[View.LATERAL])
    page.wait_for_selector("#reconstruct:enabled")


def test_a_model_of_one_view_waits_for_that_one_only(browser, one_chest, tmp_path):
    with serving(tmp_path, "--model", str(one_chest)) as address:
        page = new_page(browser)
        page.goto(address)
        page.wait_for_selector("#reconstruct:enabled")
        assert "Not used" in page.inner_text("#card-lateral")
        page.set_input_files("#lateral-file", sample_drrs()[View.LATERAL])
        page.wait_for_selector("#pane-coronal:has-text('Choose the PA radiograph')")
        assert page.locator("#reconstruct").is_disabled()
        page.set_input_files("#pa-file", sample_drrs()[View.PA])
        page.wait_for_selector("#reconstruct:enabled")
        page.get_by_label("Estimate the uncertainty").check()
        page.click("#reconstruct")
        page.wait_for_selector("#measurements")
        page.locator("#pane-pa").get_by_role("button", name="Input").click()
        page.wait_for_selector("#pane-pa .x2ct-corner:has-text('256 × 256 pixels')")
        assert page.locator("#pane-lateral").get_by_role("button", name="Input").count() == 0
        assert picture(page, "#pane-lateral img").std() > 20, "still as it was taken"
        unfold(page, "keep")
        report = kept(page, "report.html").decode()
        assert "estimated from one radiograph" in report and "Uncertainty is how much" in report
        page.close()


@pytest.mark.parametrize("header", [{"Host": "example.org"}, {"Origin": "http://example.org"}])
def test_refuses_other_web_sites(url, header):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(url, headers=header))
    assert refusal.value.code == 403
