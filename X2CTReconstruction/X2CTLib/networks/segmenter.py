"""The organ segmenter's network: a small residual U-Net on the CT cube at 5 mm (Myronenko 2018, no autoencoder)."""

from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.networks.residual import Residual

CLASSES = ("elsewhere", "right lung", "left lung", "bones", "heart", "liver")
"""What the output's channels are."""
_BLOCKS = (1, 1, 2, 2)  # of the encoder's levels, from the finest; the decoder has one a level
_convolution = partial(nn.Conv3d, bias=False)
_residual = partial(Residual, convolution=_convolution, activation=nn.ReLU)


class Segmenter(nn.Module):
    """Hounsfield units to the logits of `CLASSES`.

    Args:
        width: Channels at the finest of the four levels; each coarser one has twice as many.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        channels = [width << level for level in range(len(_BLOCKS))]
        self.encoder = nn.ModuleList()
        for level, (before, count, blocks) in enumerate(zip((2, *channels[:-1]), channels, _BLOCKS, strict=True)):
            enter = _convolution(before, count, 3, stride=2 if level else 1, padding=1)
            self.encoder.append(nn.Sequential(enter, *(_residual(count) for _ in range(blocks))))
        self.compress = nn.ModuleList(_convolution(2 * count, count, 1) for count in channels[:-1])
        self.decoder = nn.ModuleList(_residual(count) for count in channels[:-1])
        self.head = nn.Sequential(nn.GroupNorm(8, width), nn.ReLU(), nn.Conv3d(width, len(CLASSES), 1))

    def forward(self, hu: Float[Tensor, "b k j i"]) -> Float[Tensor, "b c k j i"]:
        """Look at everything, and at soft tissue in a window of its own."""
        images = torch.stack([(hu / 1000).clamp(-1.1, 1.5), (hu / 150).clamp(-1.5, 2)], dim=1)
        features = images.contiguous(memory_format=torch.channels_last_3d)
        maps = [features := level(features) for level in self.encoder]
        for level in reversed(range(len(self.decoder))):
            features = self.compress[level](features)
            features = F.interpolate(features, scale_factor=2, mode="trilinear", align_corners=False)
            features = self.decoder[level](features + maps[level])
        return self.head(features)
