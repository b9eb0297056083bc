"""The densely connected 2D encoder of one view (paper, section 4.1; channel table from the authors' configuration)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

STEM_CHANNELS = 64
DENSE_LAYERS = (6, 12, 24, 16, 6)
GROWTH = 32
BOTTLENECK = 128


def scaled(channels: int, width: float) -> int:
    """A channel count of the paper at a relative network width, in the eights that processors like."""
    return max(1, round(channels * width / 8)) * 8


class DenseLayer(nn.Module):
    """Append `growth` channels, computed from all that are there."""

    def __init__(self, channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, bottleneck, 1, bias=False),
            nn.InstanceNorm2d(bottleneck),
            nn.ReLU(),
            nn.Conv2d(bottleneck, growth, 3, padding=1, bias=False),
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c+growth h w"]:
        return torch.cat([features, self.layers(features)], dim=1)


class DenseStage(nn.Module):
    """Halve the resolution, densely connect, and compress the channels to half unless this is the last stage."""

    def __init__(self, channels: int, layers: int, growth: int, bottleneck: int, compress: bool) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.InstanceNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        )
        self.dense = nn.Sequential(
            *(DenseLayer(channels + index * growth, growth, bottleneck) for index in range(layers))
        )
        grown = channels + layers * growth
        self.out_channels = grown // 2 if compress else grown
        self.compress = (
            nn.Sequential(nn.InstanceNorm2d(grown), nn.ReLU(), nn.Conv2d(grown, self.out_channels, 1))
            if compress
            else nn.Identity()
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h/2 w/2"]:
        return self.compress(self.dense(self.down(features)))


class Encoder(nn.Module):
    """A radiograph to its feature maps at six resolutions.

    Attributes:
        channels: Of each map, from the finest to the coarsest: 64, 128, 256, 512, 512, 704 at width 1.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        stem = scaled(STEM_CHANNELS, width)
        self.stem = nn.Conv2d(1, stem, 7, padding=3)
        self.channels = [stem]
        self.stages = nn.ModuleList()
        for index, layers in enumerate(DENSE_LAYERS):
            last = index == len(DENSE_LAYERS) - 1
            stage = DenseStage(
                self.channels[-1], layers, scaled(GROWTH, width), scaled(BOTTLENECK, width), compress=not last
            )
            self.stages.append(stage)
            self.channels.append(stage.out_channels)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        maps = [self.stem(image)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps
