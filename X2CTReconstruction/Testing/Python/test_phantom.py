"""The phantom is a thorax: everything is where a radiologist would look for it, and measures what it says."""

import functools

import numpy as np
import pytest

from X2CTLib.phantom import LABELS, make_phantom
from X2CTLib.phantom.canvas import Canvas, Posture
from X2CTLib.phantom.heart import make_heart
from X2CTLib.phantom.person import Frame, Person

SEEDS = range(6)
HU_OF = {
    "skin": (-250, 60),  # half of a voxel of skin is air or fat
    "fat": (-130, -60),
    "breasts": (-60, 40),
    "muscle": (20, 80),
    "right lung": (-920, -720),
    "left lung": (-920, -720),
    "heart": (30, 300),
    "aorta": (20, 300),
    "liver": (40, 150),
    "stomach gas": (-1024, -800),
    "spine": (80, 700),
    "ribs": (120, 900),
    "sternum": (80, 700),
}


@functools.cache
def phantom(seed, voxels=64):
    return make_phantom(seed, voxels)


def centre_lps(seed, name):
    """Centre of gravity of an organ, mm."""
    made = phantom(seed)
    index = np.argwhere(made.labels == LABELS[name]).mean(axis=0)[::-1]
    return (made.geometry.ijk_to_lps @ [*index, 1])[:3]


def test_a_seed_is_a_person():
    again = make_phantom(1, 64)
    np.testing.assert_array_equal(again.hu, phantom(1).hu)
    np.testing.assert_array_equal(again.labels, phantom(1).labels)
    assert (phantom(2).labels != phantom(1).labels).mean() > 0.05


@pytest.mark.parametrize("voxels", [32, 75])
def test_fills_the_cube_it_is_asked_for(voxels):
    made = make_phantom(0, voxels)
    assert made.hu.shape == made.labels.shape == made.geometry.shape == (voxels,) * 3
    assert made.hu.dtype == np.int16 and made.labels.dtype == np.uint8
    assert made.geometry.spacing[0] == pytest.approx(320 / voxels)
    assert made.hu.min() >= -1024 and made.hu.max() <= 1476


@pytest.mark.parametrize("seed", SEEDS)
def test_organs_lie_where_they_belong(seed):
    """LPS: x grows to the left, y to the back, z upwards."""
    heart, liver, spine, sternum = (centre_lps(seed, name) for name in ("heart", "liver", "spine", "sternum"))
    right, left = centre_lps(seed, "right lung"), centre_lps(seed, "left lung")
    assert right[0] < spine[0] < left[0]
    assert heart[0] > spine[0] + 5
    assert liver[0] < spine[0] - 20
    assert centre_lps(seed, "stomach")[0] > spine[0] + 20
    assert sternum[1] < heart[1] < spine[1]
    assert liver[2] < heart[2] < centre_lps(seed, "clavicles")[2]


def test_the_right_lung_is_larger():
    for made in map(phantom, SEEDS):
        if not made.person.effusion[0]:
            assert made.volumes_ml["right lung"] > made.volumes_ml["left lung"]


def test_the_right_dome_is_higher():
    """On average: a patient may lean."""
    tops = [[np.argwhere(phantom(s).labels == LABELS[n])[:, 0].max() for n in ("liver", "stomach")] for s in SEEDS]
    liver, stomach = np.mean(tops, axis=0)
    assert liver > stomach


@pytest.mark.parametrize("seed", SEEDS)
def test_volumes_are_those_of_the_labels(seed):
    made = phantom(seed)
    voxel_ml = 5**3 / 1000
    for name, value in LABELS.items():
        assert made.volumes_ml.get(name, 0) == pytest.approx((made.labels == value).sum() * voxel_ml)
    assert 1500 < made.volumes_ml["right lung"] + made.volumes_ml["left lung"] < 8000


def test_vessels_leave_the_heart_at_its_surface():
    """What of their roots lies within it is the heart's own blood: no CT shows where it would end."""
    made = phantom(2)
    rng = np.random.default_rng(2)
    person = Person.sample(rng)
    canvas = Canvas(made.geometry, Posture(rng), LABELS)
    canvas.paint(make_heart(Frame(person)).muscle, (0, 50, "heart"))
    within = canvas.labels == LABELS["heart"]
    vessels = np.isin(made.labels, [LABELS[name] for name in ("aorta", "pulmonary vessels", "great vessels")])
    assert (made.labels[within] == LABELS["heart"]).mean() > 0.95  # the diaphragm cuts a little off
    assert (vessels & within).sum() < 0.002 * within.sum()
    assert vessels.sum() > 0.1 * within.sum()


def test_volumes_do_not_depend_on_the_voxels():
    coarse, fine = make_phantom(3, 96).volumes_ml, make_phantom(3, 128).volumes_ml
    for name in ("right lung", "left lung", "heart", "liver", "muscle", "aorta"):
        assert coarse[name] == pytest.approx(fine[name], rel=0.02), name


@pytest.mark.parametrize("seed", SEEDS)
def test_tissues_have_their_hounsfield_units(seed):
    made = phantom(seed)
    outside = made.hu[made.labels == 0]
    assert np.median(outside) == -1000 and (outside == -1000).mean() > 0.9
    for name, (low, high) in HU_OF.items():
        inside = made.hu[made.labels == LABELS[name]]
        if inside.size:
            assert low < np.median(inside) < high, name


def test_people_differ():
    people = [phantom(seed) for seed in SEEDS]
    lungs = [made.volumes_ml["right lung"] + made.volumes_ml["left lung"] for made in people]
    assert max(lungs) > 1.3 * min(lungs)
    assert {made.person.female for made in people} == {True, False}
