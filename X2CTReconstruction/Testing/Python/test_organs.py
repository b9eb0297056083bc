"""The organ segmenter on phantoms that it has not learned from, as acquired and as smooth as reconstructions are."""

import functools
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib import phantom
from X2CTLib.anatomy import LABELS, measure, segment
from X2CTLib.cards import card_path
from X2CTLib.errors import ModelError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.organs import DEFAULT_SEGMENTER, load_segmenter
from X2CTLib.resampling import resample

SEEDS = (9001, 9002)
MORE_SEEDS = range(9001, 9006)
CUBE = VolumeGeometry.cube()


@functools.cache
def a_person(seed):
    return phantom.make_phantom(seed)


@functools.cache
def labels_of(seed):
    return segment(a_person(seed).hu, CUBE)


def truth(seed, *names):
    return np.isin(a_person(seed).labels, [phantom.LABELS[name] for name in names])


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def volume_error(seed, name, *labels):
    """Of what is measured, relative to the phantom's own volume."""
    found = {m.name: m.value for m in measure(a_person(seed).hu, labels_of(seed), CUBE)}
    return found[name] / sum(a_person(seed).volumes_ml[label] for label in labels) - 1


@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_the_lungs_volume_is_that_of_the_phantom(seed):
    assert volume_error(seed, "Lungs volume", "right lung", "left lung") == pytest.approx(0, abs=0.03)


def test_hearts_have_the_volume_of_the_phantoms():
    """A very small heart, here that of seed 9002, comes out too large."""
    errors = {seed: volume_error(seed, "Heart volume", "heart") for seed in MORE_SEEDS}
    assert {seed for seed, error in errors.items() if abs(error) > 0.08} <= {9002}
    assert errors[9002] < 0.15
    assert np.mean(np.abs([*errors.values()])) < 0.08


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cardiothoracic_ratio_is_that_of_the_phantom(seed):
    found = {m.name: m.value for m in measure(a_person(seed).hu, labels_of(seed), CUBE)}
    assert found["Cardiothoracic ratio"] == pytest.approx(a_person(seed).person.cardiothoracic_ratio, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_organs_overlap_those_of_the_phantom(seed):
    for name, least in {"right lung": 0.97, "left lung": 0.97, "heart": 0.93, "liver": 0.9}.items():
        assert dice(labels_of(seed) == LABELS[name], truth(seed, name)) > least, name
    bones = truth(seed, "spine", "ribs", "sternum", "clavicles", "scapulae")
    assert dice(labels_of(seed) == LABELS["bones"], bones) > 0.75


@pytest.mark.parametrize("seed", SEEDS)
def test_the_heart_is_left_and_the_liver_right(seed):
    columns = {name: np.argwhere(labels_of(seed) == value)[:, 2].mean() for name, value in LABELS.items()}
    midline = np.argwhere(truth(seed, "spine"))[:, 2].mean()
    assert columns["right lung"] < midline < columns["left lung"]
    assert columns["liver"] < midline < columns["heart"]


def test_airways_are_not_lung():
    lungs = np.isin(labels_of(SEEDS[0]), [LABELS["right lung"], LABELS["left lung"]])
    assert lungs[truth(SEEDS[0], "airways")].mean() < 0.15


def test_a_phantom_as_smooth_as_a_reconstruction_keeps_its_organs():
    smooth = sitk.SmoothingRecursiveGaussian(CUBE.to_image(a_person(SEEDS[0]).hu.astype(np.float32)), 4.0)
    labels = segment(sitk.GetArrayFromImage(smooth), CUBE)
    for name in ("right lung", "left lung", "heart", "liver"):
        assert dice(labels == LABELS[name], truth(SEEDS[0], name)) > 0.88, name
    for name in ("right lung", "left lung"):
        assert dice(labels == LABELS[name], truth(SEEDS[0], name)) > 0.9, name


@pytest.mark.parametrize(
    ("spacing", "axes"),
    [
        ((2.5, 2.5, 5.0), ((-1, 0, 0), (0, 1, 0), (0, 0, -1))),
        ((3.0, 3.0, 3.0), ((0, 0, 1), (1, 0, 0), (0, -1, 0))),
        ((3.0, 3.0, 3.0), ((0.96, -0.28, 0), (0.28, 0.96, 0), (0, 0, 1))),
    ],
    ids=["flipped", "sagittal", "oblique"],
)
def test_any_orientation_finds_the_same_organs_on_the_same_sides(spacing, axes):
    matrix = np.eye(4)
    shape = np.ceil(360 / np.array(spacing)).astype(int)
    matrix[:3, :3] = np.asarray(axes) @ np.diag(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ (shape - 1) / 2
    geometry = VolumeGeometry(tuple(shape[::-1].tolist()), matrix)
    hu = sitk.GetArrayFromImage(resample(CUBE.to_image(a_person(SEEDS[1]).hu.astype(np.float32)), geometry, -1000))
    labels = segment(hu, geometry)
    back = sitk.GetArrayFromImage(resample(geometry.to_image(labels), CUBE, 0, sitk.sitkNearestNeighbor))
    for name in ("right lung", "left lung", "heart", "liver"):
        assert dice(back == LABELS[name], labels_of(SEEDS[1]) == LABELS[name]) > 0.9, name


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "organs.safetensors"
    content = bytearray(DEFAULT_SEGMENTER.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    shutil.copy(card_path(DEFAULT_SEGMENTER), card_path(path))
    with pytest.raises(ModelError, match="does not match its card"):
        load_segmenter(path)
