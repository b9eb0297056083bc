"""The 2D PatchGAN discriminator and the image pool of the styler's training (Isola et al. 2017, Zhu et al. 2017)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from X2CTLib.networks.encoder import scaled

_CHANNELS = (64, 128, 256, 512)
POOL_SIZE = 50


class ImageDiscriminator(nn.Module):
    """Judge overlapping patches of 70x70 pixels (2.8 M parameters at width 1).

    Three stride-2 and one stride-1 blocks of 4x4 convolution and leaky ReLU, and a last convolution to one score a
    patch. The weights have unit spectral norm (Miyato et al. 2018): Zhu et al. normalise the features of each image
    instead, which hides brightness and contrast, the better part of a radiograph's style.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for index, count in enumerate(scaled(count, width) for count in _CHANNELS):
            layers.append(_convolution(channels, count, 2 if index < 3 else 1))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            channels = count
        layers.append(_convolution(channels, 1, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 p q"]:
        """Score images in [0, 1]."""
        return self.layers(2 * images - 1)


def _convolution(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(in_channels, out_channels, 4, stride, padding=1)
    nn.init.kaiming_normal_(convolution.weight, 0.2)
    nn.init.zeros_(convolution.bias)
    return spectral_norm(convolution)


class ImagePool:
    """Generated images of the last steps, so that a discriminator does not forget them (Shrivastava et al. 2017)."""

    def __init__(self) -> None:
        self.images: list[Float[Tensor, "1 h w"]] = []

    def put(self, images: Float[Tensor, "b 1 h w"], rng: torch.Generator) -> None:
        """Keep images; once the pool is full, in the place of others."""
        for image in images.detach():
            if len(self.images) < POOL_SIZE:
                self.images.append(image)
            else:
                self.images[self._any(rng)] = image

    def mixed(self, images: Float[Tensor, "b 1 h w"], rng: torch.Generator) -> Float[Tensor, "b 1 h w"]:
        """Images of which about half are exchanged for older ones."""
        old = [bool(self.images) and bool(torch.rand((), generator=rng) < 0.5) for _ in images]
        return torch.stack(
            [self.images[self._any(rng)] if o else image for o, image in zip(old, images.detach(), strict=True)]
        )

    def _any(self, rng: torch.Generator) -> int:
        return int(torch.randint(len(self.images), (), generator=rng))

    def state_dict(self) -> dict[str, list[Tensor]]:
        """What a checkpoint holds."""
        return {"images": list(self.images)}

    def load_state_dict(self, state: dict[str, list[Tensor]]) -> None:
        """Put back what `state_dict` gave."""
        self.images = list(state["images"])
