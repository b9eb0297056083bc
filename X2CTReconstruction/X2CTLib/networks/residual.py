"""The residual block of the networks that are ours."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

_GROUPS = 8


class Residual(nn.Module):
    """Two convolutions of three pixels or voxels, added to what came in.

    Args:
        channels: In and out, a multiple of 8.
        convolution: `nn.Conv2d`, `nn.Conv3d`, or one of them with arguments of its own.
        activation: Before each convolution.
    """

    def __init__(
        self, channels: int, convolution: Callable[..., nn.Module], activation: Callable[[], nn.Module] = nn.SiLU
    ) -> None:
        super().__init__()
        halves = (
            (nn.GroupNorm(_GROUPS, channels), activation(), convolution(channels, channels, 3, padding=1))
            for _ in range(2)
        )
        self.layers = nn.Sequential(*(layer for half in halves for layer in half))

    def forward(self, features: Float[Tensor, "b c *n"]) -> Float[Tensor, "b c *n"]:
        return features + self.layers(features)
