"""What is said of a reconstruction without knowing the truth."""

import numpy as np
import pytest

from X2CTLib.drr import project_views
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.phantom import make_phantom
from X2CTLib.reprojection import reproject
from X2CTLib.trust import LEAST_CORRELATION, MIRRORED, Likeness, assess

PROJECTIONS = {view: clinical_projection(view) for view in View}
AIR = np.full((4, 4, 4), -1000.0)
EVERYWHERE = {view: np.ones((128, 128), bool) for view in View}


@pytest.fixture(scope="module")
def a_phantom():
    return make_phantom(3).hu


@pytest.fixture(scope="module")
def its_views(a_phantom):
    return reproject(a_phantom, VolumeGeometry.cube(), PROJECTIONS, EVERYWHERE)


def test_a_reprojection_is_a_standard_view_of_the_volume(a_phantom, its_views):
    shown = {view: np.arange(128) < 100 for view in View}
    shown = {view: mask[:, None] & EVERYWHERE[view] for view, mask in shown.items()}
    part = reproject(a_phantom, VolumeGeometry.cube(), PROJECTIONS, shown)
    for view, integrals in project_views(a_phantom, VolumeGeometry.cube(), PROJECTIONS).items():
        assert its_views[view].min() == 0 and its_views[view].max() == 1
        assert np.corrcoef(its_views[view].ravel(), integrals.ravel())[0, 1] > 0.99
        assert not part[view][100:].any() and part[view].max() == 1
        low, high = np.quantile(integrals[:100], (0.01, 0.99))
        assert np.allclose(part[view][:100], ((integrals[:100] - low) / (high - low)).clip(0, 1), atol=1e-4)


def judged(views, shown=EVERYWHERE, reprojections=None, distance=0.5, mirrored=(), hu=AIR, **others):
    likenesses = dict.fromkeys(View, Likeness(0.5, distance))
    return assess(views, shown, reprojections or views, likenesses, mirrored, hu, **others)


def test_a_volume_that_explains_its_radiographs_is_not_doubted(its_views):
    trust = judged(its_views)
    assert not trust.low
    assert trust.reprojection_correlations == pytest.approx(dict.fromkeys(View, 1))
    assert trust.familiarity == dict.fromkeys(View, 0.5)
    assert len(trust.words) == 2 and all("looks like" in words for words in trust.words)


def test_a_volume_of_another_chest_is_doubted_in_words(its_views):
    other = reproject(make_phantom(8).hu[::-1], VolumeGeometry.cube(), PROJECTIONS, EVERYWHERE)
    trust = judged(its_views, reprojections={**its_views, View.LATERAL: other[View.LATERAL]})
    assert trust.low
    correlations = trust.reprojection_correlations
    assert correlations[View.LATERAL] < LEAST_CORRELATION < correlations[View.PA]
    assert "lateral" in trust.words[0] and "does not explain it" in trust.words[0], "doubts come first"


def test_a_strange_picture_is_doubted_more_than_an_unusual_one(its_views):
    unusual, strange = (judged(its_views, distance=distance) for distance in (1.2, 2.0))
    assert unusual.low and "real radiographs often are" in unusual.words[0]
    assert strange.low and "Check that it is the right picture" in strange.words[0]


def test_a_mirrored_picture_is_doubted(its_views):
    trust = judged(its_views, mirrored=[View.PA])
    assert trust.doubts == [MIRRORED] and "PA radiograph looks mirrored" in trust.words[0]


def test_half_a_chest_is_said(its_views):
    half = {view: np.broadcast_to(np.arange(128) < 64, (128, 128)) for view in View}
    trust = judged(its_views, shown=half)
    assert trust.low and "shows only 50 % of the field" in trust.words[0]


def test_how_far_the_volume_moves_is_said_of_the_body_alone(its_views, a_phantom):
    spread = np.where(a_phantom > -950, 40, 500).astype(np.float32)
    trust = judged(its_views, hu=a_phantom, uncertainty=spread)
    assert any("by 40 HU on average" in words for words in trust.words) and not trust.low
    assert not any("Moving" in words for words in judged(its_views, hu=a_phantom).words)


def test_only_what_the_radiograph_shows_is_compared(its_views):
    spoilt = {view: np.where(np.arange(128) < 64, image, 0.5) for view, image in its_views.items()}
    left = {view: np.broadcast_to(np.arange(128) < 64, (128, 128)) for view in View}
    assert judged(spoilt, left, its_views).reprojection_correlations[View.PA] == pytest.approx(1)
    assert judged(spoilt, EVERYWHERE, its_views).reprojection_correlations[View.PA] < 0.9


def test_a_flat_picture_is_like_nothing(its_views):
    flat = {view: np.zeros((128, 128), np.float32) for view in View}
    assert judged(its_views, reprojections=flat).reprojection_correlations == dict.fromkeys(View, 0.0)
