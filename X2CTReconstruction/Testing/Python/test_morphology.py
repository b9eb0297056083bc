"""The quick morphology against SimpleITK's."""

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib import morphology

PAIRS = {
    morphology.dilated: sitk.BinaryDilate,
    morphology.eroded: sitk.BinaryErode,
    morphology.opened: sitk.BinaryMorphologicalOpening,
    morphology.closed: sitk.BinaryMorphologicalClosing,
}


@pytest.mark.parametrize("filled", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("radius", [1, 2, 3, 4])
@pytest.mark.parametrize("quick", PAIRS, ids=lambda function: function.__name__)
def test_it_is_that_of_simpleitk_up_to_the_edge_of_the_volume(quick, radius, filled):
    mask = np.random.default_rng(radius).random((14, 17, 20)) < filled
    expected = PAIRS[quick](sitk.GetImageFromArray(mask.astype(np.uint8)), [radius] * 3)
    assert np.array_equal(quick(mask, radius), sitk.GetArrayFromImage(expected) > 0)


def test_a_voxel_becomes_a_ball_and_what_it_was_stays():
    mask = np.zeros((11, 11, 11), bool)
    mask[5, 5, 5] = True
    k, j, i = np.indices(mask.shape) - 5
    assert np.array_equal(morphology.dilated(mask, 3), k**2 + j**2 + i**2 <= 3.5**2)
    assert mask.sum() == 1
