"""The style that radiographs are brought to: standard DRRs of deformed bodies, made once."""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from X2CTLib.drr import line_integrals, radiographs
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry, clinical_projection
from X2CTLib.intensity import normalise
from X2CTTrainingLib.augmentation import AIR, Augmentation, deform, jittered
from X2CTTrainingLib.datasets import Case, cached
from X2CTTrainingLib.samples import seeded
from X2CTTrainingLib.style_images import StyleImage
from X2CTTrainingLib.systems import Preparation

_CACHE_VERSION = 1
"""Raise when the making of a DRR changes."""
_MASK_STEP = 4
_MOST_OF_THE_WAY, _NEARLY_ALL = 0.8, 0.9


def gather_drrs(
    cases: Sequence[Case], augmentation: Augmentation, per_patient: int, per_phantom: int, preparation: Preparation
) -> list[StyleImage]:
    """Standard DRRs of both views, each of another deformation of a body and another geometry; or find them cached.

    The contrast is what `intensity.normalise` makes of line integrals, and nothing else: the style to be learned.

    Args:
        cases: Bodies.
        augmentation: How much body and geometry vary.
        per_patient: Pairs of each CT.
        per_phantom: Pairs of each phantom.
        preparation: Cache, progress and cancel.
    """
    images = []
    for index, case in enumerate(cases):
        if preparation.cancel:
            preparation.cancel.check()
        count = per_patient if case.real else per_phantom
        settings = f"{count} {msgspec.json.encode(augmentation).decode()}"
        key = f"{case.key}-drrs-{hashlib.sha256(settings.encode()).hexdigest()[:12]}-v{_CACHE_VERSION}"
        stored = cached(preparation.cache / key, lambda case=case, count=count: _drrs(case, augmentation, count))
        images += [
            StyleImage(f"{case.name} {repeat}", case.name, view, stored["pixels"][repeat, place], shown)
            for repeat in range(count)
            for place, view in enumerate(View)
            for shown in [stored["shown"][repeat, place]]
        ]
        preparation.progress((index + 1) / len(cases), f"Projected {case.name}")
    return images


def _drrs(case: Case, augmentation: Augmentation, count: int) -> dict[str, np.ndarray]:
    """Pixels and masks (repeat, view, r, c) of both views of so many deformations."""
    hu = torch.from_numpy(np.array(case.hu)).float()
    seed = int(hashlib.sha256(case.key.encode()).hexdigest()[:6], 16)
    pairs = [_pair(hu, augmentation, seed, repeat) for repeat in range(count)]
    return {"pixels": np.stack([pixels for pixels, _ in pairs]), "shown": np.stack([shown for _, shown in pairs])}


def _pair(
    hu: Float[Tensor, "k j i"], augmentation: Augmentation, seed: int, repeat: int
) -> tuple[Float[np.ndarray, "view r c"], Bool[np.ndarray, "view r c"]]:
    body = deform(hu, augmentation, seeded(seed, repeat))
    scanned = _scanned(hu)[::_MASK_STEP, ::_MASK_STEP, ::_MASK_STEP]
    # The same random numbers bend a coarse grid in the same way.
    scan = deform(AIR + scanned, augmentation, seeded(seed, repeat)) - AIR
    rng = seeded(seed + 1, repeat)
    projections = [jittered(clinical_projection(view), augmentation, rng) for view in View]
    drrs = [normalise(radiographs(body[None], VolumeGeometry.cube(len(body)), p))[0].numpy() for p in projections]
    return np.stack(drrs), np.stack([_shown(scan, projection) for projection in projections])


def _scanned(hu: Float[Tensor, "k j i"]) -> Float[Tensor, "k j i"]:
    """1 in the slices that the CT has, 0 where the cube was filled up."""
    return (hu > AIR).any(dim=2).any(dim=1).float()[:, None, None].expand_as(hu)


def _shown(scan: Float[Tensor, "k j i"], projection: ProjectionGeometry) -> Bool[np.ndarray, "r c"]:
    """The rows and columns in which nearly all rays have nearly their usual way through the scan."""
    geometry = VolumeGeometry.cube(len(scan))
    inside, whole = line_integrals(torch.stack([scan, torch.ones_like(scan)]), geometry, projection)
    part = inside / whole.clamp_min(1)
    good = (part > _MOST_OF_THE_WAY * part.median()).float()
    rows = good.mean(dim=1)
    rows = rows > _NEARLY_ALL * rows.max()
    columns = good[rows].mean(dim=0) > _NEARLY_ALL
    return (rows[:, None] & columns).numpy()
