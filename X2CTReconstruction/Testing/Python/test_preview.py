"""What a person sees before reconstructing: pictures, words, and what would stop the reconstruction."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError
from X2CTLib.preview import Preview
from X2CTLib.request import Request
from X2CTLib.sample import sample_case, sample_drrs
from X2CTLib.worker import Worker


@pytest.fixture
def a_request() -> Request:
    return Request({view.name: path for view, path in sample_case().items()})


@pytest.fixture
def preview(tmp_path):
    """What a front end loads of a request."""

    def written(request: Request) -> Preview:
        from X2CTLib.preview_files import write_preview

        write_preview(request, tmp_path / "preview")
        return Preview.load(tmp_path / "preview")

    return written


def pixels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


def test_a_pair_is_shown_as_it_will_be_seen(preview, a_request):
    shown = preview(a_request)
    assert shown.problem is None and not shown.overridable
    assert set(shown.views) == {"PA", "LATERAL"}
    for view in shown.views.values():
        picture, seen = pixels(view.picture), pixels(view.seen)
        assert picture.dtype == seen.dtype == np.uint8 and max(picture.shape) <= 512
        assert picture.std() > 20 and seen.std() > 20 and view.styled is None
        assert "estimated" in view.words and not view.oriented and view.notes


def test_the_chest_crop_finds_a_padded_chest_and_is_one_of_the_whole_picture(preview, a_request, tmp_path):
    for name, path in a_request.files.items():
        image = pixels(path)
        borders = [(image.shape[0] // 4, 0), (image.shape[1] // 5,) * 2]
        sitk.WriteImage(sitk.GetImageFromArray(np.pad(image, borders)), tmp_path / f"{name}.png")
    padded = Request({name: tmp_path / f"{name}.png" for name in a_request.files})
    crops = {name: Correction(crop=view.chest_crop) for name, view in preview(padded).views.items()}
    again = preview(replace(padded, corrections=crops)).views
    for name, crop in crops.items():
        assert crop.crop == pytest.approx((0.14, 0.2, 0.14, 0.0), abs=0.1), "about what was padded"
        assert again[name].chest_crop == pytest.approx(crop.crop, abs=0.06)


def test_drrs_know_their_size_and_side(preview):
    shown = preview(Request({view.name: path for view, path in sample_drrs().items()}))
    assert all(view.oriented and "320 × 320 mm" in view.words for view in shown.views.values())
    assert "estimated" not in shown.views["PA"].words
    assert not any(view.notes for view in shown.views.values())


def test_a_mirrored_radiograph_is_noticed_beforehand_until_it_is_set_right(preview, a_request, tmp_path):
    image = pixels(a_request.files["PA"])
    sitk.WriteImage(sitk.GetImageFromArray(np.ascontiguousarray(image[:, ::-1])), tmp_path / "mirrored.png")
    wrong = replace(a_request, files={**a_request.files, "PA": tmp_path / "mirrored.png"})
    corrected = replace(wrong, corrections={"PA": Correction(mirrored=True)})
    for request, said in ((a_request, False), (wrong, True), (corrected, False)):
        notes = [note for view in preview(request).views.values() for note in view.notes]
        assert any("side marker" in note for note in notes) == said


def test_a_problem_of_one_view_does_not_hide_the_other(preview, a_request, tmp_path):
    (tmp_path / "broken.dcm").write_text("no radiograph", encoding="utf-8")
    shown = preview(replace(a_request, files={**a_request.files, "LATERAL": tmp_path / "broken.dcm"}))
    assert "broken.dcm" in shown.problem and not shown.overridable
    assert shown.views["LATERAL"].picture is None and "broken.dcm" in shown.views["LATERAL"].notes[0]
    assert shown.views["PA"].picture.is_file() and shown.views["PA"].seen.is_file()


def test_what_can_be_overridden_says_so(preview, a_request):
    same = replace(a_request, files=dict.fromkeys(a_request.files, a_request.files["PA"]))
    shown = preview(same)
    assert "same picture" in shown.problem and shown.overridable and not any("same" in note for note in shown.notes)
    shown = preview(replace(same, override=True))
    assert shown.problem is None and any(note.startswith("Overridden: ") for note in shown.notes)


def test_a_view_or_a_model_that_is_missing_is_the_problem(preview, a_request, tmp_path):
    shown = preview(replace(a_request, files={"PA": a_request.files["PA"]}))
    assert "needs the lateral" in shown.problem and not shown.overridable and shown.views["PA"].seen.is_file()
    shown = preview(replace(a_request, model=tmp_path / "nothing.safetensors"))
    assert "nothing" in shown.problem and shown.views["PA"].picture.is_file() and shown.views["PA"].seen is None


def test_what_is_no_preview_is_said(tmp_path):
    (tmp_path / "preview.json").write_text("[]", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="does not hold a preview"):
            Preview.load(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="one platform is enough")
def test_the_worker_previews_and_is_quick_once_it_is_warm(tmp_path, a_request):
    worker = Worker()
    try:
        for _ in range(2):
            start = time.monotonic()
            worker.submit({"preview": a_request.to_dict(), "output": str(tmp_path / "out")})
            events = []
            while worker.busy and time.monotonic() < start + 120:
                events += worker.poll()
                time.sleep(0.01)
        seconds = time.monotonic() - start
    finally:
        worker.close()
    assert events[-1] == {"event": "done", "output": str(tmp_path / "out")}
    assert Preview.load(tmp_path / "out").problem is None
    assert seconds < 10, "two on a core that nothing else uses"
    print(f"{seconds:.2f} s")
