"""The DRRs of training bodies in short: what is known of them, what is far from them, and how far is far."""

import dataclasses
import json

import numpy as np
import pytest

from X2CTLib.errors import InputError, ModelError
from X2CTLib.familiarity import PIXELS, likenesses, load_familiarity, save_familiarity, small
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection, paper_projection
from X2CTLib.phantom import make_phantom
from X2CTLib.reprojection import reproject
from X2CTTrainingLib import familiarity_command
from X2CTTrainingLib.datasets import Source, prepare
from X2CTTrainingLib.familiarity_command import know, summed_up


def some_ellipses(count, seed):
    """Bright upright ellipses of any size, at any height, with some noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1 : 1 : PIXELS * 1j, -1 : 1 : PIXELS * 1j]
    sides = zip(rng.uniform(0.5, 0.7, count), rng.uniform(0.25, 0.4, count), rng.normal(0, 0.05, count), strict=True)
    ellipses = [np.exp(-(((rows - at) / long) ** 4) - (columns / short) ** 4) for long, short, at in sides]
    return np.stack(ellipses) + rng.normal(0, 0.05, (count, PIXELS, PIXELS))


@pytest.fixture(scope="module")
def ellipses():
    everywhere = np.ones(PIXELS**2, bool)
    known = summed_up(some_ellipses(60, 0).reshape(60, -1), components=8)
    others = [known.unlikeness(image.ravel(), everywhere) for image in some_ellipses(40, 1)]
    return dataclasses.replace(known, calibration=np.stack(others))


def test_the_like_is_near_and_the_unlike_far(ellipses):
    shown = np.ones((PIXELS, PIXELS), bool)
    for image in some_ellipses(10, 2):
        near, turned, negative = (ellipses.likeness(it, shown).distance for it in (image, image.T, 1 - image))
        assert near < 1.5 < min(turned, negative)
    noise = np.random.default_rng(0).random((PIXELS, PIXELS))
    assert ellipses.likeness(noise, shown).share == 0
    assert ellipses.likeness(np.zeros((PIXELS, PIXELS)), shown).share == 0


def test_of_those_that_calibrate_one_in_twenty_is_far(ellipses):
    shown = np.ones((PIXELS, PIXELS), bool)
    found = [ellipses.likeness(image, shown) for image in some_ellipses(40, 1)]
    assert np.mean([likeness.distance > 1 for likeness in found]) == pytest.approx(0.05, abs=0.01)
    assert np.mean([likeness.share for likeness in found]) == pytest.approx(0.5, abs=0.03)


def test_what_a_radiograph_does_not_show_counts_for_nothing(ellipses):
    shown = np.broadcast_to(np.arange(PIXELS) < 40, (PIXELS, PIXELS))
    image = some_ellipses(1, 3)[0]
    spoilt = np.where(shown, image, 0.7)
    assert ellipses.likeness(spoilt, shown) == ellipses.likeness(image, shown)
    assert ellipses.likeness(spoilt, np.ones_like(shown)).distance > ellipses.likeness(image, shown).distance


def test_views_of_any_resolution_are_made_small():
    coarse = np.random.default_rng(0).random((PIXELS, PIXELS)).astype(np.float32)
    pixels, shown = small(np.kron(coarse, np.ones((4, 4), np.float32)), np.ones((4 * PIXELS, 4 * PIXELS), bool))
    assert np.allclose(pixels, coarse.ravel()) and shown.all()


def test_cases_are_known_and_kept_on_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(familiarity_command, "_PATIENT_DRRS", 2)
    phantoms = [prepare(Source(f"p{seed}", f"p{seed}", phantom=seed), tmp_path) for seed in range(4)]
    with pytest.raises(InputError, match="At least 4 patients"):
        know(phantoms, tmp_path)
    patients = [dataclasses.replace(case, real=True) for case in phantoms]
    known = know(patients, tmp_path)
    for of_view in known.values():
        assert of_view.calibration.shape == (8, 2) and np.isfinite(of_view.calibration).all()
        assert np.allclose(of_view.components @ of_view.components.T, np.eye(len(of_view.components)), atol=1e-3)

    path = tmp_path / "known.safetensors"
    save_familiarity(path, known, {"name": "few"})
    loaded = load_familiarity(path)
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
    assert np.allclose(loaded[View.PA].mean, known[View.PA].mean, atol=1e-3)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    load_familiarity.cache_clear()
    with pytest.raises(ModelError, match="does not match its card"):
        load_familiarity(path)


def test_the_shipped_ones_know_a_chest_and_no_other_field():
    projections = {view: clinical_projection(view) for view in View}
    shown = {view: np.ones((128, 128), bool) for view in View}
    views = reproject(make_phantom(1000).hu, VolumeGeometry.cube(), projections, shown)
    assert all(likeness.distance < 1 for likeness in likenesses(views, shown, projections).values())
    wrong = {
        "upside down": {view: image[::-1] for view, image in views.items()},
        "a negative": {view: 1 - image for view, image in views.items()},
        "on its side": {view: image.T for view, image in views.items()},
        "swapped": dict(zip(views, [*views.values()][::-1], strict=True)),
    }
    for name, pictures in wrong.items():
        assert max(likeness.distance for likeness in likenesses(pictures, shown, projections).values()) > 1, name
    assert likenesses(views, shown, {view: paper_projection(view) for view in View}) == {}
