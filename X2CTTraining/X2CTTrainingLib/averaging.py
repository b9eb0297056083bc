"""The moving average of a network's weights, which generalises better than the weights themselves."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """A copy that follows a network, once `update_parameters` is called after each step.

    Args:
        network: What to follow.
        decay: In the long run; early on it is over a tenth of the steps so far, for a training begins as noise.
    """

    def follow(averages: list[Tensor], currents: list[Tensor], count: Tensor) -> None:
        done = count.item()
        torch._foreach_lerp_(averages, currents, 1 - min(decay, (done + 1) / (done + 10)))

    return AveragedModel(network, multi_avg_fn=follow)


def begin_anew(average: AveragedModel) -> None:
    """Forget what was averaged: the next step is the first."""
    average.n_averaged.zero_()
