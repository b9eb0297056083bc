"""The lifting network: what it lifts lies where the projection geometry says, and both its stages fit together."""

import numpy as np
import pytest
import torch

from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.networks.lifting import Lift, LiftingNetwork


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("depths_at_once", [1, 2])
def test_a_voxel_gets_what_its_ray_has_met(view, depths_at_once):
    """Maps of the row and the column, lifted, are where each voxel is projected."""
    size = 32
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    maps = torch.stack([row, column])[None].float()
    # The network has turned the rows upwards.
    lifted = Lift(view, size, depths_at_once)(maps.flip(2))[0].numpy()

    geometry = VolumeGeometry.cube(size)
    k, j, i = np.indices(geometry.shape)
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ geometry.ijk_to_lps[:3].T
    expected = np.moveaxis(clinical_projection(view, size).project(points), -1, 0)
    inside = ((expected > 0) & (expected < size - 1)).all(axis=0)
    assert inside.mean() > 0.8
    assert np.abs(lifted - expected)[:, inside].max() < (1e-3 if depths_at_once == 1 else 0.15)


@pytest.mark.parametrize("views", [(View.PA,), (View.PA, View.LATERAL)])
def test_the_finest_level_begins_as_the_coarse_one_enlarged(views):
    torch.manual_seed(0)
    network = LiftingNetwork(views, width=0.25).eval()
    images = torch.rand(2, len(views), 128, 128)
    with torch.inference_mode():
        coarse, fine = network(images, coarse=True), network(images)
    assert coarse.shape == (2, 64, 64, 64) and fine.shape == (2, 128, 128, 128)
    enlarged = torch.nn.functional.interpolate(coarse[:, None], scale_factor=2, mode="trilinear")[:, 0]
    torch.testing.assert_close(fine, enlarged, atol=1e-4, rtol=1e-4)
