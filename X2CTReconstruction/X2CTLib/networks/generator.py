"""The generator: one encoder-decoder a view, and a third decoder that fuses two views (paper, sec. 4.1, fig. 3)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.geometry import View
from X2CTLib.networks.connections import ConnectionA, ConnectionB, ConnectionC
from X2CTLib.networks.encoder import Encoder, scaled

DECODER_CHANNELS = (256, 128, 64, 32, 16, 16)
"""Of the decoders from 4 to 128 voxels an edge."""
_MISSING_AXIS = {View.PA: 3, View.LATERAL: 4}


class DecoderLevel(nn.Module):
    """Double the resolution, merge what a connection brings, refine.

    The merging convolution over (upsampled, brought) channels is the sum of one over each; `merge` here is the first.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose3d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm3d(out_channels),
            nn.ReLU(),
        )
        self.merge = nn.Conv3d(out_channels, out_channels, 3, padding=1)
        self.refine = nn.Sequential(
            nn.InstanceNorm3d(out_channels),
            nn.ReLU(),
            nn.Conv3d(out_channels, out_channels, 3, padding=1),
            nn.InstanceNorm3d(out_channels),
            nn.ReLU(),
        )

    def forward(
        self, features: Float[Tensor, "b c k j i"], brought: Float[Tensor, "b d 2*k 2*j 2*i"]
    ) -> Float[Tensor, "b d 2*k 2*j 2*i"]:
        return self.refine(self.merge(self.up(features)) + brought)


class Head(nn.Conv3d):
    """The last convolution, 7x7x7 to one channel; it adds nothing before it has learned.

    A convolution to one channel leaves a processor's vectors empty. Here the seven planes of the kernel are seven
    output channels of a 1x7x7 convolution, whose planes are then added where they belong: the same sum, faster.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, 1, 7, padding=3)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, features: Float[Tensor, "b c k j i"]) -> Float[Tensor, "b 1 k j i"]:
        planes = self.weight[0].transpose(0, 1)[:, :, None].contiguous(memory_format=torch.channels_last_3d)
        partial = F.pad(F.conv3d(features, planes, padding=(0, 3, 3)), (0, 0, 0, 0, 3, 3))
        depth = features.shape[2]
        total = sum(partial[:, plane, plane : plane + depth].float() for plane in range(7))
        return (total + self.bias).unsqueeze(1)


class Branch(nn.Module):
    """The encoder-decoder network of one view, up to its features in the frame of the CT."""

    def __init__(self, view: View, width: float) -> None:
        super().__init__()
        channels = [scaled(count, width) for count in DECODER_CHANNELS]
        self.encoder = Encoder(width)
        self.bridge = ConnectionA(self.encoder.channels[-1], channels[0])
        self.skips = nn.ModuleList(
            ConnectionB(encoded, decoded, _MISSING_AXIS[view])
            for encoded, decoded in zip(self.encoder.channels[-2::-1], channels[1:], strict=True)
        )
        self.levels = nn.ModuleList(DecoderLevel(*pair) for pair in pairwise(channels))

    def forward(self, image: Float[Tensor, "b 1 h w"], levels: int) -> list[Float[Tensor, "b _ _ _ _"]]:
        """The features of the volume at each resolution, from the coarsest."""
        maps = self.encoder(image)
        volumes = [self.bridge(maps.pop())]
        for level, skip in zip(self.levels[:levels], self.skips, strict=False):
            volumes.append(level(volumes[-1], skip(maps.pop())))
        return volumes


class FusionDecoder(nn.Module):
    """The decoder that reads both views' features."""

    def __init__(self, width: float) -> None:
        super().__init__()
        channels = [scaled(count, width) for count in DECODER_CHANNELS]
        self.connection = ConnectionC()
        self.levels = nn.ModuleList(DecoderLevel(*pair) for pair in pairwise(channels))
        self.skips = nn.ModuleList(nn.Conv3d(count, count, 3, padding=1, bias=False) for count in channels[1:])

    def forward(self, pa: list[Tensor], lateral: list[Tensor]) -> list[Float[Tensor, "b _ _ _ _"]]:
        fused = [self.connection(*pair) for pair in zip(pa, lateral, strict=True)]
        volumes = [fused[0]]
        for level, skip, features in zip(self.levels, self.skips, fused[1:], strict=False):
            volumes.append(level(volumes[-1], skip(features)))
        return volumes


class Generator(nn.Module):
    """Radiographs to the CT cube.

    The paper's network, and one small head more: the cube is what the last but one level predicts, enlarged, plus what
    the last level adds to it. So a training can begin at half the resolution and lose nothing when it goes on.

    Args:
        views: (PA, LATERAL) for the biplanar network (61.7 M parameters at width 1), or one view (29.4 M).
        width: Channels relative to the paper's.
    """

    def __init__(self, views: Sequence[View] = (View.PA, View.LATERAL), width: float = 1.0) -> None:
        super().__init__()
        self.views = tuple(views)
        self.branches = nn.ModuleDict({view.name: Branch(view, width) for view in self.views})
        self.fusion = FusionDecoder(width) if len(self.views) == 2 else None
        last = scaled(DECODER_CHANNELS[-1], width)
        self.head = Head(last)
        self.coarse_head = nn.Conv3d(scaled(DECODER_CHANNELS[-2], width), 1, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                module.to(memory_format=torch.channels_last_3d)

    def forward(self, images: Float[Tensor, "b view h w"], coarse: bool = False) -> Float[Tensor, "b k j i"]:
        """Reconstruct.

        Args:
            images: Standard views in [0, 1], in the order of `views`; 128 pixels give 128 voxels.
            coarse: Leave out the finest level and predict at half the resolution, an eighth of the work
                (the first part of a training).

        Returns:
            The cube (superior, posterior, left), 0 and 1 being the ends of `geometry.HU_RANGE`.
        """
        # Rows run downwards, the cube's first axis upwards.
        upwards = images.flip(2)
        levels = len(DECODER_CHANNELS) - (2 if coarse else 1)
        features = [
            self.branches[view.name](upwards[:, index : index + 1], levels) for index, view in enumerate(self.views)
        ]
        volumes = self.fusion(*features) if self.fusion else features[0]
        if coarse:
            return self.coarse_head(volumes[-1]).squeeze(1)
        base = F.interpolate(self.coarse_head(volumes[-2]).float(), scale_factor=2, mode="trilinear")
        return (base + self.head(volumes[-1])).squeeze(1)
