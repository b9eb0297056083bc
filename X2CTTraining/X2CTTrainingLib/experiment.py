"""Experiments: what is trained and how, as a declaration in a TOML file.

`Resources/Experiments` holds one for each row of the paper's tables 1, 2 and 3, and those of the other networks. What a
file leaves out is as in the paper (section 4.3). `Resources/Experiments/Scales` holds what a scale changes in all.
"""

import tomllib
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from X2CTLib.errors import InputError

FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Experiments"
SCALES = FOLDER / "Scales"
PAPER_SCALE = "paper"
"""The experiments as they are."""

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Count = Annotated[int, Meta(ge=1)]

_T = TypeVar("_T", bound="Experiment")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of an experiment file."""


class Stage(Settings):
    """A part of a training.

    Attributes:
        epochs: Its length in passes over the training cases; or
        steps: its length in optimiser steps.
        learning_rate: At its beginning and, changing linearly, at its end.
        voxels: Edge of the cube that is predicted; 64 is an eighth of the work.
        losses: Names of those that count; all with a weight if not given.
    """

    epochs: Count | None = None
    steps: Count | None = None
    learning_rate: tuple[NotNegative, NotNegative] = (2e-4, 2e-4)
    voxels: Literal[64, 128] = 128
    losses: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("a stage has a number of epochs or of steps, one of both")


class Optimiser(Settings):
    """Adam (paper, section 4.3).

    Attributes:
        betas: Decay of the running means of gradient and squared gradient.
        batch: Samples to one step, over all processes.
        at_once: How many of them one device works on at a time; the gradients of the rest are accumulated.
    """

    betas: tuple[Share, Share] = (0.5, 0.99)
    batch: Count = 1
    at_once: Count = 1


class Data(Settings):
    """What is learned from.

    Attributes:
        test: Share of the patients that is held out to be scored.
        validation: Share that is held out to look at while training.
        patient_repeats: How often an epoch shows each patient for each time that it shows a phantom.
    """

    test: Share = 0.1
    validation: Share = 0.05
    patient_repeats: Count = 1


class Run(Settings):
    """How a training runs.

    Attributes:
        seed: Of the split, the initial weights, and the randomness of every sample.
        precision: As Lightning Fabric names them; "auto" for bfloat16 where the hardware is faster in it.
        average: Decay of the moving average of the weights, which is what gets exported.
        checkpoint_every: Steps between checkpoints.
        preview_every: Steps between looks at the validation cases.
    """

    seed: int = 0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    average: Share = 0.998
    checkpoint_every: Count = 50
    preview_every: Count = 500


class Experiment(Settings):
    """What every training has; each system adds its own tables.

    Attributes:
        system: What is trained; see `systems.SYSTEMS`.
        name: As tables and cards call the result.
    """

    system: str
    name: str
    stages: Annotated[tuple[Stage, ...], Meta(min_length=1)] = (
        Stage(epochs=50),
        Stage(epochs=50, learning_rate=(2e-4, 0.0)),
    )
    optimiser: Optimiser = Optimiser()
    data: Data = Data()
    run: Run = Run()

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return msgspec.to_builtins(self)

    def to_tables(self) -> dict:
        """The same for TOML, which has no null."""
        return _without_none(self.to_dict())


class Moment(Struct, frozen=True):
    """Where in its experiment a step stands.

    Attributes:
        step: Counted from 0.
        stage: What it belongs to.
        begins_stage: Whether it is the first of its stage.
        epoch: The pass over the training cases that its first sample belongs to, from 1.
        learning_rate: Of this step.
        samples: Numbers of its samples, counted over the whole training.
    """

    step: int
    stage: Stage
    begins_stage: bool
    epoch: int
    learning_rate: float
    samples: range


class Schedule:
    """The steps of an experiment on so many samples an epoch."""

    def __init__(self, experiment: Experiment, epoch_samples: int) -> None:
        self.stages, self.batch, self.epoch_samples = experiment.stages, experiment.optimiser.batch, epoch_samples
        lengths = [stage.steps or -(-stage.epochs * epoch_samples // self.batch) for stage in self.stages]
        self._bounds = list(pairwise([0, *accumulate(lengths)]))

    @property
    def steps(self) -> int:
        """All of them."""
        return self._bounds[-1][1]

    @property
    def epochs(self) -> int:
        """All of them, the last one maybe not whole."""
        return self.at(self.steps - 1).epoch

    def at(self, step: int) -> Moment:
        """Where a step stands; the end belongs to the last stage."""
        index = next((i for i, (_, end) in enumerate(self._bounds) if step < end), len(self.stages) - 1)
        (begin, end), stage = self._bounds[index], self.stages[index]
        first, last = stage.learning_rate
        rate = first + (last - first) * (step - begin) / (end - begin)
        samples = range(step * self.batch, (step + 1) * self.batch)
        return Moment(step, stage, step == begin, samples[0] // self.epoch_samples + 1, rate, samples)


def experiment_names() -> list[str]:
    """The experiments that come with the software."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def scale_names() -> list[str]:
    """The scales that experiments can be run at."""
    return sorted({PAPER_SCALE, *(path.stem for path in SCALES.glob("*.toml"))})


def read_tables(name: str, scale: str = PAPER_SCALE) -> dict:
    """The tables of an experiment file, as a scale changes them.

    Args:
        name: One of `experiment_names`, or the path of a .toml file.
        scale: One of `scale_names`, or the path of a .toml file.

    Raises:
        InputError: There is no such experiment or scale, or a file is not TOML.
    """
    tables = _read_toml(_file("experiment", name, FOLDER))
    return tables if scale == PAPER_SCALE else _overlaid(tables, _read_toml(_file("scale", scale, SCALES)))


def check_tables(tables: dict, kind: type[_T], name: str) -> _T:
    """The tables of an experiment as what they declare.

    Raises:
        InputError: A key is unknown or missing, or a value impossible; the message names it.
    """
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"The experiment {name} cannot be used: {error}.") from error


def _file(what: str, name: str, folder: Path) -> Path:
    """The file of an experiment or a scale that comes with the software, or one's own."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise InputError(f"There is no {what} '{name}'. Give a .toml file, or one of: {names}.")
    return path


def _read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not a TOML file: {error}.") from error


def _without_none(values):
    if isinstance(values, dict):
        return {key: _without_none(value) for key, value in values.items() if value is not None}
    return [_without_none(value) for value in values] if isinstance(values, list | tuple) else values


def _overlaid(below: dict, above: dict) -> dict:
    """Tables with some of their values replaced by others."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = _overlaid(below[key], value) if both else value
    return merged
