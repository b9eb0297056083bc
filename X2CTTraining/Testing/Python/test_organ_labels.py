"""What the organ segmenter learns from is true, or said to be unknown."""

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.geometry import VolumeGeometry
from X2CTLib.networks.segmenter import CLASSES
from X2CTLib.phantom import LABELS, make_phantom
from X2CTTrainingLib import organ_labels as labelling
from X2CTTrainingLib.organ_labels import SOFT, UNKNOWN, organ_labels
from X2CTTrainingLib.threshold_organs import threshold_organs

CUBE = VolumeGeometry.cube()


def points():
    k, j, i = np.indices(CUBE.shape)
    return [axis * 2.5 - 158.75 for axis in (i, j, k)]


def a_body():
    x, y, z = points()
    return np.where((abs(x) < 110) & (abs(y) < 65) & (abs(z) < 80), 40, -1000).astype(np.int16)


def millilitres(mask):
    return np.count_nonzero(mask) * 2.5**3 / 1000


def test_a_phantom_is_known_everywhere():
    phantom = make_phantom(5)
    labels = organ_labels(SimpleNamespace(hu=phantom.hu, labels=phantom.labels, name="phantom-5"))
    assert set(np.unique(labels)) == set(range(len(CLASSES)))
    assert np.array_equal(labels == CLASSES.index("heart"), phantom.labels == LABELS["heart"])
    assert np.all(labels[phantom.labels == LABELS["sternum"]] == CLASSES.index("bones"))


def test_thresholds_measure_balls_on_their_sides():
    x, y, z = points()
    hu = a_body()
    hu[(x + 60) ** 2 + y**2 + z**2 < 40**2] = -800
    hu[(x - 60) ** 2 + y**2 + z**2 < 32**2] = -800
    hu[(x**2 + (y - 10) ** 2 < 8**2) & (z > 0)] = -1000
    hu[x**2 + (y - 30) ** 2 + (z + 45) ** 2 < 25**2] = 400
    right, left, bones = threshold_organs(hu, CUBE)
    assert millilitres(right) == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.02)
    assert millilitres(left) == pytest.approx(4 / 3 * np.pi * 3.2**3, rel=0.02)
    assert millilitres(bones) == pytest.approx(4 / 3 * np.pi * 2.5**3, rel=0.02)
    assert x[right].max() < 0 < x[left].min()


def test_fused_lungs_are_parted_in_the_valley_between_them():
    x, y, z = points()
    hu = a_body()
    hu[(abs(x) < 85) & (abs(y) < 45) & (abs(z) < 60)] = -800
    hu[((x - 10) / 25) ** 2 + ((y - 20) / 45) ** 2 < 1] = 40
    hu = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(CUBE.to_image(hu.astype(np.float32)), 5.0))
    right, left, _ = threshold_organs(hu, CUBE)
    bridge = (abs(x - 10) < 8) & (y > -40) & (y < -32) & (abs(z) < 40)
    assert np.all(right[bridge] | left[bridge]), "the lungs are fused"
    assert np.mean(x[right] < 12) > 0.99
    assert np.mean(x[left] > 8) > 0.99
    assert right.sum() > left.sum() > 0.5 * right.sum()


def test_an_outlined_organ_is_believed_inside_and_unknown_at_its_border(monkeypatch):
    square = np.array([[50, 50], [80, 50], [80, 80], [50, 80]], dtype=float)
    hearts = {60: square, 66: square + 3, 72: square + 3, 78: square + 3}
    outlines = {("ct", "heart"): hearts, ("ct", "liver"): {44: square - 20, 50: square - 20}}
    monkeypatch.setattr(labelling, "_outlines", lambda: outlines)
    labels = organ_labels(SimpleNamespace(hu=a_body(), labels=None, name="ct"))
    heart, liver = CLASSES.index("heart"), CLASSES.index("liver")
    assert labels[63, 66, 66] == heart and labels[60, 52, 52] == heart
    assert labels[63, 66, 51] == SOFT, "at the border, half way between two outlines"
    assert labels[63, 66, 40] == 0, "outside of it"
    for k in (69, 75):
        assert labels[k, 66, 66] == SOFT, "heart or great vessels"
        assert labels[k, 66, 40] == 0
    assert labels[80, 66, 66] == SOFT, "beyond the last outline it may go on"
    assert labels[86, 66, 66] == 0
    assert labels[47, 45, 45] == liver
    assert labels[38, 45, 45] == SOFT, "the cube cuts the liver"


def test_a_ct_that_nobody_has_outlined_says_what_thresholds_know():
    x, y, z = points()
    hu = a_body()
    hu[(x + 60) ** 2 + y**2 + z**2 < 40**2] = -800
    hu[(x - 60) ** 2 + y**2 + z**2 < 40**2] = -800
    labels = organ_labels(SimpleNamespace(hu=hu, labels=None, name="another"))
    assert set(np.unique(labels)) == {CLASSES.index("right lung"), CLASSES.index("left lung"), SOFT, UNKNOWN}


def test_every_outline_lies_in_the_cube():
    outlines = labelling._outlines()
    assert {organ for _, organ in outlines} == {"heart", "liver"}
    for drawn in outlines.values():
        assert len(drawn) >= 2
        for k, corners in drawn.items():
            assert 0 <= k < 128 and len(corners) >= 5
            assert corners.min() >= 0 and corners.max() < 128
