"""Fixtures of the tests of the browser app, see `web`."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from one_chest import save_one_chest_model
from web import new_page, serving, unfold

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


@pytest.fixture(scope="session")
def one_chest(tmp_path_factory):
    """A small model of one view."""
    return save_one_chest_model(tmp_path_factory.mktemp("model") / "one_chest.safetensors")


@pytest.fixture
def page(browser, url):
    """The page with the sample case, which must ask no other server for anything."""
    opened, asked = new_page(browser), []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(url)
    unfold(opened, "radiographs")
    opened.click("#sample")
    opened.wait_for_selector("#reconstruct:enabled")
    yield opened
    opened.close()
    assert all(address.startswith((url, "data:", "blob:")) for address in asked)
