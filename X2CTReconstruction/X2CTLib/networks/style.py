"""The styler's generator: the same anatomy in another style (Zhu et al., ICCV 2017; He et al., CVPR 2016)."""

from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.networks.encoder import scaled

STEM_CHANNELS = 64
RESIDUAL_BLOCKS = 6
"""Zhu et al. for images of 128 pixels."""
_SLOPE = 0.2
"""Of the leaky ReLUs: plain ones die wherever changing nothing is good enough, and never wake up."""
_GAIN = 0.1
"""Adam moves all weights of the last convolution at once; without it, its first steps turn the image black or white."""


class StyleGenerator(nn.Module):
    """A residual network between two halvings and two doublings of the resolution (7.8 M parameters at width 1).

    What it computes is added to the image, and its last convolution begins at zero: an untrained styler changes
    nothing, so that a training spends no time on learning to copy the anatomy. The doublings repeat pixels before a
    convolution, which leaves no checkerboard (Odena et al. 2016).

    Args:
        width: Channels relative to Zhu et al.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        stem = scaled(STEM_CHANNELS, width)
        self.layers = nn.Sequential(
            _convolution(1, stem, 7),
            *_normalised(stem),
            _convolution(stem, 2 * stem, 3, stride=2),
            *_normalised(2 * stem),
            _convolution(2 * stem, 4 * stem, 3, stride=2),
            *_normalised(4 * stem),
            *(ResidualBlock(4 * stem) for _ in range(RESIDUAL_BLOCKS)),
            nn.Upsample(scale_factor=2),
            _convolution(4 * stem, 2 * stem, 3),
            *_normalised(2 * stem),
            nn.Upsample(scale_factor=2),
            _convolution(2 * stem, stem, 3),
            *_normalised(stem),
        )
        self.head = _convolution(stem, 1, 7)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Style images in [0, 1], of an edge that 4 divides; so is what comes out."""
        return (images + _GAIN * self.head(self.layers(2 * images - 1)).float()).clamp(0, 1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the features are carried."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(channels, channels, 3),
            *_normalised(channels),
            _convolution(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return features + self.layers(features)


def _convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Reflected at the border, where zeros would look like air."""
    return nn.Conv2d(in_channels, out_channels, size, stride, padding=size // 2, padding_mode="reflect")


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels), nn.LeakyReLU(_SLOPE, inplace=True)
