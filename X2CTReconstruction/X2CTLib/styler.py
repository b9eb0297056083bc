"""The styler: what a standard view of a radiograph would look like as a DRR, which the generators are trained on.

On disk it is a model like the others; `model_files` says what its files are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from X2CTLib.errors import ModelError
from X2CTLib.geometry import CUBE_VOXELS, View
from X2CTLib.model_files import fitting, load_model_files, save_model_files
from X2CTLib.networks.style import StyleGenerator

_CONVENTIONS = {"styler": "radiograph to DRR", "pixels": CUBE_VOXELS, "intensity": "percentiles 1 to 99"}


@dataclass(frozen=True)
class Styler:
    """A style network that is ready to run.

    Attributes:
        generator: In evaluation mode, float32, on the CPU.
        card: What it is, what it was made from, and what it is worth.
    """

    generator: StyleGenerator
    card: dict


def save_styler(path: Path, styler: Styler) -> None:
    """Write weights (as float16) and card; sha256, file name and conventions are filled in."""
    save_model_files(path, styler.generator.state_dict(), styler.card, _CONVENTIONS)


def load_styler(path: Path) -> Styler:
    """Load a styler.

    Raises:
        ModelError: A file is missing, changed since its card was written, or no styler of this version.
    """
    tensors, card = load_model_files(path, _CONVENTIONS)
    with fitting(path):
        generator = StyleGenerator(card["architecture"]["width"])
        generator.load_state_dict(tensors)
    return Styler(generator.eval().requires_grad_(False), card)


def style(views: dict[View, Float[np.ndarray, "r c"]], styler: Styler) -> dict[View, Float[np.ndarray, "r c"]]:
    """Standard views of radiographs as DRRs of the same chest; in [0, 1], as they are.

    Raises:
        ModelError: The views are not of the size that stylers are made for.
    """
    images = torch.from_numpy(np.stack([*views.values()]))[:, None]
    if images.shape[2:] != (CUBE_VOXELS, CUBE_VOXELS):
        raise ModelError(
            f"The styler {styler.card['name']} is made for views of {CUBE_VOXELS} pixels, not {images.shape[-1]}. "
            "Reconstruct without it, or choose another model."
        )
    # A hundredth of the generator's work: no other device is worth the way to it.
    with torch.inference_mode():
        styled = styler.generator(images)[:, 0].numpy()
    return dict(zip(views, styled, strict=True))
