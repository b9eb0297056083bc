"""The spread of reconstructions from slightly different views."""

import numpy as np
import pytest

from X2CTLib.errors import Cancelled
from X2CTLib.framing import Framing
from X2CTLib.geometry import View, clinical_projection
from X2CTLib.progress import CancelToken, silent
from X2CTLib.radiograph import Radiograph
from X2CTLib.uncertainty import spread

PROJECTIONS = {view: clinical_projection(view) for view in View}
FRAMINGS = dict.fromkeys(View, Framing(1.0, (199.5, 199.5), False, 1.0))


@pytest.fixture(scope="module")
def a_pair():
    rows, columns = np.mgrid[-1:1:400j, -1:1:400j]
    disc = (np.hypot(rows, columns) < 0.5).astype(np.float32)
    return {view: Radiograph(disc * 0.8 + 0.1, view) for view in View}


def test_it_is_the_standard_deviation_over_the_first_and_the_further_ones(a_pair):
    values = iter([3.0, 6.0])
    first = np.zeros((2, 2, 2), np.float32)
    found = spread(
        first, a_pair, FRAMINGS, PROJECTIONS, 2, lambda views, told: np.full_like(first, next(values)), silent
    )
    assert np.allclose(found, np.std([0, 3, 6]))


def test_views_differ_a_little_around_edges_and_are_the_same_the_next_time(a_pair):
    seen = []

    def run(views, told):
        seen.append(np.stack([*views.values()]))
        return np.zeros((2, 2, 2), np.float32)

    for _ in range(2):
        spread(np.zeros((2, 2, 2), np.float32), a_pair, FRAMINGS, PROJECTIONS, 4, run, silent)
    assert all(np.array_equal(one, other) for one, other in zip(seen[:4], seen[4:], strict=True))
    deviation = np.std(seen[:4], axis=0)
    rows, columns = np.mgrid[-1:1:128j, -1:1:128j]
    edge = abs(np.hypot(rows, columns) - 0.625) < 0.05
    assert deviation[:, edge].mean() > 0.05 > deviation[:, ~edge].mean() * 5
    assert all(views.min() >= 0 and views.max() <= 1 for views in seen)


def test_every_pass_reports_and_can_be_cancelled(a_pair):
    reported, token = [], CancelToken()

    def run(views, told):
        told(0.5, "Running the network")
        token.check()
        return np.zeros((2, 2, 2), np.float32)

    def progress(fraction, message):
        reported.append((fraction, message))
        if len(reported) == 3:
            token.cancel()

    with pytest.raises(Cancelled):
        spread(np.zeros((2, 2, 2), np.float32), a_pair, FRAMINGS, PROJECTIONS, 4, run, progress)
    assert [fraction for fraction, _ in reported] == [0.125, 0.375, 0.625]
    assert reported[1][1] == "Further pass 2 of 4: Running the network"
