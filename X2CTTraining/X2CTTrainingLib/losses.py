"""What the networks are trained to lower (paper, section 3)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def reconstruction_loss(output: Float[Tensor, "b k j i"], truth: Float[Tensor, "b k j i"]) -> Float[Tensor, ""]:
    """Mean squared error over the voxels (equation 3)."""
    return F.mse_loss(output, truth)


def projection_loss(output: Float[Tensor, "b k j i"], truth: Float[Tensor, "b k j i"]) -> Float[Tensor, ""]:
    """Mean absolute error of the parallel projections along the three axes, averaged (equation 4)."""
    return sum(F.l1_loss(output.mean(axis), truth.mean(axis)) for axis in (1, 2, 3)) / 3


def least_squares_loss(scores: Float[Tensor, "..."], target: float) -> Float[Tensor, ""]:
    """Half the mean squared distance of a discriminator's scores from a target (equation 2)."""
    return (scores - target).square().mean() / 2
