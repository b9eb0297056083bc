"""The conditional 3D PatchGAN discriminator (paper, section 4.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.networks.encoder import scaled

_CHANNELS = (64, 128, 256, 512)


class Discriminator(nn.Module):
    """Judge overlapping patches of a volume, given the radiographs it should agree with (11.1 M parameters at width 1).

    Three stride-2 and one stride-1 blocks of 4x4x4 convolution, instance normalisation and leaky ReLU, and a last
    convolution to one score a patch. The radiographs are repeated along the axis that they cannot see.
    """

    def __init__(self, width: float = 1.0, views: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1 + views
        for index, count in enumerate(_CHANNELS):
            stride = 2 if index < 3 else 1
            layers.append(nn.Conv3d(channels, scaled(count, width), 4, stride=stride, padding=1))
            if index:
                layers.append(nn.InstanceNorm3d(scaled(count, width)))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            channels = scaled(count, width)
        layers.append(nn.Conv3d(channels, 1, 4, padding=1))
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last_3d)

    def forward(
        self, volume: Float[Tensor, "b k j i"], images: Float[Tensor, "b view h w"]
    ) -> Float[Tensor, "b 1 p q r"]:
        upwards = images.flip(2)
        pa = upwards[:, 0, :, None, :].expand_as(volume)
        lateral = [image[..., None].expand_as(volume) for image in upwards[:, 1:].unbind(1)]
        stacked = torch.stack([volume, pa, *lateral], dim=1)
        return self.layers(stacked.contiguous(memory_format=torch.channels_last_3d))
