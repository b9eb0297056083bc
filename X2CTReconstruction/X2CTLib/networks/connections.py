"""Connections A, B and C: how features get from two radiographs into the volume (paper, section 4.1, figure 4).

Every volume of features has the axes of the CT cube (superior, posterior, left), so no view needs turning later on.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.geometry import View

MISSING_AXIS = {View.PA: 3, View.LATERAL: 4}
"""The axis of a volume (batch, channel, superior, posterior, left) that a view cannot see."""
_EDGE = 3
"""Planes at either end of the missing axis that differ from the middle after three 3x3x3 convolutions."""


class ConnectionA(nn.Module):
    """The coarsest 2D features, pooled, to the coarsest 3D ones, by a fully connected layer."""

    def __init__(self, in_channels: int, out_channels: int, size: int = 4, dropout: float = 0.5) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels * size**3)
        self.dropout = nn.Dropout(dropout)
        self.shape = (out_channels, size, size, size)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k j i"]:
        volume = torch.relu(self.dropout(self.linear(features.mean(dim=(2, 3)))))
        return volume.unflatten(1, self.shape).contiguous(memory_format=torch.channels_last_3d)


class ConnectionB(nn.Module):
    """2D features of one resolution, repeated along the axis that the view cannot see, to 3D ones.

    What is repeated n times stays the same along that axis under convolutions, but for the few planes that the zero
    padding reaches. So `2 * _EDGE + 1` planes are computed and the middle one is repeated after, exactly as if all n
    had been: the result is ready to be added to the other half of the decoder's merging convolution.

    Args:
        in_channels: Of the encoder's map.
        channels: Of the decoder at the same resolution.
        axis: The one that the view cannot see, see `MISSING_AXIS`.
    """

    def __init__(self, in_channels: int, channels: int, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.match = nn.Sequential(nn.Conv2d(in_channels, channels, 1), nn.InstanceNorm2d(channels), nn.ReLU())
        self.encode = nn.ModuleList(nn.Conv3d(channels, channels, 3, padding=1) for _ in range(2))
        self.merge = nn.Conv3d(channels, channels, 3, padding=1, bias=False)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k j i"]:
        depth = features.shape[-1]
        planes = self.match(features)[..., None].expand(-1, -1, -1, -1, 2 * _EDGE + 1)
        planes = planes.contiguous(memory_format=torch.channels_last_3d)
        for convolution in self.encode:
            planes = torch.relu(_normalise(self._convolved(planes, convolution), depth))
        first, middle, last = self._convolved(planes, self.merge).split([_EDGE, 1, _EDGE], dim=4)
        middle = middle.expand(-1, -1, -1, -1, depth - 2 * _EDGE)
        return torch.cat([first, middle, last], dim=4).transpose(self.axis, 4)

    def _convolved(self, planes: Tensor, convolution: nn.Conv3d) -> Tensor:
        """With the axis that the view cannot see as the last: float32 is slow where so few planes precede others."""
        return F.conv3d(planes, convolution.weight.transpose(self.axis, 4), convolution.bias, padding=1)


def _normalise(planes: Float[Tensor, "b c h w p"], depth: int) -> Float[Tensor, "b c h w p"]:
    """Instance normalisation over all `depth` planes, of which the middle one stands for many."""
    weights = torch.full((2 * _EDGE + 1,), 1 / depth, device=planes.device)
    weights[_EDGE] = 1 - 2 * _EDGE / depth

    def average(values: Tensor) -> Tensor:
        return (values.mean(dim=(2, 3), keepdim=True) * weights).sum(dim=4, keepdim=True)

    values = planes.float()
    centred = values - average(values)
    return (centred * torch.rsqrt(average(centred.square()) + 1e-5)).to(planes.dtype)


class ConnectionC(nn.Module):
    """The features of both views, which already lie in the frame of the CT, averaged."""

    def forward(
        self, pa: Float[Tensor, "b c k j i"], lateral: Float[Tensor, "b c k j i"]
    ) -> Float[Tensor, "b c k j i"]:
        return (pa + lateral) / 2
