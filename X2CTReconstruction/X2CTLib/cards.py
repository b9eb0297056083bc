"""The card of a model: the JSON file beside its weights that says what it is; `model_files` says what is in it.

This file imports the standard library only, so that a front end can read cards before the engine's packages are
installed.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from X2CTLib.errors import ModelError
from X2CTLib.files import replace_file, sha256

MODELS_FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Models"
"""The models that come with the extension."""
DEFAULT_MODEL = MODELS_FOLDER / "x2ct_lifting_biplanar.safetensors"
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
    if not _reconstructs(card):
        raise ModelError(f"The model {card['name']} does not reconstruct from radiographs. Choose another.")
    return list(card["architecture"]["views"])


def models_for(views: Collection[str]) -> list[str]:
    """Names of the installed models that need no other views than these."""
    return [name for path, name in reconstruction_models().items() if set(views_read(path)) <= set(views)]


def own_models_folder() -> Path:
    """Where the user's models lie: what the environment variable X2CT_MODELS says, or in the home folder."""
    return Path(os.environ.get("X2CT_MODELS") or Path.home() / "X2CTGAN" / "models")


def reconstruction_models() -> dict[Path, str]:
    """Weights files of all models that reconstruct, the extension's before the user's, with their names."""
    return _installed(_reconstructs)


def styler_models() -> dict[Path, str]:
    """Weights files of all stylers, with their names; see `styler`."""
    return _installed(_styles)


def add_model(weights: Path) -> Path:
    """Copy a model, weights and card, to the user's models; one of this file name is replaced.

    Returns:
        The copy, which `reconstruction_models` or `styler_models` finds.

    Raises:
        ModelError: It is not there, has no card or another one's, or neither reconstructs nor is a styler.
    """
    return _copy(Path(weights), Path(weights).stem)


def publish(weights: Path, name: str) -> Path:
    """The same under a name; one of this name is replaced."""
    safe = "".join(letter if letter.isalnum() or letter in "-_.+" else "_" for letter in name)
    return _copy(Path(weights), safe, name=name)


def is_own(weights: Path) -> bool:
    """Whether a model is one of the user's own, which can be deleted."""
    return Path(weights).resolve().parent == own_models_folder().resolve()


def remove_model(weights: Path) -> None:
    """Delete one of the user's models, weights and card.

    Raises:
        ModelError: It is not there, or came with the extension.
    """
    weights = Path(weights)
    if not is_own(weights):
        raise ModelError(f"{weights.name} is not one of your own models, which are in {own_models_folder()}. It stays.")
    if not weights.is_file():
        raise ModelError(f"There is no model file {weights}.")
    weights.unlink()
    card_path(weights).unlink(missing_ok=True)


def _copy(weights: Path, stem: str, **changes: str) -> Path:
    if not weights.is_file():
        raise ModelError(f"There is no model file {weights}. Choose a .safetensors file, or a run that has finished.")
    card = load_card(weights)
    if not (_reconstructs(card) or _styles(card)):
        raise ModelError(f"The model {card['name']} does not reconstruct, nor is it a styler. Choose another.")
    copy = own_models_folder() / f"{stem}.safetensors"
    with replace_file(copy) as partial, replace_file(card_path(copy)) as text:
        shutil.copyfile(weights, partial)
        if card.get("sha256", sha256(partial)) != sha256(partial):
            raise ModelError(f"The model file {weights.name} does not match its card. Get both files again.")
        card |= {**changes, "file": copy.name}
        text.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return copy


def _installed(fits: Callable[[dict], bool]) -> dict[Path, str]:
    others = sorted(path for path in MODELS_FOLDER.glob("*.safetensors") if path != DEFAULT_MODEL)
    models = {}
    for path in (DEFAULT_MODEL, *others, *sorted(own_models_folder().glob("*.safetensors"))):
        with contextlib.suppress(ModelError):  # a file without its card
            if fits(card := load_card(path)):
                models[path] = card["name"]
    return models


def _reconstructs(card: dict) -> bool:
    architecture = card.get("architecture")
    return isinstance(architecture, dict) and "views" in architecture


def _styles(card: dict) -> bool:
    conventions = card.get("conventions")
    return isinstance(conventions, dict) and "styler" in conventions
