"""The browser app once there is a result: how it is seen."""

import time

import numpy as np
import pytest
from web import PATIENCE_MS, new_page, picture, unfold, wait_for_change

THREED = "#pane-threed .x2ct-pane-content"


@pytest.fixture(scope="module")
def page(browser, url):
    """The page with the reconstruction of the sample case."""
    opened = new_page(browser)
    opened.goto(url)
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
