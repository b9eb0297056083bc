"""An experiment with other main numbers, and what it will take of the machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch

from X2CTLib.geometry import CUBE_VOXELS
from X2CTLib.networks.catalogue import build_network
from X2CTTrainingLib.discriminator import Discriminator
from X2CTTrainingLib.experiment import PAPER_SCALE, check_tables
from X2CTTrainingLib.reconstruction_system import ReconstructionExperiment
from X2CTTrainingLib.systems import read_experiment

_CUBE_BYTES = 2 * CUBE_VOXELS**3
_STATES = 4  # of each parameter: weight, gradient, and the two running means of Adam


def adjusted(
    name: str,
    scale: str = PAPER_SCALE,
    length: float = 1.0,
    batch: int | None = None,
    learning_rate: float | None = None,
    width: float | None = None,
    precision: str = "auto",
) -> dict:
    """The tables of an experiment, complete, with some of its numbers replaced.

    Args:
        name: One that comes with the software, or the path of a .toml file.
        scale: See `experiment.scale_names`.
        length: Factor of the epochs or steps of every stage.
        batch: Samples to one step; None for the experiment's own.
        learning_rate: The highest of all stages; the others keep their ratio to it.
        width: Channels of the network relative to the paper's.
        precision: See `experiment.Run`.

    Raises:
        InputError: The experiment does not exist, or a number is impossible.
    """
    tables = read_experiment(name, scale).to_tables()
    highest = max(rate for stage in tables["stages"] for rate in stage["learning_rate"])
    for stage in tables["stages"]:
        for unit in {"epochs", "steps"} & stage.keys():
            stage[unit] = max(1, round(length * stage[unit]))
        if learning_rate is not None:
            stage["learning_rate"] = [rate * learning_rate / highest for rate in stage["learning_rate"]]
    if batch is not None:
        tables["optimiser"]["batch"] = batch
    if width is not None:
        tables["network"]["width"] = width
    tables["run"]["precision"] = precision
    check_tables(tables, ReconstructionExperiment, name)
    return tables


@dataclass(frozen=True)
class Need:
    """What a training takes, about.

    Attributes:
        parameters: Of all its networks.
        memory_bytes: On the device that trains.
        disk_bytes: Of the run's folder and the prepared cubes.
    """

    parameters: int
    memory_bytes: int
    disk_bytes: int


def need(tables: dict, cases: int) -> Need:
    """What an experiment takes on so many cases; found without computing anything, from the shapes alone."""
    experiment = check_tables(tables, ReconstructionExperiment, tables["name"])
    with torch.device("meta"):
        networks = [build_network(experiment.network.architecture())]
        images = torch.empty(1, len(networks[0].views), networks[0].pixels, networks[0].pixels)
        voxels = max(stage.voxels for stage in experiment.stages)
        volume = torch.empty(1, voxels, voxels, voxels)
        inputs = [(images, voxels < CUBE_VOXELS)]
        if experiment.losses.adversarial:
            views = networks[0].views if experiment.losses.conditional else ()
            networks.append(Discriminator(experiment.network.width, views))
            inputs.append((volume, images))
        values = sum(prod(shape) for pair in zip(networks, inputs, strict=True) for shape in _outputs(*pair))
    parameters = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    # The moving average of the generator is one state more, and a checkpoint has it in the place of the gradient.
    states = _STATES * sum(parameters) + parameters[0]
    checkpoint = 4 * (states - sum(parameters))
    return Need(
        sum(parameters),
        # Of every value there is a gradient.
        4 * (states + 2 * values * experiment.optimiser.at_once),
        # The old checkpoint goes when the new one is whole; weights are exported in half precision.
        2 * checkpoint + 2 * parameters[0] + cases * _CUBE_BYTES,
    )


def _outputs(network: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Iterator[torch.Size]:
    """The shapes of all that the layers of a network keep for the way back."""
    shapes: list[torch.Size] = []
    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(lambda _, __, output: shapes.append(output.shape)) for leaf in leaves]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    yield from shapes
