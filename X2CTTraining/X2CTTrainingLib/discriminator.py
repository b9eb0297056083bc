"""The 3D PatchGAN discriminator, with or without a condition (paper, section 4.2 and table 3)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.geometry import View
from X2CTLib.networks.connections import MISSING_AXIS
from X2CTLib.networks.encoder import scaled
from X2CTLib.networks.normalisation import VolumeNorm

_CHANNELS = (64, 128, 256, 512)


class Discriminator(nn.Module):
    """Judge overlapping patches of a volume, given the radiographs it should agree with (11.1 M parameters at width 1).

    Three stride-2 and one stride-1 blocks of 4x4x4 convolution, instance normalisation and leaky ReLU, and a last
    convolution to one score a patch. The radiographs are repeated along the axis that they cannot see.

    Args:
        width: Channels relative to the paper's.
        views: Of the radiographs it is given, in their order; none for a discriminator without a condition.
    """

    def __init__(self, width: float = 1.0, views: Sequence[View] = (View.PA, View.LATERAL)) -> None:
        super().__init__()
        self.views = tuple(views)
        layers: list[nn.Module] = []
        channels = 1 + len(self.views)
        for index, count in enumerate(_CHANNELS):
            stride = 2 if index < 3 else 1
            layers.append(nn.Conv3d(channels, scaled(count, width), 4, stride=stride, padding=1))
            if index:
                layers.append(VolumeNorm(scaled(count, width)))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            channels = scaled(count, width)
        layers.append(nn.Conv3d(channels, 1, 4, padding=1))
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last_3d)

    def forward(
        self, volume: Float[Tensor, "b k j i"], images: Float[Tensor, "b view h w"]
    ) -> Float[Tensor, "b 1 p q r"]:
        """Score patches.

        Args:
            volume: A CT cube, scaled to [0, 1].
            images: Standard views of at least as many pixels as the volume has voxels; averaged down to them.
        """
        upwards = F.adaptive_avg_pool2d(images.flip(2), volume.shape[-1])
        stacked = [volume[:, None]]
        for index, view in enumerate(self.views):
            stacked.append(upwards[:, index : index + 1].unsqueeze(MISSING_AXIS[view]).expand_as(stacked[0]))
        return self.layers(torch.cat(stacked, dim=1).contiguous(memory_format=torch.channels_last_3d))
