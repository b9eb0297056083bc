"""The card of a model: the JSON file beside its weights that says what it is; `model_files` says what is in it.

This file imports the standard library only, so that a front end can read cards before the engine's packages are
installed.
"""

import json
from pathlib import Path

from X2CTLib.errors import ModelError

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
        card = json.loads(card_path(weights).read_text())
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
