"""Framing brings a thorax of any size, place and facing to the standard view."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from X2CTLib.framing import Framing, chest_crop, find_framing, frame_radiographs, standard_view
from X2CTLib.geometry import CUBE_MM, CUBE_VOXELS, View, clinical_projection, paper_projection
from X2CTLib.radiograph import Radiograph
from X2CTLib.templates import mean_view

# Ellipses (row mm, column mm, half height mm, half width mm, density) about the isocentre.
FRONTAL = [
    (0, 0, 400, 150, 0.6),
    (-10, -70, 100, 45, -0.4),
    (-10, 70, 100, 45, -0.4),
    (30, 30, 50, 45, 0.3),
    (0, 0, 400, 15, 0.3),
    (150, 0, 70, 130, 0.25),
]
LATERAL = [
    (0, -5, 400, 110, 0.6),
    (-10, 0, 110, 80, -0.4),
    (30, -40, 45, 45, 0.25),
    (0, 85, 400, 18, 0.3),
    (170, -30, 90, 90, 0.25),
]


def draw(figure, shape, mm, centre, mirrored=False, seed=None):
    """A radiograph of a figure whose origin lies at pixel `centre`."""
    rows = (np.arange(shape[0])[:, None] - centre[0]) * mm
    columns = (np.arange(shape[1]) - centre[1]) * (-mm if mirrored else mm)
    image = np.zeros(shape)
    for row, column, height, width, density in figure:
        inside = 1 - np.hypot((rows - row) / height, (columns - column) / width)
        image += density * np.clip(0.5 + inside * min(height, width) / 5, 0, 1)
    if seed is not None:
        image += np.random.default_rng(seed).normal(0, 0.02, shape)
    image = np.clip(image, 0, None) ** 0.7
    return (image / image.max()).astype(np.float32)


def template(figure):
    return draw(figure, (128, 128), CUBE_MM / CUBE_VOXELS, (63.5, 63.5))


TEMPLATES = {View.PA: template(FRONTAL), View.LATERAL: template(LATERAL)}


@settings(deadline=None, max_examples=6)
@given(field_mm=st.floats(270, 480), down=st.floats(-25, 25), right=st.floats(-25, 25), seed=st.integers(0, 99))
def test_a_frontal_view_is_found_at_any_size_and_place(field_mm, down, right, seed):
    shape, mm = (400, 360), field_mm / 400
    centre = (199.5 + down / mm, 179.5 + right / mm)
    framing = find_framing(Radiograph(draw(FRONTAL, shape, mm, centre, seed=seed), View.PA), TEMPLATES[View.PA])
    assert not framing.mirrored
    assert framing.mm_per_pixel == pytest.approx(mm, rel=0.04)
    assert np.hypot(*np.subtract(framing.centre, centre)) * mm < 2 * 2.5
    assert framing.similarity > 0.8


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("pixel_mm", [None, 0.8])
def test_a_lateral_is_turned_to_face_left(mirrored, pixel_mm):
    picture = draw(LATERAL, (440, 380), 0.8, (200, 210), mirrored, seed=1)
    radiograph = Radiograph(picture, View.LATERAL, pixel_mm, "lateral.png")
    framing = find_framing(radiograph, TEMPLATES[View.LATERAL])
    assert framing.mirrored == mirrored
    assert framing.mm_per_pixel == pytest.approx(0.8, rel=0.03)
    assert framing.centre == pytest.approx((200, 210), abs=2 * 2.5 / 0.8)
    assert any("mirrored" in note for note in framing.notes) == mirrored
    view = standard_view(radiograph, framing, clinical_projection(View.LATERAL))
    assert np.corrcoef(view.ravel(), TEMPLATES[View.LATERAL].ravel())[0, 1] > 0.95
    assert view[:, 64 + 34].mean() > view[:, 64 - 34].mean(), "the spine is to the right"


def test_a_frontal_view_with_the_heart_on_the_right_is_not_mirrored_but_said():
    for reversed_ in (False, True):
        pixels = draw(FRONTAL, (400, 400), 0.9, (199.5, 199.5), mirrored=reversed_)
        (framing,) = frame_radiographs({View.PA: Radiograph(pixels, View.PA)}, TEMPLATES).values()
        assert not framing.mirrored and framing.looks_mirrored == reversed_
        assert any("side marker" in note for note in framing.notes) == reversed_


def test_a_lateral_whose_file_tells_its_side_is_not_mirrored():
    picture = draw(LATERAL, (400, 400), 0.9, (199.5, 199.5), mirrored=True)
    stated = Radiograph(picture, View.LATERAL, oriented=True)
    assert not find_framing(stated, TEMPLATES[View.LATERAL]).mirrored


def test_a_known_pixel_size_is_kept():
    small = Radiograph(draw(FRONTAL, (400, 400), 0.9, (199.5, 199.5)), View.PA, pixel_mm=1.1)
    framing = find_framing(small, TEMPLATES[View.PA])
    assert framing.mm_per_pixel == pytest.approx(1.1)
    assert not any("estimated" in note for note in framing.notes)


def test_one_view_vouches_for_the_size_of_the_other():
    pa = Radiograph(draw(FRONTAL, (400, 400), 0.9, (210, 199.5)), View.PA)
    lateral = Radiograph(draw(LATERAL, (400, 330), 0.9, (190, 165), mirrored=True, seed=2), View.LATERAL)
    framings = frame_radiographs({View.PA: pa, View.LATERAL: lateral}, TEMPLATES)
    assert framings[View.PA].mm_per_pixel == pytest.approx(0.9, rel=0.03)
    assert framings[View.LATERAL].mm_per_pixel == pytest.approx(0.9, rel=0.03)
    assert framings[View.LATERAL].mirrored
    assert not any("looks" in note for framing in framings.values() for note in framing.notes)


def test_black_borders_move_nothing():
    """Nor does cropping them off by hand."""
    pair = {
        View.PA: draw(FRONTAL, (400, 400), 0.9, (210, 199.5)),
        View.LATERAL: draw(LATERAL, (400, 330), 0.9, (190, 165)),
    }
    bordered = pair | {View.PA: np.pad(pair[View.PA], ((20, 40), (100, 260)))}
    tight, wide = (
        frame_radiographs({view: Radiograph(pixels) for view, pixels in pictures.items()}, TEMPLATES)
        for pictures in (pair, bordered)
    )
    assert wide[View.LATERAL] == tight[View.LATERAL]
    down, right = np.subtract(wide[View.PA].centre, tight[View.PA].centre)
    assert (down, right) == pytest.approx((20, 100)) and wide[View.PA].mm_per_pixel == tight[View.PA].mm_per_pixel


def test_next_to_nothing_is_framed_and_not_trusted():
    dot = np.zeros((300, 200), np.float32)
    dot[150, 90] = 1
    framing = find_framing(Radiograph(dot, View.PA, source="dot.png"), TEMPLATES[View.PA])
    assert np.isfinite([framing.mm_per_pixel, *framing.centre]).all()
    assert "Check that it is the right picture" in " ".join(framing.notes)


def test_a_radiograph_alone_is_framed_by_its_own_template():
    lateral = Radiograph(draw(LATERAL, (440, 380), 0.8, (200, 210), mirrored=True, seed=1), source="lateral.png")
    (framing,) = frame_radiographs({View.LATERAL: lateral}, {View.LATERAL: TEMPLATES[View.LATERAL]}).values()
    assert framing == find_framing(dataclasses.replace(lateral, view=View.LATERAL), TEMPLATES[View.LATERAL])
    assert framing.mirrored and framing.mm_per_pixel == pytest.approx(0.8, rel=0.03)


def test_swapped_views_and_negatives_are_noticed():
    pa = Radiograph(draw(FRONTAL, (400, 400), 0.9, (199.5, 199.5)), source="a.png")
    lateral = Radiograph(draw(LATERAL, (400, 400), 0.9, (199.5, 199.5)), source="b.png")
    swapped = frame_radiographs({View.PA: lateral, View.LATERAL: pa}, TEMPLATES)
    assert all("looks more like the" in " ".join(framing.notes) for framing in swapped.values())
    negative = find_framing(dataclasses.replace(pa, pixels=1 - pa.pixels), TEMPLATES[View.PA])
    assert "negative" in " ".join(negative.notes)


def test_a_picture_of_noise_is_not_trusted():
    noise = Radiograph(np.random.default_rng(0).random((200, 200), dtype=np.float32), View.PA, source="noise.png")
    framing = find_framing(noise, TEMPLATES[View.PA])
    assert framing.similarity < 0.2
    assert "Check that it is the right picture" in " ".join(framing.notes)


def test_the_standard_view_does_not_alias_and_keeps_places():
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (512, 256))
    stripes[:, :100], stripes[:, 412:] = 0, 1
    view = standard_view(
        Radiograph(stripes), Framing(CUBE_MM / 512, (255.5, 255.5), False, 1.0), clinical_projection(View.PA)
    )
    assert np.ptp(view[:, 30:98]) < 0.1, "stripes finer than a pixel are grey"
    assert (view[:, :24] == 0).all() and (view[:, 104:] == 1).all()


def test_a_projection_that_magnifies_sees_less_of_the_patient():
    """The paper's sees 285 mm at the isocentre on 320 pixels."""
    picture = np.zeros((640, 640), np.float32)
    picture[:, 320 + 140 * 2 :] = 1
    view = standard_view(Radiograph(picture), Framing(0.5, (319.5, 319.5), False, 1.0), paper_projection(View.PA))
    assert view.shape == (320, 320)
    first = np.flatnonzero(view[160] > 0.5)[0]
    assert (first + 0.5 - 160) * 285 / 320 == pytest.approx(140, abs=1)


def test_outside_of_the_radiograph_is_black():
    picture = draw(FRONTAL, (400, 400), 0.5, (199.5, 199.5))
    view = standard_view(Radiograph(picture), Framing(0.5, (199.5, 199.5), False, 1.0), clinical_projection(View.PA))
    margin = (128 - round(200 / 2.5)) // 2
    assert view.shape == (128, 128) and view.dtype == np.float32
    assert not view[: margin - 1].any() and not view[:, -margin + 1 :].any()
    assert view.min() >= 0 and view.max() == 1


def test_the_mean_view_is_sharper_than_the_mean_and_stays_in_place():
    rng = np.random.default_rng(0)
    views = [
        draw(FRONTAL, (128, 128), mm, (63.5 + down, 63.5 + right))
        for mm, down, right in zip(2.5 * rng.uniform(0.9, 1.1, 6), *rng.uniform(-4, 4, (2, 6)), strict=True)
    ]
    views[0][:20] = 0  # not scanned
    mean, blurred = mean_view(views), np.mean(views, axis=0)
    assert np.abs(np.diff(mean)).max() > 1.2 * np.abs(np.diff(blurred)).max()
    assert np.corrcoef(mean[10:-10, 10:-10].ravel(), TEMPLATES[View.PA][10:-10, 10:-10].ravel())[0, 1] > 0.97
    assert mean[0, 64] > 0.8, "rows that one CT did not scan do not darken it"


def test_a_known_isocentre_is_kept():
    shifted = np.roll(TEMPLATES[View.PA], 9, axis=1)
    radiograph = Radiograph(shifted, View.PA, pixel_mm=2.5, isocentre=(63.5, 63.5))
    assert find_framing(radiograph, TEMPLATES[View.PA]).centre == (63.5, 63.5)


def test_the_chest_crop_is_the_standard_view_within_the_picture():
    radiograph = Radiograph(np.zeros((400, 500), np.float32))
    # 160 mm are 200 pixels: columns -0.5 to 399.5 of 500, rows 99.5 to 499.5 of 400.
    crop = chest_crop(radiograph, Framing(0.8, (299.5, 199.5), False, 1.0))
    assert crop == pytest.approx((0.0, 100 / 400, 100 / 500, 0.0))
