"""Instance normalisation of volumes that leaves them in the memory format in which processors convolve fast."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class VolumeNorm(nn.InstanceNorm3d):
    """Each channel of each volume to mean 0 and variance 1.

    On a processor, torch's own takes volumes out of `channels_last_3d`, and the next convolution puts them back: copies
    that cost more than the normalisation. It has no parameters.
    """

    def forward(self, features: Float[Tensor, "b c k j i"]) -> Float[Tensor, "b c k j i"]:
        if features.device.type != "cpu":
            return super().forward(features)
        if features.dtype != torch.float32:
            # One group a channel is the same; its sums are good enough for half precision, not for float32.
            return F.group_norm(features, features.shape[1], eps=self.eps)
        # The diagonal of a matrix product has the mean squares, and no volume of squares is made for them.
        voxels = features.movedim(1, -1).flatten(1, 3)
        squares = (voxels.transpose(1, 2) @ voxels).diagonal(dim1=1, dim2=2) / voxels.shape[1]
        mean = voxels.mean(dim=1)
        scale = torch.rsqrt((squares - mean.square()).clamp_min(0) + self.eps)
        shift, scale = (values[:, :, None, None, None] for values in (-mean * scale, scale))
        return torch.addcmul(shift, features, scale)
