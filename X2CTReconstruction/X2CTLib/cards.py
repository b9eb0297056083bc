"""The card of a model: the JSON file beside its weights that says what it is; `model_files` says what is in it.

This file imports the standard library only, so that a front end can read cards before the engine's packages are
installed.
"""

import json
import os
import shutil
from pathlib import Path

from X2CTLib.errors import ModelError
from X2CTLib.files import replace_file

MODELS_FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Models"
"""The models that come with the extension."""
DEFAULT_MODEL = MODELS_FOLDER / "x2ct_gan_biplanar.safetensors"
"""The one that reconstructs if none is named."""


def card_path(weights: Path) -> Path:
    """Where the card of a weights file lies."""
    return Path(weights).with_suffix(".json")


def load_card(weights: Path) -> dict:
    """Read the card of a weights file.

    Raises:
        ModelError: There is no readable card.
    """
    try:
        card = json.loads(card_path(weights).read_text(encoding="utf-8"))
        return {"name": str(card["name"]), **card}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The model {Path(weights).name} has no readable card ({card_path(weights).name}) beside it. "
            "Copy both files of the model to the same folder."
        ) from error


def views_read(weights: Path | None = None) -> list[str]:
    """Names of the views (`geometry.View`) that a model reconstructs from.

    Raises:
        ModelError: Its card does not say so.
    """
    card = load_card(weights or DEFAULT_MODEL)
    try:
        return list(card["architecture"]["views"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"The model {card['name']} does not reconstruct from radiographs. Choose another.") from error


def own_models_folder() -> Path:
    """Where the user's models lie: what the environment variable X2CT_MODELS says, or in the home folder."""
    return Path(os.environ.get("X2CT_MODELS") or Path.home() / "X2CTGAN" / "models")


def reconstruction_models() -> dict[Path, str]:
    """Weights files of all models that reconstruct, the extension's before the user's, with their names."""
    others = sorted(path for path in MODELS_FOLDER.glob("*.safetensors") if path != DEFAULT_MODEL)
    models = {}
    for path in (DEFAULT_MODEL, *others, *sorted(own_models_folder().glob("*.safetensors"))):
        try:
            views_read(path)
            models[path] = load_card(path)["name"]
        except ModelError:
            continue  # of another kind, or without its card
    return models


def publish(weights: Path, name: str) -> Path:
    """Copy a model to the user's models under a name; one of this name is replaced.

    Returns:
        The copy, which `reconstruction_models` finds.

    Raises:
        ModelError: It is not there, has no card, or does not reconstruct.
    """
    if not Path(weights).is_file():
        raise ModelError(f"There is no model file {weights}. Choose a .safetensors file, or a run that has finished.")
    views_read(weights)
    safe = "".join(letter if letter.isalnum() or letter in "-_.+" else "_" for letter in name)
    copy = own_models_folder() / f"{safe}.safetensors"
    with replace_file(copy) as partial, replace_file(card_path(copy)) as card:
        shutil.copyfile(weights, partial)
        card.write_text(
            json.dumps({**load_card(weights), "name": name, "file": copy.name}, indent=2) + "\n", encoding="utf-8"
        )
    return copy
