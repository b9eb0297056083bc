"""What a user sets right by hand, and the request that carries it."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError
from X2CTLib.radiograph import Radiograph
from X2CTLib.request import Request
from X2CTReconstructionLib.request_arguments import correction


@pytest.fixture
def a_picture() -> np.ndarray:
    """Dark, with one bright pixel: third row from the top, second column from the left."""
    picture = np.zeros((10, 20), np.float32)
    picture[2, 1] = 1
    return picture


def bright(picture: np.ndarray) -> tuple[int, int]:
    return tuple(int(index) for index in np.argwhere(picture == picture.max())[0])


def test_turns_are_counter_clockwise_and_come_before_the_mirror(a_picture):
    assert bright(Correction(quarter_turns=1).apply(a_picture)) == (18, 2)
    assert bright(Correction(mirrored=True).apply(a_picture)) == (2, 18)
    assert bright(Correction(quarter_turns=1, mirrored=True).apply(a_picture)) == (18, 7)
    assert bright(Correction(quarter_turns=4).apply(a_picture)) == (2, 1)


def test_inverting_twice_changes_nothing(a_picture):
    once = Correction(inverted=True).apply(a_picture)
    assert once[2, 1] == 0 and once[0, 0] == 1
    assert (Correction(inverted=True).apply(once) == a_picture).all()


def test_the_crop_cuts_what_the_user_sees(a_picture):
    cropped = Correction(mirrored=True, crop=(0.5, 0.1, 0.0, 0.2)).apply(a_picture)
    assert cropped.shape == (7, 10)
    assert bright(cropped) == (1, 8)
    with pytest.raises(InputError, match="too little"):
        Correction(crop=(0.5, 0, 0.5, 0))


def test_a_further_crop_is_one_of_what_is_left(a_picture):
    first, then = Correction(crop=(0.1, 0.0, 0.4, 0.2)), (0.2, 0.5, 0.0, 0.25)
    both = Correction(crop=first.further_crop(then))
    assert both.crop == pytest.approx((0.2, 0.4, 0.4, 0.4))
    twice = Correction(crop=then).apply(first.apply(a_picture))
    assert np.array_equal(both.apply(a_picture), twice)


def test_a_corrected_radiograph_says_so_and_keeps_its_file_out_of_it(a_picture):
    radiograph = Radiograph(a_picture, pixel_mm=0.2, source="a.png", isocentre=(5.0, 10.0))
    same = radiograph.corrected(Correction())
    assert (same.pixels == a_picture).all() and same.notes == [] and same.isocentre == (5.0, 10.0)

    corrected = radiograph.corrected(Correction(mirrored=True, pixel_mm=0.4))
    assert corrected.pixel_mm == 0.4 and corrected.oriented and corrected.isocentre is None
    assert corrected.notes == ["a.png: mirrored, pixel size set to 0.4 mm by hand."]
    assert not radiograph.corrected(Correction(inverted=True)).oriented
    with pytest.raises(InputError, match="no pixel size"):
        Correction(pixel_mm=20)


def test_a_request_survives_json():
    request = Request(
        {"PA": Path("a b.dcm")},
        {"PA": Correction(quarter_turns=3, crop=(0.1, 0, 0, 0.2))},
        model=Path("m.safetensors"),
        uncertainty_passes=4,
    )
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    with pytest.raises(InputError, match="no pa"):
        Request.from_dict({"pa": "a.png"})
    with pytest.raises(InputError, match='"files"'):
        Request.from_dict({})
    with pytest.raises(InputError, match="no correction"):
        Request.from_dict({"files": {"PA": "a.png"}, "corrections": {"PA": {"turns": 1}}})


def test_a_correction_is_read_from_the_command_line():
    everything = Correction(3, True, True, (0.1, 0.0, 0.1, 0.05), 0.2)
    assert correction("turn=3,mirror,invert,crop=0.1/0/0.1/0.05,pixel=0.2") == everything
    assert correction("mirror") == Correction(mirrored=True)


@pytest.mark.parametrize(
    "text", ["", "turn", "turn=1.5", "mirror=no", "crop=0.1", "crop=0.6/0/0.6/0", "crop=0/nan/0/0", "pixel=20", "x"]
)
def test_what_is_no_correction_is_said(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"no correction|too little|no pixel size"):
        correction(text)
