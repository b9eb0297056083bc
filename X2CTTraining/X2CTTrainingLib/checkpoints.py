"""The state of a training on disk: written whole or not at all, and only read back by what it belongs to."""

from pathlib import Path

import torch

from X2CTLib.errors import InputError
from X2CTLib.files import replace_file

FILE = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict) -> None:
    """Replace the checkpoint of a run; whoever is killed at any moment leaves the old one or the new one."""
    with replace_file(folder / FILE) as partial:
        torch.save(state, partial)


def load_checkpoint(folder: Path, experiment: dict, device: torch.device) -> dict | None:
    """Read the checkpoint of a run.

    Args:
        folder: Of the run.
        experiment: What the run is meant to be, as plain values.
        device: Where the tensors go.

    Returns:
        The state, or None if there is none.

    Raises:
        InputError: It is damaged, or belongs to another experiment.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # what a damaged file makes torch raise is anything
        raise InputError(f"{path} is damaged. Remove it to begin anew.") from error
    if differences := sorted(_differences(state["experiment"], experiment)):
        raise InputError(
            f"{folder} holds a run of another experiment; different are: {', '.join(differences)}. "
            "Choose another output folder, or the experiment that was begun there."
        )
    return state


def _differences(one: dict, other: dict, prefix: str = "") -> list[str]:
    """The keys, like "optimiser.batch", in which nested tables differ."""
    found = []
    for key in one.keys() | other.keys():
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            found += _differences(mine, theirs, f"{prefix}{key}.")
        elif mine != theirs:
            found.append(prefix + key)
    return found
