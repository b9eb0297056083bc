"""2DCNN, the paper's baseline: one radiograph to the CT cube by 2D convolutions alone.

P. Henzler, V. Rasche, T. Ropinski, T. Ritschel: Single-image Tomography: 3D Volumes from 2D Cranial X-Rays (2018). Its
first step, which X2CT-GAN compares itself with, is an hourglass network; the channels of its output are the depth of
the volume. Levels, blocks, kernels and channels here are those of the network definition that its authors published
(`deploy.prototxt`). Ours are instance normalisation in place of batch normalisation, as in the rest of the X2CT-GAN
networks, and the coarse head. Their second step, which fuses the volume with a larger radiograph, adds no voxels to a
cube of 128 and is left out.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.geometry import CUBE_VOXELS, View
from X2CTLib.networks.connections import MISSING_AXIS
from X2CTLib.networks.encoder import scaled

STEM_CHANNELS, TRUNK_CHANNELS, HOURGLASS_CHANNELS = 64, 128, 256
HALVINGS = 4
"""Of the hourglass, from 128 to 8 pixels an edge."""
BLOCKS = 3
"""Residual blocks on each level's way down."""


class ResidualBlock(nn.Module):
    """1x1, 3x3 and 1x1 convolutions through half as many channels, added to what came in."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        bottleneck = out_channels // 2
        self.layers = nn.Sequential(
            *_convolution(in_channels, bottleneck, 1),
            nn.ReLU(),
            *_convolution(bottleneck, bottleneck, 3),
            nn.ReLU(),
            *_convolution(bottleneck, out_channels, 1),
        )
        widens = in_channels != out_channels
        self.shortcut = nn.Sequential(*_convolution(in_channels, out_channels, 1)) if widens else nn.Identity()

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return torch.relu(self.layers(features) + self.shortcut(features))


class Hourglass(nn.Module):
    """Halve, refine, go through a smaller hourglass, refine, enlarge, and add what came in."""

    def __init__(self, channels: int, halvings: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.MaxPool2d(2),
            *(ResidualBlock(channels, channels) for _ in range(BLOCKS)),
            Hourglass(channels, halvings - 1) if halvings > 1 else ResidualBlock(channels, channels),
            ResidualBlock(channels, channels),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return features + self.layers(features)


class SingleImageNetwork(nn.Module):
    """One radiograph of 256 pixels to the CT cube of 128 voxels (4.1 million parameters at width 1).

    As in `Generator`, the cube is a prediction at half the resolution, enlarged, plus what the last level adds to it.

    Args:
        views: One.
        width: Channels relative to the authors'.
    """

    pixels = 2 * CUBE_VOXELS

    def __init__(self, views: Sequence[View] = (View.PA,), width: float = 1.0) -> None:
        super().__init__()
        (view,) = self.views = tuple(views)
        # The volume has no axis for channels.
        self.depth_axis = MISSING_AXIS[view] - 1
        stem, trunk, channels = (scaled(count, width) for count in (STEM_CHANNELS, TRUNK_CHANNELS, HOURGLASS_CHANNELS))
        self.layers = nn.Sequential(
            *_convolution(1, stem, 7, stride=2),
            nn.ReLU(),
            ResidualBlock(stem, trunk),
            ResidualBlock(trunk, trunk),
            ResidualBlock(trunk, trunk),
            ResidualBlock(trunk, channels),
            Hourglass(channels, HALVINGS),
            *_convolution(channels, channels, 1),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(channels, CUBE_VOXELS, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.coarse_head = nn.Conv2d(channels, CUBE_VOXELS // 2, 1)

    def forward(self, images: Float[Tensor, "b 1 h w"], coarse: bool = False) -> Float[Tensor, "b k j i"]:
        """Reconstruct; see `Generator.forward`. Predicting at half the resolution spares little here."""
        # Rows run downwards, the cube's first axis upwards.
        features = self.layers(images.flip(2))
        slices = self.coarse_head(F.avg_pool2d(features, 2))
        if not coarse:
            base = F.interpolate(slices[:, None].float(), scale_factor=2, mode="trilinear")
            slices = base[:, 0] + self.head(features)
        return slices.movedim(1, self.depth_axis)


def _convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """A convolution and its normalisation."""
    convolution = nn.Conv2d(in_channels, out_channels, size, stride, padding=size // 2, bias=False)
    return convolution, nn.InstanceNorm2d(out_channels)
