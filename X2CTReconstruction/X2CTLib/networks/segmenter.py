"""The organ segmenter's network: a small residual U-Net on the CT cube at 5 mm."""

import torch
from jaxtyping import Float
from monai.networks.nets import SegResNet
from torch import Tensor, nn

CLASSES = ("elsewhere", "right lung", "left lung", "bones", "heart", "liver")
"""What the output's channels are."""
FINEST = 8
"""The input's edges are multiples of so many voxels."""


class Segmenter(nn.Module):
    """Hounsfield units to the logits of `CLASSES` (Myronenko 2018, without its autoencoder).

    Args:
        width: Channels at the finest of the four levels.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.unet = SegResNet(3, width, 2, len(CLASSES), blocks_down=(1, 1, 2, 2), blocks_up=(1, 1, 1))

    def forward(self, hu: Float[Tensor, "b k j i"]) -> Float[Tensor, "b c k j i"]:
        """Look at everything, and at soft tissue in a window of its own."""
        images = torch.stack([(hu / 1000).clamp(-1.1, 1.5), (hu / 150).clamp(-1.5, 2)], dim=1)
        return self.unet(images.contiguous(memory_format=torch.channels_last_3d))
