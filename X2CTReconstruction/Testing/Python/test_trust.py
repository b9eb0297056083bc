"""What is said of a reconstruction without knowing the truth."""

import numpy as np
import pytest

from X2CTLib.drr import project_views
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.phantom import make_phantom
from X2CTLib.reprojection import reproject
from X2CTLib.trust import assess

PROJECTIONS = {view: clinical_projection(view) for view in View}
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


def test_a_volume_that_explains_its_radiographs_is_not_doubted(its_views):
    trust = assess(its_views, EVERYWHERE, its_views)
    assert not trust.low
    assert all(value == pytest.approx(1) for value in trust.reprojection_correlations.values())
    assert "looks like what was given" in trust.words[0]


def test_a_volume_of_another_chest_is_doubted_in_words(its_views):
    other = reproject(make_phantom(8).hu[::-1], VolumeGeometry.cube(), PROJECTIONS, EVERYWHERE)
    trust = assess(its_views, EVERYWHERE, {**its_views, View.LATERAL: other[View.LATERAL]})
    assert trust.low
    assert trust.reprojection_correlations[View.LATERAL] < 0.9 < trust.reprojection_correlations[View.PA]
    assert any("lateral" in words and "does not explain it" in words for words in trust.words)


def test_only_what_the_radiograph_shows_is_compared(its_views):
    spoilt = {view: np.where(np.arange(128) < 64, image, 0.5) for view, image in its_views.items()}
    left = {view: np.broadcast_to(np.arange(128) < 64, (128, 128)) for view in View}
    assert assess(spoilt, left, its_views).reprojection_correlations[View.PA] == pytest.approx(1)
    assert assess(spoilt, EVERYWHERE, its_views).reprojection_correlations[View.PA] < 0.9


def test_a_flat_picture_is_like_nothing(its_views):
    flat = {view: np.zeros((128, 128), np.float32) for view in View}
    assert assess(its_views, EVERYWHERE, flat).reprojection_correlations == dict.fromkeys(View, 0.0)
