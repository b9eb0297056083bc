"""The state of a training on disk: written whole or not at all, and only read back by what it belongs to."""

from pathlib import Path

import torch

from X2CTLib.errors import InputError
from X2CTLib.files import replace_file
from X2CTTrainingLib.experiment import Experiment
from X2CTTrainingLib.run_folder import CHECKPOINT


def save_checkpoint(folder: Path, state: dict) -> None:
    """Replace the checkpoint of a run; whoever is killed at any moment leaves the old one or the new one."""
    with replace_file(folder / CHECKPOINT) as partial:
        torch.save(state, partial)


def load_checkpoint(folder: Path, experiment: Experiment, device: torch.device) -> dict | None:
    """Read the checkpoint of a run.

    Args:
        folder: Of the run.
        experiment: What the run is meant to be.
        device: Where the tensors go.

    Returns:
        The state, or None if there is none.

    Raises:
        InputError: It is damaged, or belongs to another experiment.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # what a damaged file makes torch raise is anything
        raise InputError(f"{path} is damaged. Remove it to begin anew.") from error
    check_same_experiment(folder, state["experiment"], experiment)
    return state


def check_same_experiment(folder: Path, begun: dict, wanted: Experiment) -> None:
    """Raise InputError if the experiment of a run, as plain values, is another than what is wanted."""
    if differences := sorted(_differences(begun, wanted.to_dict())):
        raise InputError(
            f"{folder} holds a run of another experiment; different are: {', '.join(differences)}. "
            "Choose another output folder, or the experiment that was begun there."
        )


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
