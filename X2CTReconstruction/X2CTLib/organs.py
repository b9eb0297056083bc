"""The built-in organ segmenter: a small network that finds lungs, bones, heart and liver in acquired and synthetic CTs.

It looks at the standard CT cube at 5 mm, which keeps it quick, and answers at the cube's own resolution. Where an organ
is, is the network's word; where exactly it ends beside air or fat, Hounsfield units know better.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8

from X2CTLib.body import LUNG_HU
from X2CTLib.cards import MODELS_FOLDER
from X2CTLib.device import choose_precision
from X2CTLib.geometry import CUBE_MM, CUBE_VOXELS
from X2CTLib.model_files import fitting, load_model_files, save_model_files
from X2CTLib.morphology import closed, dilated, eroded, opened
from X2CTLib.networks.segmenter import CLASSES, Segmenter

DEFAULT_SEGMENTER = MODELS_FOLDER / "x2ct_organs.safetensors"
VOXELS = 64
"""Of the cube that the network sees, along an edge."""

_BORDER = 2  # voxels to both sides of the network's border in which an organ may end
_FAT_HU = -30  # half way between fat and muscle
_SOFT_HU = 0  # of a voxel that is more muscle than fat
_BONE_HU = 200
_ISLAND = 0.1  # of an organ's largest part; what is smaller is none of it
_SIDES = CLASSES.index("right lung"), CLASSES.index("left lung")
_CONVENTIONS = {"millimetres": CUBE_MM / VOXELS, "classes": list(CLASSES)}


@dataclass(frozen=True)
class OrganModel:
    """A segmenter that is ready to run.

    Attributes:
        network: In evaluation mode, float32, on the CPU.
        card: What it is, what it was made from, and what it is worth.
    """

    network: Segmenter
    card: dict


def save_segmenter(path: Path, model: OrganModel) -> None:
    """Write weights (as float16) and card."""
    save_model_files(path, model.network.state_dict(), model.card, _CONVENTIONS)


@functools.lru_cache(maxsize=1)
def load_segmenter(path: Path = DEFAULT_SEGMENTER) -> OrganModel:
    """Load a segmenter; the last one stays in memory.

    Raises:
        ModelError: A file is missing, changed since its card was written, or made for another version.
    """
    tensors, card = load_model_files(path, _CONVENTIONS)
    with fitting(path):
        network = Segmenter(card["architecture"]["width"])
        network.load_state_dict(tensors)
    return OrganModel(network.eval().requires_grad_(False), card)


def find_organs(hu: Float[np.ndarray, "k j i"], model: OrganModel | None = None) -> UInt8[np.ndarray, "k j i"]:
    """The class of each voxel, as an index of `CLASSES`.

    Args:
        hu: The standard CT cube of 128 voxels an edge.
        model: The one that comes with the extension if none is given.
    """
    network = (model or load_segmenter()).network
    volume = torch.from_numpy(np.asarray(hu, dtype=np.float32))[None]
    precision = choose_precision("auto", torch.device("cpu"))
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        logits = network(F.avg_pool3d(volume, CUBE_VOXELS // VOXELS))
    fine = F.interpolate(logits.float(), volume.shape[1:], mode="trilinear", align_corners=False)
    classes = fine[0].argmax(dim=0).numpy().astype(np.uint8)
    for sharpened in (_with_sharp_lungs, _without_fat, _with_whole_heart, _with_dense_bones):
        classes = sharpened(classes, hu)
    return _without_islands(classes)


def _with_sharp_lungs(
    classes: UInt8[np.ndarray, "k j i"], hu: Float[np.ndarray, "k j i"]
) -> UInt8[np.ndarray, "k j i"]:
    """The same with the border of the lungs, and the vessels in them, where the threshold puts it."""
    lungs = np.isin(classes, _SIDES)
    sharp = eroded(lungs, _BORDER) | dilated(lungs, _BORDER) & closed(hu < LUNG_HU, 1)
    distances = [_distance(classes == side) for side in _SIDES]
    rest = np.where(lungs, 0, classes)
    return np.where(sharp, np.where(distances[0] < distances[1], *_SIDES), rest).astype(np.uint8)


def _distance(mask: Bool[np.ndarray, "k j i"]) -> Float[np.ndarray, "k j i"]:
    """Distance to a mask in voxels, negative inside."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, squaredDistance=False))


def _without_fat(classes: UInt8[np.ndarray, "k j i"], hu: Float[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "k j i"]:
    """The same without the fat at the border of heart and liver; fat inside of them stays."""
    cleaned = classes.copy()
    for value in (CLASSES.index("heart"), CLASSES.index("liver")):
        organ = classes == value
        cleaned[organ & ~eroded(organ, _BORDER) & (hu < _FAT_HU)] = 0
    return cleaned


def _with_whole_heart(
    classes: UInt8[np.ndarray, "k j i"], hu: Float[np.ndarray, "k j i"]
) -> UInt8[np.ndarray, "k j i"]:
    """The same with the soft tissue between heart and fat or lung that is too thin for anything but the heart's rim."""
    heart = CLASSES.index("heart")
    rest = (hu > _SOFT_HU) & ~np.isin(classes, [heart, *_SIDES])
    rim = rest & ~opened(rest, 1) & dilated(classes == heart, 1)
    return np.where(rim & (classes == 0), heart, classes).astype(np.uint8)


def _with_dense_bones(
    classes: UInt8[np.ndarray, "k j i"], hu: Float[np.ndarray, "k j i"]
) -> UInt8[np.ndarray, "k j i"]:
    """The same with what is dense beside bones, which are thinner than the network's voxels."""
    bones = CLASSES.index("bones")
    dense = dilated(classes == bones, _BORDER) & (hu > _BONE_HU) & (classes == 0)
    return np.where(dense, bones, classes).astype(np.uint8)


def _without_islands(classes: UInt8[np.ndarray, "k j i"]) -> UInt8[np.ndarray, "k j i"]:
    """The same without what is small beside the largest part of its organ; bones are many."""
    cleaned = classes.copy()
    for value in set(range(1, len(CLASSES))) - {CLASSES.index("bones")}:
        parts = sitk.ConnectedComponent(sitk.GetImageFromArray((classes == value).astype(np.uint8)))
        parts = sitk.GetArrayFromImage(parts)
        sizes = np.bincount(parts.ravel())
        small = sizes < _ISLAND * sizes[1:].max(initial=0)
        small[0] = False
        cleaned[small[parts]] = 0
    return cleaned
