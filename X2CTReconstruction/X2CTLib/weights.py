"""Models on disk: a safetensors file with the weights, and beside it a JSON card that says what they are.

The card's entries: name, file, sha256 (of the weights file), architecture (views, width), projections (the standard
view that each radiograph is brought to), data, training, scores, limits, licence.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from X2CTLib.errors import ModelError
from X2CTLib.geometry import CUBE_VOXELS, HU_RANGE, View
from X2CTLib.networks.generator import Generator

MODELS_FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Models"
DEFAULT_MODEL = MODELS_FOLDER / "x2ct_gan_biplanar.safetensors"

_WEIGHTS, _TEMPLATE = "generator.", "template."
# What the code of this version does; weights made for something else must not run silently.
_CONVENTIONS = {"voxels": CUBE_VOXELS, "hu_range": list(HU_RANGE), "intensity": "percentiles 1 to 99"}


@dataclass(frozen=True)
class Model:
    """A generator that is ready to run.

    Attributes:
        generator: In evaluation mode, float32, on the CPU.
        card: What it is, what it was made from, and what it is worth.
        templates: The mean standard view of the training bodies, by which radiographs are framed.
    """

    generator: Generator
    card: dict
    templates: dict[View, Float[np.ndarray, "r c"]]


def card_path(weights: Path) -> Path:
    """Where the card of a weights file lies."""
    return Path(weights).with_suffix(".json")


def save_model(path: Path, model: Model) -> None:
    """Write weights (as float16) and card; sha256, file name and conventions are filled in."""
    path = Path(path)
    tensors = {_WEIGHTS + key: value.half().contiguous() for key, value in model.generator.state_dict().items()}
    tensors |= {_TEMPLATE + view.name: torch.from_numpy(image).half() for view, image in model.templates.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial)
    partial.chmod(0o644)  # it is made for its owner only
    card = {**model.card, "file": path.name, "sha256": _sha256(partial), "conventions": _CONVENTIONS}
    partial_card = card_path(path).with_suffix(".json.partial")
    partial_card.write_text(json.dumps(card, indent=2) + "\n")
    os.replace(partial, path)
    os.replace(partial_card, card_path(path))


def load_card(weights: Path) -> dict:
    """Read the card of a weights file.

    Raises:
        ModelError: There is no readable card.
    """
    try:
        card = json.loads(card_path(weights).read_text())
        return {"name": str(card["name"]), **card}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The model {Path(weights).name} has no readable card ({card_path(weights).name}) beside it. "
            "Copy both files of the model to the same folder."
        ) from error


def load_model(path: Path | str | None = None) -> Model:
    """Load a model, the default one if none is named.

    Raises:
        ModelError: A file is missing, changed since its card was written, or made for another version.
    """
    path = Path(path or DEFAULT_MODEL)
    if not path.is_file():
        raise ModelError(f"There is no model file {path.name}. Choose a .safetensors file with its .json card.")
    card = load_card(path)
    if card.get("sha256") != _sha256(path):
        raise ModelError(
            f"The model file {path.name} does not match its card: it is damaged or was changed. Get it again."
        )
    if card.get("conventions") != _CONVENTIONS:
        raise ModelError(f"The model {card['name']} was made for another version of this software.")
    try:
        tensors = load_file(path)
        views = tuple(View[name] for name in card["architecture"]["views"])
        generator = Generator(views, card["architecture"]["width"])
        generator.load_state_dict(
            {key.removeprefix(_WEIGHTS): value.float() for key, value in tensors.items() if key.startswith(_WEIGHTS)}
        )
        templates = {view: tensors[_TEMPLATE + view.name].float().numpy() for view in views}
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The weights in {path.name} do not fit the network that its card describes.") from error
    return Model(generator.eval().requires_grad_(False), card, templates)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
