"""The browser app in headless Chromium: the sample case to a volume, bad input, and that it keeps to itself."""

import io
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTLib.sample import sample_drrs

sys.path.append(str(Path(__file__).parent))

from one_chest import save_one_chest_model

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "Testing" / "output"
PATIENCE_MS = 10 * 60 * 1000
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Where the app keeps its temporary files."""
    return tmp_path_factory.mktemp("app")


@contextmanager
def serving(scratch: Path, *options: str) -> Iterator[str]:
    """The address of the app, served by a process of its own; when it ends, nothing of it is left."""
    paths = [ROOT / "X2CTReconstruction", ROOT / "X2CTTraining", ROOT]
    server = subprocess.Popen(
        [sys.executable, "-m", "X2CTLib.cli", "app", "--port", "0", "--no-browser", *options],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "TMPDIR": str(scratch),
            "X2CT_MODELS": str(scratch / "models"),
        },
    )
    lines = iter(server.stdout.readline, "")
    ready = next((line for line in lines if line.startswith("X2CTGAN is ready at http://127.0.0.1:")), None)
    assert ready, f"the app ended with exit code {server.wait()}"
    try:
        yield ready.split()[-1]
    finally:
        server.terminate()
        exit_code = server.wait(timeout=60)
    assert exit_code == 0
    assert not list(scratch.glob("x2ct-*")), "files of the session are left"


@pytest.fixture(scope="module")
def url(scratch):
    with serving(scratch) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is missing; ./test installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


def unfold(page, step: str) -> None:
    """Open a step of the drawer, if it is not open."""
    if not page.locator(f"#step-{step} .v-expansion-panel-text").is_visible():
        page.click(f"#step-{step} .x2ct-step-title")


@pytest.fixture
def page(browser, url):
    """The page with the sample case, which must ask no other server for anything."""
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(PATIENCE_MS)
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(url)
    unfold(opened, "radiographs")
    opened.click("#sample")
    opened.wait_for_selector("#reconstruct:enabled")
    yield opened
    opened.close()
    assert all(address.startswith((url, "data:", "blob:")) for address in asked)


def picture(page, selector: str) -> np.ndarray:
    """What an element looks like, as float grey levels."""
    png = page.locator(selector).screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=float)


def wait_for_change(page, selector: str, before: np.ndarray) -> float:
    """Wait until a good part of an element looks different; the largest part that has."""
    changed, deadline = 0.0, time.monotonic() + PATIENCE_MS / 1000
    while changed < 0.1 and time.monotonic() < deadline:
        time.sleep(0.5)
        changed = float((np.abs(picture(page, selector) - before) > 16).mean())
    return changed


def kept(page, name: str) -> bytes:
    """A file of the last step."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


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


def test_a_model_of_one_view_waits_for_that_one_only(browser, tmp_path):
    model = save_one_chest_model(tmp_path / "one_chest.safetensors")
    with serving(tmp_path, "--model", str(model)) as address:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector("#reconstruct:enabled")
        assert "Not used" in page.inner_text("#card-lateral")
        page.set_input_files("#lateral-file", sample_drrs()[View.LATERAL])
        page.wait_for_selector("#pane-coronal:has-text('Choose the PA radiograph')")
        assert page.locator("#reconstruct").is_disabled()
        page.set_input_files("#pa-file", sample_drrs()[View.PA])
        page.wait_for_selector("#reconstruct:enabled")
        page.click("#reconstruct")
        page.wait_for_selector("#measurements")
        page.locator("#pane-pa").get_by_role("button", name="Input").click()
        page.wait_for_selector("#pane-pa .x2ct-corner:has-text('256 × 256 pixels')")
        assert page.locator("#pane-lateral").get_by_role("button", name="Input").count() == 0
        assert picture(page, "#pane-lateral img").std() > 20, "still as it was taken"
        unfold(page, "keep")
        assert "estimated from one radiograph" in kept(page, "report.html").decode()
        page.close()


@pytest.mark.parametrize("header", [{"Host": "example.org"}, {"Origin": "http://example.org"}])
def test_refuses_other_web_sites(url, header):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(url, headers=header))
    assert refusal.value.code == 403
