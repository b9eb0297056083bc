"""What can be trained. A system is a module with `EXPERIMENT`, the type of its declaration, and `build`."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lightning_fabric import Fabric

from X2CTLib.errors import InputError
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTTrainingLib.experiment import PAPER_SCALE, Experiment, check_tables, read_tables
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.style_images import StyleImage
from X2CTTrainingLib.trainer import System

SYSTEMS = {
    "reconstruction": "X2CTTrainingLib.reconstruction_system",
    "segmenter": "X2CTTrainingLib.segmenter_system",
    "styler": "X2CTTrainingLib.styler_system",
}


@dataclass(frozen=True)
class Preparation:
    """What a system may need beside the CTs to prepare what it learns from.

    Attributes:
        radiographs: Unpaired, as standard views.
        cache: Folder for what is prepared once.
        progress: Told after every part.
        cancel: Looked at as often.
    """

    radiographs: Sequence[StyleImage]
    cache: Path
    progress: Progress = silent
    cancel: CancelToken | None = None


def read_experiment(name: str, scale: str = PAPER_SCALE) -> Experiment:
    """Read an experiment.

    Args:
        name: One that comes with the software, or the path of a .toml file.
        scale: See `experiment.scale_names`.

    Raises:
        InputError: There is none, or it declares something impossible; the message names the key.
    """
    tables = read_tables(name, scale)
    return check_tables(tables, _module(tables.get("system", ""), name).EXPERIMENT, name)


def build_system(experiment: Experiment, split: Split, fabric: Fabric, preparation: Preparation) -> System:
    """The networks of an experiment, with their data."""
    return _module(experiment.system, experiment.name).build(experiment, split, fabric, preparation)


def _module(system: str, name: str) -> ModuleType:
    if system not in SYSTEMS:
        raise InputError(
            f"The experiment {name} trains no system that exists: 'system' is one of {', '.join(SYSTEMS)}."
        )
    return importlib.import_module(SYSTEMS[system])
