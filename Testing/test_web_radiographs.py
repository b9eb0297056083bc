"""The browser app's first two steps: radiographs of all kinds, found, told apart, set right, refused; models."""

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import generate_uid
from web import new_page, unfold

from X2CTLib.dicom_drr import write_dicom
from X2CTLib.geometry import View, read_sidecar
from X2CTLib.sample import sample_case, sample_drrs


def shown(page, view: str) -> np.ndarray:
    """The picture of a radiograph's pane, as grey levels."""
    url = page.get_attribute(f"#pane-{view} img", "src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))), dtype=float)


def changed(page, view: str, action) -> np.ndarray:
    """The same once an action has changed it."""
    before = page.get_attribute(f"#pane-{view} img", "src")
    action()
    page.wait_for_function(
        "([pane, old]) => document.querySelector(pane).src !== old", arg=[f"#pane-{view} img", before]
    )
    return shown(page, view)


def give(page, field: str, *paths: Path, name: str) -> None:
    """Choose files, and wait until the PA radiograph has a name."""
    page.set_input_files(field, paths if len(paths) > 1 else paths[0])
    page.wait_for_selector(f"#card-pa .x2ct-file:text-is('{name}')")


def names(page) -> list[str]:
    """Of the PA and the lateral radiograph's file."""
    return page.locator("#step-radiographs .x2ct-file").all_inner_texts()


@pytest.fixture(scope="module")
def one_page(browser, url):
    opened = new_page(browser)
    opened.goto(url)
    unfold(opened, "radiographs")
    yield opened
    opened.close()


@pytest.fixture
def page(one_page):
    """The page with the sample case; all these tests use one, as a user does."""
    one_page.click("#sample")
    one_page.wait_for_selector(f"#card-pa .x2ct-file:text-is('{sample_case()[View.PA].name}')")
    one_page.wait_for_selector("#reconstruct:enabled")
    return one_page


@pytest.fixture
def dicom_pair(tmp_path):
    """The sample DRRs as DICOM, of one study."""
    study = generate_uid()
    for number, (view, picture) in enumerate(sample_drrs().items()):
        image = np.asarray(Image.open(picture), dtype=np.float32)
        projection = read_sidecar(picture.with_suffix(".json"))
        write_dicom(tmp_path / "dicom" / f"IM{2 - number}", image, projection, "case", study)
        assert view is projection.view
    return [tmp_path / "dicom" / name for name in ("IM1", "IM2")]


def test_a_dicom_pair_says_all_of_itself(page, dicom_pair):
    give(page, "#files", *dicom_pair, name="IM2")
    assert names(page) == ["IM2", "IM1"]
    for view, letters in (("pa", "RL"), ("lateral", "AP")):
        assert "mm" in page.inner_text(f"#card-{view} .x2ct-detail")
        assert page.locator(f"#pane-{view} .x2ct-letter").all_inner_texts() == list(letters)
    assert page.locator("#step-radiographs .x2ct-notes").count() == 0
    page.wait_for_selector("#reconstruct:enabled")


def test_the_pairs_of_a_folder_are_chosen_from(page, dicom_pair, tmp_path):
    shutil.copy(sample_case()[View.PA], tmp_path / "jane_pa.png")
    shutil.copy(sample_case()[View.LATERAL], tmp_path / "jane_lateral.png")
    shutil.copy(sample_case()[View.PA], tmp_path / "unknown.png")
    give(page, "#folder", tmp_path, name="jane_pa.png")
    assert "unknown.png" in page.inner_text("#step-radiographs .x2ct-notes")
    for title, name in (("study-1", "IM2"), ("jane", "jane_pa.png")):
        page.locator("#step-radiographs .v-select").click()
        page.click(f".v-list-item:has-text('{title}')")
        page.wait_for_selector(f"#card-pa .x2ct-file:text-is('{name}')")
    assert names(page) == ["jane_pa.png", "jane_lateral.png"]


def test_a_pair_that_cannot_be_read_leaves_the_others(page, tmp_path):
    for case in ("a", "b", "c"):
        for view in View:
            shutil.copy(sample_case()[view], tmp_path / f"{case}_{view.name.lower()}.png")
    for damaged in ("a_pa.png", "c_lateral.png"):
        (tmp_path / damaged).write_bytes(b"not a picture")
    give(page, "#folder", tmp_path, name="b_pa.png")
    page.wait_for_selector("#step-radiographs .x2ct-notes .x2ct-amber:has-text('pair a')")
    page.locator("#step-radiographs .v-select").click()
    page.click(".v-list-item:has-text('c')")
    page.wait_for_selector("#alert:has-text('c_lateral.png')")
    assert names(page) == ["b_pa.png", "b_lateral.png"]
    page.wait_for_selector("#step-radiographs .v-select:has-text('b')")


def test_files_that_say_nothing_are_told_apart_and_swapped(page, tmp_path):
    for view, name in ((View.LATERAL, "a.png"), (View.PA, "b.png")):
        shutil.copy(sample_case()[view], tmp_path / name)
    give(page, "#files", tmp_path / "a.png", tmp_path / "b.png", name="b.png")
    assert "b.png is taken for PA" in page.inner_text("#step-radiographs .x2ct-notes")
    pa = shown(page, "pa")
    assert np.array_equal(changed(page, "lateral", lambda: page.click("#swap")), pa)
    assert names(page) == ["a.png", "b.png"]
    page.wait_for_selector("#card-pa .x2ct-note:has-text('looks more like the lateral view')")


def test_one_file_after_the_other_takes_the_free_place(page, tmp_path):
    for name in ("first.png", "second.png"):
        shutil.copy(sample_case()[View.PA], tmp_path / name)
    give(page, "#files", tmp_path / "first.png", name="first.png")
    assert page.locator("#reconstruct").is_disabled()
    page.set_input_files("#files", tmp_path / "second.png")
    page.wait_for_selector("#card-lateral .x2ct-file:text-is('second.png')")
    assert "first.png stays" in page.inner_text("#step-radiographs .x2ct-notes")
    assert "same picture" in page.inner_text("#problem")


def test_what_is_set_right_is_seen(page):
    before = shown(page, "pa")

    def after(tool: str) -> np.ndarray:
        return changed(page, "pa", lambda: page.click(f"#card-pa [title='{tool}']"))

    assert np.array_equal(after("Turn left"), np.rot90(before))
    assert np.array_equal(after("Turn right"), before)
    assert np.array_equal(after("Mirror"), before[:, ::-1])
    inverted = after("Invert")
    assert np.corrcoef(inverted.ravel(), before[:, ::-1].ravel())[0, 1] == pytest.approx(-1, abs=1e-3)
    page.wait_for_selector("#card-pa .x2ct-note:has-text('Mirrored, inverted by hand')")
    page.wait_for_selector("#card-pa .x2ct-amber:has-text('Looks like a negative')")

    page.click("#card-pa [title='Crop, and pixel size']")
    left = page.locator("#card-pa .x2ct-crop .v-slider-thumb").first
    cropped = changed(page, "pa", lambda: left.press("ArrowRight"))
    column = round(before.shape[1] / 100)
    assert np.allclose(cropped[:, :column], 0.3 * inverted[:, :column], atol=1)
    assert np.array_equal(cropped[:, column:], inverted[:, column:])


def test_the_chest_is_cropped_where_it_is_found(page, tmp_path):
    picture = np.asarray(Image.open(sample_case()[View.PA]).convert("L"))
    Image.fromarray(np.pad(picture, ((0, 0), (300, 300)))).save(tmp_path / "wide_pa.png")
    shutil.copy(sample_case()[View.LATERAL], tmp_path / "wide_lateral.png")
    give(page, "#files", tmp_path / "wide_pa.png", tmp_path / "wide_lateral.png", name="wide_pa.png")
    page.click("#crop")
    page.wait_for_selector("#card-pa .x2ct-note:has-text('Cropped by hand')")
    columns = int(page.inner_text("#card-pa .x2ct-detail").split()[0])
    assert 0.8 * picture.shape[1] < columns < 1.1 * picture.shape[1]


def test_what_is_no_chest_is_said_and_can_be_overridden(page, dicom_pair, tmp_path):
    def written(name: str, **attributes) -> Path:
        dataset = dcmread(dicom_pair[1])
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        dataset.save_as(tmp_path / name)
        return tmp_path / name

    give(page, "#files", *dicom_pair, name="IM2")
    for name, attributes, words in (
        ("hand.dcm", {"BodyPartExamined": "HAND"}, "another part of the body: HAND"),
        ("slice.dcm", {"Modality": "CT"}, "its modality is CT"),
        ("child.dcm", {"PatientAge": "004Y"}, "4 years"),
    ):
        give(page, "#pa-file", written(name, **attributes), name=name)
        assert words in page.inner_text("#problem")
        assert page.locator("#reconstruct").is_disabled()
        page.click("#override")
        page.wait_for_selector("#reconstruct:enabled")
        assert "Overridden: " in page.inner_text("#step-radiographs .x2ct-notes")

    noise = np.random.default_rng(0).integers(0, 255, (300, 200)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    give(page, "#pa-file", tmp_path / "noise.png", name="noise.png")
    page.wait_for_selector("#card-pa .x2ct-amber:has-text('Hardly looks like a chest')")


def test_however_much_there_is_to_check_the_main_button_is_in_view(page, tmp_path):
    for view in View:
        shutil.copy(sample_case()[view], tmp_path / f"{view.name.lower()}.png")
    give(page, "#files", *tmp_path.iterdir(), name="pa.png")
    page.click("#swap")
    page.wait_for_selector("#step-reconstruct .x2ct-amber:has-text('to check above')")
    wide = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 500})
    assert page.evaluate("document.querySelector('#step-model').getBoundingClientRect().top") > 500, "is below the fold"
    page.click("#reconstruct", trial=True)
    button = page.locator("#reconstruct").bounding_box()
    assert button["y"] + button["height"] <= 500
    page.set_viewport_size(wide)


def test_a_model_is_added_and_deleted(page, one_chest):
    unfold(page, "model")
    assert "PA and lateral" in page.inner_text("#facts") and "lung volume off by" in page.inner_text("#facts")
    page.set_input_files("#model-files", [one_chest, one_chest.with_suffix(".json")])
    page.wait_for_selector("#delete-model")
    assert "one chest" in page.inner_text("#step-model .x2ct-step-status")
    assert "Not used" in page.inner_text("#card-lateral")
    page.click("#delete-model")
    page.wait_for_selector("#delete-model", state="detached")
    page.wait_for_selector("#card-lateral .x2ct-note:has-text('Not used')", state="detached")
    page.set_input_files("#model-files", [one_chest])
    page.wait_for_selector("#alert:has-text('has no readable card')")
