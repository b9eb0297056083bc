"""Models that reconstruct, on disk; `model_files` says what every model's files are.

The card's own entries: architecture (see `networks.catalogue`), projections (the standard view that each
radiograph is brought to).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import safe_open

from X2CTLib.cards import DEFAULT_MODEL, views_read
from X2CTLib.errors import ModelError
from X2CTLib.geometry import CUBE_VOXELS, HU_RANGE, ProjectionGeometry, View
from X2CTLib.model_files import fitting, load_model_files, save_model_files
from X2CTLib.networks.catalogue import ReconstructionNetwork, build_network

_WEIGHTS, _TEMPLATE = "generator.", "template."
# What the code of this version does; weights made for something else must not run silently.
_CONVENTIONS = {"voxels": CUBE_VOXELS, "hu_range": list(HU_RANGE), "intensity": "percentiles 1 to 99"}


@dataclass(frozen=True)
class Model:
    """A network that is ready to run.

    Attributes:
        generator: In evaluation mode, float32, on the CPU.
        card: What it is, what it was made from, and what it is worth.
        templates: The mean standard view of the training bodies, by which radiographs are framed.
    """

    generator: ReconstructionNetwork
    card: dict
    templates: dict[View, Float[np.ndarray, "r c"]]

    @property
    def projections(self) -> dict[View, ProjectionGeometry]:
        """The standard view that each radiograph is brought to.

        Raises:
            ModelError: The card does not tell it.
        """
        try:
            entries = self.card["projections"]
            return {view: ProjectionGeometry.from_dict(entries[view.name]) for view in self.generator.views}
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"The card of the model {self.card['name']} does not tell its standard views (projections). "
                "Get the card again."
            ) from error


def save_model(path: Path, model: Model) -> None:
    """Write weights (as float16) and card; sha256, file name and conventions are filled in."""
    tensors = {_WEIGHTS + key: value for key, value in model.generator.state_dict().items()}
    tensors |= {_TEMPLATE + view.name: torch.from_numpy(image) for view, image in model.templates.items()}
    save_model_files(path, tensors, model.card, _CONVENTIONS)


def load_model(path: Path | str | None = None) -> Model:
    """Load a model, the default one if none is named.

    Raises:
        ModelError: A file is missing, changed since its card was written, or made for another version, or for a network
            that does not exist.
    """
    path = Path(path or DEFAULT_MODEL)
    tensors, card = load_model_files(path, _CONVENTIONS)
    with fitting(path):
        generator = build_network(card["architecture"])
        generator.load_state_dict(
            {key.removeprefix(_WEIGHTS): value for key, value in tensors.items() if key.startswith(_WEIGHTS)}
        )
        templates = {view: tensors[_TEMPLATE + view.name].numpy() for view in generator.views}
    return Model(generator.eval().requires_grad_(False), card, templates)


def load_templates(path: Path) -> dict[View, Float[np.ndarray, "r c"]]:
    """The templates alone of a model, in the order of its views, without reading all of its weights.

    Raises:
        ModelError: It has none.
    """
    views = [View[name] for name in views_read(path)]
    with fitting(path), safe_open(path, "pt") as file:
        return {view: file.get_tensor(_TEMPLATE + view.name).float().numpy() for view in views}
