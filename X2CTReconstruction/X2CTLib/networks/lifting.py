"""The lifting network: what both radiographs show is placed in the volume by the geometry that they were taken with.

Ours, for few training CTs. In place of the paper's fully connected bridge and its repeated features (connections A and
B), the features of each view are traced back along their rays: every voxel sees what its own rays have met. What lies
where along a ray is decided by 3D convolutions, beginning at 40 mm with all of the body in sight, down to 5 mm. Edges
finer than that are taken from the radiographs, to wherever the volume wants them.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from X2CTLib.geometry import CUBE_MM, CUBE_VOXELS, View, clinical_projection
from X2CTLib.networks.encoder import scaled
from X2CTLib.networks.residual import Residual

CHANNELS = {8: 128, 16: 96, 32: 48, 64: 16}
"""Of the volumes, by their edge in voxels."""
STEM_CHANNELS, DEEPEST_CHANNELS = 16, 128
EDGES = 8
"""Maps that each view lends to the finest volume."""
_DEPTHS_AT_ONCE = 4  # at the finest resolution, neighbouring slices differ by less than a quarter of a pixel


class ViewNetwork(nn.Module):
    """A U-Net that makes feature maps of a radiograph at every resolution, each knowing the whole picture."""

    def __init__(self, width: float) -> None:
        super().__init__()
        wide = [scaled(count, width) for count in (STEM_CHANNELS, *reversed(CHANNELS.values()), DEEPEST_CHANNELS)]
        self.stem = nn.Conv2d(1, wide[0], 5, padding=2)
        pairs = list(pairwise(wide))
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(fine, coarse, 3, stride=2, padding=1),
                Residual(coarse, nn.Conv2d),
                Residual(coarse, nn.Conv2d),
            )
            for fine, coarse in pairs
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.refine = nn.ModuleList(Residual(fine, nn.Conv2d) for fine in wide[:-1])
        self.edges = nn.Conv2d(wide[0], EDGES, 3, padding=1)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> dict[int, Float[Tensor, "b _ n n"]]:
        """The maps by their edge in pixels."""
        maps = [self.stem(image)]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        features, found = maps.pop(), {}
        for up, refine, skipped in reversed(list(zip(self.up, self.refine, maps, strict=True))):
            wider = F.interpolate(up(features), scale_factor=2, mode="bilinear")
            features = refine(wider + skipped)
            found[features.shape[-1]] = features
        found[image.shape[-1]] = self.edges(features)
        return found


class Lift(nn.Module):
    """Feature maps to volumes, along the rays.

    In a slice parallel to the detector the rays meet an enlarged or reduced picture, so each slice is the map between
    two small matrices.

    Args:
        view: Whose maps.
        size: Pixels of an edge of the maps, and voxels of an edge of the volume.
        depths_at_once: Neighbouring slices that share their matrices.
    """

    def __init__(self, view: View, size: int, depths_at_once: int = 1) -> None:
        super().__init__()
        self.depths_at_once = depths_at_once
        self.sideways = view is View.LATERAL
        projection = clinical_projection(view, size)
        places = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
        # Of the slices, from anterior to posterior and from right to left.
        ahead = places.view(-1, depths_at_once).mean(dim=1) * CUBE_MM * (-1 if view is View.PA else 1)
        zoom = projection.sad_mm / (projection.sad_mm + ahead)
        pixels = (zoom[:, None] * places + 0.5) * size - 0.5
        weights = (1 - (pixels[..., None] - torch.arange(size)).abs()).clamp_min(0)
        self.register_buffer("weights", weights.float(), persistent=False)

    def forward(self, maps: Float[Tensor, "b c n n"]) -> Float[Tensor, "b c n n n"]:
        weights = self.weights.to(maps.dtype)
        rows = torch.einsum("dkr,bcrq->bcdkq", weights, maps)
        slices = torch.einsum("bcdkq,dtq->bckdt", rows, weights)
        slices = slices.repeat_interleave(self.depths_at_once, dim=3)
        return slices.transpose(3, 4) if self.sideways else slices


class LiftingNetwork(nn.Module):
    """Two radiographs in the clinical standard geometry to the CT cube.

    As in `Generator`, the cube is a prediction at half the resolution, enlarged, plus what the finest level adds to it.

    Args:
        views: One or two.
        width: Channels relative to `CHANNELS`.
    """

    pixels = CUBE_VOXELS

    def __init__(self, views: Sequence[View] = (View.PA, View.LATERAL), width: float = 1.0) -> None:
        super().__init__()
        self.views = tuple(views)
        channels = {size: scaled(count, width) for size, count in CHANNELS.items()}
        self.encoders = nn.ModuleDict({view.name: ViewNetwork(width) for view in self.views})
        self.lifts = nn.ModuleDict(
            {f"{view.name}_{size}": Lift(view, size) for view in self.views for size in channels}
        )
        self.edges = nn.ModuleDict({view.name: Lift(view, CUBE_VOXELS, _DEPTHS_AT_ONCE) for view in self.views})
        counts = list(channels.values())
        self.places = nn.Parameter(0.1 * torch.randn(1, counts[0], *(min(channels),) * 3))
        self.enter = nn.ModuleList(nn.Conv3d(*pair, 1) for pair in pairwise(counts))
        self.refine = nn.ModuleList(
            nn.Sequential(*(Residual(count, nn.Conv3d) for _ in range(1 if size == max(channels) else 2)))
            for size, count in channels.items()
        )
        before = counts[-1]
        self.coarse_head = nn.Sequential(nn.SiLU(), nn.Conv3d(before, 1, 3, padding=1))
        self.wants = nn.Sequential(nn.SiLU(), nn.Conv3d(before, len(self.views) * EDGES + 1, 3, padding=1))
        nn.init.zeros_(self.wants[-1].weight)
        nn.init.zeros_(self.wants[-1].bias)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                module.to(memory_format=torch.channels_last_3d)

    def forward(self, images: Float[Tensor, "b view h w"], coarse: bool = False) -> Float[Tensor, "b k j i"]:
        """Reconstruct; see `Generator.forward`."""
        # Rows run downwards, the cube's first axis upwards.
        upwards = images.flip(2)
        maps = [self.encoders[view.name](upwards[:, n : n + 1]) for n, view in enumerate(self.views)]
        volume = self.places
        for level, (size, refine) in enumerate(zip(CHANNELS, self.refine, strict=True)):
            if level:
                volume = F.interpolate(self.enter[level - 1](volume), scale_factor=2, mode="trilinear")
            lifted = sum(
                self.lifts[f"{view.name}_{size}"](found[size]) for view, found in zip(self.views, maps, strict=True)
            )
            volume = refine((volume + lifted).contiguous(memory_format=torch.channels_last_3d))
        prediction = self.coarse_head(volume)
        if coarse:
            return prediction.squeeze(1)
        wanted = F.interpolate(torch.cat([prediction, self.wants(volume)], dim=1), scale_factor=2, mode="trilinear")
        base, *gates = wanted.split([2, *(EDGES for _ in self.views)], dim=1)
        fine = base.float().sum(dim=1)
        for view, gate, found in zip(self.views, gates, maps, strict=True):
            fine = fine + (gate * self.edges[view.name](found[CUBE_VOXELS])).float().sum(dim=1)
        return fine
