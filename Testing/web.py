"""The browser app as the tests use it: served by a process of its own, and its page in headless Chromium."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "Testing" / "output"
"""Where screenshots go."""
PATIENCE_MS = 5 * 60 * 1000


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


def new_page(browser, width: int = 1600, height: int = 1000):
    """An empty page of the browser, which waits for slow work."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE_MS)
    return page


def unfold(page, step: str) -> None:
    """Open a step of the drawer, if it is not open."""
    title = page.locator(f"#step-{step} .x2ct-step-title")
    if title.get_attribute("aria-expanded") == "false":
        title.click()


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
