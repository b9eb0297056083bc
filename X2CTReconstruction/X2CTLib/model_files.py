"""Files of every kind of model: weights as safetensors, and beside them a JSON card that says what they are.

Every card has: name, file, sha256 (of the weights file), conventions (what the code that made it does), architecture,
data, training, scores, limits, licence.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from X2CTLib.cards import card_path, load_card
from X2CTLib.errors import ModelError
from X2CTLib.files import replace_file, sha256


def save_model_files(path: Path, tensors: dict[str, Float[Tensor, "..."]], card: dict, conventions: dict) -> None:
    """Write tensors (as float16) and card; file name, sha256 and conventions are filled in."""
    path = Path(path)
    with replace_file(path) as weights, replace_file(card_path(path)) as text:
        save_file({key: value.half().contiguous() for key, value in tensors.items()}, weights)
        weights.chmod(0o644)  # it is made for its owner only
        card = {**card, "file": path.name, "sha256": sha256(weights), "conventions": conventions}
        text.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def load_model_files(path: Path, conventions: dict) -> tuple[dict[str, Float[Tensor, "..."]], dict]:
    """Tensors, in float32, and card.

    Raises:
        ModelError: A file is missing, changed since its card was written, or made under other conventions.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"There is no model file {path.name}. Choose a .safetensors file with its .json card.")
    card = load_card(path)
    if card.get("sha256") != sha256(path):
        raise ModelError(
            f"The model file {path.name} does not match its card: it is damaged or was changed. Get it again."
        )
    if card.get("conventions") != conventions:
        raise ModelError(f"The model {card['name']} was made for another version of this software.")
    with fitting(path):
        return {key: value.float() for key, value in load_file(path).items()}, card


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Say of what fails in the block, where a network is built and filled, that the files do not fit each other."""
    try:
        yield
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The weights in {path.name} do not fit the network that its card describes.") from error
