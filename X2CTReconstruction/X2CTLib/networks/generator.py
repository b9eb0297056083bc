"""The generator: one encoder-decoder a view, and a third decoder that fuses two views (paper, sec. 4.1, fig. 3)."""

from collections.abc import Iterable, Sequence
from itertools import pairwise, repeat

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.errors import ModelError
from X2CTLib.geometry import View
from X2CTLib.networks.connections import MISSING_AXIS, ConnectionA, ConnectionB, ConnectionC
from X2CTLib.networks.encoder import Encoder, scaled
from X2CTLib.networks.normalisation import VolumeNorm

DECODER_CHANNELS = (256, 128, 64, 32, 16, 16)
"""Of the decoders from 4 to 128 voxels an edge."""
CONNECTIONS = {1: (("A", "B"), ("A",)), 2: (("A", "B", "C"), ("A",))}
"""Which ones a network of one or two views can have, the paper's best first (table 2)."""


class DecoderLevel(nn.Module):
    """Double the resolution, merge what a connection brings, refine.

    The merging convolution over (upsampled, brought) channels is the sum of one over each; `merge` here is the first.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose3d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1),
            VolumeNorm(out_channels),
            nn.ReLU(inplace=True),
        )
        self.merge = nn.Conv3d(out_channels, out_channels, 3, padding=1)
        self.refine = nn.Sequential(
            VolumeNorm(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv3d(out_channels, out_channels, 3, padding=1),
            VolumeNorm(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(
        self, features: Float[Tensor, "b c k j i"], brought: Float[Tensor, "b d 2*k 2*j 2*i"] | float
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
    """The encoder-decoder network of one view, up to its features in the frame of the CT.

    Args:
        view: What it sees.
        connections: Those of the whole network.
        width: Channels relative to the paper's.
        dropout: Of Connection-A.
        decodes: Whether it goes beyond the coarsest volume.
    """

    def __init__(self, view: View, connections: Sequence[str], width: float, dropout: float, decodes: bool) -> None:
        super().__init__()
        channels = [scaled(count, width) for count in DECODER_CHANNELS]
        self.encoder = Encoder(width)
        self.bridge = ConnectionA(self.encoder.channels[-1], channels[0], dropout=dropout)
        skipped = zip(self.encoder.channels[-2::-1], channels[1:], strict=True) if "B" in connections else ()
        self.skips = nn.ModuleList(ConnectionB(*counts, MISSING_AXIS[view]) for counts in skipped)
        self.levels = nn.ModuleList(DecoderLevel(*pair) for pair in pairwise(channels) if decodes)

    def forward(self, image: Float[Tensor, "b 1 h w"], levels: int) -> list[Float[Tensor, "b _ _ _ _"]]:
        """The features of the volume at each resolution, from the coarsest."""
        *finer, coarsest = self.encoder(image)
        return _decode(self.levels[:levels], self.bridge(coarsest), self.skips, reversed(finer))


class FusionDecoder(nn.Module):
    """The decoder that reads both views' features: at each resolution, or the coarsest alone without Connection-B."""

    def __init__(self, connections: Sequence[str], width: float) -> None:
        super().__init__()
        channels = [scaled(count, width) for count in DECODER_CHANNELS]
        self.connection = ConnectionC()
        self.levels = nn.ModuleList(DecoderLevel(*pair) for pair in pairwise(channels))
        skipped = channels[1:] if "B" in connections else ()
        self.skips = nn.ModuleList(nn.Conv3d(count, count, 3, padding=1, bias=False) for count in skipped)

    def forward(self, pa: list[Tensor], lateral: list[Tensor], levels: int) -> list[Float[Tensor, "b _ _ _ _"]]:
        """The features of the volume at each resolution, from the coarsest."""
        coarsest, *finer = (self.connection(*pair) for pair in zip(pa, lateral, strict=True))
        return _decode(self.levels[:levels], coarsest, self.skips, finer)


def _decode(
    levels: Iterable[DecoderLevel], coarsest: Tensor, skips: nn.ModuleList, features: Iterable[Tensor]
) -> list[Float[Tensor, "b _ _ _ _"]]:
    """The volumes from the coarsest on; `skips`, if there are any, bring `features` to the levels."""
    volumes = [coarsest]
    brought = (skip(finer) for skip, finer in zip(skips, features, strict=False)) if skips else repeat(0.0)
    for level, addition in zip(levels, brought, strict=False):
        volumes.append(level(volumes[-1], addition))
    return volumes


class Generator(nn.Module):
    """Radiographs to the CT cube.

    The paper's network, and one small head more: the cube is what the last but one level predicts, enlarged, plus what
    the last level adds to it. So a training can begin at half the resolution and lose nothing when it goes on.

    Args:
        views: (PA, LATERAL) for the biplanar network (61.7 M parameters at width 1), or one view (29.4 M).
        width: Channels relative to the paper's.
        connections: All that fit the views, or ("A",) for the ablations of table 2: without Connection-B, and from two
            views one decoder that begins with the average of what Connection-A makes of each.
        dropout: Of Connection-A.

    Raises:
        ModelError: The connections do not fit the views.
    """

    pixels = 128

    def __init__(
        self,
        views: Sequence[View] = (View.PA, View.LATERAL),
        width: float = 1.0,
        connections: Sequence[str] | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.views = tuple(views)
        possible = CONNECTIONS[len(self.views)]
        connections = possible[0] if connections is None else tuple(connections)
        if connections not in possible:
            raise ModelError(
                f"Connections {', '.join(connections)} do not make a network of {len(self.views)} view(s). "
                f"Choose {' or '.join(' + '.join(choice) for choice in possible)}: with two views the paper regards "
                "B and C as one module, and a single view has nothing to fuse."
            )
        decodes = len(self.views) == 1 or "B" in connections
        self.branches = nn.ModuleDict(
            {view.name: Branch(view, connections, width, dropout, decodes) for view in self.views}
        )
        self.fusion = FusionDecoder(connections, width) if len(self.views) == 2 else None
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
        volumes = self.fusion(*features, levels) if self.fusion else features[0]
        if coarse:
            return self.coarse_head(volumes[-1]).squeeze(1)
        base = F.interpolate(self.coarse_head(volumes[-2]).float(), scale_factor=2, mode="trilinear")
        return (base + self.head(volumes[-1])).squeeze(1)
